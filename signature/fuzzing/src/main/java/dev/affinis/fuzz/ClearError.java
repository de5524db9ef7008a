package dev.affinis.fuzz;

/** Whether an error with which a file is refused helps who gave it. */
public final class ClearError {
  private static final int LONGEST = 2_000;

  private ClearError() {}

  /**
   * Checks the words of an error: one line of readable length that names the file.
   *
   * @param error the error
   * @param file name of the file
   * @param <E> its type
   * @return the error
   * @throws AssertionError if they are not clear
   */
  public static <E extends Throwable> E check(E error, String file) {
    String message = String.valueOf(error.getMessage());
    if (!message.contains(file) || message.length() > LONGEST || message.indexOf('\n') >= 0) {
      String shown = message.length() > LONGEST ? message.substring(0, LONGEST) : message;
      throw new AssertionError(
          "error does not name " + file + " in one line of readable length: " + shown, error);
    }
    return error;
  }
}
