package dev.affinis.zoo;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Writes NumPy arrays to an {@code .npz} archive whose bytes depend on the arrays alone: entries
 * are stored without compression and carry a fixed date.
 */
final class NpzWriter implements AutoCloseable {
  private static final LocalDateTime DATE = LocalDateTime.of(2026, 1, 1, 0, 0);
  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
  private static final int HEADER_ALIGNMENT = 64;

  private final ZipOutputStream zip;

  NpzWriter(OutputStream out) {
    zip = new ZipOutputStream(out);
    zip.setMethod(ZipOutputStream.STORED);
  }

  /** Writes an array of unsigned bytes, row-major. */
  void writeUint8(String name, byte[] data, int... shape) throws IOException {
    write(name, "|u1", data, shape);
  }

  /** Writes an array of 64-bit integers. */
  void writeInt64(String name, long[] data) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(data.length * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asLongBuffer().put(data);
    write(name, "<i8", bytes.array(), data.length);
  }

  private void write(String name, String type, byte[] data, int... shape) throws IOException {
    StringBuilder header =
        new StringBuilder("{'descr': '" + type + "', 'fortran_order': False, 'shape': (");
    for (int length : shape) {
      header.append(length).append(',');
    }
    header.append("), }");
    int preamble = MAGIC.length + Short.BYTES;
    while ((preamble + header.length() + 1) % HEADER_ALIGNMENT != 0) {
      header.append(' ');
    }
    header.append('\n');

    ByteBuffer content =
        ByteBuffer.allocate(preamble + header.length() + data.length)
            .order(ByteOrder.LITTLE_ENDIAN);
    content.put(MAGIC).putShort((short) header.length());
    content.put(header.toString().getBytes(StandardCharsets.US_ASCII)).put(data);

    ZipEntry entry = new ZipEntry(name + ".npy");
    CRC32 crc = new CRC32();
    crc.update(content.array());
    entry.setCrc(crc.getValue());
    entry.setSize(content.capacity());
    entry.setTimeLocal(DATE);
    zip.putNextEntry(entry);
    zip.write(content.array());
    zip.closeEntry();
  }

  @Override
  public void close() throws IOException {
    zip.close();
  }
}
