package dev.affinis.instrument;

import ai.djl.ndarray.NDArray;
import java.util.List;

/**
 * What is counted over the whole tensors of one site: for each sample and channel the share of its
 * positions, or of its tokens where a mask tells them from padding. Channels are those of the
 * layout, whatever the pooling.
 *
 * @param smallPre share of the input's values that are small (batch x channels, float32)
 * @param smallPost share of the output's values that are small, likewise
 * @param bounded share of the output's values at a bound of the function; {@code null} if the
 *     function has no {@link SiteKind#bounds()}
 * @param tokens how many tokens of each sample were looked at; empty if all positions were
 */
public record TapCounts(
    NDArray smallPre, NDArray smallPost, NDArray bounded, List<Integer> tokens) {
  /** Copies the list. */
  public TapCounts {
    tokens = List.copyOf(tokens);
  }

  /**
   * Counts of all positions.
   *
   * @param smallPre share of the input's values that are small
   * @param smallPost share of the output's values that are small
   * @param bounded share of the output's values at a bound, may be {@code null}
   */
  public TapCounts(NDArray smallPre, NDArray smallPost, NDArray bounded) {
    this(smallPre, smallPost, bounded, List.of());
  }

  /** The same counts, of which it is known how many tokens they are of. */
  TapCounts withTokens(List<Integer> numbers) {
    return new TapCounts(smallPre, smallPost, bounded, numbers);
  }

  /** Frees the arrays. */
  void close() {
    smallPre.close();
    smallPost.close();
    if (bounded != null) {
      bounded.close();
    }
  }
}
