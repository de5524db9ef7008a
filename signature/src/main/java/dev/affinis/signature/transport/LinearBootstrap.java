package dev.affinis.signature.transport;

import ai.djl.ndarray.NDArray;
import dev.affinis.signature.Score;
import dev.affinis.signature.covariance.Covariance;
import dev.affinis.signature.covariance.CovarianceEstimate;
import dev.affinis.signature.linalg.DenseAlgebra;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;

/**
 * The standard error of an affinity score by a bootstrap over samples that solves nothing again
 * (Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979).
 *
 * <p>Each replicate draws n of the n samples with replacement. Its squared distance and trace are
 * the means of what the drawn samples contribute to them to first order (see {@link Shares} and
 * {@link MapInfluence}), its score {@code 1 - sqrt(W2^2 / (2 trace))}; the standard error is the
 * standard deviation of these scores. It says how much the score would differ on other samples, as
 * many, from the same source, and nothing about its bias, which falls with the number of samples.
 *
 * <p>With R replicates the error itself is off by {@code 1 / sqrt(2 (R - 1))} of itself: 27 percent
 * for 8, 5 percent for 200. The draws are the same for every layer of n samples. Cost R n.
 */
final class LinearBootstrap {
  /** Fewer samples do not say how much others would differ. */
  private static final int LEAST_SAMPLES = 16;

  private static final long SEED = 0;

  private final int replicates;
  private final double[] traces;
  private final Optional<NDArray> x;
  private final NDArray y;
  private final CovarianceEstimate sx;
  private final CovarianceEstimate sy;

  private LinearBootstrap(
      int replicates,
      double[] traces,
      Optional<NDArray> x,
      NDArray y,
      CovarianceEstimate sx,
      CovarianceEstimate sy) {
    this.replicates = replicates;
    this.traces = traces;
    this.x = x;
    this.y = y;
    this.sx = sx;
    this.sy = sy;
  }

  /**
   * Notes what the transport is about to overwrite.
   *
   * @param x centred input; copied if the map's part is to be counted
   * @param y centred output; must stay as it is if so
   * @param sx covariance estimate of x
   * @param sy covariance estimate of y
   * @param replicates number of replicates, at least 2
   */
  static LinearBootstrap of(
      CentredRows x, CentredRows y, CovarianceEstimate sx, CovarianceEstimate sy, int replicates) {
    long n = y.rows().getShape().get(0);
    boolean countsMap = !x.isConstant() && MapInfluence.applies(n, sy.dimension());
    return new LinearBootstrap(
        replicates,
        traces(y.rows(), sy.trace()),
        countsMap ? Optional.of(x.rows().duplicate()) : Optional.empty(),
        y.rows(),
        sx,
        sy);
  }

  /** What each sample contributes to the trace: its squared norm, scaled to the estimate's mean. */
  private static double[] traces(NDArray rows, double trace) {
    try (NDArray squares = rows.square();
        NDArray norms = squares.sum(new int[] {1})) {
      double[] values = norms.toDoubleArray();
      double scale = trace * values.length / Arrays.stream(values).sum();
      Arrays.setAll(values, i -> values[i] * scale);
      return values;
    }
  }

  /**
   * Computes the standard error of the score, once the transport is known.
   *
   * @param shares what each sample has to do with the squared distance
   * @param covariance the estimator of both covariances
   * @param algebra decompositions on the device of the samples
   * @return the standard error, or why there is none
   */
  Score standardError(Shares shares, Covariance covariance, DenseAlgebra algebra) {
    double[] distances = shares.values();
    x.flatMap(input -> new MapInfluence(algebra, covariance).influence(input, y, shares, sx, sy))
        .ifPresent(through -> Arrays.setAll(distances, i -> distances[i] + through[i]));
    x.ifPresent(NDArray::close);
    return standardError(distances, traces, replicates);
  }

  /**
   * Computes the standard error.
   *
   * @param distances contributions to the squared distance (n), not modified
   * @param traces contributions to the trace (n), not modified
   * @param replicates number of replicates, at least 2
   * @return the standard error of the score, or why there is none
   */
  static Score standardError(double[] distances, double[] traces, int replicates) {
    int n = distances.length;
    if (n < LEAST_SAMPLES) {
      return Score.unavailable(
          "a standard error needs at least %s samples, got %s: measure more"
              .formatted(LEAST_SAMPLES, n));
    }
    Random random = new Random(SEED);
    double mean = 0;
    double squares = 0;
    for (int r = 1; r <= replicates; r++) {
      double distance = 0;
      double trace = 0;
      for (int i = 0; i < n; i++) {
        int drawn = random.nextInt(n);
        distance += distances[drawn];
        trace += traces[drawn];
      }
      // A linear extrapolation may pass 0, and a draw of equal samples has no variance.
      double score = distance <= 0 || trace <= 0 ? 1 : 1 - Math.sqrt(distance / (2 * trace));
      double difference = score - mean;
      mean += difference / r;
      squares += difference * (score - mean);
    }
    return Score.of(Math.sqrt(squares / (replicates - 1)));
  }
}
