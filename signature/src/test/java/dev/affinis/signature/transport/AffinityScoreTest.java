package dev.affinis.signature.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.affinis.signature.LayerSample;
import dev.affinis.signature.Score;
import dev.affinis.signature.covariance.Covariance;
import dev.affinis.signature.covariance.Ridge;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;
import org.apache.commons.math3.stat.descriptive.moment.Variance;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AffinityScoreTest {
  /** A ridge of 1e-6 moves scores by about its root where they are 1, by itself elsewhere. */
  private static final double RIDGE_EFFECT = 2e-3;

  private static final double ROUNDING = 1e-9;

  private final AffinityScore affinity =
      AffinityScore.builder().optCovariance(Covariance.EMPIRICAL).build();
  private final AffinityScore shrunk = AffinityScore.builder().build();
  private NDManager manager;

  @BeforeEach
  void open() {
    manager = NDManager.newBaseManager();
  }

  @AfterEach
  void close() {
    manager.close();
  }

  /** Closed form in one dimension for odd powers of evenly spread points. */
  @ParameterizedTest
  @ValueSource(ints = {1, 3, 5, 7, 11, 21, 41})
  void scoresOddPowersAsTheClosedFormDoes(int k) {
    double[] x = IntStream.range(0, 1000).mapToDouble(i -> -1 + 2 * i / 999.0).toArray();
    double expected = 1 - Math.sqrt(Math.max(0, 1 - Math.sqrt(3.0 * (2 * k + 1)) / (k + 2)));
    double score = value(affinity, column(x), column(map(x, a -> Math.pow(a, k))));
    // The closed form is the limit of infinitely many points.
    assertEquals(expected, score, 0.01);
  }

  /** N(-1, 2^2), values of the paper's code; another random generator, hence the tolerance. */
  @ParameterizedTest
  @CsvSource({"relu, .4874", "tanh, .6698", "sigmoid, .7749"})
  void scoresActivationsOfGaussianNumbersAsThePaperDoes(String kind, double expected) {
    Random random = new Random(1);
    double[] x = random.doubles(20_000).map(a -> 2 * random.nextGaussian() - 1).toArray();
    DoubleUnaryOperator activation =
        switch (kind) {
          case "relu" -> a -> Math.max(a, 0);
          case "tanh" -> Math::tanh;
          default -> a -> 1 / (1 + Math.exp(-a));
        };
    assertEquals(expected, value(affinity, column(x), column(map(x, activation))), 0.02);
  }

  @ParameterizedTest
  @CsvSource({"500, 1", "500, 6", "300, 64", "40, 64", "40, 200"})
  void isOneForPositiveDefiniteAffineMaps(int n, int d) {
    NDArray x = gaussian(n, d, 1);
    NDArray b = gaussian(d, d, 2);
    NDArray map =
        b.transpose().matMul(b).div(d).add(manager.eye(d).toType(DataType.FLOAT64, false));
    NDArray y = x.matMul(map).add(3);
    assertEquals(1, value(affinity, x, y), RIDGE_EFFECT);
    AffinityResult result = affinity.measure(new LayerSample(x, y));
    assertTrue(result.transport().orElseThrow().identityOptimal());
  }

  @Test
  void isFarFromOneForRotations() {
    NDArray x = gaussian(300, 2, 1);
    assertTrue(value(affinity, x, x.neg()) < 0.95);
    assertTrue(value(affinity, gaussian(300, 32, 1), gaussian(300, 32, 1).neg()) < 0.5);
  }

  @ParameterizedTest
  @CsvSource({"200, 1", "200, 5", "100, 40", "30, 100"})
  void permutingSamplesOrColumnsChangesNothing(int n, int d) {
    NDArray x = gaussian(n, d, 3);
    NDArray y = relu(x);
    double expected = value(shrunk, x, y);
    NDArray order = manager.create(new Random(4).ints(0, 1 << 30).limit(n).toArray()).argSort();
    assertEquals(expected, value(shrunk, x.get(order), y.get(order)), ROUNDING);
    NDArray columns = manager.create(new Random(5).ints(0, 1 << 30).limit(d).toArray()).argSort();
    NDArray px = x.transpose().get(columns).transpose();
    NDArray py = y.transpose().get(columns).transpose();
    assertEquals(expected, value(shrunk, px, py), 1e-7);
  }

  @ParameterizedTest
  @ValueSource(doubles = {1e-100, 1e-20, 1e-6, 1e-3, 1e3, 1e6, 1e20, 1e100})
  void doesNotDependOnScaleWithARelativeRidge(double scale) {
    NDArray x = gaussian(100, 12, 3);
    NDArray y = relu(x);
    double expected = value(shrunk, x, y);
    assertEquals(expected, value(shrunk, x.mul(scale), y.mul(scale)), 1e-8);
  }

  @Test
  void dependsOnScaleWithAnAbsoluteRidge() {
    AffinityScore absolute = AffinityScore.builder().optRidge(Ridge.ABSOLUTE).build();
    NDArray x = gaussian(100, 12, 3);
    NDArray y = relu(x);
    double atOne = value(absolute, x, y);
    double atThousandth = value(absolute, x.mul(1e-3), y.mul(1e-3));
    assertEquals(atOne, value(shrunk, x, y), 1e-5);
    assertTrue(Math.abs(atOne - atThousandth) > 0.01);
  }

  @Test
  void doesNotDependOnWhereTheCloudsAre() {
    NDArray x = gaussian(100, 12, 3);
    NDArray y = relu(x);
    double expected = value(shrunk, x, y);
    assertEquals(expected, value(shrunk, x.add(1e6), y.sub(1e5)), 1e-7);
  }

  /** Rotated into the span of 2 n dimensions, or not: more columns of zeros than that are added. */
  @Test
  void emptyColumnsChangeTheEmpiricalScoreByTheRidgeOnly() {
    NDArray x = gaussian(30, 20, 3);
    NDArray y = relu(x);
    NDArray zeros = manager.zeros(new Shape(30, 100), DataType.FLOAT64);
    double expected = value(affinity, x, y);
    assertEquals(expected, value(affinity, x.concat(zeros, 1), y.concat(zeros, 1)), RIDGE_EFFECT);
  }

  @Test
  void deadUnitsAndRepeatedColumnsAreFine() {
    NDArray x = gaussian(200, 10, 3);
    NDArray dead = x.get(":, :5").sub(100);
    NDArray pre = x.concat(dead, 1).concat(x, 1);
    AffinityResult result = affinity.measure(new LayerSample(pre, relu(pre)));
    double expected = value(affinity, x.concat(x, 1), relu(x.concat(x, 1)));
    assertEquals(expected, result.score().number().orElseThrow(), RIDGE_EFFECT);
  }

  /** Variances from 1e-12 to 1e12: products of covariances leave the range of double's digits. */
  @Test
  void badlyScaledCovariancesGiveASaneScore() {
    NDArray x = gaussian(200, 25, 3);
    double[] scales = IntStream.range(0, 25).mapToDouble(i -> Math.pow(10, i - 12)).toArray();
    NDArray pre = x.mul(manager.create(scales));
    for (Ridge ridge : Ridge.values()) {
      AffinityScore score =
          AffinityScore.builder().optCovariance(Covariance.EMPIRICAL).optRidge(ridge).build();
      double rho = value(score, pre, relu(pre));
      // The largest column decides; alone it would score as any ReLU of Gaussian numbers.
      double largest = value(score, pre.get(":, 24:"), relu(pre.get(":, 24:")));
      assertEquals(largest, rho, 0.05, ridge.toString());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"float16", "float32", "float64"})
  void takesAnyFloatTypeAndGivesItBackUnchanged(String type) {
    DataType dataType = DataType.valueOf(type.toUpperCase(java.util.Locale.ROOT));
    NDArray x = gaussian(50, 3, 3).toType(dataType, false);
    NDArray y = relu(x);
    float[] before = y.toType(DataType.FLOAT32, true).toFloatArray();
    assertEquals(
        value(shrunk, gaussian(50, 3, 3), relu(gaussian(50, 3, 3))), value(shrunk, x, y), 5e-3);
    org.junit.jupiter.api.Assertions.assertArrayEquals(
        before, y.toType(DataType.FLOAT32, true).toFloatArray());
  }

  @Test
  void aConstantOutputHasNoScoreAtAnyScale() {
    NDArray x = gaussian(64, 5, 3);
    for (double constant : new double[] {0, 1e-20, 0.1, 1, 1e6}) {
      for (DataType type : new DataType[] {DataType.FLOAT32, DataType.FLOAT64}) {
        NDArray y = manager.full(new Shape(64, 5), (float) constant, type);
        assertReason("post is the same for all 64 samples", x.toType(type, false), y);
      }
    }
    // One unit of float32 rounding, as summing in another order gives.
    NDArray noise = x.gt(0).toType(DataType.FLOAT32, false).mul(Math.ulp(3f)).add(3f);
    assertReason("post is the same for all 64 samples", x, noise);
  }

  @Test
  void aTinyOutputThatVariesHasAScore() {
    NDArray x = gaussian(64, 5, 3).mul(1e-20).toType(DataType.FLOAT32, false);
    assertFalse(shrunk.score(new LayerSample(x, relu(x))).number().isEmpty());
  }

  @Test
  void aConstantInputIsFine() {
    NDArray x = manager.full(new Shape(64, 5), 2.5f, DataType.FLOAT32);
    NDArray y = gaussian(64, 5, 3);
    assertEquals(1 - Math.sqrt(0.5), value(affinity, x, y), 0.01);
  }

  @Test
  void countsValuesThatAreNotFinite() {
    NDArray x = gaussian(64, 5, 3);
    NDArray y = relu(x);
    double[] values = x.toDoubleArray();
    values[8] = Double.NaN;
    values[9] = Double.POSITIVE_INFINITY;
    values[63] = Double.NEGATIVE_INFINITY;
    NDArray bad = manager.create(values, new Shape(64, 5));
    String what =
        " has 3 NaN or infinite values in 2 of 64 rows, the first of them row 1 (counted from 0)";
    assertReason("pre" + what, bad, y);
    assertReason("post" + what, x, bad);
  }

  @Test
  void tooFewSamplesOrOtherShapesHaveNoScore() {
    assertReason("samples must be at least 2, got 1", gaussian(1, 5, 3), gaussian(1, 5, 3));
    assertReason(
        "pre and post must be equally wide, got shapes (9, 4) and (9, 2)",
        gaussian(9, 4, 3),
        gaussian(9, 2, 3));
  }

  @Test
  void samplesMustBeMatricesOfFloatsWithTheSameRows() {
    NDArray x = gaussian(9, 4, 3);
    NDArray fewer = gaussian(8, 4, 3);
    NDArray deep = x.reshape(9, 2, 2);
    NDArray integers = x.toType(DataType.INT32, true);
    assertThrows(IllegalArgumentException.class, () -> new LayerSample(x, fewer));
    assertThrows(IllegalArgumentException.class, () -> new LayerSample(deep, x));
    assertThrows(IllegalArgumentException.class, () -> new LayerSample(x, integers));
  }

  @Test
  void twoSamplesAreEnough() {
    NDArray x = gaussian(2, 3, 3);
    double rho = value(shrunk, x, relu(x));
    assertTrue(rho >= 0 && rho <= 1);
  }

  private void assertReason(String reason, NDArray pre, NDArray post) {
    Score score = shrunk.score(new LayerSample(pre, post));
    String found = score.map(Double::toString, text -> text);
    assertTrue(found.startsWith(reason), found);
  }

  private static double value(AffinityScore score, NDArray pre, NDArray post) {
    AffinityResult result = score.measure(new LayerSample(pre, post));
    assertTrue(result.transport().orElseThrow().relativeGap() < ROUNDING);
    return result.score().number().orElseThrow();
  }

  private NDArray gaussian(int n, int d, long seed) {
    Random random = new Random(seed);
    double[] values = IntStream.range(0, n * d).mapToDouble(i -> random.nextGaussian()).toArray();
    return manager.create(values, new Shape(n, d));
  }

  private NDArray column(double[] values) {
    return manager.create(values, new Shape(values.length, 1));
  }

  private static NDArray relu(NDArray x) {
    return x.maximum(0);
  }

  private static double[] map(double[] values, DoubleUnaryOperator function) {
    return java.util.Arrays.stream(values).map(function).toArray();
  }

  @Test
  void aGapIsExactIfItIsSmallOrMadeOfRounding() {
    assertTrue(AffinityScore.isExact(1e-9, 1, 1));
    assertFalse(AffinityScore.isExact(2e-9, 1, 1));
    assertTrue(AffinityScore.isExact(0.5, 1e-7, 1));
    assertFalse(AffinityScore.isExact(0.5, 1e-5, 1));
    assertTrue(AffinityScore.isExact(0.5, 1e-5, 1e6));
    assertFalse(AffinityScore.isExact(0.5, 1e-7, 1e-6));
    assertTrue(AffinityScore.isExact(0.5, 0, 0));
  }

  @Test
  void aResultOutsideItsRangeIsNoNumber() {
    assertEquals(Score.of(0), AffinityScore.inRange(0));
    assertEquals(Score.of(1), AffinityScore.inRange(1));
    for (double wrong : new double[] {-1e-3, 1 + 1e-9, Double.NaN, Double.NEGATIVE_INFINITY}) {
      String reason = AffinityScore.inRange(wrong).map(String::valueOf, why -> why);
      assertTrue(reason.contains(wrong + ", which is not in [0, 1]"), reason);
    }
  }

  @Test
  void everyScoreComesWithItsGap() {
    NDArray x = manager.randomNormal(new Shape(200, 5));
    var estimate = AffinityScore.builder().build().estimate(new LayerSample(x, x.maximum(0)));
    assertTrue(estimate.gap().orElseThrow() < 1e-12, estimate.toString());
    NDArray constant = manager.ones(new Shape(200, 5));
    var none = AffinityScore.builder().build().estimate(new LayerSample(x, constant));
    assertTrue(none.gap().isEmpty(), none.toString());
  }

  /** Input that says nothing moves to the mean of the output. */
  @ParameterizedTest
  @ValueSource(doubles = {1, 3e-5, 1e7})
  void distanceAndTraceAreInTheUnitOfTheOutput(double scale) {
    NDArray y = gaussian(50, 4, 3).mul(scale);
    NDArray x = manager.ones(new Shape(50, 4), DataType.FLOAT64);
    AffinityResult.Transport transport =
        affinity.measure(new LayerSample(x, y)).transport().orElseThrow();
    double variance = 0;
    for (int k = 0; k < 4; k++) {
      variance += new Variance().evaluate(y.get(":, " + k).toDoubleArray());
    }
    assertEquals(variance, transport.trace(), 2e-6 * variance);
    double meanSquare = variance * 49 / 50;
    assertEquals(Math.sqrt(meanSquare), transport.wasserstein(), 1e-9 * scale);
  }

  /**
   * One input far away, fewer than the outputs' two places: Ledoit and Wolf take its direction for
   * noise, and the map sends it sqrt(n d) units far where outputs are 1 from their mean.
   */
  @Test
  void aMapThatOvershootsHasNoScore() {
    int n = 40;
    int d = 6;
    double[][] x = new double[n][d];
    double[][] y = new double[n][d];
    x[0][0] = 1;
    for (int i = 0; i < n; i++) {
      y[i][0] = i % 2;
    }
    AffinityResult result = shrunk.measure(new LayerSample(manager.create(x), manager.create(y)));
    String reason = result.score().map(Double::toString, text -> text);
    assertTrue(reason.startsWith("1 - W2 / sqrt(2 trace) came out as -0."), reason);
    assertTrue(reason.endsWith("which is not in [0, 1]"), reason);
    assertTrue(result.transport().isEmpty() && result.error().isEmpty(), result.toString());
  }

  @Test
  void plansMoreMemoryForAStandardError() {
    AffinityScore withError = AffinityScore.builder().optConfidence(2).build();
    assertEquals(Workspace.of(2048, 64), shrunk.workspace(2048, 64));
    assertEquals(Workspace.withStandardError(2048, 64), withError.workspace(2048, 64));
    assertTrue(withError.workspace(2048, 64).bytes() > shrunk.workspace(2048, 64).bytes());
    assertEquals("affinity", withError.name());
  }
}
