package dev.affinis.instrument.data;

import dev.affinis.instrument.InvalidInputException;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Numbered images that are decoded when they are asked for. Images may be read from several threads
 * at once.
 */
interface ImageCollection extends AutoCloseable {

  /** Number of images, at least 1. */
  int size();

  /**
   * Finds out an image's size, if possible without decoding it.
   *
   * @throws InvalidInputException if it cannot be read; the message names it
   */
  ImageDecoder.Size imageSize(int index);

  /**
   * Decodes an image.
   *
   * @throws InvalidInputException if it cannot be read; the message names it
   */
  RgbImage image(int index);

  /** The class of an image that was read, numbered from 0, if it is known. */
  default OptionalInt label(int index) {
    return OptionalInt.empty();
  }

  /** What messages call an image. */
  String name(int index);

  /** Where the images come from, in one line. */
  String description();

  /** What the signature file should say about decoding. */
  Map<String, Object> describe();

  /** Identifies the images, see {@link SampleSource#identity}. */
  Optional<String> identity() throws IOException;

  /**
   * Opens the images as samples.
   *
   * @param conversion how images become tensors
   * @param selection which images will be used
   * @return the source, which closes this collection; it is closed, too, if there is an exception
   * @throws InvalidInputException if the images cannot be used in that way
   */
  default SampleSource through(ImageConversion conversion, Selection selection) {
    try {
      return conversion instanceof ImageTranslation translation
          ? TranslatorSource.open(this, translation, selection)
          : PreprocessedSource.open(this, (Preprocessing) conversion, selection);
    } catch (InvalidInputException e) {
      close();
      throw e;
    }
  }

  @Override
  void close();
}
