package dev.affinis.instrument.torchscript;

import dev.affinis.instrument.InvalidInputException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Enumeration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * A TorchScript file: a zip with one top folder that holds {@code data.pkl}, {@code code/**.py} and
 * the weights under {@code data}.
 *
 * <p>Entries are copied one at a time through a small buffer, so that a copy with other source
 * needs no more memory than the source itself.
 */
final class ScriptArchive implements AutoCloseable {
  private static final byte[] ZIP_MAGIC = {'P', 'K', 3, 4};
  private static final int PICKLE_PROTOCOL = 0x80;

  private final Path file;
  private final ZipFile zip;
  private final String folder;

  private ScriptArchive(Path file, ZipFile zip, String folder) {
    this.file = file;
    this.zip = zip;
    this.folder = folder;
  }

  /**
   * Opens an archive.
   *
   * @param file path of the file
   * @return the archive, to be closed by the caller
   * @throws InvalidInputException if the file is not a TorchScript archive; the message says what
   *     it is instead, where that can be told
   * @throws IOException if the file cannot be read
   */
  static ScriptArchive open(Path file) throws IOException {
    requireZip(file);
    ZipFile zip;
    try {
      zip = new ZipFile(file.toFile());
    } catch (ZipException e) {
      throw new InvalidInputException(
          "model "
              + file
              + " is a damaged or truncated zip ("
              + e.getMessage()
              + "): copy or export it again",
          e);
    }
    try {
      return new ScriptArchive(file, zip, findFolder(file, zip));
    } catch (IOException | RuntimeException e) {
      zip.close();
      throw e;
    }
  }

  private static void requireZip(Path file) throws IOException {
    byte[] head = new byte[ZIP_MAGIC.length];
    int length;
    try (InputStream in = Files.newInputStream(file)) {
      length = in.readNBytes(head, 0, head.length);
    }
    if (length == head.length && java.util.Arrays.equals(head, ZIP_MAGIC)) {
      return;
    }
    String found =
        length == 0
            ? "is empty"
            : (head[0] & 0xff) == PICKLE_PROTOCOL
                ? "is a Python pickle, not a TorchScript archive"
                : "is not a zip, so not a TorchScript archive";
    throw new InvalidInputException(
        "model "
            + file
            + " "
            + found
            + ": export it with torch.jit.save(torch.jit.trace(model.eval(), example), \"model.pt\")");
  }

  private static String findFolder(Path file, ZipFile zip) throws IOException {
    String data = null;
    boolean code = false;
    for (Enumeration<? extends ZipEntry> e = zip.entries(); e.hasMoreElements(); ) {
      String name = e.nextElement().getName();
      int slash = name.indexOf('/');
      if (slash > 0 && name.substring(slash + 1).equals("data.pkl")) {
        data = name.substring(0, slash + 1);
      }
      code |= slash > 0 && name.startsWith("code/", slash + 1) && name.endsWith(".py");
    }
    if (data == null) {
      throw new InvalidInputException(
          "model "
              + file
              + " is a zip without data.pkl, so not a TorchScript archive: export the model with"
              + " torch.jit.save");
    }
    if (!code) {
      throw new InvalidInputException(
          "model "
              + file
              + " holds "
              + (isStateDict(zip, data) ? "a state_dict (weights only)" : "a pickled Python object")
              + ", not a TorchScript program: build the model in Python, load the weights and"
              + " export it with torch.jit.save(torch.jit.trace(model.eval(), example),"
              + " \"model.pt\")");
    }
    return data;
  }

  private static boolean isStateDict(ZipFile zip, String folder) throws IOException {
    try (InputStream in = zip.getInputStream(zip.getEntry(folder + "data.pkl"))) {
      String head = new String(in.readNBytes(64), StandardCharsets.ISO_8859_1);
      return head.contains("OrderedDict") || head.startsWith("}", 2);
    }
  }

  /**
   * Returns the qualified name of the root module's class: the first global that the pickled object
   * names.
   */
  String rootClass() throws IOException {
    try (InputStream in = zip.getInputStream(zip.getEntry(folder + "data.pkl"))) {
      String head = new String(in.readNBytes(1024), StandardCharsets.UTF_8);
      // Protocol byte, version byte, then the opcode GLOBAL: module \n name \n.
      int first = head.indexOf('\n');
      int second = head.indexOf('\n', first + 1);
      if (head.length() > 3 && head.charAt(2) == 'c' && second > 0) {
        return head.substring(3, first) + "." + head.substring(first + 1, second);
      }
    } catch (ZipException | EOFException e) {
      throw damaged(e);
    }
    throw new InvalidInputException(
        "model " + file + " does not say what its root module is: export it with torch.jit.save");
  }

  /** Reads all source files: path inside the code folder to text. */
  Map<String, String> readSources() throws IOException {
    Map<String, String> sources = new LinkedHashMap<>();
    String prefix = folder + "code/";
    for (Enumeration<? extends ZipEntry> e = zip.entries(); e.hasMoreElements(); ) {
      ZipEntry entry = e.nextElement();
      String name = entry.getName();
      if (name.startsWith(prefix) && name.endsWith(".py")) {
        try (InputStream in = zip.getInputStream(entry)) {
          sources.put(
              name.substring(prefix.length()),
              new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (ZipException | EOFException ex) {
          throw damaged(ex);
        }
      }
    }
    return sources;
  }

  /** For each of the program's constants its value, or null if it is no number. */
  List<Double> readConstants() throws IOException {
    byte[] pickle = bytes("constants.pkl");
    return pickle == null
        ? List.of()
        : ScriptConstants.read(pickle, entry -> bytes("constants/" + entry));
  }

  private byte[] bytes(String name) throws IOException {
    ZipEntry entry = zip.getEntry(folder + name);
    if (entry == null) {
      return null;
    }
    try (InputStream in = zip.getInputStream(entry)) {
      return in.readAllBytes();
    } catch (ZipException | EOFException e) {
      throw damaged(e);
    }
  }

  /**
   * Writes a copy of this archive with other source.
   *
   * @param target file to write
   * @param sources all source files of the copy, by path inside the code folder
   */
  void copyTo(Path target, Map<String, String> sources) throws IOException {
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(target))) {
      out.setMethod(ZipOutputStream.STORED);
      byte[] buffer = new byte[1 << 16];
      for (Enumeration<? extends ZipEntry> e = zip.entries(); e.hasMoreElements(); ) {
        ZipEntry entry = e.nextElement();
        if (!entry.getName().startsWith(folder + "code/") && !entry.isDirectory()) {
          copyEntry(entry, out, buffer);
        }
      }
      for (Map.Entry<String, String> source : sources.entrySet()) {
        byte[] text = source.getValue().getBytes(StandardCharsets.UTF_8);
        ZipEntry entry = new ZipEntry(folder + "code/" + source.getKey());
        entry.setSize(text.length);
        CRC32 crc = new CRC32();
        crc.update(text);
        entry.setCrc(crc.getValue());
        out.putNextEntry(entry);
        out.write(text);
        out.closeEntry();
      }
    }
  }

  private void copyEntry(ZipEntry entry, ZipOutputStream out, byte[] buffer) throws IOException {
    ZipEntry copy = new ZipEntry(entry.getName());
    copy.setSize(entry.getSize());
    copy.setCrc(entry.getCrc());
    out.putNextEntry(copy);
    try (InputStream in = zip.getInputStream(entry)) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        out.write(buffer, 0, n);
      }
    } catch (ZipException | EOFException ex) {
      throw damaged(ex);
    }
    try {
      out.closeEntry();
    } catch (ZipException ex) {
      throw damaged(ex);
    }
  }

  private InvalidInputException damaged(IOException cause) {
    return new InvalidInputException(
        "model " + file + " is damaged (" + cause.getMessage() + "): copy or export it again",
        cause);
  }

  @Override
  public void close() throws IOException {
    zip.close();
  }
}
