package dev.affinis.instrument;

/** How the activation of one sample becomes one row of a sample matrix. */
public enum Pooling {
  /** Mean over positions: one value per channel, whichever axis holds the channels. */
  CHANNEL,
  /**
   * What the authors' published code does: a 4-D activation is averaged over its last two axes and
   * a 3-D one over its last, so that tokens take the place of channels in a transformer.
   */
  REFERENCE;

  /**
   * Returns the name used in signature files and on the command line.
   *
   * @return {@code channel} or {@code reference}
   */
  public String word() {
    return this == CHANNEL ? "channel" : "reference";
  }
}
