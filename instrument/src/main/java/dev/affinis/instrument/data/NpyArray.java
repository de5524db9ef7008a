package dev.affinis.instrument.data;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.zip.ZipEntry;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipFile;

/**
 * Random access to the rows of one array in an {@code .npz} file, a zip of NumPy {@code .npy}
 * files.
 *
 * <p>A stored entry is read where it lies; a deflated one is inflated once into a temporary file,
 * which is deleted on close. Memory does not grow with the array.
 *
 * @see <a href="https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html">the format
 *     of .npy files, versions 1 to 3</a>
 */
final class NpyArray implements AutoCloseable {
  /** NumPy refuses longer headers, too, unless it is told otherwise. */
  private static final int MAX_HEADER = 10_000;

  private static final int MOST_DIMENSIONS = 64;
  private static final Pattern DESCR = Pattern.compile("'descr'\\s*:\\s*'([^']*)'");
  private static final Pattern FORTRAN = Pattern.compile("'fortran_order'\\s*:\\s*(True|False)");
  private static final Pattern SHAPE = Pattern.compile("'shape'\\s*:\\s*\\(([0-9,\\s]*)\\)");

  /**
   * What an array's header says.
   *
   * @param dtype NumPy's name of the element type, such as {@code <f4}
   * @param fortranOrder whether the first index runs fastest
   * @param shape sizes of the dimensions
   * @param bytes length of the header in the file
   */
  record Header(String dtype, boolean fortranOrder, List<Long> shape, int bytes) {
    /** Bytes per element, 0 if the type is not a plain number. */
    int itemBytes() {
      return switch (dtype) {
        case "|u1", "|i1" -> 1;
        case "<f2", "<i2", "<u2" -> 2;
        case "<f4", "<i4", "<u4" -> 4;
        case "<f8", "<i8", "<u8" -> 8;
        default -> 0;
      };
    }

    /** The type's name, in full where it is one that is used here. */
    String typeName() {
      return switch (dtype) {
        case "|u1" -> "uint8";
        case "<f2" -> "float16";
        case "<f4" -> "float32";
        case "<f8" -> "float64";
        default -> dtype.startsWith(">") ? "big-endian " + dtype : dtype;
      };
    }

    @Override
    public String toString() {
      return shape.stream().map(String::valueOf).collect(Collectors.joining(" x "))
          + " "
          + typeName()
          + (fortranOrder ? " in Fortran order" : "");
    }
  }

  private final FileChannel channel;
  private final long start;
  private final int rowBytes;

  private NpyArray(FileChannel channel, long start, int rowBytes) {
    this.channel = channel;
    this.start = start;
    this.rowBytes = rowBytes;
  }

  /**
   * Reads an array's header.
   *
   * @throws IOException if it is none
   */
  static Header readHeader(InputStream in) throws IOException {
    byte[] prefix = in.readNBytes(8);
    if (prefix.length < 8
        || !new String(prefix, 0, 6, StandardCharsets.ISO_8859_1).equals("\u0093NUMPY")) {
      throw new IOException("not a NumPy array");
    }
    int lengthBytes = prefix[6] == 1 ? 2 : 4;
    byte[] length = in.readNBytes(lengthBytes);
    long headerLength = 0;
    for (int i = length.length - 1; i >= 0; i--) {
      headerLength = headerLength << 8 | (length[i] & 0xff);
    }
    if (length.length < lengthBytes || headerLength > MAX_HEADER) {
      throw new IOException("not a NumPy array");
    }
    byte[] text = in.readNBytes((int) headerLength);
    if (text.length < headerLength) {
      throw new EOFException("the array's header is incomplete");
    }
    String header = new String(text, StandardCharsets.UTF_8);
    Matcher fortran = FORTRAN.matcher(header);
    Matcher shape = SHAPE.matcher(header);
    Matcher descr = DESCR.matcher(header);
    if (!fortran.find() || !shape.find()) {
      throw new IOException("not a NumPy array");
    }
    try {
      List<Long> sizes =
          Arrays.stream(shape.group(1).split(",", -1))
              .map(String::strip)
              .filter(size -> !size.isEmpty())
              .map(Long::valueOf)
              .toList();
      if (sizes.size() > MOST_DIMENSIONS) {
        throw new IOException("it has " + sizes.size() + " dimensions");
      }
      return new Header(
          descr.find() ? descr.group(1) : "structured",
          fortran.group(1).equals("True"),
          sizes,
          8 + lengthBytes + (int) headerLength);
    } catch (NumberFormatException e) {
      throw new IOException("a dimension of the array is too large", e);
    }
  }

