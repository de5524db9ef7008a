package dev.affinis.instrument.data;

import dev.affinis.instrument.InvalidInputException;
import java.nio.FloatBuffer;

/**
 * A {@link Preprocessing} at work: resizes, crops and normalises images.
 *
 * <p>Sizes follow torchvision's {@code Resize} and {@code CenterCrop}: the longer side becomes
 * floor(size * longer / shorter), and the crop starts at (side - crop) / 2, a half rounded to the
 * even neighbour.
 */
final class ImageTransform {

  /**
   * Where the pixels of the result come from.
   *
   * @param resizedWidth width after resizing, before cropping
   * @param resizedHeight height after resizing, before cropping
   * @param left first column of the crop
   * @param top first row of the crop
   * @param width columns of the result
   * @param height rows of the result
   */
  record Geometry(int resizedWidth, int resizedHeight, int left, int top, int width, int height) {}

  private final Preprocessing preprocessing;
  private final int channels;
  private final float[] mean;
  private final float[] std;

  ImageTransform(Preprocessing preprocessing) {
    this.preprocessing = preprocessing;
    channels = preprocessing.channels();
    mean = new float[channels];
    std = new float[channels];
    for (int c = 0; c < channels; c++) {
      mean[c] = preprocessing.mean().get(c).floatValue();
      std[c] = preprocessing.std().get(c).floatValue();
    }
  }

  /**
   * Computes what becomes of an image's size.
   *
   * @throws InvalidInputException if the crop does not fit into the image
   */
  Geometry geometry(int width, int height) {
    int w = width;
    int h = height;
    if (preprocessing.inputSize().isPresent()) {
      w = preprocessing.inputSize().getAsInt();
      h = w;
    } else if (preprocessing.resize().isPresent()) {
      int shorter = preprocessing.resize().getAsInt();
      w = width <= height ? shorter : longerSide(shorter, width, height);
      h = width <= height ? longerSide(shorter, height, width) : shorter;
    }
    if (preprocessing.crop().isEmpty()) {
      return new Geometry(w, h, 0, 0, w, h);
    }
    int crop = preprocessing.crop().getAsInt();
    if (crop > w || crop > h) {
      throw new InvalidInputException(
          "the crop of "
              + crop
              + " pixels does not fit into the image, which is "
              + w
              + " x "
              + h
              + ": pass a smaller --crop, or --resize to enlarge images first");
    }
    // Math.rint rounds halves to even, as Python's round does.
    return new Geometry(
        w, h, (int) Math.rint((w - crop) / 2.0), (int) Math.rint((h - crop) / 2.0), crop, crop);
  }

  private static int longerSide(int resizedShorter, int longer, int shorter) {
    long resized = (long) resizedShorter * longer / shorter;
    if (resized > 1 << 20) {
      throw new InvalidInputException(
          "the image is " + longer + " pixels long but only " + shorter + " wide");
    }
    return (int) resized;
  }

  /**
   * Turns an image into a sample.
   *
   * @param image the decoded image
   * @param geometry its geometry
   * @param target takes C x H x W values from its position on, which moves behind them
   */
  void apply(RgbImage image, Geometry geometry, FloatBuffer target) {
    int width = geometry.width();
    int plane = width * geometry.height();
    boolean resizes =
        geometry.resizedWidth() != image.width() || geometry.resizedHeight() != image.height();
    BilinearResizer resizer =
        resizes
            ? new BilinearResizer(
                image,
                geometry.resizedWidth(),
                geometry.resizedHeight(),
                geometry.left(),
                geometry.top(),
                width,
                geometry.height())
            : null;
    int rowWidth = resizes ? width : image.width();
    int left = resizes ? 0 : geometry.left();
    float[] row = new float[3 * rowWidth];
    int start = target.position();
    for (int y = 0; y < geometry.height(); y++) {
      if (resizer == null) {
        image.row(geometry.top() + y, row);
      } else {
        resizer.row(y, row);
      }
      if (channels == 1) {
        toGrey(row, rowWidth);
      }
      for (int c = 0; c < channels; c++) {
        int from = c * rowWidth + left;
        for (int x = from; x < from + width; x++) {
          row[x] = (row[x] - mean[c]) / std[c];
        }
        target.put(start + c * plane + y * width, row, from, width);
      }
    }
    target.position(start + channels * plane);
  }

  /** Replaces a row's reds by its luminance (ITU-R 601, as Pillow); grey pixels stay exact. */
  private static void toGrey(float[] row, int width) {
    for (int x = 0; x < width; x++) {
      float red = row[x];
      float green = row[width + x];
      float blue = row[2 * width + x];
      if (red != green || green != blue) {
        row[x] = 0.299f * red + 0.587f * green + 0.114f * blue;
      }
    }
  }
}
