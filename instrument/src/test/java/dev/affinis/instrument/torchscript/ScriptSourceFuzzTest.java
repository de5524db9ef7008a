package dev.affinis.instrument.torchscript;

import dev.affinis.fuzz.ByteMutator;
import dev.affinis.fuzz.Fuzz;
import dev.affinis.fuzz.Mutator;
import dev.affinis.fuzz.TextMutator;
import dev.affinis.instrument.InvalidInputException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** Source files that torch.jit.save would not have written: tokenizer and parser. */
class ScriptSourceFuzzTest {
  private static final Fuzz FUZZ =
      Fuzz.builder()
          .setName("script-source")
          .setTarget(text -> ScriptParser.parse("f.py", new String(text, StandardCharsets.UTF_8)))
          .optAccepted(InvalidInputException.class)
          .optMutator(
              Mutator.anyOf(new TextMutator(ScriptWords.ALL), new ByteMutator(ScriptWords.ALL)))
          .build();

  /** Called by Jazzer. */
  public static void fuzzerTestOneInput(byte[] input) {
    FUZZ.execute(input);
  }

  @Test
  void nothingButAClearError() {
    FUZZ.run().requireBoth();
  }
}
