package dev.affinis.instrument.torchscript;

import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.torchscript.ScriptFile.ScriptClass;
import dev.affinis.instrument.torchscript.ScriptFunction.Call;
import dev.affinis.instrument.torchscript.ScriptFunction.Parameter;
import dev.affinis.instrument.torchscript.ScriptFunction.Range;
import dev.affinis.instrument.torchscript.ScriptFunction.Statement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Finds classes, functions, statements and calls in one source file of an archive. It reads the
 * printed form of TorchScript only: top-level declarations in column 0, members of a class in
 * column 2, one statement a line. Expressions are not parsed further than their calls.
 *
 * <p>Nesting is limited, far beyond what programs have: the engine's own parser recurses, and ends
 * the process when its stack does.
 */
final class ScriptParser {
  /** Names that may stand before a parenthesis without calling anything. */
  private static final Set<String> KEYWORDS =
      Set.of("return", "if", "elif", "while", "for", "in", "is", "and", "or", "not", "assert");

  private static final int DEEPEST_BRACKET = 100;
  private static final int DEEPEST_COLUMN = 400;

  private final String name;
  private final String source;
  private final String module;
  private final List<Token> tokens;

  /** For each opening bracket the position of the closing one; -1 elsewhere. */
  private final int[] match;

  private final List<ScriptClass> classes = new ArrayList<>();
  private final List<ScriptFunction> functions = new ArrayList<>();

  private ScriptParser(String name, String source) {
    this.name = name;
    this.source = source;
    this.module = name.substring(0, name.length() - ".py".length()).replace('/', '.');
    this.tokens = Tokenizer.tokenize(source, name);
    this.match = matchBrackets();
  }

  /**
   * Parses a file.
   *
   * @param name path inside the {@code code} folder, ending in {@code .py}
   * @param source its text
   * @return what it declares
   * @throws InvalidInputException if brackets do not match or a declaration is not understood
   */
  static ScriptFile parse(String name, String source) {
    return new ScriptParser(name, source).run();
  }

  private ScriptFile run() {
    int i = 0;
    while (!at(i, "")) {
      if (at(i, "class")) {
        i = parseClass(i);
      } else if (at(i, "def")) {
        ScriptFunction function = parseFunction(i, null);
        functions.add(function);
        i = function.bodyEnd();
      } else {
        i++;
      }
    }
    return new ScriptFile(name, source, tokens, classes, functions);
  }

  /** {@code class Name(Base):} with members two columns to the right. */
  private int parseClass(int start) {
    int column = tokens.get(start).column();
    String className = module + "." + declared(start);
    int i = start + 2;
    String base = "";
    if (at(i, "(")) {
      base = text(i + 1, match[i]);
      i = match[i] + 1;
    }
    i = expect(i, ":", "class " + className);
    Map<String, String> attributes = new LinkedHashMap<>();
    Map<String, ScriptFunction> methods = new LinkedHashMap<>();
    while (!ends(i, column)) {
      if (at(i, "def")) {
        ScriptFunction method = parseFunction(i, className);
        functions.add(method);
        methods.put(method.name(), method);
        i = method.bodyEnd();
      } else {
        int end = endOfStatement(i);
        if (at(i, "__annotations__") && at(i + 1, "[") && isString(i + 2)) {
          attributes.put(unquote(tokens.get(i + 2).text()), text(i + 5, end));
        } else if (at(i + 1, ":")) {
          int assigned = i + 2;
          while (assigned < end && !at(assigned, "=")) {
            assigned++;
          }
          attributes.put(tokens.get(i).text(), text(i + 2, assigned));
        }
        i = end;
      }
    }
    classes.add(new ScriptClass(className, base, attributes, methods));
    return i;
  }

  /** {@code def name(a: T, b: U=0) -> V:} and the indented body. */
  private ScriptFunction parseFunction(int start, String owner) {
    int column = tokens.get(start).column();
    String functionName = declared(start);
    int open = start + 2;
    if (!at(open, "(")) {
      throw damaged("expected ( after def " + functionName, open);
    }
    int close = match[open];
    List<Parameter> parameters = new ArrayList<>();
    for (Range range : split(open, close)) {
      int colon = range.from() + 1;
      int end = range.to();
      int typeEnd = colon + 1;
      while (typeEnd < end && !at(typeEnd, "=")) {
        typeEnd = after(typeEnd);
      }
      String type = at(colon, ":") ? text(colon + 1, typeEnd) : "Tensor";
      parameters.add(new Parameter(tokens.get(range.from()).text(), type, end));
    }
    int colon = close + 1;
    while (!at(colon, ":")) {
      if (at(colon, "")) {
        throw damaged("def " + functionName + " has no body", start);
      }
      colon = after(colon);
    }
    String returnType = at(close + 1, "-") ? text(close + 3, colon) : "NoneType";
    int bodyStart = colon + 1;
    int bodyEnd = bodyStart;
    List<Statement> statements = new ArrayList<>();
    while (!ends(bodyEnd, column)) {
      int end = endOfStatement(bodyEnd);
      boolean binds = tokens.get(bodyEnd).isName() && at(bodyEnd + 1, "=") && !at(bodyEnd + 2, "=");
      statements.add(
          new Statement(
              bodyEnd,
              end,
              tokens.get(bodyEnd).column(),
              binds ? tokens.get(bodyEnd).text() : null));
      bodyEnd = end;
    }
    if (statements.isEmpty() || (owner != null && parameters.isEmpty())) {
      String lacks = statements.isEmpty() ? "body" : "parameter for its object";
      throw damaged("def " + functionName + " has no " + lacks, start);
    }
    List<Call> calls = parseCalls(bodyStart, bodyEnd);
    return new ScriptFunction(
        name,
        owner,
        functionName,
        List.copyOf(parameters),
        returnType,
        open,
        close,
        bodyStart,
        bodyEnd,
        List.copyOf(statements),
        calls);
  }

