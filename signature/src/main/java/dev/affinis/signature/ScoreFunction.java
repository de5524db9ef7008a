package dev.affinis.signature;

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
   * Computes the score of one layer.
   *
   * @param sample input and output of the layer, not modified, not closed
   * @return the score or the reason why there is none
   */
  Score score(LayerSample sample);
}
