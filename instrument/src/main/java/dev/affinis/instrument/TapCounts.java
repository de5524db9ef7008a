package dev.affinis.instrument;

import ai.djl.ndarray.NDArray;

/**
 * What is counted over the whole tensors of one site: for each sample and channel the share of its
 * positions. Channels are those of the layout, whatever the pooling.
 *
 * @param smallPre share of the input's values that are small (batch x channels, float32)
 * @param smallPost share of the output's values that are small, likewise
 * @param bounded share of the output's values at a bound of the function; {@code null} if the
 *     function has no {@link SiteKind#bounds()}
 */
public record TapCounts(NDArray smallPre, NDArray smallPost, NDArray bounded) {
  /** Frees the arrays. */
  void close() {
    smallPre.close();
    smallPost.close();
    if (bounded != null) {
      bounded.close();
    }
  }
}
