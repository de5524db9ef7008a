package dev.affinis.instrument.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.repository.Artifact;
import dev.affinis.instrument.InvalidInputException;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.GZIPOutputStream;
import javax.imageio.ImageIO;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipArchiveOutputStream;
import org.apache.commons.compress.archivers.zip.ZipMethod;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Data files that ask for more memory or time than their size lets expect. */
class HostileDataTest {
  @TempDir Path folder;

  private String npzRefusal(NpzWriter writer) throws IOException {
    Path file = writer.write(folder.resolve("bad.npz"), true);
    return assertThrows(
            InvalidInputException.class,
            () -> NpzSource.open(file, Preprocessing.builder().build()))
        .getMessage();
  }

  private static String imageRefusal(Path file) {
    String message =
        assertThrows(InvalidInputException.class, () -> ImageDecoder.decode(file)).getMessage();
    assertTrue(message.contains(file.toString()), message);
    return message;
  }

  @ParameterizedTest
  @CsvSource({
    "images, |u1, '(40000000, 1, 1, 3)'",
    "images, |u1, '(2, 30000, 30000, 3)'",
    "images, |u1, '(2, 9223372036854775807, 9223372036854775807, 3)'",
    "inputs, <f4, '(2, 3, 16000, 16000)'"
  })
  void arraysBeyondAnyDatasetAreRefusedBeforeTheyAreUnpacked(String name, String type, String shape)
      throws IOException {
    String message = npzRefusal(new NpzWriter().array(name, type, shape, new byte[48]));
    assertTrue(message.contains("at most 33554432 samples"), message);
  }

  @Test
  void headersAreAsLongAsNumPyReadsThem() throws IOException {
    String blanks = " ".repeat(10_000);
    String message =
        npzRefusal(new NpzWriter().array("images", "|u1", "(2, 2, 2, 3)" + blanks, new byte[24]));
    assertTrue(message.contains("not a NumPy array"), message);
    message =
        npzRefusal(
            new NpzWriter().array("images", "|u1", "(" + "1,".repeat(65) + ")", new byte[1]));
    assertTrue(message.contains("65 dimensions"), message);
    // What else is in the archive is not read at all.
    Path file =
        new NpzWriter()
            .raw("other.npy", new byte[50_000])
            .array("images", "|u1", "(2, 2, 2, 3)", new byte[24])
            .write(folder.resolve("good.npz"), true);
    try (NpzSource source = NpzSource.open(file, Preprocessing.builder().build())) {
      assertEquals(2, source.size());
    }
  }

  @Test
  void manyOtherArraysAreNamedInPart() throws IOException {
    NpzWriter writer = new NpzWriter();
    for (int i = 0; i < 1000; i++) {
      writer.raw("array" + i + ".npy", new byte[0]);
    }
    String message = npzRefusal(writer);
    assertTrue(message.contains("array0") && message.contains("and others"), message);
    assertTrue(message.length() < 500, message);
  }

  @Test
  void onlyThePackingOfNumPyIsUnpacked() throws IOException {
    Path file = folder.resolve("packed.npz");
    try (ZipArchiveOutputStream zip = new ZipArchiveOutputStream(file.toFile())) {
      ZipArchiveEntry entry = new ZipArchiveEntry("images.npy");
      entry.setMethod(ZipMethod.UNSHRINKING.getCode());
      byte[] content = new byte[10];
      CRC32 crc = new CRC32();
      crc.update(content);
      entry.setCrc(crc.getValue());
      entry.setSize(content.length);
      entry.setCompressedSize(content.length);
      zip.addRawArchiveEntry(entry, new java.io.ByteArrayInputStream(content));
    }
    assertThrows(
        InvalidInputException.class, () -> NpzSource.open(file, Preprocessing.builder().build()));
  }

  /** A PNG of a few bytes that says that it is a hundred thousand pixels wide and high. */
  @Test
  void sizesAreJudgedBeforeDecoding() throws IOException {
    ByteBuffer header = ByteBuffer.allocate(17);
    header.put("IHDR".getBytes(StandardCharsets.US_ASCII)).putInt(100_000).putInt(100_000);
    header.put((byte) 8).put((byte) 2);
    CRC32 crc = new CRC32();
    crc.update(header.array());
    ByteBuffer png = ByteBuffer.allocate(8 + 4 + 17 + 4);
    png.putLong(0x89504e470d0a1a0aL).putInt(13).put(header.array()).putInt((int) crc.getValue());
    Path file = Files.write(folder.resolve("bomb.png"), png.array());
    assertTrue(imageRefusal(file).contains("more than 89478485 pixels: 100000 x 100000"));
    assertThrows(InvalidInputException.class, () -> ImageDecoder.size(file));
  }

  @Test
  void onlyTheFormatsThatAreMeantAreDecoded() throws IOException {
    BufferedImage image = new BufferedImage(4, 4, BufferedImage.TYPE_INT_RGB);
    Path tiff = folder.resolve("tiff.png");
    assertTrue(ImageIO.write(image, "tiff", tiff.toFile()), "Java writes TIFF");
    assertTrue(imageRefusal(tiff).contains("not an image of a known format"));
    Path png = folder.resolve("png.jpg");
    assertTrue(ImageIO.write(image, "png", png.toFile()));
    assertEquals(4, ImageDecoder.decode(png).width());
  }

  @Test
  void scansAreCounted() throws IOException {
    byte[] image =
        HostileDataTest.class.getResourceAsStream("/fuzz/image/progressive.jpg").readAllBytes();
    int scan = 0;
    while (!(image[scan] == -1 && image[scan + 1] == (byte) 0xda)) {
      scan++;
    }
    int next = scan + 2;
    while (!(image[next] == -1 && image[next + 1] != 0)) {
      next++;
    }
    byte[] one = Arrays.copyOfRange(image, scan, next);
    for (int scans : List.of(10, JpegScans.MOST_SCANS)) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      out.write(image, 0, scan);
      for (int i = 0; i < scans; i++) {
        out.writeBytes(one);
      }
      out.write(image, scan, image.length - scan);
      Path file = Files.write(folder.resolve("scans.jpg"), out.toByteArray());
      if (scans < 100) {
        JpegScans.requireFew(Files.readAllBytes(file));
      } else {
        assertTrue(imageRefusal(file).contains("more than 200 scans"));
      }
    }
  }

  /** Files that the search for hostile ones found, with what was wrong. */
  @ParameterizedTest
  @CsvSource({
    "large-frame.webp, it has a frame of 12015 x 6772 in a picture of 13 x 10",
    "endless.webp, the file is incomplete"
  })
  void findingsStayRefused(String name, String reason) throws IOException {
    Path file = folder.resolve(name);
    Files.write(
        file, HostileDataTest.class.getResourceAsStream("/fuzz/image/" + name).readAllBytes());
    assertTrue(imageRefusal(file).contains(reason), imageRefusal(file));
  }

  @Test
  void packedDatasetsEndSomewhere() throws IOException {
    Path file = folder.resolve("labels-idx1-ubyte.gz");
    byte[] zeros = new byte[1 << 20];
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
      for (int i = 0; i <= 256; i++) {
        out.write(zeros);
      }
    }
    LocalDataset dataset =
        new LocalDataset(
            folder, Map.of("labels", new LocalDataset.Part(List.of("labels-idx1-ubyte"), 8, 1)));
    Artifact.Item item = new Artifact.Item();
    item.setName("labels");
    String message =
        assertThrows(IOException.class, () -> dataset.openStream(item, null)).getMessage();
    assertTrue(message.contains("more than 268435456 bytes"), message);
  }
}
