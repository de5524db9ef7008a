package dev.affinis.signature.transport;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.affinis.signature.LayerSample;
import dev.affinis.signature.Score;
import dev.affinis.signature.ScoreFunction;
import dev.affinis.signature.covariance.Covariance;
import dev.affinis.signature.covariance.CovarianceEstimate;
import dev.affinis.signature.covariance.Ridge;
import dev.affinis.signature.linalg.DenseAlgebra;
import dev.affinis.signature.linalg.SampleRows;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.DoubleSupplier;
import java.util.function.Supplier;

/**
 * The affinity score of an activation: how close it is, on its data, to an affine map (Bouniot et
 * al., "From Alexnet to Transformers: Measuring the Non-linearity of Deep Neural Networks with
 * Affine Optimal Transport", arXiv 2310.11439, definition 3.1).
 *
 * <pre>rho = 1 - W2(T(X), Y) / sqrt(2 trace SY)</pre>
 *
 * <p>X and Y are the n input and output rows, SY the covariance of Y, T the {@linkplain GaussianMap
 * affine map} that transports a Gaussian fitted to X onto one fitted to Y, and W2 the exact
 * 2-Wasserstein distance between two clouds of n points. rho is 1 where the activation is a
 * positive semi-definite affine map, and falls towards 0. It does not count other affine maps as
 * linear, a rotation or a change of sign for example.
 *
 * <p>Both covariances, and the trace, include shrinkage and ridge. Computed in float64 on the
 * device of the sample; the assignment problem, and d = 1 by sorting, in Java.
 *
 * <p><b>No score</b> is given, with the reason, for fewer than 2 samples, NaN or infinite values,
 * inputs and outputs of different width, and a constant output: one where no column varies by more
 * than the rounding of its values, whatever their scale; and for a transport whose duality gap is
 * above 1e-9 of its cost, unless both are rounding; and for a result outside [0, 1], which
 * shrinkage and the ridge do not exclude by themselves.
 *
 * <p><b>Cost.</b> n^2 d + n d^2 + d^3, and for the assignment in practice of order n^2. Up to 8192
 * samples 8 n^2 bytes of Java heap hold the pairwise costs; beyond that about 1 kB per sample. When
 * d exceeds 2 n the samples are rotated into the at most 2 n dimensions they span, which changes no
 * distance and no eigenvalue but the multiple ones of shrinkage and ridge.
 *
 * <p><b>Standard error</b>, if asked for: by a bootstrap over samples that solves nothing again.
 * Each sample's part in W2 and the trace is known to first order, from the dual potentials of the
 * assignment; its part in the map as well, which is counted where there are at least 4 samples per
 * dimension, at the price of about 16 d^3 + 10 n d^2 operations and 18 d^2 doubles.
 * docs/statistics.md says how near it comes to the true one.
 *
 * <p>Immutable, and safe for use by several threads.
 */
public final class AffinityScore implements ScoreFunction {
  /** The largest share of its cost by which a transport that is called exact may be improved. */
  private static final double EXACT = 1e-9;

  private static final double ROUNDING = 1e-12;

  private final Covariance covariance;
  private final Ridge ridge;
  private final int replicates;

  private AffinityScore(Builder builder) {
    this.covariance = builder.covariance;
    this.ridge = builder.ridge;
    this.replicates = builder.replicates;
  }

  /**
   * Starts building a score.
   *
   * @return a builder with Ledoit-Wolf covariance and relative ridge
   */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  public String name() {
    return "affinity";
  }

  @Override
  public Score score(LayerSample sample) {
    return measure(sample).score();
  }

  @Override
  public Estimate estimate(LayerSample sample) {
    return measure(sample).estimate();
  }

