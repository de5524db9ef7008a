package dev.affinis.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.Measurement;
import dev.affinis.instrument.MeasurementListener;
import dev.affinis.instrument.MeasurementStoppedException;
import dev.affinis.instrument.ModelSource;
import dev.affinis.instrument.RunCache;
import dev.affinis.instrument.data.RandomSource;
import dev.affinis.instrument.data.Selection;
import dev.affinis.signature.covariance.Ridge;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CacheCommandTest {
  @TempDir Path folder;

  private Path leave(String name, int days) throws IOException {
    Path run = Files.createDirectories(folder.resolve("runs").resolve(name));
    Path file = Files.writeString(run.resolve("manifest.json"), "what a kill left");
    Files.setLastModifiedTime(
        file, FileTime.from(Instant.now().minus(Duration.ofDays(days).plusHours(1))));
    return run;
  }

  private CommandRun cache(Object... args) {
    Object[] all = new Object[args.length + 3];
    all[0] = "cache";
    System.arraycopy(args, 0, all, 1, args.length);
    all[args.length + 1] = "--cache";
    all[args.length + 2] = folder;
    return CommandRun.of(all);
  }

  @Test
  void listsWhatIsThereAndDeletesItByAge() throws IOException {
    CommandRun none = cache("list");
    assertEquals(ExitCodes.DONE, none.code(), none.err());
    assertEquals("0 measurements in " + folder, none.out().strip());
    Path old = leave("0a", 3);
    Path young = leave("0b", 1);
    CommandRun two = cache("list");
    assertTrue(two.out().contains("(damaged)"), two.out());
    assertTrue(two.out().contains("0 of ?"), two.out());
    assertTrue(two.out().contains("73 h 0 min"), two.out());
    assertTrue(two.out().contains("2 measurements in " + folder + ", "), two.out());
    CommandRun one = cache("clean", "--older-than", "2");
    assertTrue(one.out().startsWith("deleted 1 measurement, "), one.out());
    assertTrue(one.out().contains("; 1 left in " + folder), one.out());
    assertFalse(Files.exists(old));
    assertTrue(Files.exists(young));
    assertTrue(cache("clean").out().startsWith("deleted 1 measurement, "));
    assertFalse(Files.exists(young));
    assertTrue(cache("clean").out().startsWith("deleted 0 measurements; 0 left in"));
  }

  /** Leaves what a run keeps that is stopped behind its first batch. */
  private void interrupt(Path model, UnaryOperator<Measurement.Builder> more) throws IOException {
    AtomicReference<Measurement> running = new AtomicReference<>();
    MeasurementListener listener =
        new MeasurementListener() {
          @Override
          public void advance(long steps) {
            running.get().stop();
          }
        };
    try (ModelSource<?, ?> source = ModelSource.of(model);
        RandomSource random = new RandomSource(new Shape(3, 32, 32), 8, 0)) {
      Measurement.Builder builder =
          Measurement.builder()
              .setModel(source)
              .setSource(random)
              .optSelection(Selection.first(8))
              .optBatchSize(4)
              .optResume(new RunCache(folder))
              .optListener(listener);
      running.set(more.apply(builder).build());
      assertThrows(MeasurementStoppedException.class, () -> running.get().run());
    }
  }

  @Test
  void measurementsOfOneModelAreToldApartByTheirSettings() throws IOException {
    Path model = folder.resolve("vgg.pt");
    try (InputStream in =
        CacheCommandTest.class.getResourceAsStream("/dev/affinis/zoo/models/vgg.traced.pt")) {
      Files.copy(in, model);
    }
    interrupt(model, builder -> builder);
    assertFalse(cache("list").out().contains("ridge"), "nothing to tell it from");
    interrupt(model, builder -> builder.optRidge(Ridge.ABSOLUTE).optScores(List.of("r2")));
    List<String> lines = cache("list").out().lines().toList();
    assertEquals(4, lines.size(), lines.toString());
    assertTrue(lines.get(0).strip().startsWith("model"), lines.toString());
    assertTrue(lines.get(1).contains("scores [\"r2\"], ridge absolute"), lines.toString());
    assertTrue(lines.get(2).contains("scores [\"affinity\"], ridge relative"), lines.toString());
    assertTrue(lines.get(1).contains("4 of 8"), lines.toString());
  }

  @Test
  void wrongUseIsToldWithWhatWasExpected() {
    CommandRun alone = CommandRun.of("cache");
    assertEquals(ExitCodes.WRONG_USE, alone.code());
    assertTrue(alone.err().contains("expected list or clean"), alone.err());
    CommandRun negative = cache("clean", "--older-than", "-1");
    assertEquals(ExitCodes.WRONG_USE, negative.code());
    assertTrue(negative.err().contains("got -1"), negative.err());
    CommandRun unused =
        CommandRun.of("measure", "m.pt", "--data=random", "--out=o.json", "--cache", folder);
    assertEquals(ExitCodes.WRONG_USE, unused.code());
    assertTrue(unused.err().contains("add --resume"), unused.err());
  }
}
