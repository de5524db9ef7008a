package dev.affinis.zoo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class ZooImagesTest {
  private static final Path ZOO = Path.of("zoo");

  @Test
  void sameSeedDrawsTheSameImages() {
    ZooImages first = ZooImages.generate(50, 7);
    ZooImages second = ZooImages.generate(50, 7);
    assertArrayEquals(first.pixels(), second.pixels());
    assertArrayEquals(first.labels(), second.labels());
  }

  @Test
  void imagesDoNotDependOnHowManyAreDrawn() {
    ZooImages few = ZooImages.generate(13, 7);
    ZooImages many = ZooImages.generate(50, 7);
    assertArrayEquals(few.pixels(), Arrays.copyOf(many.pixels(), few.pixels().length));
    assertArrayEquals(few.labels(), Arrays.copyOf(many.labels(), few.count()));
  }

  @Test
  void everyImageDiffersFromEveryOtherAndFromThoseOfOtherSeeds() {
    int count = 200;
    int imageBytes = ZooImages.SIZE * ZooImages.SIZE * 3;
    Set<ByteBuffer> distinct = new HashSet<>();
    for (long seed : new long[] {0, 1, 2, -1, 0x9E3779B97F4A7C15L}) {
      byte[] pixels = ZooImages.generate(count, seed).pixels();
      for (int i = 0; i < count; i++) {
        distinct.add(ByteBuffer.wrap(pixels, i * imageBytes, imageBytes));
      }
    }
    assertEquals(5 * count, distinct.size());
  }

  @Test
  void classesAreBalancedAndTheirOrderVaries() {
    long[] labels = ZooImages.generate(100, 5).labels();
    long[] firstTen = Arrays.copyOf(labels, 10);
    boolean varies = false;
    for (int start = 0; start < labels.length; start += 10) {
      long[] ten = Arrays.copyOfRange(labels, start, start + 10);
      varies |= !Arrays.equals(ten, firstTen);
      assertArrayEquals(
          new long[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, Arrays.stream(ten).sorted().toArray());
    }
    assertTrue(varies, "every run of ten has the classes in the same order");
  }

  @Test
  void motifsAreVisible() {
    // The share of a patch in the middle that the ink covers: neither nothing nor, but for the disc
    // and square, all.
    for (Motif motif : Motif.values()) {
      Field field = motif.draw(new SplitMix64(1, 1));
      int inside = 0;
      int points = 0;
      for (double y = -1; y <= 1; y += 0.05) {
        for (double x = -1; x <= 1; x += 0.05) {
          points++;
          inside += field.at(x, y) < 0 ? 1 : 0;
        }
      }
      double share = (double) inside / points;
      assertTrue(share > 0.2 && share < 0.8, motif + " covers " + share);
    }
  }

  @Test
  void countOutOfRangeIsRefused() {
    for (int count : new int[] {0, -1, Integer.MAX_VALUE}) {
      IllegalArgumentException e =
          assertThrows(IllegalArgumentException.class, () -> ZooImages.generate(count, 0));
      assertTrue(e.getMessage().contains("got " + count), e.getMessage());
    }
  }

  @Test
  void djlReadsTheArchive() throws IOException {
    ZooImages images = ZooImages.generate(11, 3);
    ByteArrayOutputStream archive = new ByteArrayOutputStream();
    GenerateImages.write(images, archive);
    try (NDManager manager = NDManager.newBaseManager()) {
      NDList arrays = NDList.decode(manager, archive.toByteArray());
      assertEquals(
          new Shape(11, ZooImages.SIZE, ZooImages.SIZE, 3), arrays.get("images").getShape());
      assertEquals(DataType.UINT8, arrays.get("images").getDataType());
      assertArrayEquals(images.pixels(), arrays.get("images").toByteArray());
      assertArrayEquals(images.labels(), arrays.get("labels").toLongArray());
    }
  }

  @Test
  void theCommandWritesTheFile(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("images.npz");
    String[] arguments = {"--count", "12", "--seed", "5", "--out", file.toString()};
    assertEquals(0, GenerateImages.commandLine().execute(arguments));
    ByteArrayOutputStream expected = new ByteArrayOutputStream();
    GenerateImages.write(ZooImages.generate(12, 5), expected);
    assertArrayEquals(expected.toByteArray(), Files.readAllBytes(file));
  }

  @Test
  void theCommandTellsWrongUseFromFailure(@TempDir Path folder) {
    StringWriter errors = new StringWriter();
    CommandLine command = GenerateImages.commandLine().setErr(new PrintWriter(errors));
    String out = folder.resolve("images.npz").toString();
    assertEquals(2, command.execute("--count", "0", "--seed", "5", "--out", out));
    assertTrue(errors.toString().contains("count must be between 1 and"), errors.toString());
    String unreachable = folder.resolve("missing").resolve("images.npz").toString();
    assertEquals(1, command.execute("--count", "1", "--seed", "5", "--out", unreachable));
  }

  @Test
  void labelsAreNumberedInTheOrderThatTheZooDescribes() throws IOException {
    JsonNode classes = zoo().at("/images/classes");
    assertEquals(Motif.values().length, classes.size());
    for (Motif motif : Motif.values()) {
      assertEquals(motif.name().toLowerCase(Locale.ROOT), classes.get(motif.label()).asText());
    }
  }

  @Test
  void bundledImagesAreThoseOfTheirSeed() throws IOException {
    JsonNode bundled = zoo().at("/images/bundled");
    assertFalse(bundled.isMissingNode());
    ByteArrayOutputStream archive = new ByteArrayOutputStream();
    GenerateImages.write(
        ZooImages.generate(bundled.get("count").asInt(), bundled.get("seed").asLong()), archive);
    assertArrayEquals(Files.readAllBytes(ZOO.resolve("images.npz")), archive.toByteArray());
  }

  private static JsonNode zoo() throws IOException {
    return new ObjectMapper().readTree(ZOO.resolve("zoo.json").toFile());
  }
}
