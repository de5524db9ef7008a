package dev.affinis.instrument.data;

import dev.affinis.instrument.InvalidInputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.apache.commons.compress.archivers.zip.ZipFile;

/**
 * The array {@code labels} of an {@code .npz} file: the class of each sample, numbered from 0, of
 * any NumPy type of whole numbers. Four bytes of memory for each sample.
 */
final class NpzLabels {
  /** The name of the array. */
  static final String ARRAY = "labels";

  /** Labels that are read at a time. */
  private static final int CHUNK = 1 << 16;

  private static final Set<String> SIGNED = Set.of("|i1", "<i2", "<i4", "<i8");
  private static final Set<String> UNSIGNED = Set.of("|u1", "<u2", "<u4", "<u8");

  private NpzLabels() {}

  /**
   * Reads the classes.
   *
   * @param file the file
   * @param zip the same, open
   * @param header header of the array
   * @param samples how many samples the file has
   * @return a class for each sample
   * @throws InvalidInputException if they are not one class for each sample
   * @throws IOException if the array is incomplete
   */
  static int[] read(Path file, ZipFile zip, NpyArray.Header header, long samples)
      throws IOException {
    boolean isSigned = SIGNED.contains(header.dtype());
    List<Long> shape = header.shape();
    boolean isColumn = shape.size() == 1 || (shape.size() == 2 && shape.get(1) == 1);
    if (!isColumn || shape.get(0) != samples || !(isSigned || UNSIGNED.contains(header.dtype()))) {
      throw unusable(file, "labels of " + header + " for " + samples + " samples");
    }
    NpyArray.Header column =
        new NpyArray.Header(header.dtype(), false, List.of(samples, 1L), header.bytes());
    int bytes = header.itemBytes();
    try (NpyArray array = NpyArray.open(file, zip, zip.getEntry(ARRAY + ".npy"), column)) {
      int[] classes = new int[(int) samples];
      ByteBuffer values = ByteBuffer.allocate(CHUNK * bytes).order(ByteOrder.LITTLE_ENDIAN);
      for (int from = 0; from < classes.length; from += CHUNK) {
        int count = Math.min(CHUNK, classes.length - from);
        values.clear().limit(count * bytes);
        array.read((long) from * bytes, values);
        values.flip();
        for (int i = from; i < from + count; i++) {
          long value = isSigned ? signed(values, bytes) : unsigned(values, bytes);
          classes[i] = checked(file, value, i, classes.length, isSigned);
        }
      }
      return classes;
    }
  }

  private static int checked(Path file, long value, int index, int samples, boolean isSigned) {
    if (value < 0 || value > Integer.MAX_VALUE) {
      throw unusable(
          file,
          "labels that are no classes: label "
              + index
              + " of "
              + samples
              + " is "
              + (isSigned ? String.valueOf(value) : Long.toUnsignedString(value)));
    }
    return (int) value;
  }

  private static long signed(ByteBuffer values, int bytes) {
    return switch (bytes) {
      case 1 -> values.get();
      case 2 -> values.getShort();
      case 4 -> values.getInt();
      default -> values.getLong();
    };
  }

  private static long unsigned(ByteBuffer values, int bytes) {
    return switch (bytes) {
      case 1 -> Byte.toUnsignedLong(values.get());
      case 2 -> Short.toUnsignedLong(values.getShort());
      case 4 -> Integer.toUnsignedLong(values.getInt());
      default -> values.getLong(); // beyond 2^63 it comes out negative, which is no class either
    };
  }

  private static InvalidInputException unusable(Path file, String found) {
    return new InvalidInputException(
        "data file "
            + file
            + " has "
            + found
            + ": expected one whole number from 0 for each sample; correct the array, or leave it"
            + " out if the classes are not known");
  }
}
