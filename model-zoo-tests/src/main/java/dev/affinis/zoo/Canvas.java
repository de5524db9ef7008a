package dev.affinis.zoo;

/**
 * A square RGB image of real numbers, 0 for none of a channel and 1 for all, that drawings are
 * painted on.
 */
final class Canvas {
  private static final int CHANNELS = 3;

  private final int size;
  private final double[][] planes;

  Canvas(int size) {
    this.size = size;
    this.planes = new double[CHANNELS][size * size];
  }

  /** Covers the canvas. */
  void fill(Paint paint) {
    paint((x, y) -> -size, paint, 1);
  }

  /**
   * Paints a drawing, with smooth edges one pixel wide.
   *
   * @param drawing signed distance in pixels, the origin in the corner of the canvas
   * @param paint its colour
   * @param opacity 0 leaves the canvas as it is, 1 covers it
   */
  void paint(Field drawing, Paint paint, double opacity) {
    for (int row = 0; row < size; row++) {
      for (int column = 0; column < size; column++) {
        double x = column + 0.5;
        double y = row + 0.5;
        double share = opacity * Math.min(1, Math.max(0, 0.5 - drawing.at(x, y)));
        if (share > 0) {
          for (int c = 0; c < CHANNELS; c++) {
            double old = planes[c][row * size + column];
            planes[c][row * size + column] = old + share * (paint.at(c, x, y) - old);
          }
        }
      }
    }
  }

  /** Multiplies the canvas by another colour field. */
  void light(Paint light) {
    for (int c = 0; c < CHANNELS; c++) {
      for (int row = 0; row < size; row++) {
        for (int column = 0; column < size; column++) {
          planes[c][row * size + column] *= light.at(c, column + 0.5, row + 0.5);
        }
      }
    }
  }

  /** Smooths each channel with the kernel (a, 1 - 2a, a) in both directions; the border repeats. */
  void blur(double a) {
    for (double[] plane : planes) {
      blurLines(plane, a, size, 1);
      blurLines(plane, a, 1, size);
    }
  }

  private void blurLines(double[] plane, double a, int lineStep, int step) {
    for (int line = 0; line < size; line++) {
      int start = line * lineStep;
      double before = plane[start];
      for (int i = 0; i < size; i++) {
        double here = plane[start + i * step];
        double after = plane[start + Math.min(i + 1, size - 1) * step];
        plane[start + i * step] = a * before + (1 - 2 * a) * here + a * after;
        before = here;
      }
    }
  }

  /** Adds independent normal noise to every value. */
  void addNoise(double deviation, SplitMix64 random) {
    for (double[] plane : planes) {
      for (int i = 0; i < plane.length; i++) {
        plane[i] += deviation * random.gaussian();
      }
    }
  }

  /**
   * Writes the image as bytes, row by row, three channels per pixel, values beyond the range
   * clipped.
   */
  void copyTo(byte[] target, int offset) {
    for (int i = 0; i < size * size; i++) {
      for (int c = 0; c < CHANNELS; c++) {
        double value = Math.min(1, Math.max(0, planes[c][i]));
        target[offset + i * CHANNELS + c] = (byte) (int) (value * 255 + 0.5);
      }
    }
  }
}
