package dev.affinis.signature.score;

import dev.affinis.signature.LayerSample;
import dev.affinis.signature.Score;
import dev.affinis.signature.ScoreFunction;
import dev.affinis.signature.UnitCounts;
import dev.affinis.signature.linalg.SampleRows;
import java.util.function.Function;

/**
 * Scores that are shares of a layer's values, counted over its whole tensors ({@link UnitCounts}),
 * not over the pooled rows: the mean of a channel's positions is zero only if all of them are.
 *
 * <ul>
 *   <li>{@code sparsity_pre}, {@code sparsity_post}: the share of the input's and of the output's
 *       values with |x| at most the threshold, as the authors' code has it with a threshold of
 *       0.001. The threshold is absolute, so small activations count as sparse.
 *   <li>{@code dead_units}: the share of channels that give such a value for every sample and at
 *       every position. With more samples there are fewer of them.
 *   <li>{@code saturated_units}: the share of the output's values within the threshold of a bound
 *       of a function that has two (0 and 1 for a sigmoid), counted at every sample and position. A
 *       function with one bound or none gives the reason: what a ReLU cuts off is counted by
 *       sparsity.
 * </ul>
 *
 * <p><b>Range</b>: 0 to 1. <b>Non-finite values</b>: NaN or infinity in the rows gives the reason.
 * <b>Samples</b>: one is enough. <b>Cost</b>: O(n d) here; the counting takes two or three more
 * passes over each tensor in the engine, and only if such a score is asked for.
 *
 * <p>Source: sparsity as in the code of Bouniot et al., arXiv 2310.11439; dead units after Lu et
 * al., <i>Dying ReLU and Initialization</i>, arXiv 1903.06733.
 */
public final class CountedScore implements ScoreFunction {
  /** Magnitudes up to it are small: the only threshold that gives the authors' own figures. */
  public static final double THRESHOLD = 1e-3;

  private static final String SATURATED = "saturated_units";

  private final String name;
  private final Function<UnitCounts, Score> share;

  private CountedScore(String name, Function<UnitCounts, Score> share) {
    this.name = name;
    this.share = share;
  }

  /**
   * The share of small values that come in.
   *
   * @return the score {@code sparsity_pre}
   */
  public static CountedScore sparsityPre() {
    return new CountedScore("sparsity_pre", counts -> Score.of(counts.smallInputs()));
  }

  /**
   * The share of small values that come out.
   *
   * @return the score {@code sparsity_post}
   */
  public static CountedScore sparsityPost() {
    return new CountedScore("sparsity_post", counts -> Score.of(counts.smallOutputs()));
  }

  /**
   * The share of channels that are always small.
   *
   * @return the score {@code dead_units}
   */
  public static CountedScore deadUnits() {
    return new CountedScore(
        "dead_units", counts -> Score.of(counts.deadChannels() / (double) counts.channels()));
  }

  /**
   * The share of values at a bound.
   *
   * @return the score {@code saturated_units}
   */
  public static CountedScore saturatedUnits() {
    return new CountedScore(SATURATED, UnitCounts::saturation);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public boolean needsCounts() {
    return true;
  }

  @Override
  public boolean needsBounds() {
    return name.equals(SATURATED);
  }

  @Override
  public Score score(LayerSample sample) {
    if (sample.counts().isEmpty()) {
      return Score.unavailable(
          "nothing was counted over the whole tensors: instrument the model with optCounts, or"
              + " leave the instrumenting to the measurement");
    }
    UnitCounts counts = sample.counts().get();
    return SampleRows.nonFinite("pre", sample.pre())
        .or(() -> SampleRows.nonFinite("post", sample.post()))
        .map(Score::unavailable)
        .orElseGet(() -> share.apply(counts));
  }
}
