package dev.affinis.instrument;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** A disk of a few bytes, in memory, that gets full as real ones do. */
final class SmallDisk implements AutoCloseable {
  private static final int BLOCK = 512;

  private final FileSystem files;
  private final Path directory;

  SmallDisk(long bytes) throws IOException {
    files =
        Jimfs.newFileSystem(
            Configuration.unix().toBuilder().setBlockSize(BLOCK).setMaxSize(bytes).build());
    directory = Files.createDirectory(files.getPath("/spill"));
  }

  Path directory() {
    return directory;
  }

  /** Another program takes what is free, but for some bytes. */
  void fillUpTo(long left) {
    try {
      long free = Files.getFileStore(directory).getUsableSpace();
      if (free > left) {
        Files.write(files.getPath("/other"), new byte[(int) (free - left)]);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  List<Path> spilled() throws IOException {
    try (Stream<Path> list = Files.list(directory)) {
      return list.toList();
    }
  }

  @Override
  public void close() throws IOException {
    files.close();
  }
}
