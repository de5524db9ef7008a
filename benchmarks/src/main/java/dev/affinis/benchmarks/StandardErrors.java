package dev.affinis.benchmarks;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import dev.affinis.signature.LayerSample;
import dev.affinis.signature.transport.AffinityResult;
import dev.affinis.signature.transport.AffinityScore;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * How good the standard error of the affinity score is: scores of many independent samples of a
 * known distribution, their deviation, and the mean of the errors that were estimated from each
 * sample alone, as a share of that deviation. The same for the error from disjoint batches, the
 * deviation of their scores divided by the root of their number.
 *
 * <pre>
 * java -Xmx1g -cp benchmarks/target/benchmarks.jar dev.affinis.benchmarks.StandardErrors 60 256,1024,2048 2,16,64,512
 * </pre>
 */
public final class StandardErrors {
  private static final int REPLICATES = 200;
  private static final int BATCHES = 8;

  /** How many samples are also scored without error, for the ratio of the times. */
  private static final int TIMED = 9;

  private StandardErrors() {}

  /**
   * Prints a table row per distribution.
   *
   * @param args independent samples of each distribution, values of n and of d separated by commas
   */
  public static void main(String[] args) {
    int repetitions = Integer.parseInt(args[0]);
    System.out.println(
        "| n | d | inputs | activation | score | deviation | bootstrap / deviation"
            + " | batches / deviation | time, bootstrap | time, batches |\n"
            + "|---:|---:|---|---|---:|---:|---:|---:|---:|---:|");
    for (int n : numbers(args[1])) {
      for (int d : numbers(args[2])) {
        for (Clouds.Distribution distribution : Clouds.Distribution.values()) {
          for (Clouds.Activation activation : Clouds.Activation.values()) {
            try (Clouds clouds = new Clouds(d, distribution, activation)) {
              String row = row(clouds, n, repetitions);
              System.out.printf(
                  Locale.ROOT,
                  "| %d | %d | %s | %s | %s%n",
                  n,
                  d,
                  distribution.name().toLowerCase(Locale.ROOT),
                  activation.name().toLowerCase(Locale.ROOT),
                  row);
            }
          }
        }
      }
    }
  }

  static int[] numbers(String list) {
    return Arrays.stream(list.split(",", -1)).mapToInt(Integer::parseInt).toArray();
  }

  private static String row(Clouds clouds, int n, int repetitions) {
    AffinityScore plain = AffinityScore.builder().build();
    AffinityScore estimating = AffinityScore.builder().optConfidence(REPLICATES).build();
    double[] scores = new double[repetitions];
    double[] errors = new double[repetitions];
    double[] batchErrors = new double[repetitions];
    double[] timeOfErrors = new double[TIMED];
    double[] timeOfBatches = new double[TIMED];
    for (int r = 0; r < repetitions; r++) {
      try (NDManager manager = clouds.newManager()) {
        LayerSample sample = clouds.draw(n, manager);
        long start = System.nanoTime();
        AffinityResult result = estimating.measure(sample);
        long afterErrors = System.nanoTime();
        batchErrors[r] = ofBatches(plain, sample);
        long afterBatches = System.nanoTime();
        scores[r] = result.score().number().orElseThrow();
        errors[r] = result.error().orElseThrow().number().orElseThrow();
        if (r < TIMED) {
          plain.measure(sample);
          double whole = System.nanoTime() - afterBatches;
          timeOfErrors[r] = (afterErrors - start) / whole - 1;
          timeOfBatches[r] = (afterBatches - afterErrors) / whole;
        }
      }
    }
    double deviation = deviation(scores);
    return String.format(
        Locale.ROOT,
        "%.4f | %.5f | %.2f | %.2f | %+.0f %% | %+.0f %% |",
        mean(scores),
        deviation,
        mean(errors) / deviation,
        mean(batchErrors) / deviation,
        100 * median(timeOfErrors),
        100 * median(timeOfBatches));
  }

  /** Samples are independent of each other: every eighth makes a batch. */
  private static double ofBatches(AffinityScore affinity, LayerSample sample) {
    double[] scores = new double[BATCHES];
    for (int b = 0; b < BATCHES; b++) {
      NDIndex rows = new NDIndex(b + "::" + BATCHES);
      try (NDArray pre = sample.pre().get(rows);
          NDArray post = sample.post().get(rows)) {
        scores[b] = affinity.score(new LayerSample(pre, post)).number().orElseThrow();
      }
    }
    return deviation(scores) / Math.sqrt(BATCHES);
  }

  private static double mean(double[] values) {
    return Arrays.stream(values).average().orElseThrow();
  }

  static double deviation(double[] values) {
    double mean = mean(values);
    double squares = Arrays.stream(values).map(a -> (a - mean) * (a - mean)).sum();
    return Math.sqrt(squares / (values.length - 1));
  }

  private static double median(double[] values) {
    List<Double> sorted = Arrays.stream(values).sorted().boxed().toList();
    return sorted.get(sorted.size() / 2);
  }
}