  /**
   * Computes the score and what lies behind it.
   *
   * @param sample input and output of the layer, not modified, not closed
   * @return the score with its transport, or the reason why there is none
   */
  public AffinityResult measure(LayerSample sample) {
    Optional<String> obstacle = shapeObstacle(sample);
    if (obstacle.isPresent()) {
      return AffinityResult.unavailable(obstacle.get());
    }
    DenseAlgebra algebra = DenseAlgebra.on(sample.pre().getDevice());
    try (NDManager scratch = algebra.newManager()) {
      NDArray pre = SampleRows.doubles(sample.pre(), scratch);
      NDArray post = SampleRows.doubles(sample.post(), scratch);
      obstacle = SampleRows.nonFinite("pre", pre).or(() -> SampleRows.nonFinite("post", post));
      if (obstacle.isPresent()) {
        return AffinityResult.unavailable(obstacle.get());
      }
      CentredRows x = CentredRows.of(pre, sample.pre().getDataType());
      CentredRows y = CentredRows.of(post, sample.post().getDataType());
      if (y.isConstant()) {
        return AffinityResult.unavailable(
            "post is the same for all %s samples: there is no variance to explain"
                .formatted(sample.size()));
      }
      return measure(Sides.of(x, y, algebra));
    }
  }

  /**
   * Computes the score of a layer whose rows are centred and whose moments may be at hand.
   *
   * @param sides the layer; input finite, output finite and not constant, n at least 2
   * @return the score with its transport, or the reason why there is none
   */
  public AffinityResult measure(Sides sides) {
    CentredRows x = sides.x();
    CentredRows y = sides.y();
    DenseAlgebra algebra = DenseAlgebra.on(x.rows().getDevice());
    long d = y.rows().getShape().get(1);
    if (x.isConstant() || d == 1) {
      CovarianceEstimate sx = ridge.addTo(covariance.estimate(x.rows()), x.unit());
      CovarianceEstimate sy = ridge.addTo(covariance.estimate(y.rows()), y.unit());
      Transported transported = new Transported(x, y, sx, sy);
      return x.isConstant()
          ? result(transported, fromOnePoint(x, y), Optional.empty())
          : result(transported, onLine(x, y, sx, sy), factorsOnLine(transported, algebra));
    }
    return d > 2 * y.rows().getShape().get(0)
        ? inSpace(inSpan(x, y, algebra), d, algebra)
        : inSpace(sides, d, algebra);
  }

  private AffinityResult inSpace(Sides sides, long d, DenseAlgebra algebra) {
    CentredRows x = sides.x();
    CentredRows y = sides.y();
    long n = y.rows().getShape().get(0);
    NDArray gramY = sides.gramY().get();
    CovarianceEstimate sy = estimate(y, d, () -> algebra.squaredNorm(gramY));
    GaussianMap map = new GaussianMap(algebra);
    Optional<MapFactors> factors = Optional.empty();
    Transported transported;
    NDArray moved;
    if (GaussianMap.isFasterAsMatrix(n, y.rows().getShape().get(1))) {
      NDArray gramX = sides.gramX().get();
      CovarianceEstimate sx = estimate(x, d, () -> algebra.squaredNorm(gramX));
      transported = new Transported(x, y, sx, sy);
      if (countsMap(n, d)) {
        factors = map.factors(gramX, gramY, sx, sy);
      }
      try (NDArray matrix =
          factors.map(map::matrix).orElseGet(() -> map.matrix(gramX, gramY, sx, sy))) {
        moved = x.rows().matMul(matrix);
      }
    } else {
      CovarianceEstimate sx = estimate(x, d, sides.squaredGramNorm());
      transported = new Transported(x, y, sx, sy);
      moved = map.move(x.rows(), gramY, sx, sy);
    }
    try {
      return result(transported, Pairing.inSpace(moved, y.rows()), factors);
    } catch (ArithmeticException e) {
      return AffinityResult.unavailable(e.getMessage());
    }
  }

  private CovarianceEstimate estimate(CentredRows side, long d, DoubleSupplier squaredGramNorm) {
    return ridge.addTo(covariance.estimate(side.rows(), d, squaredGramNorm), side.unit());
  }

