package dev.affinis.instrument;

/**
 * The instrumentation missed something: what was captured is not complete. A fault of this library,
 * not of the model; the message names the site.
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

  /**
   * Creates an exception with its cause.
   *
   * @param message what was expected, what was seen, where, and what to report
   * @param cause what was thrown underneath
   */
  public SelfCheckException(String message, Throwable cause) {
    super(message, cause);
  }
}
