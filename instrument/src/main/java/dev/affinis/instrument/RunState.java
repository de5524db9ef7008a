package dev.affinis.instrument;

import ai.djl.ndarray.NDManager;
import com.fasterxml.jackson.databind.JsonNode;
import dev.affinis.signature.AtomicFile;
import dev.affinis.signature.LayerScores;
import dev.affinis.signature.SignatureFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * What a measurement keeps on disk while it runs, so that the next one can go on: facts about the
 * model, the captures of each batch, which samples they are of, and the score of each site. To be
 * used by one thread.
 *
 * <p>Every file is whole or not there, and used only if its checksum is right ({@link StateFile});
 * one that is not is told of, and what it held is made again. What cannot be written ends the
 * keeping, not the run.
 */
final class RunState implements AutoCloseable {
  static final String MANIFEST = "manifest.json";
  static final String FACTS = "facts.json";
  private static final String SAMPLES = "samples.json";
  private static final String CAPTURES = "captures-";
  private static final String SCORES = "scores-";

  private final Path folder;
  private final String run;
  private final RunLock lock;
  private final Consumer<String> notices;
  private boolean isWritten;

  /** Keeps in a folder; in none if that is {@code null}. */
  private RunState(Path folder, RunLock lock, Consumer<String> notices) {
    this.folder = folder;
    this.run = folder == null ? "" : folder.getFileName().toString();
    this.lock = lock;
    this.notices = notices;
    isWritten = folder != null;
  }

  /**
   * The samples that went through the model.
   *
   * @param size number of samples
   * @param labels class of each; empty if any is not known
   * @param seen the batches, if later passes must meet the same
   * @param skipped messages about samples that were left out
   */
  record Samples(int size, List<Integer> labels, List<SampleLog.Seen> seen, List<String> skipped) {}

  /** Keeps nothing. */
  static RunState none() {
    return new RunState(null, null, message -> {});
  }

  /**
   * Opens what was kept in a folder, which is emptied unless it is all of this run.
   *
   * @param folder the run's folder, named after its key
   * @param lock has the folder
   * @param manifest what the run is
   * @param notices told what a user should know
   */
  static RunState open(Path folder, RunLock lock, RunManifest manifest, Consumer<String> notices)
      throws IOException {
    RunState state = new RunState(folder, lock, notices);
    boolean isKnown = false;
    try {
      RunManifest found = RunManifest.of(StateFile.readJson(folder.resolve(MANIFEST), state.run));
      isKnown = found.key().equals(manifest.key());
      if (!isKnown) {
        notices.accept("what was kept in " + folder + " is of another run: it is not used");
      }
    } catch (NoSuchFileException e) {
      if (!state.files("").isEmpty()) {
        notices.accept("what was kept in " + folder + " has no manifest: it is not used");
      }
    } catch (IOException e) {
      notices.accept(
          "what was kept in " + folder + " is not used: its manifest: " + e.getMessage());
    }
    for (Path file : state.files("")) {
      if (!isKnown || AtomicFile.isPartial(file)) {
        Files.deleteIfExists(file);
      }
    }
    if (!isKnown) {
      StateFile.write(folder.resolve(MANIFEST), state.run, manifest.toTree());
    }
    return state;
  }

  /** Whether anything is kept, or was before there was no room for more. */
  boolean isOpen() {
    return folder != null;
  }

  /** Whether what comes is kept. */
  boolean isWritten() {
    return isWritten;
  }

