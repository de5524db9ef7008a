package dev.affinis.benchmarks;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import com.sun.management.OperatingSystemMXBean;
import dev.affinis.signature.LayerSample;
import dev.affinis.signature.ScoreFunction;
import dev.affinis.signature.score.Contrast;
import dev.affinis.signature.score.LinearSeparability;
import dev.affinis.signature.score.ScoreSet;
import dev.affinis.signature.score.Side;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * Processor time of all scores of linear separability of one layer, both sides, each class against
 * the rest and against each other, orders 0 to 2: a table with the mean over both sides. {@code
 * random} labels have nothing to do with the samples; {@code linear} ones are the largest of as
 * many columns of the input, more or less, and may leave a class with one sample, which gives NaN.
 *
 * <pre>
 * java -Dai.djl.pytorch.num_threads=1 -XX:+UseSerialGC -cp benchmarks/target/benchmarks.jar dev.affinis.benchmarks.SeparabilityCosts 2048 10 64,512,2048
 * </pre>
 */
public final class SeparabilityCosts {
  private static final double ROUNDING = 1e-9;
  private static final double NOISE = 0.5;

  /** What the classes of samples have to do with them. */
  private enum Labels {
    RANDOM,
    LINEAR;

    List<Integer> of(NDArray rows, int classes) {
      Random random = new Random(1);
      int n = Math.toIntExact(rows.getShape().get(0));
      if (this == RANDOM) {
        List<Integer> labels =
            new ArrayList<>(IntStream.range(0, n).mapToObj(i -> i % classes).toList());
        Collections.shuffle(labels, random);
        return labels;
      }
      int columns = Math.toIntExact(Math.min(classes, rows.getShape().get(1)));
      try (NDArray first = rows.get(new NDIndex(":, 0:{}", columns))) {
        float[] values = first.toFloatArray();
        double unit = root(values) * NOISE;
        Integer[] labels = new Integer[n];
        Arrays.setAll(
            labels,
            i -> {
              int best = 0;
              double most = Double.NEGATIVE_INFINITY;
              for (int c = 0; c < columns; c++) {
                double value = values[i * columns + c] + unit * random.nextGaussian();
                if (value > most) {
                  most = value;
                  best = c;
                }
              }
              return best;
            });
        return List.of(labels);
      }
    }

    private static double root(float[] values) {
      double squares = 0;
      for (float value : values) {
        squares += (double) value * value;
      }
      return Math.sqrt(squares / values.length);
    }
  }

  private SeparabilityCosts() {}

  /**
   * Prints the table.
   *
   * @param args number of samples, of classes, widths separated by commas
   */
  public static void main(String[] args) {
    int n = Integer.parseInt(args[0]);
    int classes = Integer.parseInt(args[1]);
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      // Until the virtual machine has compiled what is measured.
      for (int run = 0; run < 3; run++) {
        measure(1024, 10, 64, Labels.RANDOM, manager);
      }
      System.out.printf(
          "%6s %8s %5s %-7s %9s   %s%n",
          "n", "classes", "d", "labels", "seconds", "rest 0, 1, 2; pairs 0, 1, 2");
      for (int d : StandardErrors.numbers(args[2])) {
        for (Labels labels : Labels.values()) {
          System.out.println(measure(n, classes, d, labels, manager));
        }
      }
    }
  }

  private static String measure(int n, int classes, int d, Labels kind, NDManager manager) {
    try (NDManager scratch = manager.newSubManager()) {
      LayerSample unlabelled = SyntheticLayer.RELU.sample(n, d, scratch);
      LayerSample sample =
          new LayerSample(unlabelled.pre(), unlabelled.post(), kind.of(unlabelled.pre(), classes));
      ScoreSet set = new ScoreSet(scores());
      long start = processorNanos();
      Map<String, ScoreFunction.Estimate> estimates = set.estimate(sample);
      double seconds = (processorNanos() - start) / 1e9;
      StringBuilder line =
          new StringBuilder(
              String.format(
                  Locale.ROOT,
                  "%6d %8d %5d %-7s %9.2f  ",
                  n,
                  classes,
                  d,
                  kind.name().toLowerCase(Locale.ROOT),
                  seconds));
      for (Contrast contrast : Contrast.values()) {
        double[] means = new double[3];
        for (Side side : Side.values()) {
          double[] orders = orders(estimates, contrast, side);
          check(orders, n, d, line.toString());
          Arrays.setAll(means, order -> means[order] + orders[order] / Side.values().length);
        }
        for (double mean : means) {
          line.append(String.format(Locale.ROOT, " %.4f", mean));
        }
      }
      return line.toString();
    }
  }

  private static Map<String, ScoreFunction> scores() {
    Map<String, ScoreFunction> scores = new LinkedHashMap<>();
    for (Side side : Side.values()) {
      for (Contrast contrast : Contrast.values()) {
        for (int order = 0; order < 3; order++) {
          LinearSeparability score = new LinearSeparability(side, contrast, order, 1);
          scores.put(score.name(), score);
        }
      }
    }
    return scores;
  }

  private static double[] orders(
      Map<String, ScoreFunction.Estimate> estimates, Contrast contrast, Side side) {
    double[] orders = new double[3];
    Arrays.setAll(
        orders,
        order ->
            estimates
                .get(new LinearSeparability(side, contrast, order, 1).name())
                .score()
                .number()
                .orElse(Double.NaN));
    return orders;
  }

  /** What must hold: order 1 is at least the root of order 2, and many dimensions give 1. */
  private static void check(double[] orders, int n, int d, String line) {
    if (Double.isNaN(orders[0])) {
      // A class that only one sample fell to.
      return;
    }
    boolean isPossible = orders[0] >= 0.5 && orders[0] <= 1 && orders[1] <= 1;
    boolean isOrdered = orders[1] >= Math.sqrt(orders[2]) - ROUNDING;
    boolean isFull = d < n || Arrays.stream(orders).allMatch(order -> order == 1);
    if (!isPossible || !isOrdered || !isFull) {
      throw new IllegalStateException(line + " cannot be: " + Arrays.toString(orders));
    }
  }

  private static long processorNanos() {
    return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getProcessCpuTime();
  }
}
