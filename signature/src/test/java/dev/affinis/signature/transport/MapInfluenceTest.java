package dev.affinis.signature.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.affinis.signature.covariance.Covariance;
import dev.affinis.signature.covariance.CovarianceEstimate;
import dev.affinis.signature.covariance.Ridge;
import dev.affinis.signature.linalg.DenseAlgebra;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Influences against their definition: the derivative, by differences, of the squared distance when
 * the map is made with more weight on one sample. In the plane roots of matrices have a closed form
 * ({@code (M + r I) / (tr M + 2 r)^1/2}, r the root of the determinant), so the reference needs no
 * linear algebra.
 */
class MapInfluenceTest {
  private static final double STEP = 1e-5;

  private final DenseAlgebra algebra = DenseAlgebra.on(Device.cpu());
  private NDManager manager;

  @BeforeEach
  void open() {
    manager = algebra.newManager();
  }

  @AfterEach
  void close() {
    manager.close();
  }

  /** Few samples of round clouds are shrunk a lot; 2100 are more than a block of rows. */
  @ParameterizedTest
  @CsvSource({
    "EMPIRICAL, 30, 1.5, false",
    "EMPIRICAL, 30, 1.5, true",
    "EMPIRICAL, 2100, 1.5, false",
    "LEDOIT_WOLF, 60, 2, false",
    "LEDOIT_WOLF, 60, 2, true",
    "LEDOIT_WOLF, 30, 3, true",
    "LEDOIT_WOLF, 2100, 1.05, true"
  })
  void isTheDerivativeByTheWeightOfASample(
      Covariance covariance, int n, double ratio, boolean paired) {
    double[][] x = centred(cloud(n, ratio, 1));
    double[][] y = centred(folded(x));
    int[] partners = paired ? shuffled(n) : IntStream.range(0, n).toArray();
    if (covariance == Covariance.LEDOIT_WOLF) {
      double shrinkage = shrinkage(x, equalWeights(n));
      assertTrue(shrinkage > 0.005 && shrinkage < 0.95, "shrinkage " + shrinkage);
    }
    double[] influence = influence(covariance, null, x, y, paired ? partners : null);
    double largest = Arrays.stream(influence).map(Math::abs).max().orElseThrow();
    for (int i : new int[] {0, 7, 13, n / 2, n - 60, n - 1}) {
      if (i >= 0) {
        double rise = squaredDistance(covariance, x, y, partners, i, STEP);
        double fall = squaredDistance(covariance, x, y, partners, i, -STEP);
        assertEquals((rise - fall) / (2 * STEP), influence[i], 1e-6 * largest, "sample " + i);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"EMPIRICAL", "LEDOIT_WOLF"})
  void influencesHaveAMeanOfZero(Covariance covariance) {
    double[][] x = centred(cloud(50, 2, 3));
    double[] influence = influence(covariance, Ridge.RELATIVE, x, centred(folded(x)), shuffled(50));
    double largest = Arrays.stream(influence).map(Math::abs).max().orElseThrow();
    assertTrue(largest > 0.01, "largest " + largest);
    assertEquals(0, Arrays.stream(influence).average().orElseThrow(), 1e-14 * largest);
  }

  @Test
  void isTrustedFromFourSamplesPerDimensionOn() {
    assertTrue(MapInfluence.applies(400, 100));
    assertFalse(MapInfluence.applies(399, 100));
    assertTrue(MapInfluence.applies(4, 1));
    assertFalse(MapInfluence.applies(3, 1));
  }

  /** Without a ridge, and paired by number, where these are null. */
  private double[] influence(
      Covariance covariance, Ridge ridge, double[][] x, double[][] y, int[] partners) {
    NDArray from = manager.create(x);
    NDArray to = manager.create(y);
    CovarianceEstimate sx = withRidge(ridge, covariance.estimate(from));
    CovarianceEstimate sy = withRidge(ridge, covariance.estimate(to));
    MapFactors factors =
        new GaussianMap(algebra)
            .factors(algebra.lowerGram(from), algebra.lowerGram(to), sx, sy)
            .orElseThrow();
    double[] none = new double[x.length];
    Shares shares =
        partners == null
            ? Shares.byNumber(none)
            : Shares.of(new Assignment(partners, 0, 0, 1, none, none));
    return new MapInfluence(covariance).influence(from, to, shares, sx, sy, factors);
  }

  private static CovarianceEstimate withRidge(Ridge ridge, CovarianceEstimate estimate) {
    return ridge == null ? estimate : ridge.addTo(estimate, 1);
  }

  /** Mean squared distance of A x_i and its partner, A made with some weight moved to a sample. */
  private static double squaredDistance(
      Covariance covariance, double[][] x, double[][] y, int[] partners, int sample, double step) {
    double[] weights = equalWeights(x.length);
    Arrays.setAll(weights, i -> weights[i] * (1 - step) + (i == sample ? step : 0));
    double[] a = map(estimate(covariance, x, weights), estimate(covariance, y, weights));
    double sum = 0;
    for (int i = 0; i < x.length; i++) {
      double first = a[0] * x[i][0] + a[1] * x[i][1] - y[partners[i]][0];
      double second = a[1] * x[i][0] + a[2] * x[i][1] - y[partners[i]][1];
      sum += first * first + second * second;
    }
    return sum / x.length;
  }

  /** A = SX^-1/2 (SX^1/2 SY SX^1/2)^1/2 SX^-1/2; a symmetric matrix is its 11, 12 and 22. */
  private static double[] map(double[] sx, double[] sy) {
    double[] root = root(sx);
    double determinant = root[0] * root[2] - root[1] * root[1];
    double[] inverse = {root[2] / determinant, -root[1] / determinant, root[0] / determinant};
    return congruence(inverse, root(congruence(root, sy)));
  }

  private static double[] root(double[] m) {
    double r = Math.sqrt(m[0] * m[2] - m[1] * m[1]);
    double scale = Math.sqrt(m[0] + m[2] + 2 * r);
    return new double[] {(m[0] + r) / scale, m[1] / scale, (m[2] + r) / scale};
  }

  /** R M R. */
  private static double[] congruence(double[] r, double[] m) {
    double a = r[0] * m[0] + r[1] * m[1];
    double b = r[0] * m[1] + r[1] * m[2];
    double c = r[1] * m[0] + r[2] * m[1];
    double d = r[1] * m[1] + r[2] * m[2];
    return new double[] {a * r[0] + b * r[1], a * r[1] + b * r[2], c * r[1] + d * r[2]};
  }

  private static double[] estimate(Covariance covariance, double[][] z, double[] weights) {
    double[] s = moments(z, weights);
    if (covariance == Covariance.EMPIRICAL) {
      double n = z.length;
      return Arrays.stream(s).limit(3).map(value -> value * n / (n - 1)).toArray();
    }
    double shrinkage = shrinkage(z, weights);
    double mu = (s[0] + s[2]) / 2;
    return new double[] {
      (1 - shrinkage) * s[0] + shrinkage * mu,
      (1 - shrinkage) * s[1],
      (1 - shrinkage) * s[2] + shrinkage * mu
    };
  }

  /** Ledoit and Wolf's: the error in S over its distance from a multiple of the identity. */
  private static double shrinkage(double[][] z, double[] weights) {
    double[] s = moments(z, weights);
    double mu = (s[0] + s[2]) / 2;
    double distance = Math.pow(s[0] - mu, 2) + Math.pow(s[2] - mu, 2) + 2 * s[1] * s[1];
    double norm = s[0] * s[0] + s[2] * s[2] + 2 * s[1] * s[1];
    return Math.min((s[3] - norm) / z.length, distance) / distance;
  }

  /** Second moments about the weighted mean, and the fourth moment of lengths. */
  private static double[] moments(double[][] z, double[] weights) {
    double[] mean = new double[2];
    for (int i = 0; i < z.length; i++) {
      mean[0] += weights[i] * z[i][0];
      mean[1] += weights[i] * z[i][1];
    }
    double[] s = new double[4];
    for (int i = 0; i < z.length; i++) {
      double first = z[i][0] - mean[0];
      double second = z[i][1] - mean[1];
      s[0] += weights[i] * first * first;
      s[1] += weights[i] * first * second;
      s[2] += weights[i] * second * second;
      s[3] += weights[i] * Math.pow(first * first + second * second, 2);
    }
    return s;
  }

  private static double[] equalWeights(int n) {
    double[] weights = new double[n];
    Arrays.fill(weights, 1.0 / n);
    return weights;
  }

  private static double[][] cloud(int n, double ratio, long seed) {
    Random random = new Random(seed);
    double[][] cloud = new double[n][];
    Arrays.setAll(
        cloud, i -> new double[] {ratio * random.nextGaussian(), random.nextGaussian() + 0.3});
    return cloud;
  }

  private static double[][] folded(double[][] x) {
    return Arrays.stream(x)
        .map(p -> new double[] {Math.abs(p[0]) + 0.5 * p[1], Math.max(0, p[1]) * 2})
        .toArray(double[][]::new);
  }

  private static double[][] centred(double[][] z) {
    double first = Arrays.stream(z).mapToDouble(p -> p[0]).average().orElseThrow();
    double second = Arrays.stream(z).mapToDouble(p -> p[1]).average().orElseThrow();
    return Arrays.stream(z)
        .map(p -> new double[] {p[0] - first, p[1] - second})
        .toArray(double[][]::new);
  }

  private static int[] shuffled(int n) {
    List<Integer> numbers = IntStream.range(0, n).boxed().collect(Collectors.toList());
    Collections.shuffle(numbers, new Random(4));
    return numbers.stream().mapToInt(i -> i).toArray();
  }
}