  private List<Call> parseCalls(int from, int to) {
    List<Call> calls = new ArrayList<>();
    int i = from;
    while (i < to) {
      Call call = callAt(i, to);
      if (call == null) {
        i++;
      } else {
        calls.add(call);
        i = call.close() + 1;
      }
    }
    return List.copyOf(calls);
  }

  private Call callAt(int i, int to) {
    if (at(i, "(")) {
      int close = match[i];
      boolean method =
          close + 3 < to && at(close + 1, ".") && isName(close + 2) && at(close + 3, "(");
      return method ? call(tokens.get(close + 2).text(), i + 1, close, i, close + 3) : null;
    }
    if (!isName(i) || KEYWORDS.contains(tokens.get(i).text()) || at(i - 1, ".")) {
      return null;
    }
    int end = i + 1;
    while (end + 1 < to && at(end, ".") && isName(end + 1)) {
      end += 2;
    }
    // A statement that begins with a parenthesis calls nothing that ended the one before.
    boolean calls = end < to && at(end, "(") && !tokens.get(end).firstOnLine();
    return calls ? call(text(i, end), -1, -1, i, end) : null;
  }

  private Call call(String callee, int receiverFrom, int receiverTo, int from, int open) {
    int close = match[open];
    List<Call> inner = new ArrayList<>();
    if (receiverFrom >= 0) {
      inner.addAll(parseCalls(receiverFrom, receiverTo));
    }
    inner.addAll(parseCalls(open + 1, close));
    return new Call(callee, receiverFrom, receiverTo, from, open, close, split(open, close), inner);
  }

  /** The comma-separated parts between two brackets; a trailing comma adds none. */
  private List<Range> split(int open, int close) {
    List<Range> parts = new ArrayList<>();
    int from = open + 1;
    for (int i = from; i <= close; i = i < close ? after(i) : i + 1) {
      if (i == close || at(i, ",")) {
        if (i > from) {
          parts.add(new Range(from, i));
        }
        from = i + 1;
      }
    }
    return List.copyOf(parts);
  }

  /** The position after the token at i, or after its closing bracket if it opens one. */
  private int after(int i) {
    return match[i] < 0 ? i + 1 : match[i] + 1;
  }

  private int endOfStatement(int i) {
    int end = after(i);
    while (!tokens.get(end).firstOnLine()) {
      end = after(end);
    }
    return end;
  }

  /** Whether the token at i closes a block whose header stands in the given column. */
  private boolean ends(int i, int column) {
    Token token = tokens.get(i);
    return token.kind() == Token.Kind.END || (token.firstOnLine() && token.column() <= column);
  }

  private int[] matchBrackets() {
    int[] result = new int[tokens.size()];
    int[] stack = new int[DEEPEST_BRACKET];
    int depth = 0;
    for (int i = 0; i < result.length; i++) {
      result[i] = -1;
      Token token = tokens.get(i);
      if (token.firstOnLine() && token.column() > DEEPEST_COLUMN) {
        throw damaged("blocks nested into column " + token.column(), i);
      }
      if (token.is("(") || token.is("[") || token.is("{")) {
        if (depth == DEEPEST_BRACKET) {
          throw damaged("more than " + DEEPEST_BRACKET + " brackets in each other", i);
        }
        stack[depth++] = i;
      } else if (token.is(")") || token.is("]") || token.is("}")) {
        if (depth == 0 || !closes(tokens.get(stack[depth - 1]), token)) {
          throw damaged("unexpected " + token.text(), i);
        }
        result[stack[--depth]] = i;
      }
    }
    if (depth > 0) {
      throw damaged(tokens.get(stack[depth - 1]).text() + " is never closed", stack[depth - 1]);
    }
    return result;
  }

  private static boolean closes(Token open, Token close) {
    return switch (open.text()) {
      case "(" -> close.is(")");
      case "[" -> close.is("]");
      default -> close.is("}");
    };
  }

  private int expect(int i, String symbol, String where) {
    if (!at(i, symbol)) {
      throw damaged("expected " + symbol + " after " + where, i);
    }
    return i + 1;
  }

  /** The name behind {@code class} or {@code def}. */
  private String declared(int start) {
    if (!isName(start + 1)) {
      throw damaged("no name after " + tokens.get(start).text(), start);
    }
    return tokens.get(start + 1).text();
  }

  private boolean isString(int i) {
    return i < tokens.size() && tokens.get(i).kind() == Token.Kind.STRING;
  }

  private boolean at(int i, String text) {
    return i >= 0 && i < tokens.size() && tokens.get(i).is(text);
  }

  private boolean isName(int i) {
    return i < tokens.size() && tokens.get(i).isName();
  }

  private String text(int from, int to) {
    return from >= to ? "" : source.substring(tokens.get(from).start(), tokens.get(to - 1).end());
  }

  /** The text of a string literal; attribute names need no escapes but quotes and backslashes. */
  static String unquote(String literal) {
    return literal.substring(1, literal.length() - 1).replaceAll("\\\\(.)", "$1");
  }

  private InvalidInputException damaged(String what, int position) {
    return new InvalidInputException(
        "TorchScript source "
            + name
            + " cannot be read: "
            + what
            + " at character "
            + tokens.get(Math.min(position, tokens.size() - 1)).start()
            + "; export the model again with torch.jit.save");
  }
}
