package dev.affinis.instrument.data;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.dataset.RandomAccessDataset;
import ai.djl.training.dataset.Record;
import dev.affinis.instrument.InvalidInputException;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The images of one of DJL's datasets before its pipeline: arrays of H x W x C values 0 to 255, C
 * being 1 or 3, as {@link RandomAccessDataset#get} of the image datasets gives them.
 *
 * <p>Nothing says that a dataset may be read by several threads at once, so they take turns.
 */
final class DjlImages implements ImageCollection {
  /** Tells whether images are still the same. */
  interface Identity {
    Optional<String> get() throws IOException;
  }

  private final RandomAccessDataset dataset;
  private final String description;
  private final NDManager manager;
  private final Map<String, Object> facts;
  private final Identity identity;
  private final int size;
  private final DjlLabels labels;

  /**
   * Wraps a dataset that is prepared.
   *
   * @param dataset the dataset
   * @param description what the user called it
   * @param manager closed with the images
   * @param facts what else is known of the dataset, for the signature file
   * @param identity tells whether the images are still the same
   */
  DjlImages(
      RandomAccessDataset dataset,
      String description,
      NDManager manager,
      Map<String, Object> facts,
      Identity identity) {
    this.dataset = dataset;
    this.description = description;
    this.manager = manager;
    this.facts = Map.copyOf(facts);
    this.identity = identity;
    this.size = DjlDatasetSource.size(dataset, description);
    this.labels = new DjlLabels(size);
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public ImageDecoder.Size imageSize(int index) {
    RgbImage image = image(index);
    return new ImageDecoder.Size(image.width(), image.height());
  }

  @Override
  public RgbImage image(int index) {
    synchronized (dataset) {
      try (NDManager scratch = manager.newSubManager()) {
        Record sample = dataset.get(scratch, index);
        labels.note(index, sample.getLabels());
        NDList data = sample.getData();
        if (data.size() != 1) {
          throw new InvalidInputException("it has " + data.size() + " arrays, expected one image");
        }
        return image(data.head());
      } catch (InvalidInputException e) {
        throw new InvalidInputException(
            "image " + name(index) + " cannot be used: " + e.getMessage(), e);
      } catch (IOException | RuntimeException e) {
        // Datasets are anyone's code: whatever one throws, this sample cannot be read.
        throw new InvalidInputException(
            "image " + name(index) + " cannot be read: " + DjlDatasetSource.reason(e), e);
      }
    }
  }

  private static RgbImage image(NDArray array) {
    Shape shape = array.getShape();
    int channels = shape.dimension() == 3 ? (int) shape.get(2) : 0;
    if (channels != 1 && channels != 3) {
      throw new InvalidInputException(
          "its shape is "
              + shape
              + ", expected height x width x 1 or 3; give the dataset a pipeline and measure without"
              + " a preprocessing, so that its arrays are used as they are");
    }
    byte[] bytes = bytes(array);
    int height = (int) shape.get(0);
    int width = (int) shape.get(1);
    int green = channels == 1 ? 0 : 1;
    int blue = channels == 1 ? 0 : 2;
    return new RgbImage.Bytes(width, height, bytes, 0, channels, channels * width, 0, green, blue);
  }

  private static byte[] bytes(NDArray array) {
    if (array.getDataType() == DataType.UINT8) {
      return array.toByteArray();
    }
    try (NDArray floats = array.toType(DataType.FLOAT32, true)) {
      float[] values = floats.toFloatArray();
      byte[] bytes = new byte[values.length];
      for (int i = 0; i < values.length; i++) {
        int value = (int) values[i];
        if (value != values[i] || value < 0 || value > 255) {
          throw new InvalidInputException(
              "it holds " + values[i] + ", expected whole numbers 0 to 255");
        }
        bytes[i] = (byte) value;
      }
      return bytes;
    }
  }

  @Override
  public OptionalInt label(int index) {
    return labels.get(index);
  }

  @Override
  public String name(int index) {
    return index + " of " + description;
  }

  @Override
  public String description() {
    return description;
  }

  @Override
  public Optional<String> identity() throws IOException {
    return identity.get();
  }

  @Override
  public Map<String, Object> describe() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("dataset", dataset.getClass().getName());
    map.putAll(facts);
    return map;
  }

  @Override
  public void close() {
    manager.close();
  }
}
