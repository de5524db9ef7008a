package dev.affinis.signature;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/** Writes files in one step, so that a reader never sees half of one. */
public final class AtomicFile {
  private AtomicFile() {}

  /**
   * Writes a file. The content is completed in a temporary file of the same folder, which then
   * takes the place of the old file.
   *
   * @param file where, replaced if it exists; its folder must exist
   * @param text what, written in UTF-8
   * @throws IOException if the folder cannot be written to; an old file is then left as it was
   */
  public static void write(Path file, String text) throws IOException {
    Path target = file.toAbsolutePath();
    Path partial =
        target.resolveSibling("." + target.getFileName() + "." + UUID.randomUUID() + ".part");
    try {
      Files.write(partial, text.getBytes(StandardCharsets.UTF_8), StandardOpenOption.CREATE_NEW);
      try {
        Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
      } catch (AtomicMoveNotSupportedException e) {
        Files.move(partial, target, StandardCopyOption.REPLACE_EXISTING);
      }
    } finally {
      Files.deleteIfExists(partial);
    }
  }
}
