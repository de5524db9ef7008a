package dev.affinis.signature.covariance;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CovarianceTest {
  private static final double ROUNDING = 1e-12;

  /**
   * Values of scikit-learn 1.2.1: {@code LedoitWolf().fit(x)}, its shrinkage_, the trace of its
   * covariance_ S, the sum of the squares of S, S[0, 0] and S[0, -1], for x[i, j] = (j + 1) sin(1 +
   * i (j + 1)) + cos(i) / 4.
   */
  @ParameterizedTest
  @CsvSource({
    "20, 3, 0.326329546494717, 7.0906990796621905, 19.68402649405427, 1.2876215796828405, 0.1948648768724744",
    "6, 12, 0.6903995532730594, 303.4377188123824, 9451.641519310604, 17.694654755581684, 2.043703396052594",
    "40, 1, 0.0, 0.7536137128356108, 0.5679336281738745, 0.7536137128356108, 0.7536137128356108",
  })
  void ledoitWolfAgreesWithScikitLearn(
      int n, int d, double shrinkage, double trace, double norm, double first, double last) {
    try (NDManager manager = NDManager.newBaseManager()) {
      NDArray x = centred(n, d, manager);
      CovarianceEstimate estimate = Covariance.LEDOIT_WOLF.estimate(x);
      assertEquals(shrinkage, 1 - estimate.weight() * n, ROUNDING);
      assertEquals(trace, estimate.trace(), ROUNDING * trace);
      double[] matrix = matrix(estimate, x);
      double sum = 0;
      for (double value : matrix) {
        sum += value * value;
      }
      assertEquals(norm, sum, ROUNDING * norm);
      assertEquals(first, matrix[0], ROUNDING * trace);
      assertEquals(last, matrix[d - 1], ROUNDING * trace);
    }
  }

  /** Central differences of the shrinkage of samples with weights, computed from its definition. */
  @ParameterizedTest
  @CsvSource({"20, 3", "30, 5"})
  void shrinkageInfluenceIsTheDerivativeByTheWeightOfASample(int n, int d) {
    try (NDManager manager = NDManager.newBaseManager()) {
      double[] x = centred(n, d, manager).toDoubleArray();
      double[] norms = new double[n];
      double[] quadratics = new double[n];
      for (int i = 0; i < n; i++) {
        for (int k = 0; k < n; k++) {
          double product = 0;
          for (int j = 0; j < d; j++) {
            product += x[i * d + j] * x[k * d + j];
          }
          quadratics[i] += product * product / n;
          norms[i] += i == k ? product : 0;
        }
      }
      double[] skews = new double[n];
      for (int i = 0; i < n; i++) {
        for (int k = 0; k < n * d; k++) {
          skews[i] += norms[k / d] * x[k] * x[i * d + k % d] / n;
        }
      }
      double[] influence = Covariance.LEDOIT_WOLF.shrinkageInfluence(norms, quadratics, skews, d);
      double step = 1e-5;
      for (int i = 0; i < n; i++) {
        double slope = (shrinkage(x, n, d, i, step) - shrinkage(x, n, d, i, -step)) / (2 * step);
        assertEquals(slope, influence[i], 1e-6 * Math.max(1, Math.abs(slope)), "sample " + i);
      }
      assertArrayEquals(
          new double[n], Covariance.EMPIRICAL.shrinkageInfluence(norms, quadratics, skews, d));
    }
  }

  /** Ledoit-Wolf's share where one sample weighs by a step more, and all others less. */
  private static double shrinkage(double[] x, int n, int d, int sample, double step) {
    double[] w = new double[n];
    Arrays.fill(w, (1 - step) / n);
    w[sample] += step;
    double[] mean = new double[d];
    for (int i = 0; i < n * d; i++) {
      mean[i % d] += w[i / d] * x[i];
    }
    double[][] s = new double[d][d];
    double fourthMoment = 0;
    for (int i = 0; i < n; i++) {
      double norm = 0;
      for (int j = 0; j < d; j++) {
        double z = x[i * d + j] - mean[j];
        norm += z * z;
        for (int k = 0; k < d; k++) {
          s[j][k] += w[i] * z * (x[i * d + k] - mean[k]);
        }
      }
      fourthMoment += w[i] * norm * norm;
    }
    double trace = 0;
    double norm = 0;
    for (int j = 0; j < d; j++) {
      trace += s[j][j];
      for (int k = 0; k < d; k++) {
        norm += s[j][k] * s[j][k];
      }
    }
    double delta = (norm - trace * trace / d) / d;
    return (fourthMoment - norm) / (d * (double) n) / delta;
  }

  @Test
  void empiricalDividesByOneLessThanTheNumberOfSamples() {
    try (NDManager manager = NDManager.newBaseManager()) {
      NDArray two = manager.create(new double[] {-1, -2, 1, 2}, new Shape(2, 2));
      assertEquals(new CovarianceEstimate(1, 0, 10, 2), Covariance.EMPIRICAL.estimate(two));
      NDArray three = manager.create(new double[] {-1, -2, 0, 0, 1, 2}, new Shape(3, 2));
      assertEquals(new CovarianceEstimate(0.5, 0, 5, 2), Covariance.EMPIRICAL.estimate(three));
    }
  }

  /** Where nothing varies, the share of the identity is at its bound: 0 / 0 is not divided. */
  @Test
  void samplesThatAreAllTheSameHaveNoInfluenceOnTheShrinkage() {
    double[] zeros = new double[4];
    assertArrayEquals(zeros, Covariance.LEDOIT_WOLF.shrinkageInfluence(zeros, zeros, zeros, 3));
  }

  @Test
  void wordsAreThoseOfFilesAndOptions() {
    assertEquals("empirical", Covariance.EMPIRICAL.word());
    assertEquals("ledoit-wolf", Covariance.LEDOIT_WOLF.word());
    assertEquals("relative", Ridge.RELATIVE.word());
    assertEquals("absolute", Ridge.ABSOLUTE.word());
  }

  @Test
  void ridgesAddToDiagonalAndTrace() {
    CovarianceEstimate estimate = new CovarianceEstimate(0.5, 0, 12, 3);
    CovarianceEstimate relative = Ridge.RELATIVE.addTo(estimate, 2);
    assertEquals(4e-6, relative.diagonal(), ROUNDING);
    assertEquals(12 + 12e-6, relative.trace(), ROUNDING);
    CovarianceEstimate absolute = Ridge.ABSOLUTE.addTo(estimate, 2);
    assertEquals(0.25e-6, absolute.diagonal(), ROUNDING);
    assertEquals(12 + 0.75e-6, absolute.trace(), ROUNDING);
  }

  private static double[] matrix(CovarianceEstimate estimate, NDArray x) {
    int d = (int) x.getShape().get(1);
    double[] matrix = x.transpose().matMul(x).mul(estimate.weight()).toDoubleArray();
    for (int j = 0; j < d; j++) {
      matrix[j * d + j] += estimate.diagonal();
    }
    return matrix;
  }

  private static NDArray centred(int n, int d, NDManager manager) {
    double[] values = new double[n * d];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < d; j++) {
        values[i * d + j] = (j + 1) * Math.sin(1 + i * (j + 1.0)) + Math.cos(i) / 4;
      }
    }
    NDArray x = manager.create(values, new Shape(n, d));
    return x.sub(x.mean(new int[] {0}));
  }
}
