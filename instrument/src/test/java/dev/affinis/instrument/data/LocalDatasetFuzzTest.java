package dev.affinis.instrument.data;

import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.repository.Artifact;
import dev.affinis.fuzz.ByteMutator;
import dev.affinis.fuzz.Fuzz;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipException;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.junit.jupiter.api.Test;

/** Datasets' own files, packed and changed: the reader says what is wrong, or takes the records. */
class LocalDatasetFuzzTest {
  private static final LocalDataset.Part PART =
      new LocalDataset.Part(List.of("labels-idx1-ubyte"), 8, 1);

  private static final Path FILE = Fuzz.temporaryFile(".tar.gz");

  private static final Fuzz FUZZ =
      Fuzz.builder()
          .setName("dataset")
          .setTarget(LocalDatasetFuzzTest::read)
          .optAccepted(IOException.class)
          .optAccepted(EOFException.class)
          .optAccepted(ZipException.class)
          .optAccepted(NoSuchFileException.class)
          .optSeed(archive())
          .optMutator(new ByteMutator("labels-idx1-ubyte", "ustar"))
          .build();

  /** A tar that is not packed, so that changes are in it and not in the packing. */
  private static byte[] archive() {
    byte[] content = ByteBuffer.allocate(18).putInt(2049).putInt(10).array();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (TarArchiveOutputStream tar = new TarArchiveOutputStream(bytes)) {
      for (String name : List.of("folder/other", "folder/labels-idx1-ubyte")) {
        TarArchiveEntry entry = new TarArchiveEntry(name);
        entry.setModTime(0);
        entry.setSize(content.length);
        tar.putArchiveEntry(entry);
        tar.write(content);
        tar.closeArchiveEntry();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static void read(byte[] bytes) throws IOException {
    boolean isPacked = bytes.length > 1 && bytes[0] == 0x1f;
    try (var out =
        isPacked
            ? Files.newOutputStream(FILE)
            : new GZIPOutputStream(Files.newOutputStream(FILE))) {
      out.write(bytes);
    }
    Artifact.Item item = new Artifact.Item();
    item.setName("labels");
    LocalDataset dataset = new LocalDataset(FILE, Map.of("labels", PART));
    try (InputStream in = dataset.openStream(item, null)) {
      assertTrue(in.readAllBytes().length > 8);
    }
  }

  /** Called by Jazzer. */
  public static void fuzzerTestOneInput(byte[] input) {
    FUZZ.execute(input);
  }

  @Test
  void nothingButAClearError() {
    FUZZ.run().requireBoth();
  }
}
