package dev.affinis.instrument.data;

import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.InvalidInputException;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** Images of one collection that go through a {@link Preprocessing}. */
final class PreprocessedSource implements SampleSource {
  private final ImageCollection images;
  private final Preprocessing preprocessing;
  private final ImageTransform transform;
  private final Shape shape;
  private final Optional<String> notice;

  private PreprocessedSource(
      ImageCollection images,
      Preprocessing preprocessing,
      int width,
      int height,
      Optional<String> notice) {
    this.images = images;
    this.preprocessing = preprocessing;
    this.transform = new ImageTransform(preprocessing);
    this.shape = new Shape(preprocessing.channels(), height, width);
    this.notice = notice;
  }

  /**
   * Opens a collection.
   *
   * @param images the images, closed with the source
   * @param preprocessing how images become tensors; if it leaves their size open, the headers of
   *     the selected images are read
   * @param selection which images will be used
   * @return the source
   * @throws InvalidInputException if none of the selected images can be read, or they come out in
   *     different sizes
   */
  static PreprocessedSource open(
      ImageCollection images, Preprocessing preprocessing, Selection selection) {
    int fixed = preprocessing.inputSize().orElse(preprocessing.crop().orElse(0));
    if (fixed > 0) {
      return new PreprocessedSource(images, preprocessing, fixed, fixed, Optional.empty());
    }
    Set<ImageDecoder.Size> sizes = resultSizes(images, preprocessing, selection);
    if (sizes.size() == 1) {
      ImageDecoder.Size size = sizes.iterator().next();
      return new PreprocessedSource(
          images, preprocessing, size.width(), size.height(), Optional.empty());
    }
    String found = "images in " + images.description() + " come in different sizes " + sizes;
    if (!preprocessing.keepsSize()) {
      throw new InvalidInputException(
          found + " after --resize: pass --crop too, or --input-size instead");
    }
    return new PreprocessedSource(
        images,
        preprocessing.withImageNetGeometry(),
        224,
        224,
        Optional.of(
            found
                + ": using ImageNet's standard, shorter side 256 and centre crop 224; pass"
                + " --input-size, or --resize and --crop, to choose"));
  }

  /**
   * The first two different sizes of the selected images after the transform, or the only one.
   * Unreadable images are passed over, as they are when they are read with {@code --skip-bad}.
   */
  private static Set<ImageDecoder.Size> resultSizes(
      ImageCollection images, Preprocessing preprocessing, Selection selection) {
    ImageTransform transform = new ImageTransform(preprocessing);
    Set<ImageDecoder.Size> sizes = new LinkedHashSet<>();
    InvalidInputException firstFailure = null;
    int readable = 0;
    for (int index : selection.candidates(images.size())) {
      try {
        ImageDecoder.Size size = images.imageSize(index);
        ImageTransform.Geometry result = transform.geometry(size.width(), size.height());
        sizes.add(new ImageDecoder.Size(result.width(), result.height()));
        readable++;
      } catch (InvalidInputException e) {
        firstFailure = firstFailure == null ? e : firstFailure;
      }
      if (readable == selection.total() || sizes.size() == 2) {
        break;
      }
    }
    if (sizes.isEmpty() && firstFailure != null) {
      throw new InvalidInputException(
          "none of the "
              + images.size()
              + " images in "
              + images.description()
              + " can be read; "
              + firstFailure.getMessage(),
          firstFailure);
    }
    return sizes;
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
    RgbImage image = images.image(index);
    ImageTransform.Geometry geometry;
    try {
      geometry = transform.geometry(image.width(), image.height());
    } catch (InvalidInputException e) {
      throw new InvalidInputException("image " + images.name(index) + ": " + e.getMessage(), e);
    }
    if (geometry.width() != shape.get(2) || geometry.height() != shape.get(1)) {
      throw new InvalidInputException(
          "image "
              + images.name(index)
              + " comes out as "
              + geometry.width()
              + " x "
              + geometry.height()
              + ", the others as "
              + shape.get(2)
              + " x "
              + shape.get(1)
              + ": pass --input-size, or --resize and --crop");
    }
    transform.apply(image, geometry, target);
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
    Map<String, Object> map = new LinkedHashMap<>(preprocessing.describe());
    map.putAll(images.describe());
    map.put("shape", Arrays.stream(shape.getShape()).boxed().toList());
    if (notice.isPresent()) {
      map.put("default", "images differ in size: ImageNet's standard geometry");
    }
    return map;
  }

  @Override
  public Optional<String> notice() {
    return notice;
  }

  @Override
  public Optional<String> identity() throws IOException {
    return images.identity();
  }

  @Override
  public void close() {
    images.close();
  }
}
