package dev.affinis.benchmarks;

import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.Stream;
import javax.imageio.ImageIO;

/** A temporary folder of JPEG files of 224 x 224: smooth noise, of a photo's size on disk. */
final class NoiseImages implements AutoCloseable {
  private static final int SIZE = 224;
  private static final int CELLS = 56;

  private final Path folder;

  /**
   * Writes the files.
   *
   * @param count how many
   */
  NoiseImages(int count) throws IOException {
    folder = Files.createTempDirectory("affinis-jpegs-");
    Random random = new Random(0);
    for (int i = 0; i < count; i++) {
      String name = String.format(Locale.ROOT, "%06d.jpg", i);
      ImageIO.write(image(random), "jpeg", folder.resolve(name).toFile());
    }
  }

  private static BufferedImage image(Random random) {
    BufferedImage cells = new BufferedImage(CELLS, CELLS, BufferedImage.TYPE_INT_RGB);
    for (int p = 0; p < CELLS * CELLS; p++) {
      cells.setRGB(p % CELLS, p / CELLS, random.nextInt());
    }
    BufferedImage image = new BufferedImage(SIZE, SIZE, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    graphics.setRenderingHint(
        RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
    graphics.drawImage(cells, 0, 0, SIZE, SIZE, null);
    graphics.dispose();
    return image;
  }

  Path folder() {
    return folder;
  }

  @Override
  public void close() throws IOException {
    List<Path> files;
    try (Stream<Path> list = Files.list(folder)) {
      files = list.toList();
    }
    for (Path file : files) {
      Files.delete(file);
    }
    Files.delete(folder);
  }
}
