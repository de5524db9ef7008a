package dev.affinis.instrument.data;

import ai.djl.modality.cv.Image;
import ai.djl.modality.cv.ImageFactory;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.InvalidInputException;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** Images of one collection that go through a model's own translator. */
final class TranslatorSource implements SampleSource {
  private final ImageCollection images;
  private final ImageTranslation translation;
  private final NDManager manager = DjlDatasetSource.newManager();
  private final Shape shape;

  private TranslatorSource(
      ImageCollection images, ImageTranslation translation, Selection selection) {
    this.images = images;
    this.translation = translation;
    try {
      translation.prepare(manager);
      shape = firstShape(selection);
    } catch (InvalidInputException e) {
      manager.close();
      throw e;
    }
  }

  /**
   * Opens a collection.
   *
   * @param images the images, closed with the source
   * @param translation how images become tensors
   * @param selection which images will be used: the first readable one tells the shape of all
   * @return the source
   * @throws InvalidInputException if the translator does not make C x H x W float32 of an image, or
   *     no image can be read
   */
  static TranslatorSource open(
      ImageCollection images, ImageTranslation translation, Selection selection) {
    return new TranslatorSource(images, translation, selection);
  }

  private Shape firstShape(Selection selection) {
    InvalidInputException failure = null;
    for (int index : selection.candidates(images.size())) {
      Image image;
      try {
        image = image(index);
      } catch (InvalidInputException e) {
        failure = failure == null ? e : failure;
        continue;
      }
      return translation.convert(image, manager, input -> input.getShape());
    }
    throw new InvalidInputException(
        "none of the "
            + images.size()
            + " images in "
            + images.description()
            + " can be read; "
            + (failure == null ? "" : failure.getMessage()),
        failure);
  }

  /**
   * The image as DJL has it. The values are those that the file holds, as they are without a
   * translator; values of more than 8 bits are rounded to 8, which is all that DJL's images have.
   */
  private Image image(int index) {
    RgbImage image = images.image(index);
    int width = image.width();
    int height = image.height();
    int[] pixels = new int[Math.multiplyExact(width, height)];
    float[] row = new float[3 * width];
    for (int y = 0; y < height; y++) {
      image.row(y, row);
      for (int x = 0; x < width; x++) {
        pixels[y * width + x] =
            0xff << 24
                | Math.round(row[x] * 255) << 16
                | Math.round(row[width + x] * 255) << 8
                | Math.round(row[2 * width + x] * 255);
      }
    }
    return ImageFactory.getInstance().fromPixels(pixels, width, height);
  }

  @Override
  public int size() {
    return images.size();
  }

  @Override
  public Shape sampleShape() {
    return shape;
  }

  @Override
  public void read(int index, FloatBuffer target) {
    Image image = image(index);
    try {
      translation.convert(
          image,
          manager,
          input -> {
            if (!input.getShape().equals(shape)) {
              throw new InvalidInputException(
                  "it comes out as "
                      + input.getShape()
                      + ", the first one as "
                      + shape
                      + ": pass --input-size, or --resize and --crop");
            }
            return target.put(input.toFloatArray());
          });
    } catch (InvalidInputException e) {
      throw new InvalidInputException(
          "image " + images.name(index) + " cannot be used: " + e.getMessage(), e);
    }
  }

  @Override
  public OptionalInt label(int index) {
    return images.label(index);
  }

  @Override
  public String name(int index) {
    return images.name(index);
  }

  @Override
  public String description() {
    return images.description();
  }

  @Override
  public Map<String, Object> preprocess() {
    Map<String, Object> map = new LinkedHashMap<>(translation.describe());
    map.putAll(images.describe());
    map.put("shape", Arrays.stream(shape.getShape()).boxed().toList());
    return map;
  }

  /** A translator is known as far as its pipeline is. */
  @Override
  public Optional<String> identity() throws IOException {
    return translation.isDescribed() ? images.identity() : Optional.empty();
  }

  @Override
  public void close() {
    try (images) {
      manager.close();
    }
  }
}
