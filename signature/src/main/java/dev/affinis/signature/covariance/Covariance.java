package dev.affinis.signature.covariance;

import ai.djl.ndarray.NDArray;
import dev.affinis.signature.linalg.DenseAlgebra;
import java.util.Arrays;
import java.util.function.DoubleSupplier;

/** How the covariance matrix of samples is estimated. */
public enum Covariance {
  /** X'X / (n - 1). */
  EMPIRICAL("empirical"),

  /**
   * The empirical covariance, with divisor n, shrunk towards a multiple of the identity: {@code (1
   * - s) X'X / n + s mu I}, mu = trace / d, with the s of Ledoit and Wolf, "A well-conditioned
   * estimator for large-dimensional covariance matrices" (2004), as scikit-learn's {@code
   * LedoitWolf} computes it. For d = 1 there is nothing to shrink, and s = 0.
   */
  LEDOIT_WOLF("ledoit-wolf");

  private final String word;

  Covariance(String word) {
    this.word = word;
  }

  /**
   * Returns the name used in files and on the command line.
   *
   * @return the name
   */
  public String word() {
    return word;
  }

  /**
   * Estimates the covariance of samples. Costs n d min(n, d) operations for {@link #LEDOIT_WOLF}, n
   * d for {@link #EMPIRICAL}.
   *
   * @param centred samples minus their mean (n x d, float64, n at least 2), not modified
   * @return the estimate
   */
  public CovarianceEstimate estimate(NDArray centred) {
    return estimate(
        centred,
        centred.getShape().get(1),
        () -> DenseAlgebra.on(centred.getDevice()).squaredGramNorm(centred));
  }

  /**
   * Estimates the covariance of samples whose X'X is at hand, or that were rotated into a space
   * that they span: neither changes what the estimate depends on.
   *
   * @param centred samples minus their mean (n x k, float64, n at least 2), not modified
   * @param dimension d, the number of columns before rotation
   * @param squaredGramNorm gives the squared Frobenius norm of X'X; asked at most once, and not by
   *     {@link #EMPIRICAL}
   * @return the estimate
   */
  public CovarianceEstimate estimate(
      NDArray centred, long dimension, DoubleSupplier squaredGramNorm) {
    try (NDArray squares = centred.square();
        NDArray lengths = squares.sum(new int[] {1});
        NDArray total = lengths.sum();
        NDArray fourths = lengths.square();
        NDArray fourth = fourths.sum()) {
      return estimate(
          centred.getShape().get(0),
          dimension,
          total.getDouble(),
          fourth.getDouble(),
          squaredGramNorm);
    }
  }

  /**
   * Estimates the covariance from moments of centred samples x_i.
   *
   * @param n their number
   * @param d their dimension
   * @param squares sum of |x_i|^2
   * @param fourth sum of |x_i|^4
   * @param squaredGramNorm gives the squared Frobenius norm of X'X
   */
  CovarianceEstimate estimate(
      long n, long d, double squares, double fourth, DoubleSupplier squaredGramNorm) {
    if (this == EMPIRICAL) {
      return new CovarianceEstimate(1.0 / (n - 1), 0, squares / (n - 1), d);
    }
    double trace = squares / n;
    double norm = d == 1 ? 0 : squaredGramNorm.getAsDouble() / n / n;
    double shrinkage = d == 1 ? 0 : shrinkage((double) n, (double) d, trace, fourth / n, norm);
    return new CovarianceEstimate((1 - shrinkage) / n, shrinkage * trace / d, trace, d);
  }

  /**
   * The share of the identity. With S = X'X / n: delta is the squared distance of S from mu I, and
   * beta an estimate of the error in S, both per dimension and beta at most delta.
   */
  private static double shrinkage(
      double n, double d, double trace, double meanFourth, double norm) {
    double mu = trace / d;
    double delta = (norm - 2 * mu * trace + d * mu * mu) / d;
    double beta = Math.min((meanFourth - norm) / (d * n), delta);
    return beta == 0 ? 0 : beta / delta;
  }

  /**
   * Computes how the share of the identity s changes with the weight of each sample: the influence
   * function of s. It is 0 where s is at a bound, and for {@link #EMPIRICAL}.
   *
   * @param norms squared norm of each centred sample z (n), not modified
   * @param quadratics z'Sz of each (n), S the empirical covariance with divisor n, not modified
   * @param skews z'c of each (n), c the mean of |z|^2 z, not modified
   * @param dimension d, the number of columns
   * @return ds (n), a new array, mean 0
   */
  public double[] shrinkageInfluence(
      double[] norms, double[] quadratics, double[] skews, long dimension) {
    int n = norms.length;
    double d = dimension;
    double trace = Arrays.stream(norms).sum() / n;
    double norm = Arrays.stream(quadratics).sum() / n;
    double fourthMoment = Arrays.stream(norms).map(a -> a * a).sum() / n;
    double delta = (norm - trace * trace / d) / d;
    double beta = (fourthMoment - norm) / (d * n);
    double[] influence = new double[n];
    if (this == LEDOIT_WOLF && dimension > 1 && beta < delta) {
      for (int i = 0; i < n; i++) {
        double ofNorm = 2 * (quadratics[i] - norm);
        double ofDelta = (ofNorm - 2 * trace / d * (norms[i] - trace)) / d;
        // The mean moves, too, which only the fourth moment feels.
        double ofFourth = norms[i] * norms[i] - fourthMoment - 4 * skews[i];
        double ofBeta = (ofFourth - ofNorm) / (d * n);
        influence[i] = (ofBeta - beta / delta * ofDelta) / delta;
      }
    }
    return influence;
  }
}
