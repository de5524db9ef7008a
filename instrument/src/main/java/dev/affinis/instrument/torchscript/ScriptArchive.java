package dev.affinis.instrument.torchscript;

import dev.affinis.instrument.InvalidInputException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Enumeration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
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
 * needs no more memory than the source itself. Nothing is unpacked to a path that an archive names.
 *
 * <p>Archives may come from strangers. Refused are those with more than {@value #MOST_ENTRIES}
 * entries or two of one name, with more than {@value #MOST_SOURCE} bytes of source or {@value
 * #MOST_PICKLE} in one pickle, and those that unpack to both over {@value #LEAST_BOMB} bytes and
 * {@value #MOST_RATIO} times their size.
 */
final class ScriptArchive implements AutoCloseable {
  private static final byte[] ZIP_MAGIC = {'P', 'K', 3, 4};
  private static final int PICKLE_PROTOCOL = 0x80;

  private static final int MOST_ENTRIES = 200_000;
  private static final int MOST_SOURCE = 1 << 25;
  private static final int MOST_PICKLE = 1 << 24;

  /** Weights hardly shrink when they are packed, and are not packed by PyTorch. */
  private static final int MOST_RATIO = 20;

  private static final long LEAST_BOMB = 1L << 30;

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
    } catch (ZipException | EOFException e) {
      throw damaged(file, e);
    }
    try {
      requireHarmless(file, zip);
      return new ScriptArchive(file, zip, findFolder(file, zip));
    } catch (ZipException | EOFException | IllegalArgumentException e) {
      // The last where a comment is no UTF-8.
      zip.close();
      throw damaged(file, e);
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

  private static void requireHarmless(Path file, ZipFile zip) throws IOException {
    if (zip.size() > MOST_ENTRIES) {
      throw refused(
          file, "has " + zip.size() + " entries, more than the " + MOST_ENTRIES + " that are read");
    }
    Set<String> names = new HashSet<>();
    long most = Math.max(LEAST_BOMB, MOST_RATIO * Files.size(file));
    long size = 0;
    for (Enumeration<? extends ZipEntry> e = zip.entries(); e.hasMoreElements(); ) {
      ZipEntry entry = e.nextElement();
      // The engine looks entries up whatever the case of their letters.
      if (!names.add(entry.getName().toLowerCase(Locale.ROOT))) {
        throw refused(file, "has two entries named " + quoted(entry.getName()));
      }
      if (entry.getSize() < 0 || entry.getSize() > most - size) {
        throw refused(
            file,
            "unpacks to more than "
                + most
                + " bytes (entry "
                + quoted(entry.getName())
                + "), as only a file that was made to fill memory or disk does");
      }
      size += entry.getSize();
    }
  }

  private static InvalidInputException refused(Path file, String why) {
    return new InvalidInputException(
        "model " + file + " " + why + ": it was not written by torch.jit.save, export it again");
  }

  /** A name as a message may show it: names are anyone's. */
  private static String quoted(String name) {
    String shown = name.length() > 80 ? name.substring(0, 80) + "..." : name;
    return '"' + shown.replaceAll("[^\\x20-\\x7e]", "?") + '"';
  }

  /** The folder that the first entry stands in: the engine reads that one, too. */
  private static String findFolder(Path file, ZipFile zip) throws IOException {
    Enumeration<? extends ZipEntry> entries = zip.entries();
    String first = entries.hasMoreElements() ? entries.nextElement().getName() : "";
    String folder = first.substring(0, first.indexOf('/') + 1);
    if (folder.isEmpty() || zip.getEntry(folder + "data.pkl") == null) {
      throw new InvalidInputException(
          "model "
              + file
              + " is a zip without data.pkl in its first folder, so not a TorchScript archive:"
              + " export the model with torch.jit.save");
    }
    requirePlain(file, zip, folder);
    if (zip.stream()
        .map(ZipEntry::getName)
        .noneMatch(name -> name.startsWith(folder + "code/") && name.endsWith(".py"))) {
      throw new InvalidInputException(
          "model "
              + file
              + " holds "
              + (isStateDict(zip, folder)
                  ? "a state_dict (weights only)"
                  : "a pickled Python object")
              + ", not a TorchScript program: build the model in Python, load the weights and"
              + " export it with torch.jit.save(torch.jit.trace(model.eval(), example),"
              + " \"model.pt\")");
    }
    return folder;
  }

  /** Source must be where it is read, and the format that of PyTorch 1.4 and later. */
  private static void requirePlain(Path file, ZipFile zip, String folder) {
    String code = folder + "code/";
    for (Enumeration<? extends ZipEntry> e = zip.entries(); e.hasMoreElements(); ) {
      String name = e.nextElement().getName();
      String lower = name.toLowerCase(Locale.ROOT);
      boolean isSource = lower.startsWith(code.toLowerCase(Locale.ROOT)) && lower.endsWith(".py");
      if (isSource && !(name.startsWith(code) && name.endsWith(".py"))) {
        throw refused(file, "has source under another name, " + quoted(name));
      }
      if (lower.equals(folder.toLowerCase(Locale.ROOT) + "model.json")) {
        throw refused(file, "is of a format older than PyTorch 1.4");
      }
    }
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
      throw damaged(file, e);
    }
    throw new InvalidInputException(
        "model " + file + " does not say what its root module is: export it with torch.jit.save");
  }

  /** Reads all source files: path inside the code folder to text. */
  Map<String, String> readSources() throws IOException {
    Map<String, String> sources = new LinkedHashMap<>();
    String prefix = folder + "code/";
    int left = MOST_SOURCE;
    for (Enumeration<? extends ZipEntry> e = zip.entries(); e.hasMoreElements(); ) {
      ZipEntry entry = e.nextElement();
      String name = entry.getName();
      if (name.startsWith(prefix) && name.endsWith(".py")) {
        if (entry.getSize() > left) {
          throw refused(
              file, "has more than the " + MOST_SOURCE + " bytes of source that are read");
        }
        byte[] text = bytes(entry, 0, (int) entry.getSize());
        left -= text.length;
        sources.put(name.substring(prefix.length()), new String(text, StandardCharsets.UTF_8));
      }
    }
    return sources;
  }

  /** For each of the program's constants its value, or null if it is no number. */
  List<Double> readConstants() throws IOException {
    ZipEntry pickle = zip.getEntry(folder + "constants.pkl");
    if (pickle == null) {
      return List.of();
    }
    if (pickle.getSize() > MOST_PICKLE) {
      throw refused(
          file,
          "has a constants.pkl of "
              + pickle.getSize()
              + " bytes, more than the "
              + MOST_PICKLE
              + " that are read");
    }
    return ScriptConstants.read(bytes(pickle, 0, (int) pickle.getSize()), this::constant);
  }

  private byte[] constant(String name, long from, int length) throws IOException {
    ZipEntry entry = zip.getEntry(folder + "constants/" + name);
    return entry == null || from < 0 || from > entry.getSize() - length
        ? null
        : bytes(entry, from, length);
  }

  /** Reads a part of an entry that lies within its size. */
  private byte[] bytes(ZipEntry entry, long from, int length) throws IOException {
    try (InputStream in = zip.getInputStream(entry)) {
      in.skipNBytes(from);
      byte[] bytes = in.readNBytes(length);
      if (bytes.length < length) {
        throw new EOFException(entry.getName() + " ends early");
      }
      return bytes;
    } catch (ZipException | EOFException e) {
      throw damaged(file, e);
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
        String name = entry.getName();
        if (name.startsWith(folder) && !name.startsWith(folder + "code/") && !entry.isDirectory()) {
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
      long left = entry.getSize();
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        left -= n;
        if (left < 0) {
          throw new ZipException(entry.getName() + " is longer than it says");
        }
        out.write(buffer, 0, n);
      }
    } catch (ZipException | EOFException ex) {
      throw damaged(file, ex);
    }
    try {
      out.closeEntry();
    } catch (ZipException ex) {
      throw damaged(file, ex);
    }
  }

  private static InvalidInputException damaged(Path file, Exception cause) {
    return new InvalidInputException(
        "model "
            + file
            + " is a damaged or truncated zip ("
            + cause.getMessage()
            + "): copy or export it again",
        cause);
  }

  @Override
  public void close() throws IOException {
    zip.close();
  }
}
