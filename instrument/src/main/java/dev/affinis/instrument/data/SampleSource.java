package dev.affinis.instrument.data;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.InvalidInputException;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A numbered collection of samples, each an array of float32: C x H x W as a model takes them,
 * unless {@link #inputs} says otherwise.
 *
 * <p>Every method may be called from several threads at once, except {@link #close()}, after which
 * nothing may be called.
 */
public interface SampleSource extends AutoCloseable {

  /**
   * Opens what a user named.
   *
   * @param source {@code random}; the path of an {@code .npz} file; the path of a folder of images
   *     (a folder called {@code random} is {@code ./random}); or {@code djl:} and the name of a
   *     dataset that DJL knows: {@code cifar10}, {@code fashion-mnist}, {@code mnist} or {@code
   *     imagenet}, the test images, or those for training with {@code /train} behind the name, from
   *     DJL's cache, from the network, or from {@code =PATH} behind it all
   * @param conversion how images become tensors; random samples take their size from it
   * @param selection which samples will be used; a folder is asked for the sizes of these images
   *     when no size is given, and random samples take their seed and number from it
   * @return the open source
   * @throws InvalidInputException if there is no such source or it cannot be used
   */
  static SampleSource open(String source, ImageConversion conversion, Selection selection) {
    Preprocessing preprocessing =
        conversion instanceof Preprocessing given ? given : Preprocessing.builder().build();
    if (source.equals("random")) {
      return RandomSource.create(preprocessing, selection);
    }
    if (NamedDataset.isNamed(source)) {
      return NamedDataset.open(source).through(conversion, selection);
    }
    Path path = Path.of(source);
    if (Files.isDirectory(path)) {
      return new ImageFolder(path, path.toString()).through(conversion, selection);
    }
    String expected =
        "expected a folder of images, an .npz file, the word random or a dataset such as"
            + " djl:cifar10";
    if (!Files.exists(path)) {
      throw new InvalidInputException("data " + source + " does not exist: " + expected);
    }
    if (!source.toLowerCase(Locale.ROOT).endsWith(".npz")) {
      throw new InvalidInputException(
          "data " + source + " is a file, but not an .npz: " + expected);
    }
    NpzSource npz = NpzSource.open(path, preprocessing);
    return conversion instanceof Preprocessing || npz.images().isEmpty()
        ? npz
        : npz.images().get().through(conversion, selection);
  }

  /**
   * Returns how many samples there are.
   *
   * @return the number of samples, at least 1
   */
  int size();

  /**
   * Returns the shape of every sample.
   *
   * @return C x H x W, of images
   */
  Shape sampleShape();

  /**
   * Reads one sample.
   *
   * @param index number of the sample, 0 to {@code size() - 1}
   * @param target takes the values of the sample's shape from its position on, which moves behind
   *     them
   * @throws InvalidInputException if this sample cannot be read; the message names it
   */
  void read(int index, FloatBuffer target);

  /**
   * Makes the model's inputs of a batch.
   *
   * @param batch what {@link #read} gave, samples x {@link #sampleShape()}
   * @return the inputs, in the order in which the model takes them, attached to the batch's
   *     manager; the batch itself if the model takes nothing else
   */
  default NDList inputs(NDArray batch) {
    return new NDList(batch);
  }

  /**
   * Returns the class of one sample, if it is known. Asked for after the sample was read.
   *
   * @param index number of the sample
   * @return its class, numbered from 0, or nothing
   */
  default OptionalInt label(int index) {
    return OptionalInt.empty();
  }

  /**
   * Names one sample in messages.
   *
   * @param index number of the sample
   * @return a file name, or an array and a position in it
   */
  String name(int index);

  /**
   * Describes the source in one line, for reports.
   *
   * @return where the samples come from
   */
  String description();

  /**
   * Describes exactly what is done to a sample before the model gets it, for the signature file.
   *
   * @return strings, numbers, lists and maps of them, in a fixed order
   */
  Map<String, Object> preprocess();

  /**
   * Returns what a user should be told about how this source is used, such as a default that was
   * taken because nothing was asked for.
   *
   * @return one line, or nothing
   */
  default Optional<String> notice() {
    return Optional.empty();
  }

  /**
   * Identifies the samples as they are read, so that what was measured of them can be used again by
   * another run; {@link #preprocess} and {@link #sampleShape} need not be part of it.
   *
   * @return text that is another one if any sample is; nothing if the source cannot tell
   * @throws IOException if a file cannot be read
   */
  default Optional<String> identity() throws IOException {
    return Optional.empty();
  }

  @Override
  void close();
}
