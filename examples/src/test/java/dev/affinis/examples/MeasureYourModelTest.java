package dev.affinis.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.affinis.signature.SignatureFile;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The example that the README starts with works. */
class MeasureYourModelTest {
  private static final Path ROOT = Path.of("..");

  @Test
  void exampleRunsOnABundledModel(@TempDir Path folder) throws IOException {
    Path zoo = ROOT.resolve("model-zoo-tests/zoo");
    Path out = folder.resolve("signature.json");
    MeasureYourModel.main(
        new String[] {
          zoo.resolve("models/alexnet.traced.pt").toString(),
          zoo.resolve("images.npz").toString(),
          out.toString()
        });
    assertEquals(7, SignatureFile.read(out).layers().size());
  }
}
