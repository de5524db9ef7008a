package dev.affinis.instrument.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.InvalidInputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NpzSourceTest {
  private static final Preprocessing PLAIN =
      Preprocessing.builder()
          .optMean(List.of(0.0, 0.0, 0.0))
          .optStd(List.of(1.0, 1.0, 1.0))
          .build();

  @TempDir Path folder;

  private static float[] read(SampleSource source, int index) {
    FloatBuffer target = FloatBuffer.allocate((int) source.sampleShape().size());
    source.read(index, target);
    assertFalse(target.hasRemaining());
    return target.array();
  }

  private String failure(NpzWriter writer) throws IOException {
    Path file = writer.write(folder.resolve("bad.npz"), false);
    return failure(file, PLAIN);
  }

  private static String failure(Path file, Preprocessing preprocessing) {
    String message =
        assertThrows(InvalidInputException.class, () -> NpzSource.open(file, preprocessing))
            .getMessage();
    assertFalse(message.contains("\n"), message);
    return message;
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void readsImages(boolean deflated) throws IOException {
    Path file =
        new NpzWriter()
            .array("labels", "<i8", "(2,)", new byte[16])
            .array("images", "|u1", "(2, 2, 4, 3)", NpzWriter.counting(48))
            .write(folder.resolve("images.npz"), deflated);
    try (NpzSource source = NpzSource.open(file, PLAIN)) {
      assertEquals(2, source.size());
      assertEquals(new Shape(3, 2, 4), source.sampleShape());
      float[] second = read(source, 1);
      for (int c = 0; c < 3; c++) {
        for (int pixel = 0; pixel < 8; pixel++) {
          assertEquals((24 + 3 * pixel + c) / 255f, second[c * 8 + pixel], 0f);
        }
      }
      assertEquals("none", source.preprocess().get("resize"));
      assertEquals(List.of(3L, 2L, 4L), source.preprocess().get("shape"));
      assertTrue(source.name(1).startsWith("images[1] of "));
    }
  }

  @ParameterizedTest
  @CsvSource({"<f2, 2", "<f4, 4", "<f8, 8"})
  void readsInputsAsTheyAre(String dtype, int bytes) throws IOException {
    float[] values = {0, -0.0f, 1, -2.5f, 65504, 0x1p-24f, 0x1p-14f, -0x1.554p-2f};
    short[] halves = {0, (short) 0x8000, 0x3c00, (short) 0xc100, 0x7bff, 1, 0x0400, (short) 0xb555};
    ByteBuffer data = ByteBuffer.allocate(16 * bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < 16; i++) {
      switch (bytes) {
        case 2 -> data.putShort(halves[i % 8]);
        case 4 -> data.putFloat(values[i % 8]);
        default -> data.putDouble(values[i % 8]);
      }
    }
    Path file =
        new NpzWriter()
            .array("inputs", dtype, "(2, 4, 1, 2)", data.array())
            .write(folder.resolve("inputs.npz"), true);
    try (NpzSource source = NpzSource.open(file, Preprocessing.builder().build())) {
      assertEquals(new Shape(4, 1, 2), source.sampleShape());
      assertArrayEquals(values, read(source, 1));
      assertEquals("arrays, used as they are", source.preprocess().get("input"));
    }
    String message = failure(file, Preprocessing.builder().optInputSize(4).build());
    assertTrue(message.contains("used as they are") && message.contains("--input-size"), message);
  }

  @ParameterizedTest
  @CsvSource({
    "|i1, 1, 127",
    "|u1, 1, 200",
    "<i2, 2, 32767",
    "<u2, 2, 65535",
    "<i4, 4, 2147483647",
    "<u4, 4, 70000",
    "<i8, 8, 70000",
    "<u8, 8, 70000"
  })
  void labelsOfEveryIntegerTypeAreClasses(String dtype, int bytes, int largest) throws IOException {
    for (String shape : List.of("(3,)", "(3, 1)")) {
      Path file =
          withLabels(3, dtype, shape, integers(bytes, 3, largest, 0))
              .write(folder.resolve("labels.npz"), true);
      try (NpzSource source = NpzSource.open(file, PLAIN)) {
        assertEquals(3, source.label(0).orElseThrow());
        assertEquals(largest, source.label(1).orElseThrow());
        assertEquals(0, source.label(2).orElseThrow());
        assertEquals(largest, source.images().orElseThrow().label(1).orElseThrow());
      }
    }
  }

  @Test
  void withoutLabelsClassesAreNotKnown() throws IOException {
    Path file =
        new NpzWriter()
            .array("images", "|u1", "(2, 2, 4, 3)", NpzWriter.counting(48))
            .write(folder.resolve("images.npz"), false);
    try (NpzSource source = NpzSource.open(file, PLAIN)) {
      assertTrue(source.label(1).isEmpty());
    }
  }

  @Test
  void labelsThatAreNoClassesAreNamed() throws IOException {
    String message = failure(withLabels(2, "<i4", "(3,)", integers(4, 0, 1, 2)));
    assertTrue(message.contains("bad.npz has labels of 3 <i4 for 2 samples"), message);
    assertTrue(message.contains("leave it out"), message);
    message = failure(withLabels(2, "<i4", "(1,)", integers(4, 0)));
    assertTrue(message.contains("labels of 1 <i4 for 2 samples"), message);
    message = failure(withLabels(2, "<f4", "(2,)", new byte[8]));
    assertTrue(message.contains("labels of 2 float32 for 2 samples"), message);
    message = failure(withLabels(2, "<i4", "(2, 2)", new byte[16]));
    assertTrue(message.contains("labels of 2 x 2 <i4"), message);
    message = failure(withLabels(2, "<i8", "(2,)", integers(8, 4, -1)));
    assertTrue(message.contains("label 1 of 2 is -1"), message);
    message = failure(withLabels(2, "<u8", "(2,)", integers(8, -1, 0)));
    assertTrue(message.contains("label 0 of 2 is 18446744073709551615"), message);
    message = failure(withLabels(2, "<u4", "(2,)", integers(4, 0, -1)));
    assertTrue(message.contains("label 1 of 2 is 4294967295"), message);
    failure(withLabels(2, "<i8", "(2,)", integers(8, 4)));
  }

  private static NpzWriter withLabels(int samples, String dtype, String shape, byte[] labels) {
    return new NpzWriter()
        .array("images", "|u1", "(" + samples + ", 1, 2, 3)", NpzWriter.counting(6 * samples))
        .array("labels", dtype, shape, labels);
  }

  private static byte[] integers(int bytes, long... values) {
    ByteBuffer data = ByteBuffer.allocate(bytes * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (long value : values) {
      for (int i = 0; i < bytes; i++) {
        data.put((byte) (value >> (8 * i)));
      }
    }
    return data.array();
  }

  @Test
  void halvesThatAreNotNumbers() {
    assertEquals(Float.POSITIVE_INFINITY, NpzSource.halfToFloat((short) 0x7c00));
    assertEquals(Float.NEGATIVE_INFINITY, NpzSource.halfToFloat((short) 0xfc00));
    assertTrue(Float.isNaN(NpzSource.halfToFloat((short) 0x7e00)));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aSourceThatAnInterruptClosedSaysSo(boolean isDeflated) throws IOException {
    Path file =
        new NpzWriter()
            .array("images", "|u1", "(2, 2, 4, 3)", NpzWriter.counting(48))
            .write(folder.resolve("images.npz"), isDeflated);
    FloatBuffer target = FloatBuffer.allocate(24);
    try (NpzSource source = NpzSource.open(file, PLAIN)) {
      Thread.currentThread().interrupt();
      assertThrows(IllegalStateException.class, () -> source.read(0, target));
      assertTrue(Thread.interrupted(), "the interrupt is still set");
      String message =
          assertThrows(IllegalStateException.class, () -> source.read(0, target)).getMessage();
      assertTrue(message.startsWith("data file " + file + " is closed, "), message);
      assertTrue(message.endsWith("open it again"), message);
    }
    try (NpzSource again = NpzSource.open(file, PLAIN)) {
      again.read(0, target);
      assertEquals(24, target.position());
    }
  }

  @Test
  void temporaryFileOfADeflatedArrayIsDeleted() throws IOException {
    Path file =
        new NpzWriter()
            .array("images", "|u1", "(2, 2, 4, 3)", NpzWriter.counting(48))
            .write(folder.resolve("images.npz"), true);
    Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
    List<String> before = affinisFiles(temporary);
    NpzSource.open(file, PLAIN).close();
    assertEquals(before, affinisFiles(temporary));
  }

  private static List<String> affinisFiles(Path temporary) throws IOException {
    try (Stream<Path> files = Files.list(temporary)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.startsWith("affinis-") && name.endsWith(".npy"))
          .sorted()
          .toList();
    }
  }

  @Test
  void wrongArraysAreNamed() throws IOException {
    String message =
        failure(
            new NpzWriter()
                .array("x", "<f4", "(2, 3)", new byte[24])
                .array("labels", "<i8", "(2,)", new byte[16]));
    assertTrue(message.contains("x=2 x 3 float32"), message);
    assertTrue(message.contains("labels=2 <i8"), message);
    assertTrue(message.contains("expected an array images (n x H x W x 3, uint8)"), message);

    message = failure(new NpzWriter().array("images", "|u1", "(2, 3, 2, 2)", new byte[24]));
    assertTrue(message.contains("images of 2 x 3 x 2 x 2 uint8"), message);
    message = failure(new NpzWriter().array("images", "<f4", "(2, 1, 1, 3)", new byte[24]));
    assertTrue(message.contains("float32"), message);
    message = failure(new NpzWriter().array("images", "|u1", "(2, 12)", new byte[24]));
    assertTrue(message.contains("2 x 12 uint8"), message);
    message = failure(new NpzWriter().array("inputs", "|u1", "(2, 3, 2, 2)", new byte[24]));
    assertTrue(message.contains("inputs of 2 x 3 x 2 x 2 uint8"), message);
    message = failure(new NpzWriter().array("inputs", ">f4", "(2, 3, 1, 1)", new byte[24]));
    assertTrue(message.contains("big-endian >f4"), message);
    message = failure(new NpzWriter().array("inputs", "<f4", "True", "(2, 3, 1, 1)", new byte[24]));
    assertTrue(message.contains("Fortran order"), message);
    message = failure(new NpzWriter().array("inputs", "|O", "(2, 3, 1, 1)", new byte[24]));
    assertTrue(message.contains("|O"), message);
    message =
        failure(
            new NpzWriter()
                .array("inputs", "<f4", "(2, 3, 1, 1)", new byte[24])
                .array("images", "|u1", "(2, 2, 2, 3)", new byte[24]));
    assertTrue(message.contains("both images and inputs"), message);
    message = failure(new NpzWriter().raw("readme.txt", new byte[3]));
    assertTrue(message.contains("no arrays"), message);
  }

  @Test
  void hostileHeadersAreRefused() throws IOException {
    for (String shape :
        List.of(
            "(0, 2, 2, 3)",
            "(2, 0, 2, 3)",
            "(9000000000, 2, 2, 3)",
            "(9223372036854775807, 9223372036854775807, 2, 3)",
            "(99999999999999999999, 2, 2, 3)",
            "(2, 2, 2, 3,)",
            "(3, 2, 2, 3)",
            "()",
            "(-2, 2, 2, 3)",
            "2")) {
      String message = failure(new NpzWriter().array("images", "|u1", shape, new byte[25]));
      assertTrue(message.contains("images"), message);
    }
    failure(new NpzWriter().raw("images.npy", new byte[0]));
    failure(new NpzWriter().raw("images.npy", new byte[100]));
    // A header that claims two gigabytes.
    byte[] magic = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 2, 0, -1, -1, -1, 0x7f, '{', '}'};
    failure(new NpzWriter().raw("images.npy", magic));
    // One that ends too early.
    magic[6] = 1;
    failure(new NpzWriter().raw("images.npy", magic));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void everyTruncationIsRefused(boolean deflated) throws IOException {
    Path file =
        new NpzWriter()
            .array("images", "|u1", "(2, 2, 4, 3)", NpzWriter.counting(48))
            .write(folder.resolve("whole.npz"), deflated);
    byte[] whole = Files.readAllBytes(file);
    for (int length = 0; length < whole.length; length++) {
      Path part = Files.write(folder.resolve("part.npz"), Arrays.copyOf(whole, length));
      assertTrue(failure(part, PLAIN).contains("part.npz"));
    }
  }

  @Test
  void damagedBytesNeverGiveAnythingButAnInvalidInput() throws IOException {
    Path file =
        new NpzWriter()
            .array("images", "|u1", "(2, 2, 4, 3)", NpzWriter.counting(48))
            .write(folder.resolve("whole.npz"), true);
    byte[] whole = Files.readAllBytes(file);
    for (int i = 0; i < whole.length; i++) {
      byte[] damaged = whole.clone();
      damaged[i] ^= 0x55;
      Path part = Files.write(folder.resolve("damaged.npz"), damaged);
      try (NpzSource source = NpzSource.open(part, PLAIN)) {
        read(source, source.size() - 1);
      } catch (InvalidInputException e) {
        assertTrue(e.getMessage().contains("damaged.npz"), e.getMessage());
      }
    }
  }

  @Test
  void notAFileAndNotAZip() throws IOException {
    assertTrue(failure(folder.resolve("none.npz"), PLAIN).contains("does not exist"));
    assertTrue(failure(folder, PLAIN).contains("is not a file"));
    Path text = Files.writeString(folder.resolve("text.npz"), "hello");
    assertTrue(failure(text, PLAIN).contains("expected a complete .npz"));
    assertTrue(
        failure(Files.write(folder.resolve("empty.npz"), new byte[0]), PLAIN)
            .contains("empty.npz"));
  }

  // Sums and pixels from numpy 1.24: images[i].sum((0, 1)) and images[i, 0, 1].
  @ParameterizedTest
  @CsvSource({
    "cifar_test512, 512, 32, 511, 135186, 131964, 112957, 148, 200, 224",
    "imagenet_sample256, 256, 224, 255, 9151850, 7888218, 5781203, 104, 102, 34",
  })
  void readsGoldenFiles(
      String name,
      int size,
      int pixels,
      int index,
      long red,
      long green,
      long blue,
      int r,
      int g,
      int b) {
    Path file = Path.of(System.getProperty("affinis.golden", "none")).resolve(name + ".npz");
    Assumptions.assumeTrue(Files.exists(file), "no golden data here");
    try (NpzSource source = NpzSource.open(file, PLAIN)) {
      assertEquals(size, source.size());
      assertEquals(new Shape(3, pixels, pixels), source.sampleShape());
      float[] values = read(source, index);
      long[] sums = {red, green, blue};
      int[] second = {r, g, b};
      for (int c = 0; c < 3; c++) {
        long sum = 0;
        for (int i = c * pixels * pixels; i < (c + 1) * pixels * pixels; i++) {
          sum += Math.round(values[i] * 255);
        }
        assertEquals(sums[c], sum);
        assertEquals(second[c] / 255f, values[c * pixels * pixels + 1], 0f);
      }
    }
  }
}
