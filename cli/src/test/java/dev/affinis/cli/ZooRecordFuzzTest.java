package dev.affinis.cli;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.affinis.fuzz.ByteMutator;
import dev.affinis.fuzz.Fuzz;
import dev.affinis.fuzz.JsonMutator;
import dev.affinis.fuzz.Mutator;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Records of finished signatures that were damaged: one that is not whole counts for nothing. */
class ZooRecordFuzzTest {
  private static final ZooKey KEY =
      new ZooKey("1.0", "abc", "random", "random", Map.of("samples", "64"));

  private static final Fuzz FUZZ =
      Fuzz.builder()
          .setName("zoo-record")
          .setTarget(json -> assertTrue(ZooKey.parse(json).key().difference(KEY).length() > 0))
          .optAccepted(IllegalArgumentException.class)
          .optSeed(KEY.toJson("00ff").getBytes(StandardCharsets.UTF_8))
          .optMutator(
              Mutator.anyOf(
                  new JsonMutator("schema", "settings", "signature", "version"), new ByteMutator()))
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
