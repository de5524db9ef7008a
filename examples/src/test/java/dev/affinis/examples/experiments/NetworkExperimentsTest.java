package dev.affinis.examples.experiments;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.data.RandomSource;
import dev.affinis.signature.LayerScores;
import dev.affinis.signature.Pooling;
import dev.affinis.signature.Score;
import dev.affinis.signature.Signature;
import dev.affinis.signature.compare.Correlation;
import dev.affinis.signature.compare.SummaryStatistics;
import dev.affinis.signature.covariance.Covariance;
import dev.affinis.signature.covariance.Ridge;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What experiments on networks compute from signatures, and that small networks behave. */
class NetworkExperimentsTest {
  private static LayerScores layer(int index, String path, int call, Map<String, Score> scores) {
    return new LayerScores(index, path, call, "relu", List.of(4L), 4, scores);
  }

  private static Signature signature(LayerScores... layers) {
    return new Signature(
        new Signature.Model("made up", Signature.ModelRuntime.ONNX, "0", 1),
        new Signature.Data("made up", 8, 0, Map.of()),
        new Signature.Settings(
            Pooling.CHANNEL, Covariance.LEDOIT_WOLF, Ridge.RELATIVE, "cpu", "none", Map.of()),
        List.of(layers),
        List.of());
  }

  private static Map<String, Score> affinity(double value) {
    return Map.of("affinity", Score.of(value));
  }

  @Test
  void activationsOfABlockAreToldApart() {
    Signature signature =
        signature(
            layer(0, "relu", 1, affinity(0.9)),
            layer(1, "layer1.relu", 1, affinity(0.5)),
            layer(2, "layer1.relu", 2, affinity(0.8)),
            layer(3, "layer2.relu", 1, affinity(0.4)),
            layer(4, "layer2.relu", 2, Map.of("affinity", Score.unavailable("dead"))));
    List<Residual.Group> groups = Residual.groups(signature);
    assertEquals(
        List.of("outside blocks", "call 1 in a block", "call 2 in a block"),
        groups.stream().map(Residual.Group::name).toList());
    assertEquals(List.of(0.9), groups.get(0).scores());
    assertEquals(List.of(0.5, 0.4), groups.get(1).scores());
    assertEquals(List.of(1.0, 3.0), groups.get(1).sites());
    assertEquals(List.of(0.8), groups.get(2).scores());
  }

  @Test
  void correlationsPairScoresOfOneSite() {
    List<LayerScores> layers = new ArrayList<>();
    double[] x = {0.1, 0.4, 0.5, 0.9};
    double[] y = {3, 1, 4, 1};
    for (int i = 0; i < x.length; i++) {
      layers.add(layer(i, "l" + i, 1, Map.of("affinity", Score.of(x[i]), "r2", Score.of(y[i]))));
    }
    layers.add(layer(4, "l4", 1, Map.of("affinity", Score.of(0), "r2", Score.unavailable("no"))));
    layers.add(layer(5, "l5", 1, affinity(0.3)));
    Signature signature = signature(layers.toArray(LayerScores[]::new));
    Correlations.Pairs pairs = new Correlations.Pairs();
    pairs.add(signature, "r2");
    // numpy 1.24.2: corrcoef([.1, .4, .5, .9], [3, 1, 4, 1])[0, 1]
    assertEquals(-0.4539899, pairs.correlation().orElseThrow(), 1e-7);
    Correlations.Pairs twice = new Correlations.Pairs();
    twice.add(pairs);
    twice.add(pairs);
    assertEquals(-0.4539899, twice.correlation().orElseThrow(), 1e-7);
    Correlations.Pairs none = new Correlations.Pairs();
    none.add(signature, "sparsity");
    assertTrue(none.correlation().isEmpty());
  }

  @Test
  void statisticsOfASignature() {
    SummaryStatistics summary =
        SignatureStatistic.summary(
                signature(
                    layer(0, "a", 1, affinity(0.5)),
                    layer(1, "b", 1, affinity(0.7)),
                    layer(2, "c", 1, affinity(0.9)),
                    layer(3, "d", 1, Map.of("affinity", Score.unavailable("dead")))))
            .orElseThrow();
    assertEquals(0.7, SignatureStatistic.Statistic.MEAN.of(summary), 1e-12);
    // numpy 1.24.2: std([.5, .7, .9])
    assertEquals(0.16329931618554522, SignatureStatistic.Statistic.DEVIATION.of(summary), 1e-12);
    assertEquals(0.5, SignatureStatistic.Statistic.MIN.of(summary), 1e-12);
    assertEquals(0.9, SignatureStatistic.Statistic.MAX.of(summary), 1e-12);
    assertEquals(0.9 / 0.7, SignatureStatistic.Statistic.MAX_OVER_MEAN.of(summary), 1e-12);
  }

