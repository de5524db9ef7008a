package dev.affinis.instrument.data;

import dev.affinis.fuzz.ByteMutator;
import dev.affinis.fuzz.Mutator;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.CRC32;

/**
 * Changes JPEG files segment by segment and PNG and WebP files chunk by chunk, with lengths and
 * checksums that fit again: parts are removed, repeated, swapped, borrowed and changed inside.
 * Other formats are changed by bytes.
 */
final class ImageMutator implements Mutator {
  private static final byte[] PNG = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  private static final int WEBP_HEADER = 12;

  private final ByteMutator ofBytes = new ByteMutator();

  @Override
  public byte[] mutate(byte[] input, SplittableRandom random, List<byte[]> corpus) {
    List<byte[]> parts = parts(input);
    if (parts.size() < 2 || random.nextInt(4) == 0) {
      return ofBytes.mutate(input, random, corpus);
    }
    int changes = 1 + (random.nextBoolean() ? random.nextInt(4) : 0);
    for (int i = 0; i < changes && parts.size() > 1; i++) {
      change(parts, random, corpus);
    }
    return join(input, parts);
  }

  private void change(List<byte[]> parts, SplittableRandom random, List<byte[]> corpus) {
    int at = random.nextInt(1, parts.size());
    switch (random.nextInt(7)) {
      case 0 -> parts.remove(at);
      case 1 -> {
        int times = random.nextInt(100) == 0 ? 500 : 1;
        for (int i = 0; i < times; i++) {
          parts.add(at, parts.get(at));
        }
      }
      case 2 -> parts.add(random.nextInt(1, parts.size()), parts.remove(at));
      case 3 -> {
        List<byte[]> other = parts(corpus.get(random.nextInt(corpus.size())));
        parts.add(at, other.get(random.nextInt(other.size())));
      }
      default -> parts.set(at, changed(parts.get(at), random, corpus));
    }
  }

  /** Changes what is inside; what kind of part it is stays. */
  private byte[] changed(byte[] part, SplittableRandom random, List<byte[]> corpus) {
    int head = Math.min(4, part.length);
    byte[] inside = ofBytes.mutate(Arrays.copyOfRange(part, head, part.length), random, corpus);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(part, 0, head);
    out.writeBytes(inside);
    return out.toByteArray();
  }

  /** The file's header, then a part for each of its segments or chunks, without their lengths. */
  private static List<byte[]> parts(byte[] file) {
    List<byte[]> parts = new ArrayList<>();
    if (startsWith(file, PNG)) {
      parts.add(PNG);
      for (int at = PNG.length; at + 8 <= file.length; ) {
        int end = end(file, at + 8, ByteBuffer.wrap(file).getInt(at));
        parts.add(Arrays.copyOfRange(file, at + 4, end));
        at = Math.min(file.length, end + 4);
      }
    } else if (isWebp(file)) {
      parts.add(Arrays.copyOf(file, WEBP_HEADER));
      for (int at = WEBP_HEADER; at + 8 <= file.length; ) {
        int length = Integer.reverseBytes(ByteBuffer.wrap(file).getInt(at + 4));
        int end = end(file, at + 8, length);
        ByteArrayOutputStream part = new ByteArrayOutputStream();
        part.write(file, at, 4);
        part.write(file, at + 8, end - at - 8);
        parts.add(part.toByteArray());
        at = end + (length & 1);
      }
    } else if (file.length > 4 && file[0] == -1 && file[1] == (byte) 0xd8) {
      int start = 0;
      for (int at = 2; at + 1 < file.length; at++) {
        boolean isMarker = file[at] == -1 && (file[at + 1] & 0xff) >= 0xc0 && file[at + 1] != -1;
        if (isMarker) {
          parts.add(Arrays.copyOfRange(file, start, at));
          start = at;
        }
      }
      parts.add(Arrays.copyOfRange(file, start, file.length));
    } else {
      parts.add(file);
    }
    return parts;
  }

  private static int end(byte[] file, int from, int length) {
    return length < 0 || length > file.length - from ? file.length : from + length;
  }

  private static byte[] join(byte[] file, List<byte[]> parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(parts.get(0));
    for (byte[] part : parts.subList(1, parts.size())) {
      if (startsWith(file, PNG)) {
        CRC32 checksum = new CRC32();
        checksum.update(part);
        out.writeBytes(number(part.length - 4));
        out.writeBytes(part);
        out.writeBytes(number((int) checksum.getValue()));
      } else if (isWebp(file)) {
        int length = Math.max(0, part.length - 4);
        out.write(part, 0, Math.min(4, part.length));
        out.writeBytes(number(Integer.reverseBytes(length)));
        out.write(part, Math.min(4, part.length), length);
        out.write(new byte[length & 1], 0, length & 1);
      } else {
        // Markers with a length have it in their third and fourth byte.
        int marker = part.length > 3 ? part[1] & 0xff : 0;
        byte[] copy = part.clone();
        if (marker >= 0xc0 && marker != 0xda && !(marker >= 0xd0 && marker <= 0xd9)) {
          copy[2] = (byte) ((part.length - 2) >> 8);
          copy[3] = (byte) (part.length - 2);
        }
        out.writeBytes(copy);
      }
    }
    byte[] result = out.toByteArray();
    if (isWebp(result)) {
      ByteBuffer.wrap(result).putInt(4, Integer.reverseBytes(result.length - 8));
    }
    return result;
  }

  private static byte[] number(int value) {
    return ByteBuffer.allocate(4).putInt(value).array();
  }

  private static boolean isWebp(byte[] file) {
    return file.length >= WEBP_HEADER
        && startsWith(file, "RIFF".getBytes(StandardCharsets.US_ASCII))
        && new String(file, 8, 4, StandardCharsets.US_ASCII).equals("WEBP");
  }

  private static boolean startsWith(byte[] file, byte[] start) {
    return file.length >= start.length
        && Arrays.equals(file, 0, start.length, start, 0, start.length);
  }
}
