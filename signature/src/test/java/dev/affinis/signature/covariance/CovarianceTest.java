package dev.affinis.signature.covariance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
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

  @Test
  void empiricalDividesByOneLessThanTheNumberOfSamples() {
    try (NDManager manager = NDManager.newBaseManager()) {
      NDArray x = manager.create(new double[] {-1, -2, 1, 2}, new Shape(2, 2));
      CovarianceEstimate estimate = Covariance.EMPIRICAL.estimate(x);
      assertEquals(new CovarianceEstimate(1, 0, 10, 2), estimate);
    }
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
