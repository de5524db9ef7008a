package dev.affinis.instrument.data;

import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.InvalidInputException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * A numbered collection of samples, each a C x H x W array of float32, as a model takes them.
 *
 * <p>Every method may be called from several threads at once, except {@link #close()}, after which
 * nothing may be called.
 */
public interface SampleSource extends AutoCloseable {

  /**
   * Opens what a user named.
   *
   * @param source {@code random}; the path of an {@code .npz} file; or the path of a folder of
   *     images (a folder called {@code random} is {@code ./random})
   * @param preprocessing how images become tensors; random samples take their size from it
   * @param selection which samples will be used; a folder is asked for the sizes of these images
   *     when no size is given, and random samples take their seed and number from it
   * @return the open source
   * @throws InvalidInputException if there is no such source or it cannot be used
   */
  static SampleSource open(String source, Preprocessing preprocessing, Selection selection) {
    if (source.equals("random")) {
      return RandomSource.create(preprocessing, selection);
    }
    Path path = Path.of(source);
    if (Files.isDirectory(path)) {
      return ImageFolderSource.open(path, preprocessing, selection);
    }
    if (!Files.exists(path)) {
      throw new InvalidInputException(
          "data "
              + source
              + " does not exist: expected a folder of images, an .npz file or the word random");
    }
    if (source.toLowerCase(Locale.ROOT).endsWith(".npz")) {
      return NpzSource.open(path, preprocessing);
    }
    throw new InvalidInputException(
        "data "
            + source
            + " is a file, but not an .npz: expected a folder of images, an .npz file or the word"
            + " random");
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
   * @return C x H x W
   */
  Shape sampleShape();

  /**
   * Reads one sample.
   *
   * @param index number of the sample, 0 to {@code size() - 1}
   * @param target takes C x H x W values from its position on, which moves behind them
   * @throws InvalidInputException if this sample cannot be read; the message names it
   */
  void read(int index, FloatBuffer target);

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

  @Override
  void close();
}
