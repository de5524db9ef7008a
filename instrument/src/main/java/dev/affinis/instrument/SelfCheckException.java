package dev.affinis.instrument;

/**
 * A check of the instrumentation itself failed: what was captured cannot be trusted. The message
 * names the site or output and what was seen.
 */
public final class SelfCheckException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param message what was expected, what was seen and where
   */
  public SelfCheckException(String message) {
    super(message);
  }
}
