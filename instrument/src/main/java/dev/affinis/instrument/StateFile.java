package dev.affinis.instrument;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.affinis.signature.AtomicFile;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.zip.CRC32C;

/**
 * One file of what a run keeps: a line that says what it is, and the content behind it. The line
 * has the version of the format, the run, the file's own name, the length and the checksum
 * (CRC-32C) of the content; a file is used only if all of it is as expected. Files appear in one
 * step, see {@link AtomicFile}. They are not forced onto the disk: what a loss of power leaves is
 * found to be damaged.
 */
final class StateFile {
  /** Another number whenever an older Affinis could misread what this one writes. */
  static final String SCHEMA = "affinis.run/1";

  static final JsonMapper JSON = JsonMapper.builder().build();

  /** Length of the line; what comes behind it is aligned for numbers of any type. */
  private static final int LINE = 256;

  private StateFile() {}

  /** A file that cannot be used; the message says why. */
  static final class DamagedException extends IOException {
    private static final long serialVersionUID = 1L;

    DamagedException(String reason) {
      super(reason);
    }
  }

  /**
   * Writes a file.
   *
   * @param file where, replaced if it exists
   * @param run which run it belongs to
   * @param content what, each part from its position to its limit; not modified
   * @throws IOException if it cannot be written; nothing is left then
   */
  static void write(Path file, String run, ByteBuffer... content) throws IOException {
    CRC32C checksum = new CRC32C();
    long length = 0;
    ByteBuffer[] parts = new ByteBuffer[content.length + 1];
    for (int i = 0; i < content.length; i++) {
      length += content[i].remaining();
      checksum.update(content[i].duplicate());
      parts[i + 1] = content[i].duplicate();
    }
    parts[0] = ByteBuffer.wrap(line(file, run, length, checksum.getValue()));
    AtomicFile.write(file, parts);
  }

  /** Writes a file of JSON. */
  static void write(Path file, String run, JsonNode tree) throws IOException {
    write(file, run, bytes(tree));
  }

  /** JSON as it stands in files. */
  static ByteBuffer bytes(JsonNode tree) {
    return ByteBuffer.wrap(tree.toPrettyString().getBytes(StandardCharsets.UTF_8));
  }

  private static byte[] line(Path file, String run, long length, long checksum) {
    String text =
        String.join(
            " ",
            SCHEMA,
            run,
            file.getFileName().toString(),
            String.valueOf(length),
            HexFormat.of().toHexDigits((int) checksum));
    byte[] line = new byte[LINE];
    Arrays.fill(line, (byte) ' ');
    byte[] words = text.getBytes(StandardCharsets.UTF_8);
    System.arraycopy(words, 0, line, 0, words.length);
    line[LINE - 1] = '\n';
    return line;
  }

  /**
   * Reads a file.
   *
   * @param file which
   * @param run which run it must belong to
   * @return its content, direct, in the byte order of this machine
   * @throws java.nio.file.NoSuchFileException if there is none
   * @throws DamagedException if it is not what was written, or of another version
   * @throws IOException if it cannot be read
   */
  static ByteBuffer read(Path file, String run) throws IOException {
    byte[] line = new byte[LINE];
    ByteBuffer content;
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long length = channel.size() - LINE;
      if (length < 0 || length > Integer.MAX_VALUE) {
        throw new DamagedException("it has the wrong length");
      }
      fill(channel, ByteBuffer.wrap(line));
      content = ByteBuffer.allocateDirect((int) length).order(ByteOrder.nativeOrder());
      fill(channel, content);
    }
    content.flip();
    CRC32C checksum = new CRC32C();
    checksum.update(content.duplicate());
    if (!Arrays.equals(line, line(file, run, content.remaining(), checksum.getValue()))) {
      String text = new String(line, StandardCharsets.UTF_8);
      throw new DamagedException(
          text.startsWith("affinis.run/") && !text.startsWith(SCHEMA + " ")
              ? "another version of affinis wrote it"
              : "it is damaged, or belongs to another run");
    }
    return content;
  }

  private static void fill(FileChannel channel, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      if (channel.read(buffer) < 0) {
        throw new EOFException("it became shorter while it was read");
      }
    }
  }

  /** Reads a file of JSON, see {@link #read}. */
  static JsonNode readJson(Path file, String run) throws IOException {
    ByteBuffer content = read(file, run);
    byte[] bytes = new byte[content.remaining()];
    content.get(bytes);
    return JSON.readTree(bytes);
  }
}
