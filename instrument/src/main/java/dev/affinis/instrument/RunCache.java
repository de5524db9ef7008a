package dev.affinis.instrument;

import ai.djl.util.Utils;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * The folder in which measurements keep captures and scores while they run, so that one that was
 * interrupted can be gone on with (see {@link Measurement.Builder#optResume}). Each has a folder
 * {@code runs/KEY} in it, named after all that its results depend on, which is removed once it is
 * done.
 */
public final class RunCache {
  private static final String VARIABLE = "AFFINIS_CACHE";

  private final Path folder;
  private final Path runs;

  /**
   * Takes a folder, which is made when something is kept.
   *
   * @param folder the folder
   */
  public RunCache(Path folder) {
    this.folder = folder.toAbsolutePath().normalize();
    runs = this.folder.resolve("runs");
  }

  /**
   * Returns where measurements are kept unless somebody says otherwise.
   *
   * @return what the environment variable {@value #VARIABLE} says, or {@code affinis} in the
   *     system's folder for such files
   */
  public static RunCache ofUser() {
    return new RunCache(userFolder(System::getenv, System.getProperty("os.name")));
  }

  static Path userFolder(UnaryOperator<String> environment, String system) {
    String own = environment.apply(VARIABLE);
    if (own != null && !own.isBlank()) {
      return Path.of(own);
    }
    Path home = Path.of(System.getProperty("user.home"));
    String name = system.toLowerCase(Locale.ROOT);
    Path usual = name.startsWith("mac") ? home.resolve("Library/Caches") : home.resolve(".cache");
    String variable = name.startsWith("windows") ? "LOCALAPPDATA" : "XDG_CACHE_HOME";
    String set = name.startsWith("mac") ? null : environment.apply(variable);
    return (set == null || set.isBlank() ? usual : Path.of(set)).resolve("affinis");
  }

  /**
   * Returns the folder.
   *
   * @return its path, absolute
   */
  public Path folder() {
    return folder;
  }

  /**
   * What is kept of one measurement.
   *
   * @param id name of its folder
   * @param model name of the model; nothing if what is kept is damaged
   * @param data where the samples come from
   * @param settings what its results depend on besides, by name, in short; empty if that is damaged
   * @param samples how many samples it has
   * @param captured how many of them are captured, in the last pass over them
   * @param sites how many sites it has; 0 if that is not known yet
   * @param scored how many of them are scored
   * @param bytes what the files take
   * @param changed when it last got on
   * @param isInUse whether a process is at it
   */
  public record Entry(
      String id,
      Optional<String> model,
      String data,
      Map<String, String> settings,
      int samples,
      int captured,
      int sites,
      int scored,
      long bytes,
      Instant changed,
      boolean isInUse) {
    /** Keeps the order of the settings. */
    public Entry {
      settings = Collections.unmodifiableMap(new LinkedHashMap<>(settings));
    }
  }

  /**
   * Lists what is kept.
   *
   * @return the measurements, the latest first
   * @throws IOException if the folder cannot be read
   */
  public List<Entry> list() throws IOException {
    List<Entry> entries = new ArrayList<>();
    for (Path run : runFolders()) {
      try {
        entries.add(entry(run));
      } catch (NoSuchFileException | NotDirectoryException e) {
        // It was done just now, or somebody else's file.
      }
    }
    entries.sort(Comparator.comparing(Entry::changed).reversed());
    return entries;
  }

  private List<Path> runFolders() throws IOException {
    try (Stream<Path> found = Files.list(runs)) {
      return found.filter(run -> !isTrash(run)).sorted().toList();
    } catch (NoSuchFileException | NotDirectoryException e) {
      return List.of();
    }
  }

  private static boolean isTrash(Path run) {
    return run.getFileName().toString().startsWith(RunLock.TRASH);
  }

  private Entry entry(Path run) throws IOException {
    String id = run.getFileName().toString();
    long bytes = 0;
    Instant changed = Instant.EPOCH;
    List<String> names = new ArrayList<>();
    List<Path> files;
    try (Stream<Path> list = Files.list(run)) {
      files = list.toList();
    }
    for (Path file : files) {
      BasicFileAttributes attributes;
      try {
        attributes = Files.readAttributes(file, BasicFileAttributes.class);
      } catch (NoSuchFileException e) {
        continue; // renamed or deleted by the process that is at it
      }
      bytes += attributes.size();
      Instant time = attributes.lastModifiedTime().toInstant();
      String name = file.getFileName().toString();
      // The lock is touched by everybody who looks whether it is held.
      changed = time.isAfter(changed) && !name.equals(RunLock.FILE) ? time : changed;
      names.add(name);
    }
    Optional<RunManifest> manifest = json(run, RunState.MANIFEST).map(RunManifest::of);
    List<List<Integer>> passes = json(run, RunState.FACTS).map(RunFacts::passes).orElse(List.of());
    int samples = manifest.map(RunManifest::samples).orElse(0);
    return new Entry(
        id,
        manifest.map(RunManifest::model),
        manifest.map(RunManifest::data).orElse(""),
        manifest.map(found -> found.key().inShort()).orElse(Map.of()),
        samples,
        captured(names, passes.size(), manifest.map(RunManifest::batchSize).orElse(0), samples),
        passes.stream().mapToInt(List::size).sum(),
        RunState.scores(names),
        bytes,
        changed,
        RunLock.isHeld(folder, run));
  }

  /** Captures are dropped once their sites are scored; all samples went through the model then. */
  private static int captured(List<String> names, int passes, int batchSize, int samples) {
    for (int pass = passes - 1; pass >= 0; pass--) {
      String prefix = RunState.captures(pass);
      long batches = names.stream().filter(name -> name.startsWith(prefix)).count();
      if (batches > 0) {
        return (int) Math.min(samples, batches * batchSize);
      }
    }
    return RunState.scores(names) > 0 ? samples : 0;
  }

  private static Optional<JsonNode> json(Path run, String file) {
    try {
      return Optional.of(StateFile.readJson(run.resolve(file), run.getFileName().toString()));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /**
   * Deletes what is kept, but for what a living process is at.
   *
   * @param before only what did not get on since then
   * @return what was deleted
   * @throws IOException if it cannot be deleted
   */
  public List<Entry> clean(Instant before) throws IOException {
    List<Entry> deleted = new ArrayList<>();
    for (Entry entry : list()) {
      if (entry.changed().isBefore(before)) {
        Optional<RunLock> lock = RunLock.tryTake(folder, runs.resolve(entry.id()));
        if (lock.isPresent()) {
          lock.get().remove();
          deleted.add(entry);
        }
      }
    }
    emptyTrash();
    return deleted;
  }

  /** What a process that was killed could not delete. */
  private void emptyTrash() throws IOException {
    try (Stream<Path> found = Files.list(runs)) {
      found.filter(RunCache::isTrash).toList().forEach(Utils::deleteQuietly);
    } catch (NoSuchFileException | NotDirectoryException e) {
      // Nothing was ever kept.
    }
  }

  /**
   * Opens what was kept of a measurement, to be gone on with and added to.
   *
   * @param manifest what the measurement is
   * @param later batch sizes with which it will begin again if memory runs out
   * @param notices told what a user should know
   * @return what was kept; one that keeps nothing if another process is at the same measurement, or
   *     the folder cannot be written to
   */
  RunState open(RunManifest manifest, Set<Integer> later, Consumer<String> notices)
      throws IOException {
    Path run = runs.resolve(manifest.key().id());
    Optional<RunLock> lock = Optional.empty();
    try {
      Files.createDirectories(runs);
      emptyTrash();
      boolean isNew = !Files.exists(run.resolve(RunState.MANIFEST));
      lock = RunLock.tryTake(folder, run);
      if (lock.isEmpty()) {
        notices.accept(
            "another process ("
                + RunLock.holder(run)
                + ") is at the same measurement: this one goes on without what is kept of it");
        return RunState.none();
      }
      if (isNew) {
        tellOfRelatives(manifest, later, notices);
      }
      return RunState.open(run, lock.get(), manifest, notices);
    } catch (IOException e) {
      if (lock.isPresent()) {
        lock.get().close();
      }
      RunState.notWritten(folder, e, notices);
      return RunState.none();
    }
  }

  /** Says why what is kept of the same model and data is of no use, or of none yet. */
  private void tellOfRelatives(RunManifest manifest, Set<Integer> later, Consumer<String> notices)
      throws IOException {
    for (Path run : runFolders()) {
      Optional<RunManifest> kept = json(run, RunState.MANIFEST).map(RunManifest::of);
      RunKey key = kept.map(RunManifest::key).orElse(null);
      if (key == null || !key.isRelated(manifest.key()) || RunLock.isHeld(folder, run)) {
        continue;
      }
      if (later.contains(kept.get().batchSize()) && key.equalsButForBatchSize(manifest.key())) {
        notices.accept(
            "what an interrupted run kept of this model and data is used if memory allows no more"
                + " than its batches of "
                + kept.get().batchSize()
                + ": this one begins with "
                + manifest.batchSize());
      } else {
        notices.accept(
            "what an interrupted run kept of this model and data is not used: "
                + String.join(", ", key.differences(manifest.key()))
                + " (affinis cache clean deletes it)");
      }
    }
  }
}
