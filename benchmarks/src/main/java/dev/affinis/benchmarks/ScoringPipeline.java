package dev.affinis.benchmarks;

import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Blocks;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.training.initializer.XavierInitializer;
import com.sun.management.OperatingSystemMXBean;
import dev.affinis.instrument.Measurement;
import dev.affinis.instrument.MemoryPlan;
import dev.affinis.instrument.ModelSource;
import dev.affinis.instrument.data.RandomSource;
import dev.affinis.instrument.data.Selection;
import dev.affinis.signature.LayerScores;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * What scoring several sites at once, and keeping captures on disk, does to a run: a multi-layer
 * perceptron with ReLU layers of the given widths is measured in each way in turn, in one process,
 * and all must give the same scores.
 *
 * <pre>
 * java -cp benchmarks/target/benchmarks.jar dev.affinis.benchmarks.ScoringPipeline 2048 5 512 1024 2048 1024 512 2048 512 1024
 * </pre>
 */
public final class ScoringPipeline {
  private static final Shape SAMPLE = new Shape(3, 16, 16);

  private ScoringPipeline() {}

  /**
   * Runs the benchmark and prints a line per way with the median seconds of the whole run and of
   * the scores, and the median ratio of the scores' time to that of one site after the other.
   *
   * @param args samples, rounds, widths of the layers
   * @throws IOException if captures cannot be spilled
   */
  public static void main(String[] args) throws IOException {
    int samples = Integer.parseInt(args[0]);
    int rounds = Integer.parseInt(args[1]);
    List<Integer> widths =
        List.of(args).subList(2, args.length).stream().map(Integer::valueOf).toList();
    try (Model model = perceptron(widths)) {
      MemoryPlan plan = measurement(model, samples, b -> b, new Stopwatch()).plan().memory();
      long least =
          plan.sites().stream().mapToLong(MemoryPlan.SiteMemory::bytes).max().orElseThrow();
      Map<String, UnaryOperator<Measurement.Builder>> ways = new LinkedHashMap<>();
      ways.put("1 thread", b -> b.optScoringThreads(1));
      for (int threads : new int[] {2, 3, 4}) {
        ways.put(threads + " threads", b -> b.optScoringThreads(threads));
      }
      ways.put("1 thread, captures on disk", b -> b.optScoringThreads(1).optMemory(least));
      compare(model, samples, rounds, ways);
    }
  }

  private static void compare(
      Model model, int samples, int rounds, Map<String, UnaryOperator<Measurement.Builder>> ways)
      throws IOException {
    Map<String, List<double[]>> times = new LinkedHashMap<>();
    List<LayerScores> expected = null;
    for (int round = -1; round < rounds; round++) { // the first is a warm-up
      double one = 0;
      for (var way : ways.entrySet()) {
        Stopwatch phases = new Stopwatch();
        long start = System.nanoTime();
        long startedAt = processorNanos();
        List<LayerScores> layers =
            measurement(model, samples, way.getValue(), phases).run().layers();
        double all = (System.nanoTime() - start) / 1e9;
        double processor = (processorNanos() - startedAt) / 1e9;
        expected = expected == null ? layers : expected;
        if (!layers.equals(expected)) {
          throw new AssertionError(way.getKey() + " gives other scores");
        }
        double scores = phases.scores();
        one = one == 0 ? scores : one;
        if (round >= 0) {
          times
              .computeIfAbsent(way.getKey(), name -> new ArrayList<>())
              .add(new double[] {all, processor, scores, scores / one});
        }
      }
    }
    times.forEach(
        (way, runs) ->
            System.out.printf(
                Locale.ROOT,
                "%s: run %.2f s (processor time %.2f s), scores %.2f s, ratio %.3f%n",
                way,
                median(runs, 0),
                median(runs, 1),
                median(runs, 2),
                median(runs, 3)));
  }

  private static long processorNanos() {
    return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getProcessCpuTime();
  }

  private static double median(List<double[]> runs, int column) {
    List<Double> values = new ArrayList<>(runs.stream().map(run -> run[column]).toList());
    Collections.sort(values);
    return values.get(values.size() / 2);
  }

  private static Measurement measurement(
      Model model, int samples, UnaryOperator<Measurement.Builder> way, Stopwatch phases)
      throws IOException {
    return way.apply(
            Measurement.builder()
                .setModel(ModelSource.of(model))
                .setSource(new RandomSource(SAMPLE, samples, 0))
                .optSelection(Selection.first(samples))
                .optBatchSize(64)
                .optListener(phases))
        .build();
  }

  private static Model perceptron(List<Integer> widths) {
    SequentialBlock block = new SequentialBlock().add(Blocks.batchFlattenBlock());
    for (int width : widths) {
      block.add(Linear.builder().setUnits(width).build()).add(Activation.reluBlock());
    }
    block.setInitializer(new XavierInitializer(), Parameter.Type.WEIGHT);
    Engine.getEngine("PyTorch").setRandomSeed(0);
    Model model = Model.newInstance("perceptron", "PyTorch");
    model.setBlock(block);
    block.initialize(model.getNDManager(), DataType.FLOAT32, new Shape(1).addAll(SAMPLE));
    block.freezeParameters(true);
    return model;
  }
}
