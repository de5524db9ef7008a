package dev.affinis.instrument;

import java.util.regex.Pattern;

/**
 * A model, file or data set that cannot be used as given. The message is one line that names the
 * thing, the value found, what was expected and the way out; it is meant to be shown to the user as
 * it is: line breaks, control characters and what turns the direction of text are replaced, and the
 * end of a very long message is left out.
 */
public final class InvalidInputException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final int LONGEST = 2_000;
  private static final Pattern LINE_BREAK = Pattern.compile("\\s*\\R\\s*");
  private static final Pattern CONTROL =
      Pattern.compile("[\\p{Cntrl}\\u0080-\\u009F\\u200E\\u200F\\u202A-\\u202E\\u2066-\\u2069]");

  /**
   * Creates an exception.
   *
   * @param message one line: the thing, the value, what was expected, what to do
   */
  public InvalidInputException(String message) {
    super(oneLine(message));
  }

  /**
   * Creates an exception with its cause.
   *
   * @param message one line: the thing, the value, what was expected, what to do
   * @param cause what was thrown underneath
   */
  public InvalidInputException(String message, Throwable cause) {
    super(oneLine(message), cause);
  }

  /** Names in messages are from files, which may have written anything into them. */
  private static String oneLine(String message) {
    if (message == null) {
      return null;
    }
    String line = CONTROL.matcher(LINE_BREAK.matcher(message).replaceAll(" ")).replaceAll("\uFFFD");
    return line.length() <= LONGEST ? line : line.substring(0, LONGEST - 3) + "...";
  }
}
