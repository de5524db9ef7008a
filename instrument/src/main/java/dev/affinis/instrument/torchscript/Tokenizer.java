package dev.affinis.instrument.torchscript;

import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.torchscript.Token.Kind;
import java.util.ArrayList;
import java.util.List;

/**
 * Splits TorchScript source, as {@code torch.jit.save} prints it, into tokens. Names, numbers and
 * strings are kept whole; every other character is a symbol of its own. Blanks and comments are
 * dropped: they stay reachable through the tokens' offsets.
 */
final class Tokenizer {
  /** Texts of symbols, so that not each of many brackets is a string of its own. */
  private static final String[] SYMBOLS = new String[128];

  static {
    for (char c = 0; c < SYMBOLS.length; c++) {
      SYMBOLS[c] = String.valueOf(c);
    }
  }

  private final String source;
  private final String file;
  private final List<Token> tokens = new ArrayList<>();
  private int position;
  private int lineStart;
  private boolean lineIsBlank = true;

  private Tokenizer(String source, String file) {
    this.source = source;
    this.file = file;
  }

  /**
   * Tokenizes a file.
   *
   * @param source the whole text
   * @param file its name, for messages
   * @return the tokens, closed by one of kind {@code END} in column 0
   * @throws InvalidInputException if a string is not closed
   */
  static List<Token> tokenize(String source, String file) {
    return new Tokenizer(source, file).run();
  }

  private List<Token> run() {
    while (position < source.length()) {
      char c = source.charAt(position);
      if (c == '\n') {
        position++;
        lineStart = position;
        lineIsBlank = true;
      } else if (c == ' ' || c == '\t' || c == '\r') {
        position++;
      } else if (c == '#') {
        position = endOfLine();
      } else if (c == '"' || c == '\'') {
        add(Kind.STRING, endOfString(c));
      } else if (isNameStart(c)) {
        add(Kind.NAME, endOfWord());
      } else if (isDigit(c) || (c == '.' && startsFraction())) {
        add(Kind.NUMBER, endOfNumber());
      } else {
        add(Kind.SYMBOL, position + 1);
      }
    }
    tokens.add(new Token(Kind.END, "", source.length(), 0, true));
    return tokens;
  }

  private void add(Kind kind, int end) {
    char first = source.charAt(position);
    String text =
        end == position + 1 && first < SYMBOLS.length
            ? SYMBOLS[first]
            : source.substring(position, end);
    tokens.add(new Token(kind, text, position, position - lineStart, lineIsBlank));
    lineIsBlank = false;
    position = end;
  }

  private int endOfLine() {
    int end = source.indexOf('\n', position);
    return end < 0 ? source.length() : end;
  }

  private int endOfString(char quote) {
    for (int i = position + 1; i < source.length(); i++) {
      char c = source.charAt(i);
      if (c == '\\') {
        i++;
      } else if (c == quote) {
        return i + 1;
      } else if (c == '\n') {
        break;
      }
    }
    throw new InvalidInputException(
        "TorchScript source "
            + file
            + " has an unclosed string at character "
            + position
            + ": the archive is damaged or was not written by torch.jit.save, export it again");
  }

  private int endOfWord() {
    int end = position;
    while (end < source.length() && (isNameStart(source.charAt(end)) || isDigitAt(end))) {
      end++;
    }
    return end;
  }

  /** Numbers as printed by PyTorch: 6, 0., 1.0000000000000001e-05, 0x1F, 2.5j. */
  private int endOfNumber() {
    int end = position;
    while (end < source.length()) {
      char c = source.charAt(end);
      boolean exponentSign = (c == '+' || c == '-') && isExponent(source.charAt(end - 1));
      if (!isDigit(c) && !isNameStart(c) && c != '.' && !exponentSign) {
        break;
      }
      end++;
    }
    return end;
  }

  private boolean isExponent(char c) {
    return (c == 'e' || c == 'E') && !source.startsWith("0x", position);
  }

  /** A dot starts a number only after something that cannot have attributes: {@code , .5}. */
  private boolean startsFraction() {
    if (!isDigitAt(position + 1) || tokens.isEmpty()) {
      return false;
    }
    Token last = tokens.get(tokens.size() - 1);
    boolean touches = last.end() == position;
    return !touches || !(last.isName() || last.is(")") || last.is("]"));
  }

  private boolean isDigitAt(int index) {
    return index < source.length() && isDigit(source.charAt(index));
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private static boolean isNameStart(char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c > 127;
  }
}