  /**
   * Opens an array of at least two dimensions with one of the known types.
   *
   * @param file the zip
   * @param zip the same, open
   * @param entry the array's entry
   * @param header the array's header
   * @throws IOException if the entry is not as long as the header says
   */
  static NpyArray open(Path file, ZipFile zip, ZipArchiveEntry entry, Header header)
      throws IOException {
    String what = "array " + entry.getName() + ", " + header + ",";
    long rows = header.shape().get(0);
    long rowBytes = header.itemBytes();
    long bytes;
    try {
      for (int i = 1; i < header.shape().size(); i++) {
        rowBytes = Math.multiplyExact(rowBytes, header.shape().get(i));
      }
      bytes = Math.multiplyExact(rowBytes, rows);
    } catch (ArithmeticException e) {
      throw new IOException(what + " is too large", e);
    }
    if (rows < 1 || rows > Integer.MAX_VALUE || rowBytes < 1 || rowBytes > Integer.MAX_VALUE - 8) {
      throw new IOException(what + " is empty or too large");
    }
    if (entry.getSize() != header.bytes() + bytes) {
      throw new IOException(
          what
              + " should have "
              + bytes
              + " bytes, but "
              + (entry.getSize() - header.bytes())
              + " are there");
    }
    if (entry.getMethod() == ZipEntry.STORED) {
      FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
      if (entry.getDataOffset() < 0 || entry.getDataOffset() + entry.getSize() > channel.size()) {
        channel.close();
        throw new EOFException("the file is incomplete");
      }
      return new NpyArray(channel, entry.getDataOffset() + header.bytes(), (int) rowBytes);
    }
    return new NpyArray(inflate(zip, entry), header.bytes(), (int) rowBytes);
  }

  private static FileChannel inflate(ZipFile zip, ZipArchiveEntry entry) throws IOException {
    Path temporary = Files.createTempFile("affinis-", ".npy");
    FileChannel channel =
        FileChannel.open(
            temporary,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE,
            StandardOpenOption.DELETE_ON_CLOSE);
    try (InputStream in = zip.getInputStream(entry)) {
      long free = Files.getFileStore(temporary.toAbsolutePath().getParent()).getUsableSpace();
      // A twentieth is left to others.
      if (free - free / 20 < entry.getSize()) {
        throw new IOException(
            String.format(
                Locale.ROOT,
                "inflating an array takes %d MiB, but %s has %d MiB free; save it with numpy.savez",
                entry.getSize() >> 20,
                temporary.getParent(),
                free >> 20));
      }
      // Never more than the size that was checked, whatever the compressed data hold.
      OutputStream out = Channels.newOutputStream(channel);
      byte[] buffer = new byte[1 << 16];
      long left = entry.getSize();
      while (left > 0) {
        int count = in.read(buffer, 0, (int) Math.min(buffer.length, left));
        if (count < 0) {
          throw new EOFException("the compressed array is incomplete");
        }
        out.write(buffer, 0, count);
        left -= count;
      }
      return channel;
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /**
   * Reads one row. Safe to call from several threads.
   *
   * @param index number of the row
   * @return the row's bytes, in little-endian order
   */
  byte[] row(int index) throws IOException {
    byte[] bytes = new byte[rowBytes];
    read((long) index * rowBytes, ByteBuffer.wrap(bytes));
    return bytes;
  }

  /**
   * Fills a buffer. Safe to call from several threads.
   *
   * @param from where in the array's data it begins, in bytes
   * @param target what is filled, all that remains of it
   */
  void read(long from, ByteBuffer target) throws IOException {
    long position = start + from;
    while (target.hasRemaining()) {
      int count = channel.read(target, position);
      if (count < 0) {
        throw new EOFException("the file has become shorter");
      }
      position += count;
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
