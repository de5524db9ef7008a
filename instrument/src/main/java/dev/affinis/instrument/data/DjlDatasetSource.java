package dev.affinis.instrument.data;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.dataset.Batch;
import ai.djl.training.dataset.Dataset;
import ai.djl.training.dataset.RandomAccessDataset;
import ai.djl.training.dataset.Sampler;
import ai.djl.translate.TranslateException;
import dev.affinis.instrument.InvalidInputException;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The samples of a DJL dataset as its own pipeline gives them, one at a time, whatever its sampler
 * says: ImageFolder, Cifar10, Mnist, FashionMnist or any other {@link RandomAccessDataset} whose
 * samples are single C x H x W arrays of float32.
 *
 * <p>A dataset of images can be used in another way, too: {@link #open(Dataset, ImageConversion,
 * Selection)} takes its images as they are before the pipeline and converts them as the images of a
 * folder would be.
 *
 * <p>Nothing says that a dataset may be read by several threads at once, so they take turns.
 */
public final class DjlDatasetSource implements SampleSource {
  private final RandomAccessDataset dataset;
  private final String description;
  private final int size;
  private final NDManager manager = newManager();
  private final DjlLabels labels;
  private final Shape shape;

  private DjlDatasetSource(RandomAccessDataset dataset) {
    this.dataset = dataset;
    description = "DJL dataset " + dataset.getClass().getSimpleName();
    size = size(dataset, description);
    labels = new DjlLabels(size);
    try {
      shape = shapeOf(0);
    } catch (InvalidInputException e) {
      manager.close();
      throw e;
    }
  }

  /**
   * Opens a dataset whose own pipeline makes the model's inputs, with {@code ToTensor} and what
   * else the model needs.
   *
   * @param dataset the dataset; it is prepared here, and stays the caller's
   * @return the source
   * @throws InvalidInputException if it is no {@link RandomAccessDataset}, cannot be prepared, or
   *     its first sample is not a single C x H x W array of float32
   */
  public static SampleSource open(Dataset dataset) {
    return new DjlDatasetSource(prepared(dataset));
  }

  /**
   * Opens a dataset of images, whose own pipeline is not used. Grey images stand for red, green and
   * blue, unless the preprocessing is for one channel.
   *
   * @param dataset the dataset; it is prepared here, and stays the caller's
   * @param conversion how images become tensors
   * @param selection which samples will be used
   * @return the source
   * @throws InvalidInputException if it is no {@link RandomAccessDataset}, cannot be prepared, or
   *     has no images of H x W x C values 0 to 255
   */
  public static SampleSource open(
      Dataset dataset, ImageConversion conversion, Selection selection) {
    RandomAccessDataset prepared = prepared(dataset);
    String description = "DJL dataset " + prepared.getClass().getSimpleName();
    return new DjlImages(prepared, description, newManager(), Map.of(), Optional::empty)
        .through(conversion, selection);
  }

  /** A manager for samples, which are made in the computer's memory whatever the model runs on. */
  static NDManager newManager() {
    return NDManager.newBaseManager(Device.cpu(), "PyTorch");
  }

  /** What went wrong in somebody else's code, in one line. */
  static String reason(Throwable e) {
    return e.toString().lines().findFirst().orElse("");
  }

  private static RandomAccessDataset prepared(Dataset dataset) {
    String type = dataset.getClass().getName();
    if (!(dataset instanceof RandomAccessDataset known)) {
      throw new InvalidInputException(
          "dataset "
              + type
              + " cannot be used: expected a RandomAccessDataset, whose samples have numbers; wrap"
              + " its arrays into an ArrayDataset, or write them into an .npz");
    }
    try {
      known.prepare();
      return known;
    } catch (IOException | TranslateException | RuntimeException e) {
      // Datasets are anyone's code; DJL's ImageNet ends in a NullPointerException, for one.
      throw new InvalidInputException(
          "dataset "
              + type
              + " cannot be prepared: "
              + reason(e)
              + "; give its images as a folder or an .npz instead",
          e);
    }
  }

  /** Number of samples of a prepared dataset. */
  static int size(RandomAccessDataset dataset, String description) {
    long size = dataset.size();
    if (size < 1 || size > Integer.MAX_VALUE) {
      throw new InvalidInputException(
          description + " has " + size + " samples, expected 1 to " + Integer.MAX_VALUE);
    }
    return (int) size;
  }

  /** A sampler whose only batch is one sample. */
  private record Only(long index) implements Sampler {
    @Override
    public Iterator<List<Long>> sample(RandomAccessDataset dataset) {
      return List.of(List.of(index)).iterator();
    }

    @Override
    public int getBatchSize() {
      return 1;
    }
  }

  /** What is done with a sample while it exists. */
  private interface Use<T> {
    T apply(NDArray sample);
  }

  private <T> T withSample(int index, Use<T> use) {
    synchronized (dataset) {
      try (NDManager scratch = manager.newSubManager()) {
        // get() gives a sample before the pipeline; only whole batches go through it.
        Batch batch = dataset.getData(scratch, new Only(index)).iterator().next();
        try (batch) {
          labels.note(index, batch.getLabels());
          return use.apply(checked(batch.getData()));
        }
      } catch (InvalidInputException e) {
        throw new InvalidInputException(name(index) + " cannot be used: " + e.getMessage(), e);
      } catch (IOException | TranslateException | RuntimeException e) {
        // Datasets are anyone's code: whatever one throws, this sample cannot be read. DJL wraps.
        Throwable cause = e instanceof IllegalStateException ? e.getCause() : e;
        throw new InvalidInputException(
            name(index) + " cannot be read: " + reason(cause == null ? e : cause), e);
      }
    }
  }

  private static NDArray checked(NDList data) {
    if (data.size() != 1) {
      throw new InvalidInputException("it has " + data.size() + " arrays, expected one");
    }
    NDArray batch = data.head();
    if (batch.getShape().dimension() != 4
        || batch.getShape().get(0) != 1
        || batch.getDataType() != DataType.FLOAT32) {
      throw new InvalidInputException(
          "its pipeline gives a batch of "
              + batch.getShape()
              + " "
              + batch.getDataType()
              + ", expected 1 x C x H x W of float32: let the pipeline end in ToTensor, or give a"
              + " preprocessing");
    }
    return batch;
  }

  private Shape shapeOf(int index) {
    return withSample(index, sample -> sample.getShape().slice(1));
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public Shape sampleShape() {
    return shape;
  }

  @Override
  public void read(int index, FloatBuffer target) {
    withSample(
        index,
        sample -> {
          Shape found = sample.getShape().slice(1);
          if (!found.equals(shape)) {
            throw new InvalidInputException(
                "it comes out as "
                    + found
                    + ", the first one as "
                    + shape
                    + ": let the pipeline resize to one size");
          }
          return target.put(sample.toFloatArray());
        });
  }

  @Override
  public OptionalInt label(int index) {
    return labels.get(index);
  }

  @Override
  public String name(int index) {
    return "sample " + index + " of " + description;
  }

  @Override
  public String description() {
    return description;
  }

  @Override
  public Map<String, Object> preprocess() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("input", "samples of a DJL dataset, as its own pipeline gives them");
    map.put("dataset", dataset.getClass().getName());
    TransformText.pipelineOf(dataset, RandomAccessDataset.class)
        .ifPresent(pipeline -> map.put("pipeline", pipeline));
    map.put("shape", Arrays.stream(shape.getShape()).boxed().toList());
    return map;
  }

  @Override
  public void close() {
    manager.close();
  }
}
