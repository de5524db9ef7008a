package dev.affinis.fuzz;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import org.apache.commons.compress.archivers.zip.Zip64Mode;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipArchiveOutputStream;
import org.apache.commons.compress.archivers.zip.ZipFile;
import org.apache.commons.compress.utils.SeekableInMemoryByteChannel;

/**
 * Changes zip archives: entries are removed, doubled, renamed to where they must not be written,
 * swapped, blown up, and changed inside by a mutator for what they hold; sizes, checksums and
 * offsets of the directory are forged, and the archive is cut off. What is not a zip is changed by
 * bytes.
 */
public final class ZipMutator implements Mutator {
  private static final int CENTRAL_ENTRY = 0x02014b50;
  private static final int LOCAL_ENTRY = 0x04034b50;
  private static final int END = 0x06054b50;

  /** Where numbers stand behind the signatures above, and how wide they are. */
  private static final int[][] CENTRAL_FIELDS = {
    {6, 2}, {8, 2}, {10, 2}, {16, 4}, {20, 4}, {24, 4}, {28, 2}, {30, 2}, {32, 2}, {34, 2}, {42, 4}
  };

  private static final int[][] LOCAL_FIELDS = {
    {4, 2}, {6, 2}, {8, 2}, {14, 4}, {18, 4}, {22, 4}, {26, 2}, {28, 2}
  };

  private static final int[][] END_FIELDS = {
    {4, 2}, {6, 2}, {8, 2}, {10, 2}, {12, 4}, {16, 4}, {20, 2}
  };

  private static final long[] NUMBERS = {
    0, 1, 8, 9, 99, 0x7fff, 0xffff, 1 << 20, 0x7fffffff, 0x80000000L, 0xfffffffeL, 0xffffffffL
  };

  /** Entries that were blown up stay as they are. */
  private static final int MOST_CHANGED = 1 << 20;

  private static final List<String> NAMES =
      List.of(
          "../../escaped",
          "/absolute",
          "C:\\windows",
          "a/../../b",
          "",
          "/",
          ".",
          "..",
          "a//b",
          "dir/",
          "nul\u0000name",
          "\u202Etxt.py",
          "\uD83D\uDE00");

  private final ByteMutator ofBytes = new ByteMutator("PK\u0003\u0004", "PK\u0001\u0002");
  private final Function<String, Mutator> ofEntries;
  private final int bomb;

  /** An entry; unchanged once it is made. */
  private static final class Entry {
    private final String name;
    private final byte[] content;
    private final boolean isDeflated;

    Entry(String name, byte[] content, boolean isDeflated) {
      this.name = name;
      this.content = content;
      this.isDeflated = isDeflated;
    }

    String name() {
      return name;
    }

    byte[] content() {
      return content;
    }

    boolean isDeflated() {
      return isDeflated;
    }
  }

  /**
   * Makes a mutator.
   *
   * @param ofEntries says for an entry's name what changes its content
   * @param bomb how many bytes an entry that is blown up has; packed it is a thousandth
   */
  public ZipMutator(Function<String, Mutator> ofEntries, int bomb) {
    this.ofEntries = ofEntries;
    this.bomb = bomb;
  }

  @Override
  public byte[] mutate(byte[] input, SplittableRandom random, List<byte[]> corpus) {
    List<Entry> entries = read(input);
    int choice = random.nextInt(10);
    if (entries.isEmpty() || choice == 0) {
      return ofBytes.mutate(input, random, corpus);
    }
    if (choice < 4) {
      return forge(input, random);
    }
    int changes = 1 + (random.nextInt(3) == 0 ? random.nextInt(4) : 0);
    for (int i = 0; i < changes && !entries.isEmpty(); i++) {
      change(entries, random, corpus);
    }
    byte[] changed = write(entries);
    return random.nextInt(8) == 0 ? forge(changed, random) : changed;
  }

