package dev.affinis.instrument.data;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.affinis.fuzz.ClearError;
import dev.affinis.fuzz.Fuzz;
import dev.affinis.instrument.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Damaged and hostile JPEG, PNG, BMP, GIF and WebP files; the corpus was made with Pillow 9.4. */
class ImageFuzzTest {
  /** So that memory and time are those of decoders, and not of large images that are in order. */
  private static final long MOST_PIXELS = 1 << 18;

  private static final Path FILE = Fuzz.temporaryFile(".image");

  private static final Fuzz FUZZ =
      Fuzz.builder()
          .setName("image")
          .setTarget(ImageFuzzTest::read)
          .optAccepted(InvalidInputException.class)
          .optMutator(new ImageMutator())
          .build();

  private static void read(byte[] bytes) throws IOException {
    Files.write(FILE, bytes);
    try {
      ImageDecoder.size(FILE);
      RgbImage image = ImageDecoder.decode(FILE, MOST_PIXELS);
      float[] row = new float[3 * image.width()];
      for (int y = 0; y < image.height(); y++) {
        image.row(y, row);
        for (float value : row) {
          assertTrue(value >= 0 && value <= 1);
        }
      }
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
