package dev.affinis.instrument;

import java.io.IOException;
import java.io.OutputStream;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Checksums of what can be written. */
public final class Sha256 {
  private Sha256() {}

  /** Something that can be written. */
  public interface Content {
    /**
     * Writes all of it.
     *
     * @param out where to, not to be closed
     * @throws IOException if it cannot be read
     */
    void writeTo(OutputStream out) throws IOException;
  }

  /**
   * Computes a checksum; the content is never held in memory.
   *
   * @param content what is written
   * @return SHA-256 in lower-case hexadecimal
   * @throws IOException if it cannot be read
   */
  public static String of(Content content) throws IOException {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
    try (OutputStream out = new DigestOutputStream(OutputStream.nullOutputStream(), digest)) {
      content.writeTo(out);
    }
    return HexFormat.of().formatHex(digest.digest());
  }
}
