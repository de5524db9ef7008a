package dev.affinis.instrument.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Writes npz files, wrong ones too. */
final class NpzWriter {
  private final Map<String, byte[]> entries = new LinkedHashMap<>();

  NpzWriter array(String name, String dtype, String shape, byte[] data) {
    return array(name, dtype, "False", shape, data);
  }

  NpzWriter array(String name, String dtype, String fortran, String shape, byte[] data) {
    String header =
        "{'descr': '" + dtype + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }\n";
    byte[] text = header.getBytes(StandardCharsets.ISO_8859_1);
    ByteBuffer npy = ByteBuffer.allocate(10 + text.length + data.length);
    npy.order(ByteOrder.LITTLE_ENDIAN);
    npy.put("\u0093NUMPY\u0001\u0000".getBytes(StandardCharsets.ISO_8859_1));
    npy.putShort((short) text.length).put(text).put(data);
    return raw(name + ".npy", npy.array());
  }

  NpzWriter raw(String name, byte[] content) {
    entries.put(name, content);
    return this;
  }

  Path write(Path file, boolean deflated) throws IOException {
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
      for (Map.Entry<String, byte[]> content : entries.entrySet()) {
        ZipEntry entry = new ZipEntry(content.getKey());
        if (!deflated) {
          CRC32 crc = new CRC32();
          crc.update(content.getValue());
          entry.setMethod(ZipEntry.STORED);
          entry.setSize(content.getValue().length);
          entry.setCrc(crc.getValue());
        }
        zip.putNextEntry(entry);
        zip.write(content.getValue());
      }
    }
    return file;
  }

  /** Bytes 0, 1, 2 and so on. */
  static byte[] counting(int count) {
    byte[] bytes = new byte[count];
    for (int i = 0; i < count; i++) {
      bytes[i] = (byte) i;
    }
    return bytes;
  }
}
