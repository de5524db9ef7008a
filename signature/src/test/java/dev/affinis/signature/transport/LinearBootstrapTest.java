package dev.affinis.signature.transport;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.Arrays;
import java.util.Random;
import org.apache.commons.math3.stat.descriptive.moment.StandardDeviation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The bootstrap against one that keeps all scores, and against first-order theory. */
class LinearBootstrapTest {
  private static final double ROUNDING = 1e-12;

  /** 16 are the fewest samples. */
  @ParameterizedTest
  @ValueSource(ints = {16, 50})
  void isTheDeviationOfTheScoresOfAllReplicates(int n) {
    Random random = new Random(1);
    double[] distances = random.doubles(n).toArray();
    double[] traces = random.doubles(n, 1, 5).toArray();
    for (int replicates : new int[] {2, 3, 40}) {
      assertEquals(
          deviation(distances, traces, replicates),
          error(distances, traces, replicates),
          ROUNDING,
          replicates + " replicates");
    }
  }

  /** To first order a part may be negative; a replicate without distance has the score 1. */
  @Test
  void aReplicateWithoutDistanceScoresOne() {
    double[] distances = new double[20];
    Arrays.fill(distances, 1);
    distances[0] = -19;
    double[] traces = new double[20];
    Arrays.fill(traces, 2);
    assertEquals(deviation(distances, traces, 60), error(distances, traces, 60), ROUNDING);
  }

  @Test
  void aReplicateWithoutVarianceScoresOne() {
    double[] distances = new double[20];
    Arrays.fill(distances, 1e-3);
    double[] traces = new double[20];
    traces[7] = 2;
    double expected = deviation(distances, traces, 60);
    assertTrue(expected > 0 && expected < 1, "deviation " + expected);
    assertEquals(expected, error(distances, traces, 60), ROUNDING);
  }

  /** With equal traces the score is a function of one mean, whose deviation is known. */
  @Test
  void isTheDeltaMethodForManySamples() {
    Random random = new Random(2);
    double[] distances = random.doubles(1000, 1, 2).toArray();
    double[] traces = new double[1000];
    Arrays.fill(traces, 4);
    double mean = Arrays.stream(distances).average().orElseThrow();
    double ofMean = new StandardDeviation(false).evaluate(distances) / Math.sqrt(1000);
    double expected = ofMean / (2 * Math.sqrt(mean * 2 * 4));
    // 1000 replicates know a deviation to 2 percent, one standard error.
    assertEquals(expected, error(distances, traces, 1000), 0.08 * expected);
  }

  @Test
  void samplesShareTheTraceByTheirSquaredNorms() {
    try (NDManager manager = NDManager.newBaseManager(Device.cpu(), "PyTorch");
        NDArray rows = manager.create(new double[][] {{3, 4}, {0, 0}, {-1, 2}, {1, -3}})) {
      double[] expected = {0.5 * 25, 0, 0.5 * 5, 0.5 * 10};
      assertArrayEquals(expected, LinearBootstrap.traces(rows, 5), ROUNDING);
    }
  }

  private static double error(double[] distances, double[] traces, int replicates) {
    return LinearBootstrap.standardError(distances, traces, replicates).number().orElseThrow();
  }

  /** Draws n of n samples for each replicate, and scores it by the two means. */
  private static double deviation(double[] distances, double[] traces, int replicates) {
    int n = distances.length;
    Random random = new Random(0);
    double[] scores = new double[replicates];
    for (int r = 0; r < replicates; r++) {
      int[] drawn = new int[n];
      Arrays.setAll(drawn, q -> random.nextInt(n));
      double distance = Arrays.stream(drawn).mapToDouble(i -> distances[i]).average().orElseThrow();
      double trace = Arrays.stream(drawn).mapToDouble(i -> traces[i]).average().orElseThrow();
      scores[r] = trace > 0 ? 1 - Math.sqrt(Math.max(0, distance) / (2 * trace)) : 1;
    }
    return new StandardDeviation().evaluate(scores);
  }
}
