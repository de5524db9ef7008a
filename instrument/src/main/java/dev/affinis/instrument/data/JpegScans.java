package dev.affinis.instrument.data;

import javax.imageio.IIOException;

/**
 * Counts the scans of a JPEG file. A progressive image comes in several scans, each of which makes
 * a decoder walk over the whole image; a small file can have thousands.
 */
final class JpegScans {
  /** Encoders write about ten; as many as there are coefficients would be 64 for each colour. */
  static final int MOST_SCANS = 200;

  private static final int START = 0xd8;
  private static final int SCAN = 0xda;
  private static final int END = 0xd9;

  private JpegScans() {}

  /**
   * Looks for the markers of scans; files of another format pass.
   *
   * @param bytes the file
   * @throws IIOException if there are too many
   */
  static void requireFew(byte[] bytes) throws IIOException {
    if (marker(bytes, 0) != START) {
      return;
    }
    int scans = 0;
    int at = 2;
    while (at + 4 <= bytes.length) {
      int marker = marker(bytes, at);
      if (marker == END) {
        return;
      }
      boolean isSegment = marker >= 0xc0 && marker < 0xff && !(marker >= 0xd0 && marker <= 0xd8);
      if (marker == SCAN && ++scans > MOST_SCANS) {
        throw new IIOException("it has more than " + MOST_SCANS + " scans");
      }
      // Between segments are coded values, in which no marker but restarts occurs.
      at += isSegment ? 2 + ((bytes[at + 2] & 0xff) << 8 | (bytes[at + 3] & 0xff)) : 1;
    }
  }

  /** The marker at a position, 0 if there is none. */
  private static int marker(byte[] bytes, int at) {
    boolean isMarker = at + 1 < bytes.length && (bytes[at] & 0xff) == 0xff;
    return isMarker ? bytes[at + 1] & 0xff : 0;
  }
}
