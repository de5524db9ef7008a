package dev.affinis.signature;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.affinis.fuzz.ByteMutator;
import dev.affinis.fuzz.ClearError;
import dev.affinis.fuzz.Fuzz;
import dev.affinis.fuzz.JsonMutator;
import dev.affinis.fuzz.Mutator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Signature files of other programs: what is taken is written and read again the same. */
class SignatureFileFuzzTest {
  private static final Path FILE = Fuzz.temporaryFile(".json");

  private static final Fuzz FUZZ =
      Fuzz.builder()
          .setName("signature")
          .setTarget(SignatureFileFuzzTest::read)
          .optAccepted(IllegalArgumentException.class)
          .optMutator(
              Mutator.anyOf(
                  new JsonMutator(
                      "schema",
                      SignatureFile.SCHEMA,
                      "model",
                      "data",
                      "settings",
                      "layers",
                      "skipped",
                      "scores",
                      "notes",
                      "errors",
                      "gaps",
                      "values",
                      "affinity",
                      "shape",
                      "dimension",
                      "preprocess",
                      "classes",
                      "smallest_class",
                      "onnx",
                      "relu"),
                  new ByteMutator()))
          .build();

  private static void read(byte[] bytes) throws IOException {
    Files.write(FILE, bytes);
    Signature signature;
    try {
      signature = SignatureFile.read(FILE);
    } catch (IllegalArgumentException e) {
      throw ClearError.check(e, FILE.getFileName().toString());
    }
    String written = SignatureFile.toJson(signature);
    Files.writeString(FILE, written);
    assertEquals(written, SignatureFile.toJson(SignatureFile.read(FILE)));
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
