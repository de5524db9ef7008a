package dev.affinis.benchmarks;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import dev.affinis.instrument.Measurement;
import dev.affinis.instrument.MeasurementListener;
import dev.affinis.instrument.ModelSource;
import dev.affinis.instrument.data.BatchLoader;
import dev.affinis.instrument.data.Preprocessing;
import dev.affinis.instrument.data.SampleSource;
import dev.affinis.instrument.data.Selection;
import dev.affinis.signature.Signature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/**
 * What a whole measurement costs compared to using the model: the same samples, read and decoded in
 * the same way, go through the plain model and through a measurement, scores included, in turn in
 * one process. Both sides load the model. Peak resident memory is that of each side (Linux).
 *
 * <pre>
 * java -cp benchmarks/target/benchmarks.jar dev.affinis.benchmarks.EndToEnd jpegs 2048 16 1 alexnet.traced.pt resnet50.traced.pt vit_b_16.traced.pt
 * </pre>
 */
public final class EndToEnd {
  private static final String JPEGS = "jpegs";

  private EndToEnd() {}

  /**
   * Runs the benchmark and prints a line per pair of runs, and one with the median ratio.
   *
   * @param args the data ({@value #JPEGS} for files of 224 x 224 made here, or what {@code --data}
   *     takes), samples, batch size, pairs of runs, model files
   * @throws Exception if a model or the data cannot be read
   */
  public static void main(String[] args) throws Exception {
    Selection selection = Selection.first(Integer.parseInt(args[1]));
    int batchSize = Integer.parseInt(args[2]);
    int pairs = Integer.parseInt(args[3]);
    try (NoiseImages made = new NoiseImages(args[0].equals(JPEGS) ? selection.count() : 0)) {
      String data = args[0].equals(JPEGS) ? made.folder().toString() : args[0];
      for (String model : List.of(args).subList(4, args.length)) {
        EndToEnd.compare(Path.of(model), data, selection, batchSize, pairs);
      }
    }
  }

  private static void compare(
      Path model, String data, Selection selection, int batchSize, int pairs) throws Exception {
    // Classes, kernels and the page cache.
    Selection few = Selection.first(Math.min(selection.count(), 2 * batchSize));
    plain(model, data, few, batchSize);
    measure(model, data, few, batchSize, new Stopwatch());
    List<Double> ratios = new ArrayList<>();
    for (int pair = 0; pair < pairs; pair++) {
      resetPeak();
      long start = System.nanoTime();
      plain(model, data, selection, batchSize);
      double plain = (System.nanoTime() - start) / 1e9;
      double plainPeak = peakMebibytes();
      resetPeak();
      Stopwatch phases = new Stopwatch();
      start = System.nanoTime();
      int sites = measure(model, data, selection, batchSize, phases);
      double measured = (System.nanoTime() - start) / 1e9;
      ratios.add(measured / plain);
      System.out.printf(
          Locale.ROOT,
          "%s %d samples, %d sites: plain %.1f s (peak %.0f MiB), measured %.1f s (capture %.1f,"
              + " scores %.1f; peak %.0f MiB), ratio %.3f%n",
          model.getFileName(),
          selection.count(),
          sites,
          plain,
          plainPeak,
          measured,
          phases.capture(),
          phases.scores(),
          peakMebibytes(),
          measured / plain);
    }
    Collections.sort(ratios);
    System.out.printf(
        Locale.ROOT, "%s median ratio %.3f%n", model.getFileName(), ratios.get(pairs / 2));
  }

  private static void plain(Path file, String data, Selection selection, int batchSize)
      throws IOException, MalformedModelException {
    int done = 0;
    try (SampleSource source = open(data, selection);
        Model model = Subject.load(file);
        NDManager manager = NDManager.newBaseManager("PyTorch");
        BatchLoader loader =
            BatchLoader.builder()
                .setSource(source)
                .setManager(manager)
                .setSelection(selection)
                .optBatchSize(batchSize)
                .build()) {
      while (loader.hasNext()) {
        try (BatchLoader.Batch batch = loader.next();
            NDManager scratch = manager.newSubManager()) {
          NDArray input = batch.data().duplicate();
          input.attach(scratch);
          float[] outputs = Subject.forward(model, new NDList(input)).head().toFloatArray();
          done += outputs.length == 0 ? 0 : batch.size();
        }
      }
    }
    if (done != selection.count()) {
      throw new AssertionError("plain: " + done + " of " + selection.count() + " samples");
    }
  }

  /** Returns the number of sites, each of which must have a score. */
  private static int measure(
      Path file, String data, Selection selection, int batchSize, MeasurementListener listener)
      throws IOException {
    try (SampleSource source = open(data, selection)) {
      Signature signature =
          Measurement.builder()
              .setModel(ModelSource.of(file))
              .setSource(source)
              .optSelection(selection)
              .optBatchSize(batchSize)
              .optListener(listener)
              .build()
              .run();
      if (signature.data().samples() != selection.count()
          || signature.layers().stream()
              .anyMatch(layer -> layer.scores().get("affinity").number().isEmpty())) {
        throw new AssertionError("measured: samples or scores are missing");
      }
      return signature.layers().size();
    }
  }

  private static SampleSource open(String data, Selection selection) {
    return SampleSource.open(data, Preprocessing.builder().build(), selection);
  }

  /** Begins a new peak. */
  private static void resetPeak() throws IOException {
    System.gc();
    Files.writeString(Path.of("/proc/self/clear_refs"), "5");
  }

  private static double peakMebibytes() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
            .filter(line -> line.startsWith("VmHWM:"))
            .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
            .sum()
        / 1024.0;
  }
}
