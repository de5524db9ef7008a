package dev.affinis.signature.covariance;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.Arrays;

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
    long n = centred.getShape().get(0);
    long d = centred.getShape().get(1);
    try (NDManager scratch = centred.getManager().newSubManager()) {
      NDArray squares = centred.square();
      squares.attach(scratch);
      NDArray rowNorms = squares.sum(new int[] {1});
      squares.close();
      double sumOfSquares = total(rowNorms);
      if (this == EMPIRICAL) {
        return new CovarianceEstimate(1.0 / (n - 1), 0, sumOfSquares / (n - 1), d);
      }
      double fourthMoment = total(rowNorms.square());
      double shrinkage = d == 1 ? 0 : shrinkage(centred, sumOfSquares / n, fourthMoment);
      double trace = sumOfSquares / n;
      return new CovarianceEstimate((1 - shrinkage) / n, shrinkage * trace / d, trace, d);
    }
  }

  /**
   * The share of the identity. With S = X'X / n: delta is the squared distance of S from mu I, and
   * beta an estimate of the error in S, both per dimension and beta at most delta.
   */
  private static double shrinkage(NDArray centred, double trace, double fourthMoment) {
    double n = centred.getShape().get(0);
    double d = centred.getShape().get(1);
    double mu = trace / d;
    double norm = squaredGramNorm(centred) / (n * n);
    double delta = (norm - 2 * mu * trace + d * mu * mu) / d;
    double beta = Math.min((fourthMoment / n - norm) / (d * n), delta);
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

  /** The squared Frobenius norm of X'X, from the smaller of X'X and XX'. */
  private static double squaredGramNorm(NDArray x) {
    try (NDManager scratch = x.getManager().newSubManager()) {
      NDArray transposed = x.transpose();
      transposed.attach(scratch);
      boolean wide = x.getShape().get(1) > x.getShape().get(0);
      NDArray gram = wide ? x.matMul(transposed) : transposed.matMul(x);
      gram.attach(scratch);
      NDArray norm = gram.muli(gram).sum();
      norm.attach(scratch);
      return norm.getDouble();
    }
  }

  private static double total(NDArray values) {
    try (NDArray sum = values.sum()) {
      return sum.getDouble();
    }
  }
}
