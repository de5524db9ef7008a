package dev.affinis.instrument.data;

import ai.djl.repository.AbstractRepository;
import ai.djl.repository.Artifact;
import ai.djl.repository.MRL;
import ai.djl.repository.Metadata;
import ai.djl.util.Progress;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;

/**
 * The original files of a dataset, in the shape of a repository that DJL's dataset classes read
 * from: nothing is looked up or downloaded, and nothing is copied.
 *
 * <p>A file may be there as it is, compressed with {@code .gz} added to its name, or within a
 * {@code .tar.gz}.
 */
final class LocalDataset extends AbstractRepository {
  /**
   * The files behind one item of a dataset: a header and records of equal length.
   *
   * @param files names of the files, in order
   * @param header bytes before the first record; an idx file's header says how many records follow
   * @param record bytes of a record
   */
  record Part(List<String> files, int header, int record) {
    private static final int COUNT_AT = 4;

    /** Number of records in the files' content. */
    private int count(byte[] content) throws IOException {
      int body = content.length - header;
      int count = body / record;
      boolean whole = body > 0 && body % record == 0;
      if (!whole || (header > COUNT_AT && ByteBuffer.wrap(content).getInt(COUNT_AT) != count)) {
        throw new IOException(
            String.join(", ", files)
                + ": "
                + content.length
                + " bytes are not what its format asks for, the file is incomplete or another one");
      }
      return count;
    }
  }

  /** The largest of the datasets' items, CIFAR's training images, have 154 million. */
  private static final int MOST_BYTES = 1 << 28;

  private final Path place;
  private final Map<String, Part> parts;
  private final Map<String, Integer> counts = new LinkedHashMap<>();

  /**
   * Creates a repository.
   *
   * @param place a folder with the files, or a {@code .tar.gz} that holds them
   * @param parts for each item of the dataset, by DJL's name, the files that make it up
   */
  LocalDataset(Path place, Map<String, Part> parts) {
    super("local", place.toUri());
    this.place = place;
    this.parts = parts;
  }

  /** Whether all parts are there, as far as can be told without opening an archive. */
  boolean isComplete() {
    return Files.isRegularFile(place)
        || parts.values().stream()
            .flatMap(part -> part.files().stream())
            .allMatch(
                name ->
                    Files.isRegularFile(place.resolve(name))
                        || Files.isRegularFile(place.resolve(name + ".gz")));
  }

  @Override
  public boolean isRemote() {
    return false;
  }

  @Override
  public Metadata locate(MRL mrl) {
    Metadata metadata = new Metadata();
    metadata.setRepositoryUri(mrl.toURI());
    Artifact artifact = new Artifact();
    artifact.setVersion(mrl.getVersion());
    Map<String, Artifact.Item> items = new LinkedHashMap<>();
    for (String name : parts.keySet()) {
      Artifact.Item item = new Artifact.Item();
      item.setName(name);
      items.put(name, item);
    }
    artifact.setFiles(items);
    metadata.setArtifacts(List.of(artifact));
    return metadata;
  }

  @Override
  public Artifact resolve(MRL mrl, Map<String, String> filter) {
    return locate(mrl).getArtifacts().get(0);
  }

  @Override
  public void prepare(Artifact artifact, Progress progress) {
    // The files are where they are.
  }

  /**
   * Reads an item, all of it, and checks its length and that it has as many records as the others:
   * DJL takes what there is.
   */
  @Override
  public InputStream openStream(Artifact.Item item, String path) throws IOException {
    Part part = parts.get(item.getName());
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    for (String name : part.files()) {
      try (InputStream in = open(name)) {
        copy(in, content, name);
      }
    }
    byte[] bytes = content.toByteArray();
    counts.put(item.getName(), part.count(bytes));
    if (Set.copyOf(counts.values()).size() > 1) {
      throw new IOException("the files do not belong together, they hold " + counts);
    }
    return new ByteArrayInputStream(bytes);
  }

  /** What is packed may be anything: no more of it is unpacked than a dataset has. */
  private static void copy(InputStream in, ByteArrayOutputStream content, String name)
      throws IOException {
    byte[] buffer = new byte[1 << 16];
    for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
      if (content.size() + count > MOST_BYTES) {
        throw new IOException(name + " has more than " + MOST_BYTES + " bytes: it is another file");
      }
      content.write(buffer, 0, count);
    }
  }

  private InputStream open(String name) throws IOException {
    if (Files.isRegularFile(place)) {
      return openInArchive(name);
    }
    Path plain = place.resolve(name);
    return Files.isRegularFile(plain)
        ? new BufferedInputStream(Files.newInputStream(plain))
        : new GZIPInputStream(Files.newInputStream(place.resolve(name + ".gz")));
  }

  private InputStream openInArchive(String name) throws IOException {
    TarArchiveInputStream tar =
        new TarArchiveInputStream(
            new GZIPInputStream(new BufferedInputStream(Files.newInputStream(place))));
    TarArchiveEntry entry = tar.getNextEntry();
    while (entry != null) {
      if (entry.isFile() && isCalled(entry.getName(), name)) {
        return tar;
      }
      entry = tar.getNextEntry();
    }
    tar.close();
    throw new NoSuchFileException(place.toString(), name, "the archive has no such file");
  }

  private static boolean isCalled(String entry, String name) {
    return entry.equals(name) || entry.endsWith("/" + name);
  }

  @Override
  public List<MRL> getResources() {
    return List.of();
  }
}
