package dev.affinis.signature.score;

import dev.affinis.signature.Score;
import java.util.Optional;

/**
 * How far the classes of the samples are linearly separable, by Minkowski differences: for classes
 * A and B let M be the differences a - b of all pairs. A and B are linearly separable if, and only
 * if, some direction w has w'm > 0 for all m in M. The largest value over w of
 *
 * <ul>
 *   <li>order 0: the share of M with w'm > 0, the area under the ROC curve of the projection;
 *   <li>order 1: sum of w'm over sum of |w'm|;
 *   <li>order 2: (mean of w'm)^2 over mean of (w'm)^2.
 * </ul>
 *
 * <p>The idea of measuring separability by the Minkowski difference is that of Zhang et al., arXiv
 * 2307.13962; these three formulas are ours, the authors' exact ones are not known to us, and
 * values should not be compared with theirs.
 *
 * <p>M is never formed. Order 2 has a closed form, w = E[mm']^-1 E[m], from means and covariances:
 * with q = E[m]' (SA + SB)^-1 E[m] it is q / (1 + q); for all classes against the rest one
 * factorisation, that of the covariance of all samples, does. Order 1 is a convex problem, solved
 * to about 1e-4. Order 0 is not convex; what is given is the best of a search from closed-form
 * directions, a lower bound: see {@link SeparationSearch}. Data that a direction is found to
 * separate give orders 0 and 1 exactly 1; where the margin is tiny that may be missed, and they
 * stay just below.
 *
 * <p>For several classes it is the mean over problems: each class against the rest, or all pairs.
 * Of more than 64 problems, 64 drawn by seed are solved.
 *
 * <p><b>Range.</b> Orders 0 and 1: at least 0.5 and 0, at most 1. Order 2: 0 to 1, 1 if each class
 * is a point, seen from w; its root is a lower bound of order 1. Invariant under invertible affine
 * maps. <b>With d at least n - 1, samples in general position are separable whatever their
 * labels</b>, and all orders are 1; near that, they are high by chance. {@link LinearProbe}, which
 * judges samples that it has not seen, shows it.
 *
 * <p><b>No score</b>, with the reason, where classes are unknown, for one class only, for a class
 * with one sample, NaN or infinite values, and a side that is the same for all samples.
 *
 * <p><b>Cost.</b> n d^2 operations, or n^2 d and n^3 / 3 for d at least n, where the answer is 1.
 * For order 2 of a problem with a samples in the smaller class, a^2 d; for orders 0 and 1 at most
 * 335 steps of 4 n d operations and a sort in more than 8 dimensions, usually some hundred; these
 * two are computed together, and those of all problems at once ({@link JointSearch}), order 2 alone
 * if only that is asked for. Of Java heap 20 d doubles for each problem, and some 30 MB.
 */
public final class LinearSeparability implements MomentScore {
  private final Side side;
  private final Contrast contrast;
  private final int order;
  private final long seed;

  /**
   * Prepares the score.
   *
   * @param side which side it is of
   * @param contrast which classes are told from which
   * @param order 0, 1 or 2
   * @param seed what problems are drawn with where there are many
   * @throws IllegalArgumentException if there is no such order
   */
  public LinearSeparability(Side side, Contrast contrast, int order, long seed) {
    if (order < 0 || order > 2) {
      throw new IllegalArgumentException("order must be 0, 1 or 2, got " + order);
    }
    this.side = side;
    this.contrast = contrast;
    this.order = order;
    this.seed = seed;
  }

  LinearSeparability withSeed(long another) {
    return new LinearSeparability(side, contrast, order, another);
  }

  @Override
  public String name() {
    return "separability_" + contrast.word() + "_order" + order + "_" + side.word();
  }

  @Override
  public boolean needsLabels() {
    return true;
  }

  @Override
  public Score score(LayerMoments moments) {
    Optional<String> obstacle =
        moments.labels().obstacle().or(() -> moments.side(side).variableObstacle(4));
    return obstacle
        .map(Score::unavailable)
        .orElseGet(() -> Score.of(moments.separation(side, contrast, order, seed)));
  }
}
