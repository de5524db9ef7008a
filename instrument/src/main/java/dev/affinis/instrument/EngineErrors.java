package dev.affinis.instrument;

import ai.djl.MalformedModelException;
import ai.djl.ndarray.NDList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Turns what an engine says into one line for a user. */
public final class EngineErrors {
  private static final Pattern OUT_OF_MEMORY =
      Pattern.compile("out of memory|not enough memory|can't allocate", Pattern.CASE_INSENSITIVE);

  /** The line of a TorchScript traceback that says what happened. */
  private static final Pattern NAMED_ERROR = Pattern.compile("[\\w.]*(?:Error|Exception): (.+)");

  private static final String ORT = "ai.onnxruntime.OrtException: ";

  private EngineErrors() {}

  /**
   * A model could not be loaded.
   *
   * @param model name of the model
   * @param cause what the engine threw
   * @return the exception to throw
   */
  public static InvalidInputException notLoaded(String model, Exception cause) {
    return new InvalidInputException(
        "model " + model + " cannot be loaded by the engine: " + reason(cause), cause);
  }

  /**
   * A forward pass failed.
   *
   * @param model name of the model
   * @param inputs what it was given
   * @param cause what the engine threw
   * @return the exception to throw
   */
  static InvalidInputException rejected(String model, NDList inputs, RuntimeException cause) {
    String reason = reason(cause);
    boolean outOfMemory = OUT_OF_MEMORY.matcher(reason).find();
    return new InvalidInputException(
        "model "
            + model
            + (outOfMemory ? " ran out of memory on" : " rejects")
            + " an input of shape "
            + inputs.head().getShape()
            + ": "
            + reason
            + (outOfMemory
                ? "; pass a smaller --batch-size"
                : "; give it the size it was exported for (--input-size, or --resize and"
                    + " --crop), and if its batch size is fixed, that as --batch-size and"
                    + " --samples that it divides"),
        cause);
  }

  /** Whether a forward pass failed for want of memory. */
  static boolean isOutOfMemory(InvalidInputException e) {
    return e.getCause() != null && OUT_OF_MEMORY.matcher(reason(e.getCause())).find();
  }

  /** The engine's own words without its stack traces: the last line that names an error. */
  private static String reason(Throwable cause) {
    Throwable deepest = cause;
    // DJL's "cannot be loaded" has the engine's reason behind it.
    boolean isGeneral = cause instanceof MalformedModelException;
    while ((isGeneral || deepest.getMessage() == null) && deepest.getCause() != null) {
      deepest = deepest.getCause();
    }
    String message = String.valueOf(deepest.getMessage());
    if (message.contains(ORT)) {
      return message.replace(ORT, "").lines().map(String::strip).collect(Collectors.joining(" "));
    }
    return message
        .lines()
        .map(NAMED_ERROR::matcher)
        .filter(Matcher::matches)
        .map(line -> line.group(1))
        .reduce((first, last) -> last)
        .or(() -> message.lines().filter(line -> !line.isBlank()).findFirst())
        .orElse("unknown error");
  }
}
