package dev.affinis.instrument.torchscript;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.affinis.fuzz.ByteMutator;
import dev.affinis.fuzz.Fuzz;
import org.junit.jupiter.api.Test;

/**
 * Lists of constants that torch.jit.save would not have written. None is refused: where one is not
 * understood, its numbers are not known.
 */
class ScriptConstantsFuzzTest {
  private static final Fuzz FUZZ =
      Fuzz.builder()
          .setName("script-constants")
          .setTarget(
              pickle ->
                  ScriptConstants.read(
                      pickle, (entry, from, length) -> from > 8 ? null : new byte[length]))
          .optMutator(
              new ByteMutator(
                  "ctorch._utils\n_rebuild_tensor_v2\n",
                  "ctorch\nDoubleStorage\n",
                  "X\u0003\u0000\u0000\u0000cpu",
                  "((((((((",
                  "tttt",
                  "QRQR"))
          .build();

  /** Called by Jazzer. */
  public static void fuzzerTestOneInput(byte[] input) {
    FUZZ.execute(input);
  }

  @Test
  void nothingButNumbersOrNone() {
    assertEquals(0, FUZZ.run().refused());
  }
}
