package dev.affinis.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.affinis.instrument.FileIdentity;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.report.Signatures;
import dev.affinis.signature.Signature;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A signature is used again only if it is whole and was measured with the same things. */
class ZooFolderTest {
  private static final ZooKey KEY =
      new ZooKey("1", "m", "s", "d", Map.of("samples", "16", "seed", "0"));
  private static final Signature SIGNATURE = Signatures.of("net", .5, .25);

  @TempDir Path temporary;
  private ZooFolder folder;
  private Path record;

  @BeforeEach
  void finishOne() throws IOException {
    folder = new ZooFolder(temporary.resolve("out"));
    try (ZooFolder.Lock lock = folder.lock()) {
      lock.folder().finish("net", SIGNATURE, KEY);
    }
    record = temporary.resolve("out/.affinis-zoo/records/net.json");
  }

  private String reason(ZooKey key) throws IOException {
    ZooFolder.State state = folder.state("net", key);
    assertEquals(Optional.empty(), state.signature());
    return state.reason();
  }

  @Test
  void whatIsWholeAndUnchangedIsDone() throws IOException {
    assertEquals(Optional.of(SIGNATURE), folder.state("net", KEY).signature());
    assertEquals(List.of("net"), folder.recorded());
    assertEquals("not measured yet", folder.state("other", KEY).reason());
  }

  @Test
  void whatChangedIsTold() throws IOException {
    Map<String, String> settings = KEY.settings();
    assertEquals("another model file", reason(new ZooKey("1", "x", "s", "d", settings)));
    assertEquals("other data", reason(new ZooKey("1", "m", "s", "x", settings)));
    assertEquals("other data", reason(new ZooKey("1", "m", "x", "d", settings)));
    assertEquals("another version of affinis", reason(new ZooKey("2", "m", "s", "d", settings)));
    assertEquals(
        "samples 32 instead of 16",
        reason(new ZooKey("1", "m", "s", "d", Map.of("samples", "32", "seed", "0"))));
    assertEquals("other settings", reason(new ZooKey("1", "m", "s", "d", Map.of("samples", "16"))));
  }

  @Test
  void damagedFilesAreNeverUsed() throws IOException {
    byte[] whole = Files.readAllBytes(record);
    for (int length = 0; length < whole.length - 1; length += 7) {
      Files.write(record, Arrays.copyOf(whole, length));
      reason(KEY);
    }
    Files.writeString(record, "{\"schema\": \"affinis.zoo-record/2\"}");
    assertEquals("its record is damaged", reason(KEY));
    Files.delete(record);
    assertEquals("its signature has no record", reason(KEY));
    Files.write(record, whole);
    assertEquals(Optional.of(SIGNATURE), folder.state("net", KEY).signature());

    Path file = folder.signatureFile("net");
    byte[] signature = Files.readAllBytes(file);
    signature[signature.length / 2] ^= 1;
    Files.write(file, signature);
    assertEquals("its signature file was changed or damaged", reason(KEY));
    Files.delete(file);
    assertEquals("its signature file is gone", reason(KEY));
  }

  @Test
  void oneRunAtATimeHasTheFolderAndClearsWhatWasLeft() throws IOException {
    Path left = folder.measured("net");
    try (ZooFolder.Lock lock = folder.lock()) {
      Files.writeString(lock.folder().measured("net"), "half");
      InvalidInputException e =
          assertThrows(
              InvalidInputException.class, () -> new ZooFolder(temporary.resolve("out")).lock());
      assertTrue(e.getMessage().contains("another run of affinis zoo"), e.getMessage());
      assertTrue(Files.exists(left), "the other run's files are its own");
    }
    assertFalse(Files.exists(left));
    Files.createDirectories(left.getParent());
    Files.writeString(left, "half");
    try (ZooFolder.Lock lock = folder.lock()) {
      assertFalse(Files.exists(lock.folder().measured("net")));
      assertTrue(Files.isDirectory(left.getParent()));
    }
  }

  /** Another process, which ends with 0 if it can have a file's lock. */
  static final class Other {
    private Other() {}

    public static void main(String[] args) throws IOException {
      try (FileChannel channel = FileChannel.open(Path.of(args[0]), StandardOpenOption.WRITE)) {
        System.exit(channel.tryLock() == null ? 1 : 0);
      }
    }
  }

  private int tryElsewhere() throws Exception {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xshare:auto",
            "-cp",
            System.getProperty("java.class.path"),
            Other.class.getName(),
            temporary.resolve("out/.affinis-zoo/lock").toString())
        .inheritIO()
        .start()
        .waitFor();
  }

  @Test
  void aRunThatIsRefusedTakesNoLockFromTheOneThatHasIt() throws Exception {
    Path link = Files.createSymbolicLink(temporary.resolve("link"), temporary.resolve("out"));
    try (ZooFolder.Lock lock = folder.lock()) {
      assertThrows(InvalidInputException.class, folder::lock);
      assertThrows(InvalidInputException.class, () -> new ZooFolder(link).lock());
      assertEquals(1, tryElsewhere(), lock.place() + " is still taken");
    }
    assertEquals(0, tryElsewhere());
  }

  @Test
  void dataAreTheSameByContentOrByNameSizeAndTime() throws IOException {
    Path data = Files.createDirectories(temporary.resolve("data/sub"));
    Path file = Files.writeString(data.resolve("a.png"), "aaaa");
    String before = FileIdentity.of(data);
    assertEquals(before, FileIdentity.of(data));
    FileTime time = Files.getLastModifiedTime(file);
    Files.setLastModifiedTime(file, FileTime.fromMillis(time.toMillis() + 5000));
    assertFalse(before.equals(FileIdentity.of(data)), "time");
    Files.setLastModifiedTime(file, time);
    assertEquals(before, FileIdentity.of(data));
    Files.move(file, data.resolve("b.png"));
    assertFalse(before.equals(FileIdentity.of(data)), "name");
    Path single = data.resolve("b.png");
    String content = FileIdentity.of(single);
    Files.setLastModifiedTime(single, FileTime.fromMillis(0));
    assertEquals(content, FileIdentity.of(single));
    Files.writeString(single, "aaab");
    assertFalse(content.equals(FileIdentity.of(single)), "content");
  }
}