  /** Files whose names begin in some way, the lock left out, in the order of their names. */
  private List<Path> files(String prefix) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> file.getFileName().toString().startsWith(prefix))
          .filter(file -> !file.getFileName().toString().equals(RunLock.FILE))
          .sorted()
          .toList();
    }
  }

  static String captures(int pass) {
    return CAPTURES + pass + "-";
  }

  private Path capturesFile(int pass, int batch) {
    return folder.resolve(captures(pass) + String.format(Locale.ROOT, "%07d", batch));
  }

  private Path scoresFile(int site) {
    return folder.resolve(SCORES + String.format(Locale.ROOT, "%05d", site) + ".json");
  }

  /** How many of some files hold scores. */
  static int scores(List<String> names) {
    return (int) names.stream().filter(name -> name.startsWith(SCORES)).count();
  }

  /** What is made of a file's content. */
  private interface Parser<T> {
    T parse(Path file) throws IOException;
  }

  /**
   * Reads a file; if it is damaged, tells so, deletes it and gives nothing. One that cannot be read
   * because the thread is interrupted is not damaged.
   */
  private <T> Optional<T> read(Path file, String lost, Parser<T> parser) {
    try {
      return Optional.of(parser.parse(file));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (ClosedByInterruptException e) {
      throw new MeasurementStoppedException(
          "captures and scores of an earlier run", Optional.of(folder), e);
    } catch (IOException | IllegalArgumentException e) {
      notices.accept(file + " is not used: " + e.getMessage() + "; " + lost + " again");
      delete(List.of(file));
      return Optional.empty();
    }
  }

  /**
   * Writes a file; if that is impossible, nothing is kept from here on. One that cannot be written
   * because the thread is interrupted is only missing.
   */
  private void write(Path file, ByteBuffer... content) {
    try {
      StateFile.write(file, run, content);
    } catch (ClosedByInterruptException e) {
      // The run is about to end; no file is kept in part.
    } catch (IOException e) {
      notWritten(folder, e, notices);
      isWritten = false;
    }
  }

  private void write(Path file, JsonNode tree) {
    write(file, StateFile.bytes(tree));
  }

  /** Says that a run goes on though it cannot be gone on with. */
  static void notWritten(Path folder, IOException e, Consumer<String> notices) {
    notices.accept(
        "captures and scores are not kept from here on: "
            + folder
            + " cannot be written to ("
            + (e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage())
            + "); the run itself goes on. Make room, or pass another --cache");
  }

  private void delete(List<Path> files) {
    try {
      for (Path file : files) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      notices.accept("what is not needed any more cannot be deleted: " + e.getMessage());
    }
  }

  /**
   * Reads the facts about the model. If the plan is another one now, captures that do not fit it
   * are deleted.
   *
   * @param limits what the run may take now
   */
  Optional<RunFacts> facts(MemoryLimits limits) {
    if (folder == null) {
      return Optional.empty();
    }
    Optional<JsonNode> tree =
        read(
            folder.resolve(FACTS),
            "all captures and scores are made",
            file -> StateFile.readJson(file, run));
    Optional<RunFacts> facts = tree.map(node -> RunFacts.of(node, limits));
    try {
      if (facts.isEmpty()) {
        delete(Stream.of(CAPTURES, SCORES, SAMPLES).flatMap(this::filesOrNone).toList());
      } else if (!facts.get().plan().passes().equals(RunFacts.passes(tree.get()))) {
        List<Path> captures = files(CAPTURES);
        if (!captures.isEmpty()) {
          notices.accept(
              "the memory budget is another one, and so are the passes over the data: captures are"
                  + " made again, scores are used");
          delete(captures);
        }
        keep(facts.get());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return facts;
  }

  private Stream<Path> filesOrNone(String prefix) {
    try {
      return files(prefix).stream();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  void keep(RunFacts facts) {
    if (isWritten) {
      write(folder.resolve(FACTS), facts.toTree());
    }
  }

  /**
   * Reads the captures of one batch.
   *
   * @param pass number of the pass
   * @param batch number of the batch
   * @param sites the sites of the pass
   * @param manager owner of the arrays
   */
  Optional<CapturedBatch> batch(int pass, int batch, List<Site> sites, NDManager manager) {
    return folder == null
        ? Optional.empty()
        : read(
            capturesFile(pass, batch),
            "captures from batch " + (batch + 1) + " on are made",
            file -> CapturedBatch.read(StateFile.read(file, run), sites, manager));
  }

  void keep(int pass, int batch, CapturedBatch captured) {
    if (isWritten) {
      write(capturesFile(pass, batch), captured.toBuffers());
    }
  }

  /** Deletes the captures of a pass whose sites are all scored. */
  void dropCaptures(int pass) {
    if (isWritten) {
      delete(filesOrNone(captures(pass)).toList());
    }
  }

  Optional<Samples> samples() {
    return folder == null
        ? Optional.empty()
        : read(
            folder.resolve(SAMPLES),
            "the samples are read",
            file -> samples(StateFile.readJson(file, run)));
  }

  private static Samples samples(JsonNode tree) {
    List<SampleLog.Seen> seen = new ArrayList<>();
    tree.path("seen").forEach(batch -> seen.add(SampleLog.Seen.of(batch)));
    return new Samples(
        tree.path("size").asInt(),
        CapturedBatch.integers(tree.path("labels")),
        seen,
        RunFacts.texts(tree.path("skipped")));
  }

  void keep(Samples samples) {
    if (isWritten) {
      write(folder.resolve(SAMPLES), StateFile.JSON.valueToTree(samples));
    }
  }

  /**
   * Reads the scores of one site.
   *
   * @param index position of the site in the signature
   */
  Optional<LayerScores> scores(int index) {
    return folder == null
        ? Optional.empty()
        : read(
            scoresFile(index),
            "the site is scored",
            file -> SignatureFile.parseLayer(StateFile.readJson(file, run)));
  }

  void keep(LayerScores layer) {
    if (isWritten) {
      write(scoresFile(layer.index()), SignatureFile.toTree(layer));
    }
  }

  /** Deletes all of it: the run is done. */
  void remove() {
    if (folder != null) {
      try {
        lock.remove();
      } catch (IOException e) {
        notices.accept("what was kept in " + folder + " cannot be deleted: " + e.getMessage());
      }
    }
  }

  /** Where all of it is kept; nothing if some could not be written. */
  Optional<Path> folder() {
    return isWritten ? Optional.of(folder) : Optional.empty();
  }

  /** Gives the folder back; what is kept stays. */
  @Override
  public void close() throws IOException {
    if (lock != null) {
      lock.close();
    }
  }
}
