package dev.affinis.instrument.data;

/** A decoded image whose pixels are asked for row by row, red, green and blue in [0, 1]. */
interface RgbImage {

  /** v / 255 as float32, for each value of a byte. */
  float[] BYTE_VALUES = byteValues();

  /** Width in pixels. */
  int width();

  /** Height in pixels. */
  int height();

  /**
   * Copies one row.
   *
   * @param y number of the row
   * @param target takes the row's reds, then its greens, then its blues (3 x width)
   */
  void row(int y, float[] target);

  /** An image of bytes 0 to 255, with the channels of a pixel next to each other. */
  final class Bytes implements RgbImage {
    private final int width;
    private final int height;
    private final byte[] data;
    private final int base;
    private final int pixelStride;
    private final int rowStride;
    private final int[] bands;

    /**
     * Wraps an array.
     *
     * @param data not copied
     * @param base index of the first pixel
     * @param pixelStride bytes from one pixel to the next
     * @param rowStride bytes from one row to the next
     * @param bands where red, green and blue are within a pixel
     */
    Bytes(
        int width,
        int height,
        byte[] data,
        int base,
        int pixelStride,
        int rowStride,
        int... bands) {
      this.width = width;
      this.height = height;
      this.data = data;
      this.base = base;
      this.pixelStride = pixelStride;
      this.rowStride = rowStride;
      this.bands = bands;
    }

    @Override
    public int width() {
      return width;
    }

    @Override
    public int height() {
      return height;
    }

    @Override
    public void row(int y, float[] target) {
      for (int c = 0; c < 3; c++) {
        int from = base + y * rowStride + bands[c];
        for (int x = 0; x < width; x++) {
          target[c * width + x] = BYTE_VALUES[data[from + x * pixelStride] & 0xff];
        }
      }
    }
  }

  private static float[] byteValues() {
    float[] values = new float[256];
    for (int v = 0; v < 256; v++) {
      values[v] = v / 255f;
    }
    return values;
  }
}
