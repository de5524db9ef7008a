package dev.affinis.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Hooks in a loop of one's own hear every image and leave predictions alone. */
class HookYourLoopTest {
  private static final Path MODEL = Path.of("../model-zoo-tests/zoo/models/resnet.traced.pt");

  @TempDir private Path folder;

  @Test
  void printsMeanAndSparsityPerSiteAndThenTheClass() throws Exception {
    Path model = servedModel();
    Path photos = photos();
    List<String> lines =
        StandardOutput.of(
            () -> HookYourLoop.main(new String[] {model.toString(), photos.toString()}));
    assertEquals(2 * (13 + 1), lines.size(), () -> String.join("\n", lines));
    for (int image = 0; image < 2; image++) {
      for (String line : lines.subList(14 * image, 14 * image + 13)) {
        assertTrue(
            line.matches("  \\S+( \\(call 2\\))?  mean \\d+\\.\\d{4}  sparsity [01]\\.\\d{3}"),
            line);
        double sparsity = Double.parseDouble(line.replaceAll(".*sparsity ", ""));
        assertTrue(sparsity > 0 && sparsity < 1, line);
      }
    }
    assertEquals(photos.resolve("0-disc.png") + ": disc", lines.get(13));
    assertEquals(photos.resolve("1-square.png") + ": square", lines.get(27));
  }

  @Test
  void globsSayWhichSitesAreMeant() throws Exception {
    Path model = servedModel();
    Path photos = photos();
    List<String> lines =
        StandardOutput.of(
            () ->
                HookYourLoop.main(
                    new String[] {model.toString(), photos.toString(), "layer3.1.*"}));
    assertEquals(
        List.of("layer3.1.relu", "layer3.1.relu"),
        lines.subList(0, 2).stream().map(line -> line.strip().split(" ", 2)[0]).toList());
    assertEquals(6, lines.size());
  }

  @Test
  void aModelAndAFolderAreRequired() {
    assertThrows(IllegalArgumentException.class, () -> HookYourLoop.main(new String[] {"resnet"}));
  }

  private Path servedModel() throws IOException {
    Path served = Files.createDirectory(folder.resolve("resnet"));
    Files.copy(MODEL, served.resolve("resnet.traced.pt"));
    Files.writeString(
        served.resolve("synset.txt"),
        "disc\nring\nsquare\ntriangle\ncross\nstar\nstripes\nchecker\ndots\nwaves\n");
    Files.writeString(
        served.resolve("serving.properties"),
        """
        engine=PyTorch
        option.modelName=resnet.traced
        translatorFactory=ai.djl.modality.cv.translator.ImageClassificationTranslatorFactory
        width=32
        height=32
        resize=true
        toTensor=true
        normalize=0.485,0.456,0.406,0.229,0.224,0.225
        applySoftmax=true
        synsetFileName=synset.txt
        """);
    return served;
  }

  /** A disc and a square. */
  private Path photos() throws IOException {
    Path photos = Files.createDirectory(folder.resolve("photos"));
    for (String name : new String[] {"0-disc", "1-square"}) {
      BufferedImage image = new BufferedImage(32, 32, BufferedImage.TYPE_INT_RGB);
      Graphics2D graphics = image.createGraphics();
      graphics.setColor(new Color(40, 60, 90));
      graphics.fillRect(0, 0, 32, 32);
      graphics.setColor(new Color(230, 180, 60));
      if (name.endsWith("disc")) {
        graphics.fillOval(7, 7, 18, 18);
      } else {
        graphics.fillRect(8, 8, 16, 16);
      }
      graphics.dispose();
      ImageIO.write(image, "png", photos.resolve(name + ".png").toFile());
    }
    return photos;
  }
}
