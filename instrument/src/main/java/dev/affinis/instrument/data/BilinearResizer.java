package dev.affinis.instrument.data;

import java.util.Arrays;

/**
 * Bilinear resizing with half-pixel centres, antialiased when it shrinks, as PyTorch's {@code
 * interpolate(mode="bilinear", align_corners=False, antialias=True)}.
 *
 * <p>With s = input / output pixels along an axis, output pixel i has its centre at c = s (i + 1/2)
 * in the input, and the weight of input pixel j is a triangle, max(0, 1 - |j + 1/2 - c| / r),
 * scaled so that the weights of i sum to 1. The triangle's half width r is max(s, 1): when growing
 * this is plain linear interpolation that repeats the edge pixels, when shrinking every input pixel
 * counts. Rows are filtered first, then columns; only the pixels inside the crop are computed.
 *
 * <p>Time and memory grow with (rows read) x (output width).
 */
final class BilinearResizer {

  /** The input pixels and weights of each output pixel along one axis. */
  private static final class Axis {
    final int[] first;
    final float[][] weights;

    /**
     * Computes the weights of output pixels {@code from} to {@code from + count - 1}.
     *
     * @param in input pixels
     * @param out output pixels before cropping
     */
    Axis(int in, int out, int from, int count) {
      double scale = (double) in / out;
      double radius = Math.max(scale, 1);
      first = new int[count];
      weights = new float[count][];
      for (int i = 0; i < count; i++) {
        double centre = scale * (from + i + 0.5);
        first[i] = Math.max((int) (centre - radius + 0.5), 0);
        int end = Math.min((int) (centre + radius + 0.5), in);
        double[] triangle = new double[end - first[i]];
        double sum = 0;
        for (int j = 0; j < triangle.length; j++) {
          triangle[j] = Math.max(0, 1 - Math.abs(first[i] + j + 0.5 - centre) / radius);
          sum += triangle[j];
        }
        weights[i] = new float[triangle.length];
        for (int j = 0; j < triangle.length; j++) {
          weights[i][j] = (float) (triangle[j] / sum);
        }
      }
    }

    int count() {
      return first.length;
    }

    /** One past the last input pixel that output pixel i needs. */
    int end(int i) {
      return first[i] + weights[i].length;
    }
  }

  private final RgbImage source;
  private final Axis columns;
  private final Axis rows;
  private final int firstRow;
  private final float[][] filtered;

  /**
   * Prepares a resize followed by a crop and filters the rows that it needs.
   *
   * @param source the image
   * @param width width of the whole resized image
   * @param height height of the whole resized image
   * @param left first column of the crop in the resized image
   * @param top first row of the crop in the resized image
   * @param cropWidth columns of the crop
   * @param cropHeight rows of the crop
   */
  BilinearResizer(
      RgbImage source, int width, int height, int left, int top, int cropWidth, int cropHeight) {
    this.source = source;
    columns = new Axis(source.width(), width, left, cropWidth);
    rows = new Axis(source.height(), height, top, cropHeight);
    firstRow = rows.first[0];
    filtered = new float[rows.end(cropHeight - 1) - firstRow][];
    float[] row = new float[3 * source.width()];
    for (int y = 0; y < filtered.length; y++) {
      source.row(firstRow + y, row);
      filtered[y] = filterRow(row);
    }
  }

  private float[] filterRow(float[] row) {
    int count = columns.count();
    float[] result = new float[3 * count];
    for (int x = 0; x < count; x++) {
      float[] weights = columns.weights[x];
      for (int c = 0; c < 3; c++) {
        int from = c * source.width() + columns.first[x];
        float sum = 0;
        for (int k = 0; k < weights.length; k++) {
          sum += weights[k] * row[from + k];
        }
        result[c * count + x] = sum;
      }
    }
    return result;
  }

  /**
   * Computes one row of the crop.
   *
   * @param y number of the row
   * @param target takes the row's reds, then its greens, then its blues (3 x crop width)
   */
  void row(int y, float[] target) {
    Arrays.fill(target, 0);
    float[] weights = rows.weights[y];
    for (int k = 0; k < weights.length; k++) {
      float weight = weights[k];
      float[] from = filtered[rows.first[y] - firstRow + k];
      for (int x = 0; x < from.length; x++) {
        target[x] += weight * from[x];
      }
    }
  }
}