  @Test
  void networkWithoutAScoreHasNoStatistics() {
    Signature dead = signature(layer(0, "a", 1, Map.of("affinity", Score.unavailable("dead"))));
    assertTrue(SignatureStatistic.summary(dead).isEmpty());
    SummaryStatistics summary = SummaryStatistics.of(new double[] {0.5, 0.7});
    List<SignatureStatistic.Reduced> one =
        List.of(new SignatureStatistic.Reduced("one", 0.9, summary));
    assertEquals(
        List.of("Pearson", "", "-", "-", "-", "-", "-"),
        SignatureStatistic.correlations(Correlation.Method.PEARSON, one));
  }

  @Test
  void distancesOfSignaturesLeaveOutMissingScores() {
    double[] a = {0.3, 0.4, Double.NaN};
    double[] b = {0.3, 0.8, 0.5};
    assertEquals(0.2, DatasetShift.meanDifference(a, b), 1e-12);
    assertEquals(0.8, DatasetShift.relativeDistance(a, b), 1e-12);
    assertTrue(Double.isNaN(DatasetShift.meanDifference(new double[] {Double.NaN}, b)));
  }

  @Test
  void batchSizesEndAtTheMost() {
    assertArrayEquals(new int[] {16, 32, 64, 100}, BatchSize.sizes(100));
    assertArrayEquals(new int[] {16, 32, 64}, BatchSize.sizes(64));
    assertArrayEquals(new int[] {8}, BatchSize.sizes(8));
  }

  @Test
  void scrambledImagesKeepTheirValues() {
    try (ScrambledSource source =
        new ScrambledSource(new RandomSource(new Shape(3, 18, 16), 2, 1))) {
      FloatBuffer scrambled = FloatBuffer.allocate(3 * 18 * 16);
      source.read(1, scrambled);
      assertEquals(0, scrambled.remaining());
      float[] original = new float[scrambled.capacity()];
      new RandomSource(new Shape(3, 18, 16), 2, 1).read(1, FloatBuffer.wrap(original));
      assertFalse(Arrays.equals(original, scrambled.array()));
      // Rows behind the last whole tile stay.
      assertArrayEquals(
          Arrays.copyOfRange(original, 16 * 16, 18 * 16),
          Arrays.copyOfRange(scrambled.array(), 16 * 16, 18 * 16));
      for (int channel = 0; channel < 3; channel++) {
        int from = channel * 18 * 16;
        assertArrayEquals(
            sorted(original, from, from + 18 * 16),
            sorted(scrambled.array(), from, from + 18 * 16));
      }
    }
  }

  private static float[] sorted(float[] values, int from, int to) {
    float[] copy = Arrays.copyOfRange(values, from, to);
    Arrays.sort(copy);
    return copy;
  }

  /** Tanh is next to linear on small weights; both lose affinity as weights grow. */
  @Test
  void growingWeightsTakeAffinity() {
    double relu = drop(ElementFunction.RELU);
    double tanh = drop(ElementFunction.TANH);
    assertTrue(tanh > 0.15 && relu > 0.1, () -> "tanh falls by " + tanh + ", relu by " + relu);
    assertTrue(mean(ElementFunction.TANH, 1) > 0.93);
    assertTrue(mean(ElementFunction.TANH, 1) > mean(ElementFunction.RELU, 1));
  }

  private static double drop(ElementFunction function) {
    return mean(function, 1) - mean(function, 6);
  }

  private static double mean(ElementFunction function, double scale) {
    List<Double> scores = new ArrayList<>();
    for (long seed = 0; seed < 2; seed++) {
      scores.addAll(NeuralRedshift.affinities(function, scale, 16, seed));
    }
    return scores.stream().mapToDouble(v -> v).average().orElseThrow();
  }

  @Test
  void trainingMovesTheSignature() throws Exception {
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      SmallNet.Images little = SmallNet.draw(48, 40, manager);
      assertEquals(new Shape(40, 3, 24, 24), little.images(true).getShape());
      assertEquals(new Shape(48), little.labels(false).getShape());
      Seeds.Spread random = Seeds.measure(little, 0, 1);
      Seeds.Spread trained = Seeds.measure(little, 2, 1);
      assertEquals(4, random.sites().size());
      for (double score : trained.means()) {
        assertTrue(score > 0.3 && score < 1, () -> "affinity " + score);
      }
      assertFalse(Arrays.equals(random.means(), trained.means()));
      assertArrayEquals(random.means(), Seeds.measure(little, 0, 1).means(), 1e-9);
    }
  }
}
