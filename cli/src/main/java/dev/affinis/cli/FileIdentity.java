package dev.affinis.cli;

import dev.affinis.instrument.Sha256;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Tells whether files are still the same. */
final class FileIdentity {
  private FileIdentity() {}

  /**
   * Identifies data that can be large.
   *
   * @param path a file or a folder
   * @return checksum of a file's content; of a folder's names, sizes and times of change, at any
   *     depth
   */
  static String of(Path path) throws IOException {
    if (!Files.isDirectory(path)) {
      return ofContent(path);
    }
    List<Path> files = files(path);
    return Sha256.of(
        out -> {
          for (Path file : files) {
            String line =
                name(path, file)
                    + '\0'
                    + Files.size(file)
                    + '\0'
                    + Files.getLastModifiedTime(file).toMillis()
                    + '\n';
            out.write(line.getBytes(StandardCharsets.UTF_8));
          }
        });
  }

  /** Checksum of a file, or of the names and contents of all files in a folder. */
  static String ofContent(Path path) throws IOException {
    if (!Files.isDirectory(path)) {
      return Sha256.of(out -> Files.copy(path, out));
    }
    List<Path> files = files(path);
    return Sha256.of(
        out -> {
          for (Path file : files) {
            out.write((name(path, file) + '\0').getBytes(StandardCharsets.UTF_8));
            Files.copy(file, out);
          }
        });
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).sorted().toList();
    }
  }

  private static String name(Path folder, Path file) {
    return folder.relativize(file).toString().replace('\\', '/');
  }
}
