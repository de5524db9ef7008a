package dev.affinis.instrument;

/**
 * A model, file or data set that cannot be used as given. The message is one line that names the
 * thing, the value found, what was expected and the way out; it is meant to be shown to the user as
 * it is.
 */
public final class InvalidInputException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param message one line: the thing, the value, what was expected, what to do
   */
  public InvalidInputException(String message) {
    super(message);
  }

  /**
   * Creates an exception with its cause.
   *
   * @param message one line: the thing, the value, what was expected, what to do
   * @param cause what was thrown underneath
   */
  public InvalidInputException(String message, Throwable cause) {
    super(message, cause);
  }
}
