package dev.affinis.instrument;

import java.util.Locale;

/**
 * Which axis of an activation with three or more axes holds the channels.
 *
 * <p>{@link #AUTO} asks the model instead of the sizes: a tensor has the layout of the operation
 * that produced it. Convolution, batch and group normalisation and spatial pooling put channels
 * first; linear layers, matrix products, layer normalisation and embeddings put them last; a
 * permutation that moves the channel axis moves it. Element-wise operations keep the layout of the
 * most recent such operation that made a tensor of the same shape, or of the most recent one at all
 * when none did. A model's own input has channels first if it has four axes or more (images), and
 * last if it has three (sequences).
 */
public enum Layout {
  /** As the producing operation says. */
  AUTO,
  /** Samples, channels, positions... */
  CHANNELS_FIRST,
  /** Samples, positions..., channels. */
  CHANNELS_LAST;

  /**
   * Returns the name used in signature files and on the command line.
   *
   * @return {@code auto}, {@code channels-first} or {@code channels-last}
   */
  public String word() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
