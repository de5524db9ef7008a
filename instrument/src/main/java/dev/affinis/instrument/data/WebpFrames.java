package dev.affinis.instrument.data;

import java.nio.charset.StandardCharsets;
import javax.imageio.IIOException;

/**
 * Checks what a decoder of WebP files takes for granted: that the file is as long as its header
 * says, as missing bytes come out black, and that no frame is larger than the picture it belongs
 * to, as memory for it is asked for at once.
 */
final class WebpFrames {
  private static final int HEADER = 12;
  private static final int CHUNK_HEADER = 8;

  /** Where the frame of an animation begins in its chunk. */
  private static final int FRAME_HEADER = 16;

  private static final int SIZE_BITS = 0x3fff;

  private WebpFrames() {}

  /** Compares the header's length with the file's; files of another format pass. */
  static void requireComplete(byte[] bytes) throws IIOException {
    long length = isWebp(bytes) ? unsigned(bytes, 4) : 0;
    if (bytes.length < length + CHUNK_HEADER - (length & 1)) {
      throw new IIOException(
          "the file is incomplete (" + bytes.length + " of " + (length + CHUNK_HEADER) + " bytes)");
    }
  }

  /**
   * Compares the sizes of frames with that of the picture; files of another format pass.
   *
   * @param bytes the file
   * @param picture the size in its header
   */
  static void requireWithin(byte[] bytes, ImageDecoder.Size picture) throws IIOException {
    if (isWebp(bytes)) {
      requireWithin(bytes, HEADER, bytes.length, picture);
    }
  }

  private static void requireWithin(byte[] bytes, int start, int end, ImageDecoder.Size picture)
      throws IIOException {
    long at = start;
    while (at + CHUNK_HEADER <= end) {
      int chunk = (int) at;
      int content = chunk + CHUNK_HEADER;
      switch (name(bytes, chunk)) {
        case "VP8 " -> {
          if (content + 10 <= end) {
            // In 14 bits each, with two of scaling behind them.
            long sizes = unsigned(bytes, content + 6);
            requireWithin(sizes & SIZE_BITS, sizes >> 16 & SIZE_BITS, picture);
          }
        }
        case "VP8L" -> {
          if (content + 5 <= end) {
            // Both less 1, in 14 bits each.
            long sizes = unsigned(bytes, content + 1);
            requireWithin(1 + (sizes & SIZE_BITS), 1 + (sizes >> 14 & SIZE_BITS), picture);
          }
        }
        case "ANMF" -> {
          if (start == HEADER) {
            requireWithin(bytes, Math.min(end, content + FRAME_HEADER), end, picture);
          }
        }
        default -> {}
      }
      long length = unsigned(bytes, chunk + 4);
      at = content + length + (length & 1);
    }
  }

  private static void requireWithin(long width, long height, ImageDecoder.Size picture)
      throws IIOException {
    if (width > picture.width() || height > picture.height()) {
      throw new IIOException(
          "it has a frame of " + width + " x " + height + " in a picture of " + picture);
    }
  }

  private static boolean isWebp(byte[] bytes) {
    return bytes.length >= HEADER && name(bytes, 0).equals("RIFF") && name(bytes, 8).equals("WEBP");
  }

  private static String name(byte[] bytes, int at) {
    return new String(bytes, at, 4, StandardCharsets.ISO_8859_1);
  }

  private static long unsigned(byte[] bytes, int at) {
    long value = 0;
    for (int i = 3; i >= 0; i--) {
      value = value << 8 | (bytes[at + i] & 0xff);
    }
    return value;
  }
}
