package dev.affinis.instrument.torchscript;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Pickles by hand, with the operations of Python's pickletools. */
class ScriptConstantsTest {
  private static final String REBUILD = "ctorch._utils\n_rebuild_tensor_v2\n";

  /** What was asked for: entry, first byte, number of bytes. */
  private final List<String> asked = new ArrayList<>();

  private List<Double> read(byte[] pickle, byte[] elements) throws IOException {
    return ScriptConstants.read(
        pickle,
        (entry, from, length) -> {
          asked.add(entry + " " + from + " " + length);
          return from + length <= elements.length
              ? Arrays.copyOfRange(elements, (int) from, (int) from + length)
              : null;
        });
  }

  /** Text as its bytes; {@code \}xNN in Java's own form. */
  private static byte[] bytes(Object... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (Object part : parts) {
      if (part instanceof Integer number) {
        out.write(number);
      } else {
        out.writeBytes(((String) part).getBytes(StandardCharsets.ISO_8859_1));
      }
    }
    return out.toByteArray();
  }

  private static String text(String text) {
    return "X" + (char) text.length() + "\0\0\0" + text;
  }

  private static String storage(String type) {
    return "((" + text("storage") + "ctorch\n" + type + "\n" + text("0") + text("cpu") + "K\1tQ";
  }

  /** A tuple of one tensor whose offset and sizes are pickled as given. */
  private static byte[] tensor(String type, String offset, String sizes) {
    return bytes(0x80, 2, REBUILD, storage(type), offset, sizes, ")", 0x89, ")tR", 0x85, ".");
  }

  @ParameterizedTest
  @CsvSource({"FloatStorage, 4", "DoubleStorage, 8", "LongStorage, 8", "IntStorage, 4"})
  void numbersOfFourTypesAreRead(String type, int width) throws IOException {
    ByteBuffer elements = ByteBuffer.allocate(3 * width).order(ByteOrder.LITTLE_ENDIAN);
    switch (type) {
      case "FloatStorage" -> elements.putFloat(8, -2.5f);
      case "DoubleStorage" -> elements.putDouble(16, -2.5);
      case "LongStorage" -> elements.putLong(16, -7_000_000_000L);
      default -> elements.putInt(8, -7);
    }
    List<Double> read = read(tensor(type, "K\2", ")"), elements.array());
    double expected = type.equals("LongStorage") ? -7e9 : type.equals("IntStorage") ? -7 : -2.5;
    assertEquals(List.of(expected), read);
    assertEquals(List.of("0 " + 2 * width + " " + width), asked);
  }

  @Test
  void otherTypesSizesAndPlacesAreNoNumbers() throws IOException {
    List<Double> unknown = Arrays.asList((Double) null);
    assertEquals(unknown, read(tensor("HalfStorage", "K\0", ")"), new byte[8]));
    assertEquals(unknown, read(tensor("FloatStorage", "K\0", "(K\2t"), new byte[8]));
    assertEquals(unknown, read(tensor("FloatStorage", "K\0", "(K\0t"), new byte[8]));
    // Beyond the end of the entry, before it, and where bytes cannot be counted.
    assertEquals(unknown, read(tensor("FloatStorage", "K\2", ")"), new byte[8]));
    asked.clear();
    assertEquals(
        unknown, read(tensor("FloatStorage", "J\u00ff\u00ff\u00ff\u00ff", ")"), new byte[8]));
    String most = "\u008a\u0008\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007f";
    assertEquals(unknown, read(tensor("FloatStorage", most, ")"), new byte[8]));
    assertTrue(asked.isEmpty(), asked.toString());
  }

  @Test
  void oneElementIsANumberWhateverTheAxes() throws IOException {
    byte[] one = {0, 0, (byte) 0x80, 0x3f};
    assertEquals(List.of(1.0), read(tensor("FloatStorage", "K\0", "(K\1K\1t"), one));
    assertEquals(
        Arrays.asList((Double) null), read(tensor("FloatStorage", "K\0", "(K\2K\3t"), one));
  }

  /** Offsets in all forms of integers that a pickle has. */
  @ParameterizedTest
  @CsvSource({
    "4b c8, 200",
    "4d 10 a7, 42768",
    "4a 40 42 0f 00, 1000000",
    "8a 00, 0",
    "8a 01 64, 100",
    "8a 02 80 00, 128",
    "8a 03 ff ff 00, 65535"
  })
  void integersAreReadInAllForms(String pickled, long offset) throws IOException {
    StringBuilder digits = new StringBuilder();
    for (String number : pickled.split(" ", -1)) {
      digits.append((char) Integer.parseInt(number, 16));
    }
    read(tensor("FloatStorage", digits.toString(), ")"), new byte[0]);
    assertEquals(List.of("0 " + 4 * offset + " 4"), asked);
  }

  @Test
  void listsAreReadInAllForms() throws IOException {
    byte[] one = {0, 0, (byte) 0x80, 0x3f};
    String tensor = REBUILD + storage("FloatStorage") + "K\0))tR";
    assertEquals(List.of(1.0, 1.0), read(bytes(tensor, tensor, 0x86, "."), one));
    assertEquals(List.of(1.0, 1.0, 1.0), read(bytes(tensor, tensor, tensor, 0x87, "."), one));
    assertEquals(List.of(1.0, 1.0), read(bytes("(", tensor, tensor, "t."), one));
    assertEquals(List.of(), read(bytes(").", tensor), one));
    assertEquals(List.of(), read(bytes("]."), one));
    assertEquals(Arrays.asList(null, 1.0, null), read(bytes("(N", tensor, text("a"), "t."), one));
    assertEquals(List.of(), read(bytes("K\1."), one));
  }

  /** What is remembered by number can be had again, also by a number of four bytes. */
  @Test
  void whatIsRememberedIsHadAgain() throws IOException {
    byte[] one = {0, 0, (byte) 0x80, 0x3f};
    String tensor = REBUILD + storage("FloatStorage") + "K\0))tR";
    assertEquals(List.of(1.0, 1.0), read(bytes(tensor, "q", 200, "h", 200, 0x86, "."), one));
    assertEquals(List.of(1.0, 1.0), read(bytes(tensor, "r\1\1\0\0j\1\1\0\0", 0x86, "."), one));
    assertEquals(List.of(), read(bytes(tensor, "q\1h\2", 0x86, "."), one));
    assertEquals(List.of(), read(bytes(tensor, "q\1j\2\0\0\0", 0x86, "."), one));
  }

  /** A call of another function leaves its arguments, which are no number. */
  @Test
  void callsOfOtherFunctionsAreNoNumbers() throws IOException {
    String other = REBUILD.replace("_v2", "_v9") + storage("FloatStorage") + "K\0))tR";
    assertEquals(Arrays.asList((Double) null), read(bytes(other, 0x85, "."), new byte[4]));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "(",
        "K",
        "K\1",
        "t.",
        "R.",
        ")R.",
        "Q.",
        "Z.",
        "X\u0009\0\0\0abc.",
        "X\u00ff\u00ff\u00ff\u00ff.",
        "ctorch",
        "q\1.",
        "\u0085.",
        "K\1\u0086.",
        "K\1Q.",
        ")Q.",
        "ctorch._utils\n_rebuild_tensor_v2\n)R."
      })
  void damagedPicklesHaveNoNumbers(String pickle) throws IOException {
    assertEquals(List.of(), read(bytes(pickle), new byte[8]));
  }
}
