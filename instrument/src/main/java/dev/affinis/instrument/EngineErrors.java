package dev.affinis.instrument;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Asks engines for models, and turns what they refuse with into one line for a user. */
public final class EngineErrors {
  /**
   * PyTorch's allocators say "can't allocate memory" (Linux), "not enough memory" (Windows) and
   * "CUDA out of memory"; ONNX Runtime's "Failed to allocate memory"; C++ itself "std::bad_alloc"
   * or "bad allocation"; the CUDA libraries name a status.
   */
  private static final Pattern OUT_OF_MEMORY =
      Pattern.compile(
          "out of memory|not enough memory|can(?:'|no)t allocate|failed to allocate"
              + "|bad[_ ]alloc|_ALLOC_FAILED",
          Pattern.CASE_INSENSITIVE);

  /** The line of a TorchScript traceback that says what happened. */
  private static final Pattern NAMED_ERROR = Pattern.compile("[\\w.]*(?:Error|Exception): (.+)");

  private static final String ORT = "ai.onnxruntime.OrtException: ";

  private EngineErrors() {}

  /** Why a batch could not run that a smaller one may be able to. */
  private static final class BatchTooLarge extends RuntimeException {
    private static final long serialVersionUID = 1L;

    BatchTooLarge(Throwable cause) {
      super(cause.getMessage(), cause);
    }
  }

  /** Loads a model that is there but empty. */
  public interface Loader {
    /**
     * Loads it.
     *
     * @param model the empty model
     * @throws IOException if a file cannot be read
     * @throws MalformedModelException if the engine does not take it
     */
    void load(Model model) throws IOException, MalformedModelException;
  }

  /**
   * Loads a model file.
   *
   * @param file what messages call it
   * @param device where it is loaded
   * @param engine name of the engine
   * @param loader how it is loaded
   * @return the model, to be closed by the caller
   * @throws IOException if a file cannot be read
   * @throws InvalidInputException if the engine does not take it
   */
  public static Model load(Path file, Device device, String engine, Loader loader)
      throws IOException {
    Model model = Model.newInstance(file.getFileName().toString(), device, engine);
    try {
      loader.load(model);
      return model;
    } catch (EngineException | MalformedModelException e) {
      model.close();
      throw notLoaded(file.toString(), e);
    } catch (IOException | RuntimeException e) {
      model.close();
      throw e;
    }
  }

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
    Shape shape = inputs.head().getShape();
    if (OUT_OF_MEMORY.matcher(reason).find()) {
      return new InvalidInputException(
          "model "
              + model
              + " ran out of memory on a batch of "
              + (shape.dimension() == 0 ? 1 : shape.get(0))
              + " samples, an input of shape "
              + shape
              + ": "
              + reason
              + smallerBatch(shape.dimension() == 0 ? 1 : shape.get(0)),
          new BatchTooLarge(cause));
    }
    return new InvalidInputException(
        "model "
            + model
            + " rejects an input of shape "
            + shape
            + ": "
            + reason
            + "; give it the size it was exported for (--input-size, or --resize and"
            + " --crop), and if its batch size is fixed, that as --batch-size and"
            + " --samples that it divides",
        cause);
  }

  /** What there is, and the way out. */
  private static String smallerBatch(long samples) {
    return " (this machine has "
        + ByteSize.describe(MemoryLimits.machineMemory())
        + " in all, of which the Java heap may take "
        + ByteSize.describe(Runtime.getRuntime().maxMemory())
        + "); "
        + (samples > 1
            ? "pass a smaller --batch-size, such as "
                + samples / 2
                + ", or --batch-size auto, which finds one that fits"
            : "a single sample is too much: pass smaller samples (--input-size), or use a machine"
                + " with more memory");
  }

  /**
   * The Java heap, or memory that it holds outside of itself, was too small for a batch.
   *
   * @param model name of the model
   * @param batchSize how many samples ran at a time
   * @param cause what the virtual machine threw
   * @return the exception to throw
   */
  static InvalidInputException heapExhausted(String model, int batchSize, OutOfMemoryError cause) {
    return new InvalidInputException(
        "Java ran out of memory ("
            + cause.getMessage()
            + ") while model "
            + model
            + " ran in batches of "
            + batchSize
            + " samples"
            + smallerBatch(batchSize)
            + "; AFFINIS_JAVA_OPTS=-Xmx8g lets the heap have more",
        new BatchTooLarge(cause));
  }

  /**
   * A batch could not be copied to the device on which the model runs.
   *
   * @param batch shape of the batch, samples first
   * @param cause what the engine threw
   * @return the exception to throw: a batch that is too large, if that is what it says
   */
  public static RuntimeException notCopied(Shape batch, EngineException cause) {
    String reason = reason(cause);
    return OUT_OF_MEMORY.matcher(reason).find()
        ? new InvalidInputException(
            "the device ran out of memory on a batch of "
                + batch.get(0)
                + " samples of shape "
                + batch
                + ", which was copied there for the model: "
                + reason
                + smallerBatch(batch.get(0)),
            new BatchTooLarge(cause))
        : cause;
  }

  /**
   * A batch cannot be held at all.
   *
   * @param reason one line that says so, and what to do
   * @return the exception to throw
   */
  public static InvalidInputException batchTooLarge(String reason) {
    return new InvalidInputException(
        reason, new BatchTooLarge(new IllegalArgumentException("more than 2 GiB")));
  }

  /**
   * A score could not be computed.
   *
   * @param site whose
   * @param cause what the engine threw
   * @return the exception to throw
   */
  static RuntimeException notScored(Site site, EngineException cause) {
    String reason = reason(cause);
    return OUT_OF_MEMORY.matcher(reason).find()
        ? new InvalidInputException(
            "the score of site "
                + site.label()
                + " ran out of memory: "
                + reason
                + "; pass --memory with what there is, or fewer --samples",
            cause)
        : new IllegalStateException(
            "the score of site " + site.label() + " failed: " + reason, cause);
  }

  /** Whether a forward pass failed for want of memory. */
  static boolean isOutOfMemory(Exception e) {
    return e.getCause() instanceof BatchTooLarge;
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
