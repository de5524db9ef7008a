package dev.affinis.signature;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.affinis.signature.TokenPolicy.Choice;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenPolicyTest {
  @ParameterizedTest
  @ValueSource(strings = {"all", "class", "patches", "masked:attention_mask", "masked:1"})
  void wordsAreReadAsTheyAreWritten(String word) {
    assertEquals(word, TokenPolicy.parse(word).word());
  }

  @Test
  void masksHaveANameOrANumber() {
    assertEquals(TokenPolicy.masked("1"), TokenPolicy.masked(1));
    assertEquals("masked:0", TokenPolicy.masked(0).word());
    assertEquals("a:b", TokenPolicy.parse("masked:a:b").input());
    assertThrows(IllegalArgumentException.class, () -> TokenPolicy.masked(-1));
    assertThrows(IllegalArgumentException.class, () -> new TokenPolicy(Choice.CLASS, "mask"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "cls", "ALL", "masked", "masked:", "masked: "})
  void otherWordsAreRefused(String word) {
    Exception e = assertThrows(IllegalArgumentException.class, () -> TokenPolicy.parse(word));
    assertTrue(e.getMessage().contains("masked:"), e.getMessage());
  }
}
