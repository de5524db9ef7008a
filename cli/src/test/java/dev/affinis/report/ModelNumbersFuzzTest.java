package dev.affinis.report;

import dev.affinis.fuzz.ByteMutator;
import dev.affinis.fuzz.ClearError;
import dev.affinis.fuzz.Fuzz;
import dev.affinis.fuzz.Mutator;
import dev.affinis.fuzz.TextMutator;
import dev.affinis.instrument.InvalidInputException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Tables of accuracies that are none. */
class ModelNumbersFuzzTest {
  private static final Path FILE = Fuzz.temporaryFile(".csv");

  private static final List<ComparedModel> MODELS =
      List.of(
          new ComparedModel("net", FILE, Instant.EPOCH, Signatures.of("net", 0.5), Map.of()),
          new ComparedModel("other", FILE, Instant.EPOCH, Signatures.of("other", 0.5), Map.of()));

  private static final Fuzz FUZZ =
      Fuzz.builder()
          .setName("numbers")
          .setTarget(ModelNumbersFuzzTest::read)
          .optAccepted(InvalidInputException.class)
          .optSeed(
              "model,accuracy,top 5\nnet,0.7,0.9\nother,,1e-3\n\"a, b\",0.5,0.6\n"
                  .getBytes(StandardCharsets.UTF_8))
          .optMutator(
              Mutator.anyOf(
                  new TextMutator("model", "net", "other", "NaN", "Infinity", "0x1p3", "1d", "\""),
                  new ByteMutator("\uFEFF", "\r\n")))
          .build();

  private static void read(byte[] bytes) throws IOException {
    Files.write(FILE, bytes);
    try {
      ModelNumbers.addTo(MODELS, FILE);
    } catch (InvalidInputException e) {
      throw ClearError.check(e, FILE.getFileName().toString());
    }
  }

  /** Called by Jazzer. */
  public static void fuzzerTestOneInput(byte[] input) {
    FUZZ.execute(input);
  }

  @Test
  void nothingButAClearError() {
    FUZZ.run().requireBoth();
  }
}
