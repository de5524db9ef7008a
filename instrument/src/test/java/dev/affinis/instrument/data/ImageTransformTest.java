package dev.affinis.instrument.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.affinis.instrument.InvalidInputException;
import java.nio.FloatBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ImageTransformTest {

  // Expected values from torchvision 0.14: Resize(size), then CenterCrop(crop).
  @ParameterizedTest
  @CsvSource({
    "500, 375, 256, 224, 341, 256, 58, 16",
    "375, 500, 256, 224, 256, 341, 16, 58",
    "640, 427, 256, 224, 383, 256, 80, 16",
    "300, 300, 232, 224, 232, 232, 4, 4",
    "333, 500, 256, 225, 256, 384, 16, 80",
    "10, 7, 8, 8, 11, 8, 2, 0",
    "10, 7, 7, 6, 10, 7, 2, 0",
    "10, 7, 7, 5, 10, 7, 2, 1",
    "10, 7, 7, 4, 10, 7, 3, 2",
  })
  void followsTorchvisionsSizes(
      int width, int height, int resize, int crop, int newWidth, int newHeight, int left, int top) {
    ImageTransform transform =
        new ImageTransform(Preprocessing.builder().optResize(resize).optCrop(crop).build());
    assertEquals(
        new ImageTransform.Geometry(newWidth, newHeight, left, top, crop, crop),
        transform.geometry(width, height));
  }

  @Test
  void cropWithoutResizeNeedsALargeImage() {
    ImageTransform transform = new ImageTransform(Preprocessing.builder().optCrop(224).build());
    String message =
        assertThrows(InvalidInputException.class, () -> transform.geometry(500, 200)).getMessage();
    assertTrue(message.contains("224") && message.contains("500 x 200"), message);
    assertTrue(message.contains("--resize"), message);
  }

  @Test
  void normalisesEachChannelAndCropsWithoutResizing() {
    FloatImage image = FloatImage.random(6, 5, 3);
    Preprocessing preprocessing =
        Preprocessing.builder()
            .optCrop(3)
            .optMean(List.of(0.1, 0.2, 0.3))
            .optStd(List.of(0.5, 2.0, 4.0))
            .build();
    ImageTransform transform = new ImageTransform(preprocessing);
    FloatBuffer target = FloatBuffer.allocate(30);
    target.position(1);
    transform.apply(image, transform.geometry(6, 5), target);
    assertEquals(28, target.position());
    float[] mean = {0.1f, 0.2f, 0.3f};
    float[] std = {0.5f, 2, 4};
    for (int c = 0; c < 3; c++) {
      for (int y = 0; y < 3; y++) {
        for (int x = 0; x < 3; x++) {
          // (6 - 3) / 2 = 1.5 rounds to 2, (5 - 3) / 2 = 1.
          float value = image.values().get((c * 5 + y + 1) * 6 + x + 2);
          assertEquals((value - mean[c]) / std[c], target.get(1 + (c * 3 + y) * 3 + x), 0f);
        }
      }
    }
  }

  @Test
  void contradictingOptionsAreRefused() {
    var both = Preprocessing.builder().optInputSize(32).optCrop(20);
    assertThrows(IllegalArgumentException.class, both::build);
    var tooLarge = Preprocessing.builder().optResize(224).optCrop(256);
    assertTrue(
        assertThrows(IllegalArgumentException.class, tooLarge::build)
            .getMessage()
            .contains("--crop 256 is larger than --resize 224"));
    var zero = Preprocessing.builder().optInputSize(0);
    assertThrows(IllegalArgumentException.class, zero::build);
    var flat = Preprocessing.builder().optStd(List.of(1.0, 0.0, 1.0));
    assertTrue(
        assertThrows(IllegalArgumentException.class, flat::build).getMessage().contains("--std"));
    var two = Preprocessing.builder().optMean(List.of(1.0, 0.0));
    assertThrows(IllegalArgumentException.class, two::build);
    var infinite = Preprocessing.builder().optMean(List.of(1.0, 0.0, Double.NaN));
    assertThrows(IllegalArgumentException.class, infinite::build);
  }
}
