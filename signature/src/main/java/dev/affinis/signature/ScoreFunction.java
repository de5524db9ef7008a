package dev.affinis.signature;

import java.util.Optional;

/**
 * A number that says something about one activation layer, computed from its input and output. What
 * the data does not allow is told by {@link Score.Unavailable}, not by an exception.
 *
 * <p>Implementations are immutable and safe for use by several threads.
 */
public interface ScoreFunction {

  /**
   * Returns the name under which the score appears in signature files.
   *
   * @return a name in snake_case, such as {@code affinity}
   */
  String name();

  /**
   * Whether this score is computed from what is counted over the whole tensors of a layer, see
   * {@link LayerSample#counts}. Nothing is counted where no score asks for it.
   *
   * @return whether it is; not, unless overridden
   */
  default boolean needsCounts() {
    return false;
  }

  /**
   * Whether this score is one of classes, and so does not exist for samples without labels.
   *
   * @return whether it is; not, unless overridden
   */
  default boolean needsLabels() {
    return false;
  }

  /**
   * Whether this score is one of the two bounds of a function, and so does not exist for functions
   * that have one or none.
   *
   * @return whether it is; not, unless overridden
   */
  default boolean needsBounds() {
    return false;
  }

  /**
   * Computes the score of one layer.
   *
   * @param sample input and output of the layer, not modified, not closed
   * @return the score or the reason why there is none
   */
  Score score(LayerSample sample);

  /**
   * Computes the score of one layer, with its standard error if the implementation was asked for
   * one.
   *
   * @param sample input and output of the layer, not modified, not closed
   * @return the score and its error; no error unless overridden
   */
  default Estimate estimate(LayerSample sample) {
    return Estimate.of(score(sample));
  }

  /**
   * A score with its standard error and the certificate of what was optimised for it.
   *
   * @param score the score or the reason why there is none
   * @param error the standard error, in units of the score, or the reason why there is none; empty
   *     where none was asked for or there is no score
   * @param gap how far what was optimised may be from its optimum, as a share of it, proved by a
   *     dual solution; empty where nothing is optimised or there is no score
   */
  record Estimate(Score score, Optional<Score> error, Optional<Double> gap) {
    /**
     * A score of which nothing more is known.
     *
     * @param score the score or the reason why there is none
     * @return it, without error and gap
     */
    public static Estimate of(Score score) {
      return new Estimate(score, Optional.empty(), Optional.empty());
    }
  }
}