  /**
   * Estimates what this score takes in memory.
   *
   * @param samples n, at least 0
   * @param dimension d, at least 0
   * @return the estimate
   */
  public Workspace workspace(long samples, long dimension) {
    return replicates > 0
        ? Workspace.withStandardError(samples, dimension)
        : Workspace.of(samples, dimension);
  }

  /** Whether the standard error counts what samples do to the map. */
  private boolean countsMap(long n, long d) {
    return replicates > 0 && MapInfluence.applies(n, d);
  }

  private Optional<MapFactors> factorsOnLine(Transported sides, DenseAlgebra algebra) {
    NDArray x = sides.x().rows();
    NDArray y = sides.y().rows();
    return countsMap(y.getShape().get(0), 1)
        ? new GaussianMap(algebra)
            .factors(algebra.lowerGram(x), algebra.lowerGram(y), sides.sx(), sides.sy())
        : Optional.empty();
  }

  private AffinityResult result(Transported sides, Pairing pairing, Optional<MapFactors> factors) {
    double trace = sides.sy().trace();
    double unit = sides.y().unit();
    if (!isExact(pairing.relativeGap(), pairing.distance(), trace)) {
      return AffinityResult.unavailable(
          "the transport is proved optimal only to %s of its cost, which is %s of the variance"
              .formatted(pairing.relativeGap(), Math.pow(pairing.distance(), 2) / trace));
    }
    Score rho = inRange(1 - pairing.distance() / Math.sqrt(2 * trace));
    if (rho.number().isEmpty()) {
      return AffinityResult.unavailable(rho.map(value -> "", reason -> reason));
    }
    return new AffinityResult(
        rho,
        replicates == 0
            ? Optional.empty()
            : Optional.of(standardError(sides, pairing.shares(), factors)),
        Optional.of(
            new AffinityResult.Transport(
                pairing.distance() * unit,
                trace * unit * unit,
                pairing.relativeGap(),
                pairing.identityOptimal())));
  }

  private Score standardError(Transported sides, Shares shares, Optional<MapFactors> factors) {
    NDArray y = sides.y().rows();
    double[] distances = shares.values();
    factors
        .map(
            f ->
                new MapInfluence(covariance)
                    .influence(sides.x().rows(), y, shares, sides.sx(), sides.sy(), f))
        .ifPresent(through -> Arrays.setAll(distances, i -> distances[i] + through[i]));
    return LinearBootstrap.standardError(
        distances, LinearBootstrap.traces(y, sides.sy().trace()), replicates);
  }

  /** No distance and no trace make another score; what is outside, NaN included, is no number. */
  static Score inRange(double rho) {
    return rho >= 0 && rho <= 1
        ? Score.of(rho)
        : Score.unavailable(
            "1 - W2 / sqrt(2 trace) came out as %s, which is not in [0, 1]".formatted(rho));
  }

  /** Whether a transport is optimal, but for the rounding of costs that are next to nothing. */
  static boolean isExact(double relativeGap, double distance, double trace) {
    return relativeGap <= EXACT || relativeGap * distance * distance <= ROUNDING * trace;
  }

  /** A constant X makes T constant, too: all pairings cost the same. */
  private static Pairing fromOnePoint(CentredRows x, CentredRows y) {
    return Pairing.byNumber(x.rows().muli(0), y.rows());
  }

  private static Pairing onLine(
      CentredRows x, CentredRows y, CovarianceEstimate sx, CovarianceEstimate sy) {
    double slope = Math.sqrt(sy.trace() / sx.trace());
    double[] moved = x.rows().toDoubleArray();
    Arrays.setAll(moved, i -> slope * moved[i]);
    return Pairing.onLine(moved, y.rows().toDoubleArray());
  }

