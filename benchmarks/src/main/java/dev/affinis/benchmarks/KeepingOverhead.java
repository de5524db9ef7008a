package dev.affinis.benchmarks;

import com.sun.management.OperatingSystemMXBean;
import dev.affinis.instrument.Measurement;
import dev.affinis.instrument.MeasurementListener;
import dev.affinis.instrument.ModelSource;
import dev.affinis.instrument.RunCache;
import dev.affinis.instrument.data.Preprocessing;
import dev.affinis.instrument.data.SampleSource;
import dev.affinis.instrument.data.Selection;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * What it costs to keep captures and scores for a run that goes on ({@code --resume}): processor
 * time of whole measurements with and without it, in turn, and the bytes that are written. The
 * score is a cheap one, so that the share is that of the captures.
 */
public final class KeepingOverhead {
  private static final int ROUNDS = 5;

  private KeepingOverhead() {}

  /** The bytes that were there at most. */
  private static final class Bytes implements MeasurementListener {
    private final RunCache cache;
    private long most;

    Bytes(RunCache cache) {
      this.cache = cache;
    }

    @Override
    public void begin(Phase phase, long steps) {
      if (phase == Phase.SCORE) {
        try {
          most = cache.list().stream().mapToLong(RunCache.Entry::bytes).sum();
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
    }
  }

  /**
   * Measures.
   *
   * @param args model, data, number of samples
   * @throws IOException if a file cannot be read
   */
  public static void main(String[] args) throws IOException {
    Selection selection = Selection.first(Integer.parseInt(args[2]));
    Path folder = Files.createTempDirectory("affinis-keeping");
    RunCache cache = new RunCache(folder);
    Bytes bytes = new Bytes(cache);
    double[] plain = new double[ROUNDS];
    double[] keeping = new double[ROUNDS];
    try (ModelSource<?, ?> model = ModelSource.of(Path.of(args[0]));
        SampleSource data =
            SampleSource.open(args[1], Preprocessing.builder().build(), selection)) {
      for (int round = -1; round < ROUNDS; round++) {
        for (boolean keeps : new boolean[] {false, true}) {
          Measurement.Builder builder =
              Measurement.builder()
                  .setModel(model)
                  .setSource(data)
                  .optSelection(selection)
                  .optScores(List.of("norm_difference"));
          if (keeps) {
            builder.optResume(cache).optListener(bytes);
          }
          double before = processorSeconds();
          builder.build().run();
          double took = processorSeconds() - before;
          if (round >= 0) { // the first one warms up
            (keeps ? keeping : plain)[round] = took;
          }
        }
      }
    }
    Arrays.sort(plain);
    Arrays.sort(keeping);
    System.out.printf(
        Locale.ROOT,
        "%s, %s samples: %.2f s of processor time (%.2f to %.2f), with --resume %.2f s (%.2f to"
            + " %.2f), %s bytes written%n",
        args[0],
        args[2],
        plain[ROUNDS / 2],
        plain[0],
        plain[ROUNDS - 1],
        keeping[ROUNDS / 2],
        keeping[0],
        keeping[ROUNDS - 1],
        bytes.most);
  }

  private static double processorSeconds() {
    return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getProcessCpuTime()
        / 1e9;
  }
}
