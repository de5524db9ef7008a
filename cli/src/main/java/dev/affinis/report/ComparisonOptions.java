package dev.affinis.report;

import dev.affinis.signature.compare.DynamicTimeWarping;
import dev.affinis.signature.compare.Linkage;
import dev.affinis.signature.compare.ScoreSeries;
import dev.affinis.signature.compare.SeriesDistance;
import java.util.OptionalInt;

/**
 * What is compared, and how.
 *
 * @param score the score that tables show and that others are correlated with
 * @param view what a point of a series stands for
 * @param distance how far two series are apart
 * @param linkage how far two groups of models are apart
 * @param groups into how many groups the models are divided, if they are
 * @param published whether published signatures are shown beside the measured ones
 */
public record ComparisonOptions(
    String score,
    ScoreSeries.View view,
    SeriesDistance distance,
    Linkage linkage,
    OptionalInt groups,
    boolean published) {
  /** Affinity by calls, dynamic time warping, average linkage, no groups, nothing published. */
  public static final ComparisonOptions DEFAULT =
      new ComparisonOptions(
          "affinity",
          ScoreSeries.View.CALLS,
          DynamicTimeWarping.FREE,
          Linkage.AVERAGE,
          OptionalInt.empty(),
          false);

  /**
   * Returns these options with another score.
   *
   * @param other name of the score
   * @return the options
   */
  public ComparisonOptions withScore(String other) {
    return new ComparisonOptions(other, view, distance, linkage, groups, published);
  }

  /**
   * Returns these options with or without published signatures.
   *
   * @param shown whether they are shown
   * @return the options
   */
  public ComparisonOptions withPublished(boolean shown) {
    return new ComparisonOptions(score, view, distance, linkage, groups, shown);
  }
}
