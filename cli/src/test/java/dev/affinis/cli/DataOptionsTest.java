package dev.affinis.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.modality.cv.transform.Resize;
import ai.djl.modality.cv.transform.ToTensor;
import ai.djl.modality.cv.translator.ImageFeatureExtractor;
import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.data.ImageTranslation;
import dev.affinis.instrument.data.SampleSource;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

class DataOptionsTest {
  @TempDir Path folder;

  @Command
  private static final class Host {
    @Mixin private DataOptions data;
  }

  private SampleSource open(Optional<ImageTranslation> fromModel, String... options) {
    Host host = new Host();
    String[] args = new String[options.length + 2];
    args[0] = "--data";
    args[1] = folder.toString();
    System.arraycopy(options, 0, args, 2, options.length);
    new CommandLine(host).parseArgs(args);
    return host.data.open(fromModel);
  }

  @Test
  void theModelsTranslatorIsUsedUnlessAnOptionSaysOtherwise() throws IOException {
    for (String name : new String[] {"a.png", "b.png"}) {
      BufferedImage image = new BufferedImage(20, 16, BufferedImage.TYPE_INT_RGB);
      ImageIO.write(image, "png", folder.resolve(name).toFile());
    }
    try (Model model = Model.newInstance("m", Device.cpu(), "PyTorch")) {
      Optional<ImageTranslation> translation =
          Optional.of(
              ImageTranslation.of(
                  ImageFeatureExtractor.builder()
                      .addTransform(new Resize(6, 4))
                      .addTransform(new ToTensor())
                      .build(),
                  model));
      try (SampleSource source = open(translation)) {
        assertEquals(new Shape(3, 4, 6), source.sampleShape());
        assertTrue(source.preprocess().containsKey("translator"));
      }
      try (SampleSource source = open(translation, "--input-size", "8")) {
        assertEquals(new Shape(3, 8, 8), source.sampleShape());
        assertTrue(source.preprocess().containsKey("mean"));
      }
      try (SampleSource source = open(translation, "--mean", "0.5", "--std", "0.5")) {
        assertEquals(new Shape(1, 16, 20), source.sampleShape());
      }
      try (SampleSource source = open(Optional.empty())) {
        assertEquals(new Shape(3, 16, 20), source.sampleShape());
      }
    }
  }
}