  private void change(List<Entry> entries, SplittableRandom random, List<byte[]> corpus) {
    int at = random.nextInt(entries.size());
    Entry entry = entries.get(at);
    Entry other = entries.get(random.nextInt(entries.size()));
    switch (random.nextInt(12)) {
      case 0 -> entries.remove(at);
      case 1 -> entries.add(random.nextInt(entries.size()), entry);
      case 2 -> entries.set(at, new Entry(name(entry, other, random), entry.content(), false));
      case 3 -> entries.set(at, new Entry(entry.name(), other.content(), true));
      case 4 -> {
        if (random.nextInt(100) == 0) {
          entries.set(at, new Entry(entry.name(), new byte[bomb], true));
        }
      }
      case 5 -> Collections.swap(entries, at, entries.indexOf(other));
      case 6 -> entries.addAll(read(corpus.get(random.nextInt(corpus.size()))));
      case 7 -> {
        int many = random.nextInt(random.nextInt(50) == 0 ? 5_000 : 10);
        for (int i = 0; i < many; i++) {
          entries.add(new Entry(entry.name() + i, new byte[0], false));
        }
      }
      default -> {
        if (entry.content().length > MOST_CHANGED) {
          return;
        }
        byte[] content =
            ofEntries
                .apply(entry.name())
                .mutate(entry.content(), random, List.of(entry.content(), other.content()));
        entries.set(at, new Entry(entry.name(), content, entry.isDeflated()));
      }
    }
  }

  private static String name(Entry entry, Entry other, SplittableRandom random) {
    String odd = NAMES.get(random.nextInt(NAMES.size()));
    int slash = entry.name().indexOf('/') + 1;
    return switch (random.nextInt(5)) {
      case 0 -> odd;
      case 1 -> entry.name().substring(0, slash) + odd;
      case 2 -> entry.name().substring(0, slash) + odd + '/' + entry.name().substring(slash);
      case 3 -> other.name();
      default -> entry.name() + odd;
    };
  }

  /** Writes another number over one of the directory's, or of the entries'. */
  private static byte[] forge(byte[] zip, SplittableRandom random) {
    byte[] result = zip.clone();
    ByteBuffer buffer = ByteBuffer.wrap(result).order(ByteOrder.LITTLE_ENDIAN);
    int signature = List.of(CENTRAL_ENTRY, LOCAL_ENTRY, END).get(random.nextInt(3));
    int[][] fields =
        signature == CENTRAL_ENTRY
            ? CENTRAL_FIELDS
            : signature == LOCAL_ENTRY ? LOCAL_FIELDS : END_FIELDS;
    List<Integer> places = new ArrayList<>();
    for (int i = 0; i + 46 <= result.length || (signature == END && i + 22 <= result.length); i++) {
      if (buffer.getInt(i) == signature) {
        places.add(i);
      }
    }
    if (places.isEmpty()) {
      return result;
    }
    int at = places.get(random.nextInt(places.size()));
    int[] field = fields[random.nextInt(fields.length)];
    long value = NUMBERS[random.nextInt(NUMBERS.length)];
    if (field[1] == 2) {
      buffer.putShort(at + field[0], (short) value);
    } else {
      buffer.putInt(at + field[0], (int) value);
    }
    return result;
  }

  private static List<Entry> read(byte[] input) {
    List<Entry> entries = new ArrayList<>();
    try (ZipFile zip =
        ZipFile.builder()
            .setSeekableByteChannel(new SeekableInMemoryByteChannel(input))
            .setIgnoreLocalFileHeader(true)
            .get()) {
      for (ZipArchiveEntry entry : Collections.list(zip.getEntries())) {
        try (InputStream in = zip.getInputStream(entry)) {
          boolean isDeflated = entry.getMethod() != ZipEntry.STORED;
          entries.add(new Entry(entry.getName(), in.readNBytes(1 << 20), isDeflated));
        }
      }
    } catch (IOException | IllegalArgumentException e) {
      // A finding that is no zip any more: its bytes are changed.
      return new ArrayList<>();
    }
    return entries;
  }

  private static byte[] write(List<Entry> entries) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipArchiveOutputStream zip = new ZipArchiveOutputStream(bytes)) {
      zip.setUseZip64(Zip64Mode.AsNeeded);
      for (Entry entry : entries) {
        ZipArchiveEntry header = new ZipArchiveEntry(entry.name());
        header.setTime(0);
        header.setMethod(entry.isDeflated() ? ZipEntry.DEFLATED : ZipEntry.STORED);
        if (!entry.isDeflated()) {
          CRC32 crc = new CRC32();
          crc.update(entry.content());
          header.setCrc(crc.getValue());
          header.setSize(entry.content().length);
        }
        zip.putArchiveEntry(header);
        zip.write(entry.content());
        zip.closeArchiveEntry();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }
}
