package dev.affinis.instrument.torchscript;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.torchscript.Token.Kind;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TokenizerTest {
  /** All tokens but the end, one blank between two. */
  private static String texts(String source) {
    List<Token> tokens = Tokenizer.tokenize(source, "f.py");
    assertEquals(Kind.END, tokens.get(tokens.size() - 1).kind());
    return String.join(" ", tokens.stream().map(Token::text).toList()).stripTrailing();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "6 | NUMBER",
        "0. | NUMBER",
        "0123456789 | NUMBER",
        "1.0000000000000001e-05 | NUMBER",
        "1E+3 | NUMBER",
        "2.5j | NUMBER",
        "0x1F | NUMBER",
        "_x9 | NAME",
        "azAZ_09 | NAME",
        "\u00e9t\u00e9 | NAME",
        "\u0080 | NAME",
        "\"a # b\" | STRING",
        "'it\\'s \"' | STRING",
        "\"\" | STRING"
      })
  void wholeWordsAreOneToken(String word, Kind kind) {
    List<Token> tokens = Tokenizer.tokenize(word, "f.py");
    assertEquals(2, tokens.size());
    assertEquals(word, tokens.get(0).text());
    assertEquals(kind, tokens.get(0).kind());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "a+b | a + b",
        "1+2 | 1 + 2",
        "1-e | 1 - e",
        "0x1E+2 | 0x1E + 2",
        "1e5-2 | 1e5 - 2",
        "(-1.5) | ( - 1.5 )",
        "x.relu_(y) | x . relu_ ( y )",
        "[.5, x.5, (x).5, x[0].5, x .5] | [ .5 , x . 5 , ( x ) . 5 , x [ 0 ] . 5 , x .5 ]",
        ".5 | . 5",
        "x. | x .",
        ". | .",
        "@[`{/:^ | @ [ ` { / : ^",
        "a\u007fb | a \u007f b",
        "x\t\r y#(\" | x y",
        "# all of it |"
      })
  void everythingElseStandsAlone(String source, String tokens) {
    assertEquals(tokens == null ? "" : tokens, texts(source));
  }

  @Test
  void tokensKnowWhereTheyStand() {
    String source = "a\n  b c # d\n\n\"e\"";
    List<Token> tokens = Tokenizer.tokenize(source, "f.py");
    assertEquals(
        List.of(
            new Token(Kind.NAME, "a", 0, 0, true),
            new Token(Kind.NAME, "b", 4, 2, true),
            new Token(Kind.NAME, "c", 6, 4, false),
            new Token(Kind.STRING, "\"e\"", 13, 0, true),
            new Token(Kind.END, "", source.length(), 0, true)),
        tokens);
    assertEquals(16, tokens.get(3).end());
  }

  @Test
  void aStringIsNeverTakenForWhatItSays() {
    Token string = Tokenizer.tokenize("'('", "f.py").get(0);
    assertFalse(string.is("'('"));
    assertFalse(string.isName());
    assertTrue(Tokenizer.tokenize("(", "f.py").get(0).is("("));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "x = \"abc | 4",
        "x = 'abc\" | 4",
        "x = \"abc~\" | 4",
        "\"a\\ | 0",
        "\"a\\\" | 0",
        "\"a\\\"~\" | 0"
      })
  void anUnclosedStringIsNamedByItsPlace(String source, int position) {
    String text = source.replace('~', '\n');
    String message =
        assertThrows(InvalidInputException.class, () -> Tokenizer.tokenize(text, "f.py"))
            .getMessage();
    assertTrue(
        message.startsWith(
            "TorchScript source f.py has an unclosed string at character " + position + ":"),
        message);
  }
}
