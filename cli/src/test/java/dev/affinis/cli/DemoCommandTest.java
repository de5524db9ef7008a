package dev.affinis.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.affinis.signature.Signature;
import dev.affinis.signature.SignatureFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DemoCommandTest {
  private static final List<String> MODELS =
      List.of(
          "alexnet", "vgg", "googlenet", "resnet", "densenet", "mobilenetv3", "convnext", "vit");

  @TempDir Path folder;

  @Test
  void measuresTheBundledModelsAndComparesThem() throws IOException {
    Path out = folder.resolve("demo");
    CommandRun run = CommandRun.of("demo", "--out", out);
    assertEquals(ExitCodes.DONE, run.code(), run.err());
    for (String model : MODELS) {
      Signature signature = SignatureFile.read(out.resolve(model + ".json"));
      assertEquals("bundled images.npz", signature.data().source());
      assertFalse(signature.layers().isEmpty());
    }
    Path report = out.resolve("report.html");
    assertTrue(run.out().contains("wrote their comparison to " + report), run.out());
    String page = Files.readString(report);
    assertTrue(page.contains("\"accuracy\":0.965"), "the report has accuracies");
    assertTrue(page.contains("\"published\":{"), "the report has published networks");
    assertEquals(ExitCodes.DONE, CommandRun.of("compare", out.resolve("vit.json")).code());
  }
}
