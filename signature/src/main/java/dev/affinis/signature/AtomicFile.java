package dev.affinis.signature;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/** Writes files in one step, so that a reader never sees half of one. */
public final class AtomicFile {
  private static final String PARTIAL = ".part";

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
    write(file, ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
  }

  /**
   * Writes a file likewise, of bytes that need not lie together.
   *
   * @param file where, replaced if it exists; its folder must exist
   * @param parts what, one after another, each from its position to its limit; used up
   * @throws IOException if the folder cannot be written to; an old file is then left as it was
   */
  public static void write(Path file, ByteBuffer... parts) throws IOException {
    Path target = file.toAbsolutePath();
    Path partial =
        target.resolveSibling("." + target.getFileName() + "." + UUID.randomUUID() + PARTIAL);
    try {
      try (FileChannel channel =
          FileChannel.open(partial, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        for (ByteBuffer part : parts) {
          while (part.hasRemaining()) {
            channel.write(part);
          }
        }
      }
      try {
        Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
      } catch (AtomicMoveNotSupportedException e) {
        Files.move(partial, target, StandardCopyOption.REPLACE_EXISTING);
      }
    } finally {
      Files.deleteIfExists(partial);
    }
  }

  /**
   * Tells the temporary files by their names, which a process leaves behind if it is killed.
   *
   * @param file any file
   * @return whether {@link #write(Path, ByteBuffer...)} makes files of such a name before it
   *     renames them
   */
  public static boolean isPartial(Path file) {
    String name = file.getFileName().toString();
    return name.startsWith(".") && name.endsWith(PARTIAL);
  }
}
