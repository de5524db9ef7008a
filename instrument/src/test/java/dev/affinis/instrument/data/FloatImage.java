package dev.affinis.instrument.data;

import java.nio.FloatBuffer;
import java.util.Random;

/** An image of given values, 3 x height x width. */
record FloatImage(int width, int height, FloatBuffer values) implements RgbImage {

  static FloatImage random(int width, int height, long seed) {
    Random random = new Random(seed);
    float[] values = new float[3 * width * height];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat();
    }
    return new FloatImage(width, height, FloatBuffer.wrap(values));
  }

  @Override
  public void row(int y, float[] target) {
    for (int c = 0; c < 3; c++) {
      values.get((c * height + y) * width, target, c * width, width);
    }
  }

  float[] toArray() {
    float[] array = new float[values.capacity()];
    values.get(0, array);
    return array;
  }
}
