package dev.affinis.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.affinis.signature.SignatureFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The README's Java example is this module's code, and it works. */
class MeasureYourModelTest {
  private static final Path ROOT = Path.of("..");

  @Test
  void readmeShowsThisCode() throws IOException {
    String source =
        Files.readString(
            ROOT.resolve("examples/src/main/java/dev/affinis/examples/MeasureYourModel.java"));
    String snippet =
        source.substring(
            source.indexOf("// README: from here\n") + "// README: from here\n".length(),
            source.indexOf("    // README: to here"));
    String readme = Files.readString(ROOT.resolve("README.md"));
    assertTrue(
        readme.contains(snippet.stripTrailing().stripIndent()),
        "README.md must show the lines between the markers of MeasureYourModel.java");
  }

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
