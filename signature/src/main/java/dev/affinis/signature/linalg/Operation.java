package dev.affinis.signature.linalg;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * One engine operation as a TorchScript archive: a module without parameters whose {@code forward}
 * calls the function of {@code algebra.py} with the constant's name.
 *
 * <p>A TorchScript archive is a zip with the source of the module's class, a pickle of the module
 * and a pickle of the constant tensors. With no parameters and no constants the two pickles are the
 * same for every operation; they are spelled out below opcode by opcode.
 */
enum Operation {
  EIGH(1),
  EIGVALSH(1),
  CHOLESKY(1),
  QR(1),
  SOLVE_LOWER(2),
  SOLVE_LOWER_TRANSPOSED(2),
  SYMMETRIC(1),
  UNIT_DIAGONAL(1),
  LEAST_OF_DIAGONAL(1),
  SCALE_AND_SHIFT(2),
  LOWER_GRAM(1),
  LOWER_GRAM_SUM(3),
  SQUARED_GRAM_NORM(1),
  SQUARED_NORM(1),
  LOWER_INNER_PRODUCT(2),
  TIMES_LOWER(2),
  TIMES_LOWER_TRANSPOSED(2),
  MIRROR_LOWER(1),
  CONGRUENCE(3),
  TRANSPOSED_CONGRUENCE(2),
  BAND_FORM(1),
  BAND_INVERSE_SUM(5),
  BAND_INVERSE(4),
  ADD_ROWS(5),
  MERGE_MOMENTS(8);

  private static final String FUNCTIONS = "algebra.py";

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

  private final int arguments;

  Operation(int arguments) {
    this.arguments = arguments;
  }

  String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Returns the archive; results come as a list. */
  byte[] archive() {
    String names =
        IntStream.range(0, arguments).mapToObj(i -> "a" + i).collect(Collectors.joining(", "));
    String source =
        """
        class Operation(Module):
          __parameters__ = []
          __buffers__ = []
          training : bool
          def forward(self: __torch__.Operation, %s) -> List[Tensor]:
            return __torch__.%s(%s)
        """
            .formatted(names.replaceAll("a\\d", "$0: Tensor"), word(), names);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes);
        InputStream functions = Operation.class.getResourceAsStream(FUNCTIONS)) {
      store(zip, "data.pkl", MODULE_PICKLE);
      String all = new String(functions.readAllBytes(), StandardCharsets.ISO_8859_1);
      store(zip, "code/__torch__.py", source + all);
      store(zip, "constants.pkl", NO_CONSTANTS);
      store(zip, "version", "3\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /** Adds an entry; each char of the content is one byte. */
  private void store(ZipOutputStream zip, String name, String content) throws IOException {
    zip.putNextEntry(new ZipEntry("affinis-" + word() + "/" + name));
    zip.write(content.getBytes(StandardCharsets.ISO_8859_1));
  }
}
