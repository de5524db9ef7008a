package dev.affinis.signature.linalg;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * One engine operation as a TorchScript archive: a module without parameters whose {@code forward}
 * calls the operation.
 *
 * <p>A TorchScript archive is a zip with the source of the module's class, a pickle of the module
 * and a pickle of the constant tensors. With no parameters and no constants the two pickles are the
 * same for every operation; they are spelled out below opcode by opcode.
 */
enum Operation {
  SYMMETRIC_EIGEN("eigh", "torch.linalg_eigh(a)"),
  CHOLESKY("cholesky", "torch.linalg_cholesky_ex(a)"),
  QR("qr", "torch.linalg_qr(a)");

  /** Pickle protocol 2 of an instance of {@code __torch__.Operation} with an empty state. */
  private static final String MODULE_PICKLE =
      "\u0080\u0002" // PROTO 2
          + "c__torch__\nOperation\n" // GLOBAL
          + ")\u0081" // EMPTY_TUPLE, NEWOBJ
          + "}(" // EMPTY_DICT, MARK
          + "X\u0008\u0000\u0000\u0000training\u0089" // BINUNICODE, NEWFALSE
          + "ub." // SETITEMS, BUILD, STOP
      ;

  /** Pickle protocol 2 of an empty tuple. */
  private static final String NO_CONSTANTS = "\u0080\u0002).";

  private final String word;
  private final String expression;

  Operation(String word, String expression) {
    this.word = word;
    this.expression = expression;
  }

  String word() {
    return word;
  }

  /** Returns the archive; its two results come as one tuple. */
  byte[] archive() {
    String source =
        """
        class Operation(Module):
          __parameters__ = []
          __buffers__ = []
          training : bool
          def forward(self: __torch__.Operation,
            a: Tensor) -> Tuple[Tensor, Tensor]:
            first, second = %s
            return (first, second)
        """
            .formatted(expression);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      store(zip, "data.pkl", MODULE_PICKLE);
      store(zip, "code/__torch__.py", source);
      store(zip, "constants.pkl", NO_CONSTANTS);
      store(zip, "version", "3\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /** Adds an uncompressed entry; each char of the content is one byte. */
  private void store(ZipOutputStream zip, String name, String content) throws IOException {
    byte[] data = content.getBytes(StandardCharsets.ISO_8859_1);
    CRC32 crc = new CRC32();
    crc.update(data);
    ZipEntry entry = new ZipEntry("affinis-" + word + "/" + name);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(data.length);
    entry.setCrc(crc.getValue());
    zip.putNextEntry(entry);
    zip.write(data);
    zip.closeEntry();
  }
}
