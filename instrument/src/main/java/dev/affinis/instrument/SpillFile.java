package dev.affinis.instrument;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * Rows in one temporary file, matrix after matrix, each row by row as the engine holds it.
 *
 * <p>The file is written and read in blocks, not mapped: a disk that gets full is then an
 * exception, and nothing stays resident. It is gone when this is closed or the process ends,
 * however it ends: on Unix it has no name from the moment it is open, Windows deletes it with its
 * last handle.
 */
final class SpillFile implements RowStore {
  private static final long BLOCK = 4 << 20;

  /** One matrix: where it begins, its width and its type. */
  private record Place(long offset, long width, DataType type) {
    long rowBytes() {
      return width * type.getNumOfBytes();
    }
  }

  private final Path directory;
  private final List<Place> places = new ArrayList<>();
  private final long bytes;
  private final ByteBuffer block;
  private final Path file;
  private final FileChannel channel;
  private long written;

  /**
   * Makes the file.
   *
   * @param directory where
   * @param examples some rows of each matrix
   * @param capacity most rows of each
   * @throws InvalidInputException if the file cannot be made there, or there is no room for it
   */
  SpillFile(Path directory, List<NDArray> examples, long capacity) {
    this.directory = directory;
    long end = 0;
    long longest = BLOCK;
    for (NDArray rows : examples) {
      Place place = new Place(end, rows.getShape().get(1), rows.getDataType());
      places.add(place);
      end += capacity * place.rowBytes();
      longest = Math.max(longest, place.rowBytes());
    }
    bytes = end;
    block = ByteBuffer.allocateDirect(Math.toIntExact(longest)).order(ByteOrder.nativeOrder());
    try {
      if (free() < bytes) {
        throw new IOException("there is not enough room");
      }
      file = Files.createTempFile(directory, "affinis-", ".spill");
      channel =
          FileChannel.open(
              file,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE,
              StandardOpenOption.DELETE_ON_CLOSE);
    } catch (IOException e) {
      throw notWritten(e);
    }
  }

  private long free() throws IOException {
    return Files.getFileStore(directory).getUsableSpace();
  }

  @Override
  public void put(int number, NDArray rows, long at) {
    Place place = places.get(number);
    ByteBuffer data = rows.toByteBuffer();
    long position = place.offset() + at * place.rowBytes();
    try {
      while (data.hasRemaining()) {
        int count = channel.write(data, position);
        position += count;
        written += count;
      }
    } catch (IOException e) {
      throw notWritten(e);
    }
  }

  private InvalidInputException notWritten(IOException cause) {
    String free;
    try {
      free = ByteSize.describe(free());
    } catch (IOException e) {
      free = "an unknown amount";
    }
    return new InvalidInputException(
        "captures cannot be written to spill directory "
            + directory
            + ": they take "
            + ByteSize.describe(bytes)
            + ", "
            + ByteSize.describe(written)
            + " are written, "
            + free
            + " free ("
            + cause.getMessage()
            + "); make room, or pass another --spill-dir, a larger --memory or fewer --samples;"
            + " nothing is left there",
        cause);
  }

  @Override
  public synchronized NDArray take(int number, long count, NDManager target) {
    Place place = places.get(number);
    NDArray matrix = target.create(new Shape(count, place.width()), place.type());
    long step = Math.max(1, BLOCK / Math.max(1, place.rowBytes()));
    for (long row = 0; row < count; row += step) {
      long end = Math.min(count, row + step);
      block.clear().limit(Math.toIntExact((end - row) * place.rowBytes()));
      read(place.offset() + row * place.rowBytes());
      Shape shape = new Shape(end - row, place.width());
      // On a CPU the array lies in the block itself.
      try (NDArray rows = target.create(block.flip(), shape, place.type())) {
        matrix.set(new NDIndex(row + ":" + end), rows);
      }
    }
    return matrix;
  }

  /** Fills the block. */
  private void read(long from) {
    try {
      long position = from;
      while (block.hasRemaining()) {
        int count = channel.read(block, position);
        if (count < 0) {
          throw new EOFException("it is shorter than what was written");
        }
        position += count;
      }
    } catch (IOException e) {
      throw new InvalidInputException(
          "captures cannot be read back from spill directory "
              + directory
              + " ("
              + e.getMessage()
              + "): check the disk, or pass another --spill-dir",
          e);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
      // Where the option above does nothing.
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
