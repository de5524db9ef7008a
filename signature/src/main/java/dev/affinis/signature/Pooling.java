package dev.affinis.signature;

/** How an activation with positions becomes one row per sample. */
public enum Pooling {
  /** The mean over all positions, one value per channel. */
  CHANNEL("channel"),

  /** What the paper's own code does, whatever the meaning of the axes. */
  REFERENCE("reference");

  private final String word;

  Pooling(String word) {
    this.word = word;
  }

  /**
   * Returns the name used in files and on the command line.
   *
   * @return the name
   */
  public String word() {
    return word;
  }
}
