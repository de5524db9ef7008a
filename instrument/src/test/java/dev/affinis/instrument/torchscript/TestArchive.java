package dev.affinis.instrument.torchscript;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Writes TorchScript archives by hand: source of our own and a tree of modules without parameters.
 *
 * <pre>{@code
 * new TestArchive("M").attribute("act", new TestArchive("Act")).write(file, source)
 * }</pre>
 */
public final class TestArchive {
  private final String type;
  private final Map<String, TestArchive> attributes = new LinkedHashMap<>();

  /**
   * Starts a module.
   *
   * @param type name of its class in the file {@code __torch__.py}
   */
  public TestArchive(String type) {
    this.type = type;
  }

  /** Adds a submodule. */
  public TestArchive attribute(String name, TestArchive module) {
    attributes.put(name, module);
    return this;
  }

  /** Writes an archive whose root is this module and whose only source file is the given one. */
  public Path write(Path file, String source) {
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
      put(zip, "data.pkl", pickle());
      put(zip, "constants.pkl", new byte[] {(byte) 0x80, 2, ')', '.'});
      put(zip, "version", "10\n".getBytes(StandardCharsets.US_ASCII));
      put(zip, "code/__torch__.py", source.getBytes(StandardCharsets.UTF_8));
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Source of a module class without parameters.
   *
   * @param name its name
   * @param attributes declarations such as {@code "act : __torch__.Act"}, one a line
   * @param methods methods, written from column 0
   */
  public static String module(String name, String attributes, String methods) {
    return "class "
        + name
        + "(Module):\n  __parameters__ = []\n  __buffers__ = []\n  training : bool\n"
        + (attributes.isEmpty() ? "" : attributes.strip().indent(2))
        + methods.strip().indent(2);
  }

  private static void put(ZipOutputStream zip, String name, byte[] bytes) throws IOException {
    zip.putNextEntry(new ZipEntry("archive/" + name));
    zip.write(bytes);
    zip.closeEntry();
  }

  private byte[] pickle() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(new byte[] {(byte) 0x80, 2});
    object(out);
    out.write('.');
    return out.toByteArray();
  }

  private void object(ByteArrayOutputStream out) {
    out.writeBytes(("c__torch__\n" + type + "\n)").getBytes(StandardCharsets.US_ASCII));
    out.write(0x81);
    out.writeBytes(new byte[] {'}', '('});
    string(out, "training");
    out.write(0x89);
    attributes.forEach(
        (name, module) -> {
          string(out, name);
          module.object(out);
        });
    out.writeBytes(new byte[] {'u', 'b'});
  }

  private static void string(ByteArrayOutputStream out, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    out.write('X');
    out.writeBytes(
        ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(bytes.length).array());
    out.writeBytes(bytes);
  }
}
