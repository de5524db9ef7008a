package dev.affinis.cli;

import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.Sha256;
import dev.affinis.signature.Signature;
import dev.affinis.signature.SignatureFile;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * The results of a zoo on disk: {@code signatures/NAME.json} for each model, the report, and in
 * {@code .affinis-zoo} a record for each signature of what it was measured with.
 *
 * <p>How a run can be killed at any moment: a file is completed in a folder of its own, which the
 * next run empties, and then moved into its place in one step. First the signature, then its
 * record, which holds the signature's checksum. A record that does not fit, to the signature file
 * or to what is to be measured now, counts for nothing.
 */
final class ZooFolder {
  private static final String JSON = ".json";

  /**
   * The folders that this process has. On Unix it would lose its lock on one if it opened and
   * closed the file a second time.
   */
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path folder;
  private final Path own;

  ZooFolder(Path folder) {
    this.folder = folder;
    own = folder.resolve(".affinis-zoo");
  }

  /**
   * What is known of a model.
   *
   * @param signature the signature, if it need not be measured again
   * @param reason why it is to be measured otherwise
   */
  record State(Optional<Signature> signature, String reason) {
    static State missing(String reason) {
      return new State(Optional.empty(), reason);
    }
  }

  /** The signature file of a model. */
  Path signatureFile(String name) {
    return folder.resolve("signatures").resolve(name + JSON);
  }

  private Path record(String name) {
    return own.resolve("records").resolve(name + JSON);
  }

  /** Where files are completed. */
  private Path staging() {
    return own.resolve("unfinished");
  }

  /** Where a model's signature is to be measured to, before {@link #finish}. */
  Path measured(String name) {
    return staging().resolve(name + ".measured" + JSON);
  }

  /** Where measurements keep what is done until their signatures are there. */
  Path cache() {
    return own.resolve("cache");
  }

  /** Deletes what measurements kept. */
  void clearCache() throws IOException {
    deleteTree(cache());
  }

  /** Where a file of the results can be completed, before {@link #publish}. */
  Path unfinished(String file) {
    return staging().resolve(file);
  }

  /**
   * Takes the folder for a run, and removes what an earlier one left unfinished.
   *
   * @return what gives it back
   * @throws InvalidInputException if another run has it, in this process or another
   * @throws IOException if it cannot be made or written to
   */
  Lock lock() throws IOException {
    Path place = Files.createDirectories(own).toRealPath();
    Optional<Lock> taken = Optional.empty();
    if (HELD.add(place)) {
      try {
        taken = open(place);
      } finally {
        if (taken.isEmpty()) {
          HELD.remove(place);
        }
      }
    }
    return taken.orElseThrow(
        () ->
            new InvalidInputException(
                "another run of affinis zoo is writing to "
                    + folder
                    + ": wait until it has ended, or give another folder with --out"));
  }

  /** Nothing if another process has the folder. */
  private Optional<Lock> open(Path place) throws IOException {
    FileChannel channel =
        FileChannel.open(
            place.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    boolean isTaken = false;
    try {
      if (channel.tryLock() == null) {
        return Optional.empty();
      }
      deleteTree(staging());
      Files.createDirectories(staging());
      Files.createDirectories(own.resolve("records"));
      Files.createDirectories(folder.resolve("signatures"));
      isTaken = true;
      return Optional.of(new Lock(this, place, channel));
    } finally {
      if (!isTaken) {
        channel.close();
      }
    }
  }

  /**
   * Has the folder until it is closed.
   *
   * @param folder the folder
   * @param place what it is noted under
   * @param channel the file that is locked
   */
  record Lock(ZooFolder folder, Path place, FileChannel channel) implements AutoCloseable {
    @Override
    public void close() throws IOException {
      try (channel) {
        deleteTree(folder.staging());
      } finally {
        HELD.remove(place);
      }
    }
  }

  private static void deleteTree(Path root) throws IOException {
    if (Files.exists(root)) {
      List<Path> all;
      try (Stream<Path> files = Files.walk(root)) {
        all = files.sorted(Comparator.reverseOrder()).toList();
      }
      for (Path file : all) {
        Files.deleteIfExists(file);
      }
    }
  }

  /**
   * Finds out whether a model is measured already.
   *
   * @param name name of the model
   * @param key what it would be measured with now
   */
  State state(String name, ZooKey key) throws IOException {
    Path file = signatureFile(name);
    ZooKey.Finished finished;
    try {
      finished = ZooKey.parse(Files.readAllBytes(record(name)));
    } catch (NoSuchFileException e) {
      return State.missing(Files.exists(file) ? "its signature has no record" : "not measured yet");
    } catch (IllegalArgumentException e) {
      return State.missing("its record is damaged");
    }
    if (!finished.key().equals(key)) {
      return State.missing(finished.key().difference(key));
    }
    if (!Files.exists(file)) {
      return State.missing("its signature file is gone");
    }
    if (!Sha256.of(out -> Files.copy(file, out)).equals(finished.signature())) {
      return State.missing("its signature file was changed or damaged");
    }
    try {
      return new State(Optional.of(SignatureFile.read(file)), "done and unchanged");
    } catch (IllegalArgumentException e) {
      return State.missing("its signature file cannot be read");
    }
  }

  /** Puts a finished signature and its record into their places. */
  void finish(String name, Signature signature, ZooKey key) throws IOException {
    Path file = unfinished(name + JSON);
    SignatureFile.write(signature, file);
    String checksum = Sha256.of(out -> Files.copy(file, out));
    move(file, signatureFile(name));
    Path record = unfinished(name + ".record" + JSON);
    Files.writeString(record, key.toJson(checksum));
    move(record, record(name));
  }

  /**
   * Puts a completed file of the report into its place.
   *
   * @param file its name
   * @return its place
   */
  Path publish(String file) throws IOException {
    Path place = folder.resolve(file);
    move(unfinished(file), place);
    return place;
  }

  private static void move(Path unfinished, Path place) throws IOException {
    Files.move(
        unfinished, place, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** The names of models with a record. */
  List<String> recorded() throws IOException {
    Path records = own.resolve("records");
    if (!Files.isDirectory(records)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(records)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(file -> file.endsWith(JSON))
          .map(file -> file.substring(0, file.length() - JSON.length()))
          .sorted()
          .toList();
    }
  }
}