  /**
   * Input and output of a layer with their moments, which are made when they are asked for, at most
   * once, and not if d exceeds 2 n.
   *
   * @param x input rows (n x d), used up: changed or closed
   * @param y output rows (n x d), likewise
   * @param gramX gives X'X (d x d, lower triangle), used up
   * @param gramY gives Y'Y (d x d, lower triangle), used up
   * @param squaredGramNorm gives the squared Frobenius norm of X'X where X'X is not asked for
   */
  public record Sides(
      CentredRows x,
      CentredRows y,
      Supplier<NDArray> gramX,
      Supplier<NDArray> gramY,
      DoubleSupplier squaredGramNorm) {
    private static Sides of(CentredRows x, CentredRows y, DenseAlgebra algebra) {
      return new Sides(
          x,
          y,
          () -> algebra.lowerGram(x.rows()),
          () -> algebra.lowerGram(y.rows()),
          () -> algebra.squaredGramNorm(x.rows()));
    }
  }

  /** Both sides and their covariances; the input may have been closed. */
  private record Transported(
      CentredRows x, CentredRows y, CovarianceEstimate sx, CovarianceEstimate sy) {}

  /**
   * Rotates both sides, which are closed, into a space of 2 n dimensions that holds all their rows.
   * Covariances are multiples of the identity outside of it and do not mix inside and outside, so
   * the map leaves it, and everything in it, where it is.
   */
  private static Sides inSpan(CentredRows x, CentredRows y, DenseAlgebra algebra) {
    try (NDArray all = x.rows().concat(y.rows(), 0);
        NDArray columns = all.transpose();
        NDArray basis = algebra.orthonormalBasis(columns)) {
      CentredRows from = new CentredRows(x.rows().matMul(basis), x.unit(), x.isConstant());
      CentredRows to = new CentredRows(y.rows().matMul(basis), y.unit(), y.isConstant());
      x.rows().close();
      y.rows().close();
      return Sides.of(from, to, algebra);
    }
  }

  private static Optional<String> shapeObstacle(LayerSample sample) {
    Shape pre = sample.pre().getShape();
    Shape post = sample.post().getShape();
    if (sample.size() < 2) {
      return Optional.of("samples must be at least 2, got %s".formatted(sample.size()));
    }
    if (pre.get(1) != post.get(1) || pre.get(1) == 0) {
      return Optional.of(
          "pre and post must be equally wide, got shapes %s and %s".formatted(pre, post));
    }
    return Optional.empty();
  }

  /** Builds an {@link AffinityScore}. */
  public static final class Builder {
    private Covariance covariance = Covariance.LEDOIT_WOLF;
    private Ridge ridge = Ridge.RELATIVE;
    private int replicates;

    private Builder() {}

    /**
     * Sets the covariance estimator, Ledoit-Wolf unless set.
     *
     * @param covariance the estimator
     * @return this builder
     */
    public Builder optCovariance(Covariance covariance) {
      this.covariance = covariance;
      return this;
    }

    /**
     * Sets the ridge, relative unless set.
     *
     * @param ridge the ridge
     * @return this builder
     */
    public Builder optRidge(Ridge ridge) {
      this.ridge = ridge;
      return this;
    }

    /**
     * Asks for a standard error with each score; none unless called. The error is itself off by
     * {@code 1 / sqrt(2 (replicates - 1))} of itself: 27 percent for 8, 5 percent for 200.
     *
     * @param replicates number of bootstrap replicates, at least 2
     * @return this builder
     * @throws IllegalArgumentException if there are fewer than 2
     */
    public Builder optConfidence(int replicates) {
      if (replicates < 2) {
        throw new IllegalArgumentException(
            "a standard error needs at least 2 bootstrap replicates, got "
                + replicates
                + ": pass 200, say, with --confidence");
      }
      this.replicates = replicates;
      return this;
    }

    /**
     * Builds the score.
     *
     * @return the score
     */
    public AffinityScore build() {
      return new AffinityScore(this);
    }
  }
}
