package dev.affinis.instrument;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Tells whether files are still the same. */
public final class FileIdentity {
  private FileIdentity() {}

  /**
   * Identifies data that can be large.
   *
   * @param path a file or a folder
   * @return checksum of a file's content; of a folder's names, sizes and times of change, at any
   *     depth
   * @throws IOException if it cannot be read
   */
  public static String of(Path path) throws IOException {
    return Files.isDirectory(path) ? of(path, files(path)) : ofContent(path);
  }

  /**
   * Identifies some files of a folder.
   *
   * @param path the folder
   * @param files files below it, in an order that is always the same
   * @return checksum of their names, sizes and times of change
   * @throws IOException if they are not there any more
   */
  public static String of(Path path, List<Path> files) throws IOException {
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

  /**
   * Identifies files by all that is in them.
   *
   * @param path a file or a folder
   * @return checksum of a file's content; of the names and contents of all files in a folder
   * @throws IOException if it cannot be read
   */
  public static String ofContent(Path path) throws IOException {
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
