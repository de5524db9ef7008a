package dev.affinis.instrument.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.FloatBuffer;
import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/** The resizer against PyTorch's functions, and its properties. */
class BilinearResizerTest {
  private static final float TOLERANCE = 2e-6f;
  private static TorchResize torch;

  @BeforeContainer
  static void loadTorch() throws Exception {
    torch = new TorchResize();
  }

  @AfterContainer
  static void closeTorch() {
    torch.close();
  }

  private static float[] resize(
      RgbImage image, int newWidth, int newHeight, int left, int top, int width, int height) {
    BilinearResizer resizer =
        new BilinearResizer(image, newWidth, newHeight, left, top, width, height);
    float[] result = new float[3 * width * height];
    float[] row = new float[3 * width];
    for (int y = 0; y < height; y++) {
      resizer.row(y, row);
      for (int c = 0; c < 3; c++) {
        System.arraycopy(row, c * width, result, (c * height + y) * width, width);
      }
    }
    return result;
  }

  @Property(tries = 150)
  void equalsTorchWithAntialiasing(
      @ForAll @IntRange(min = 1, max = 90) int width,
      @ForAll @IntRange(min = 1, max = 90) int height,
      @ForAll @IntRange(min = 2, max = 90) int newWidth,
      @ForAll @IntRange(min = 1, max = 90) int newHeight,
      @ForAll long seed) {
    FloatImage image = FloatImage.random(width, height, seed);
    assertArrayEquals(
        torch.resize(image.toArray(), width, height, newWidth, newHeight, true),
        resize(image, newWidth, newHeight, 0, 0, newWidth, newHeight),
        TOLERANCE);
  }

  @Property(tries = 60)
  void equalsTorchWithoutAntialiasingWhenGrowing(
      @ForAll @IntRange(min = 1, max = 40) int width,
      @ForAll @IntRange(min = 1, max = 40) int height,
      @ForAll @IntRange(min = 0, max = 60) int wider,
      @ForAll @IntRange(min = 0, max = 60) int higher,
      @ForAll long seed) {
    FloatImage image = FloatImage.random(width, height, seed);
    assertArrayEquals(
        torch.resize(image.toArray(), width, height, width + wider, height + higher, false),
        resize(image, width + wider, height + higher, 0, 0, width + wider, height + higher),
        TOLERANCE);
  }

  @Property(tries = 8)
  void equalsTorchOnPhotographSizes(@ForAll @IntRange(min = 300, max = 900) int width) {
    FloatImage image = FloatImage.random(width, 375, width);
    assertArrayEquals(
        torch.resize(image.toArray(), width, 375, 224, 224, true),
        resize(image, 224, 224, 0, 0, 224, 224),
        TOLERANCE);
  }

  @Property(tries = 60)
  void cropIsAWindowOfTheWhole(
      @ForAll @IntRange(min = 1, max = 40) int width,
      @ForAll @IntRange(min = 1, max = 40) int height,
      @ForAll @IntRange(min = 5, max = 40) int newSize,
      @ForAll @IntRange(min = 0, max = 2) int left,
      @ForAll @IntRange(min = 0, max = 2) int top) {
    FloatImage image = FloatImage.random(width, height, 1);
    float[] whole = resize(image, newSize, newSize, 0, 0, newSize, newSize);
    float[] crop = resize(image, newSize, newSize, left, top, 3, 2);
    for (int c = 0; c < 3; c++) {
      for (int y = 0; y < 2; y++) {
        int from = (c * newSize + top + y) * newSize + left;
        assertArrayEquals(
            Arrays.copyOfRange(whole, from, from + 3),
            Arrays.copyOfRange(crop, (c * 2 + y) * 3, (c * 2 + y) * 3 + 3));
      }
    }
  }

  @Property(tries = 60)
  void flatImageStaysFlat(
      @ForAll @IntRange(min = 1, max = 60) int size,
      @ForAll @IntRange(min = 1, max = 60) int newSize) {
    float[] values = new float[3 * size * size];
    Arrays.fill(values, 0.25f);
    FloatImage image = new FloatImage(size, size, FloatBuffer.wrap(values));
    for (float value : resize(image, newSize, newSize, 0, 0, newSize, newSize)) {
      assertEquals(0.25f, value, TOLERANCE);
    }
  }
}
