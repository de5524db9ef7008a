package dev.affinis.instrument.torchscript;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
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
  private final Map<String, String> sources = new LinkedHashMap<>();
  private final List<Double> constants = new ArrayList<>();

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

  /** Adds a constant: a number of 64 bits without axes, as tracing leaves it. */
  public TestArchive constant(double value) {
    constants.add(value);
    return this;
  }

  /** Adds a source file besides the one that is given for writing. */
  public TestArchive source(String file, String text) {
    sources.put(file, text);
    return this;
  }

  /** Writes an archive whose root is this module, with the given source of its classes. */
  public Path write(Path file, String source) {
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
      put(zip, "data.pkl", pickle());
      put(zip, "constants.pkl", pickledConstants());
      for (int i = 0; i < constants.size(); i++) {
        ByteBuffer bytes = ByteBuffer.allocate(Double.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        put(zip, "constants/" + i, bytes.putDouble(constants.get(i)).array());
      }
      put(zip, "version", "10\n".getBytes(StandardCharsets.US_ASCII));
      put(zip, "code/__torch__.py", source.getBytes(StandardCharsets.UTF_8));
      for (Map.Entry<String, String> other : sources.entrySet()) {
        put(zip, "code/" + other.getKey(), other.getValue().getBytes(StandardCharsets.UTF_8));
      }
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

  /** A tuple of torch._utils._rebuild_tensor_v2(storage, 0, (), (), False, OrderedDict()). */
  private byte[] pickledConstants() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    boolean isShort = !constants.isEmpty() && constants.size() <= 3;
    out.writeBytes(new byte[] {(byte) 0x80, 2});
    if (!isShort) {
      out.write('(');
    }
    for (int i = 0; i < constants.size(); i++) {
      global(out, "torch._utils", "_rebuild_tensor_v2");
      out.writeBytes(new byte[] {'(', '('});
      string(out, "storage");
      global(out, "torch", "DoubleStorage");
      string(out, String.valueOf(i));
      string(out, "cpu");
      out.writeBytes(new byte[] {'K', 1, 't', 'Q', 'K', 0, ')', ')', (byte) 0x89});
      global(out, "collections", "OrderedDict");
      out.writeBytes(new byte[] {')', 'R', 't', 'R'});
    }
    // Tuples of one to three have operations of their own.
    out.write(isShort ? 0x84 + constants.size() : 't');
    out.write('.');
    return out.toByteArray();
  }

  private static void global(ByteArrayOutputStream out, String module, String name) {
    out.writeBytes(("c" + module + '\n' + name + '\n').getBytes(StandardCharsets.US_ASCII));
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
