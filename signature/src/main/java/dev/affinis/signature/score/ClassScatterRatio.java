package dev.affinis.signature.score;

import dev.affinis.signature.Score;
import java.util.Optional;

/**
 * How far the samples of a class lie from their mean, compared to how far the classes' means lie
 * apart: class compression (Fisher, "The use of multiple measurements in taxonomic problems", 1936,
 * as traces).
 *
 * <pre>
 * sum over samples of |x - mean of its class|^2 / sum over samples of |mean of its class - mean|^2
 * </pre>
 *
 * <p><b>Range.</b> 0, each class on a point, to infinity. For unrelated labels about (n - k) / (k -
 * 1), k classes. Invariant under rotation and scaling only: a few wide columns decide it.
 *
 * <p><b>No score</b>, with the reason, where classes are unknown, for one class only, for a class
 * with one sample, NaN or infinite values, a side that is the same for all samples, and classes of
 * equal means.
 *
 * <p><b>Cost.</b> n d operations.
 */
public final class ClassScatterRatio implements MomentScore {
  private static final double ROUNDING = 1e-14;

  private final Side side;

  /**
   * Prepares the score.
   *
   * @param side which side it is of
   */
  public ClassScatterRatio(Side side) {
    this.side = side;
  }

  @Override
  public String name() {
    return "class_scatter_ratio_" + side.word();
  }

  @Override
  public boolean needsLabels() {
    return true;
  }

  @Override
  public Score score(LayerMoments moments) {
    SideMoments rows = moments.side(side);
    Optional<String> obstacle = moments.labels().obstacle().or(() -> rows.variableObstacle(2));
    if (obstacle.isPresent()) {
      return Score.unavailable(obstacle.get());
    }
    double between = rows.squaredLengthOfMeans(moments.labels());
    return between <= ROUNDING * rows.total()
        ? Score.unavailable(
            "the means of all classes are the same: nothing can be relative to them")
        : Score.of(Math.max(0, rows.total() - between) / between);
  }
}
