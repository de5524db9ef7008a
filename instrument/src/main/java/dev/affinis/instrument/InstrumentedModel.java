package dev.affinis.instrument;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import ai.djl.util.Pair;
import dev.affinis.instrument.torchscript.TapKey;
import dev.affinis.instrument.torchscript.TorchScriptInstrumenter;
import dev.affinis.signature.Pooling;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * A model whose forward pass also returns what its activations saw.
 *
 * <p>The model file is rewritten before it is loaded, and activations are pooled inside the engine,
 * so that only n x d rows ever leave it. The file itself is not touched.
 *
 * <pre>{@code
 * try (InstrumentedModel model = InstrumentedModel.builder().setModelPath(path).build();
 *     NDManager manager = model.newManager()) {
 *   InstrumentedModel.Run run = model.run(new NDList(images));
 *   for (Capture capture : run.captures()) { ... }
 * }
 * }</pre>
 *
 * <p>An instance may be used by several threads.
 */
public final class InstrumentedModel implements AutoCloseable {
  private static final String ENGINE = "PyTorch";
  private static final Pattern OUT_OF_MEMORY =
      Pattern.compile("out of memory|not enough memory|can't allocate", Pattern.CASE_INSENSITIVE);

  private final Path path;
  private final Device device;
  private final List<PlannedSite> planned;
  private final List<SkippedSite> hidden;
  private final Model model;

  private InstrumentedModel(Builder builder) throws IOException {
    path = builder.path;
    device = builder.device;
    TorchScriptInstrumenter instrumenter = new TorchScriptInstrumenter(path);
    planned = instrumenter.sites();
    hidden = instrumenter.hiddenSites();
    if (planned.isEmpty()) {
      throw new InvalidInputException(
          "model "
              + path
              + " has no activation that can be captured: its source calls none of the activation"
              + " functions of torch.nn (it may be quantized or fused; export the float model in"
              + " eval mode)");
    }
    Path copy = Files.createTempFile("affinis-", ".pt");
    try {
      instrumenter.writeInstrumented(copy, builder.pooling, builder.layout);
      model = load(copy, path, device);
    } finally {
      // The engine has read the weights into memory by now.
      Files.deleteIfExists(copy);
    }
  }

  /**
   * Creates a builder.
   *
   * @return the builder
   */
  public static Builder builder() {
    return new Builder();
  }

  private static Model load(Path file, Path original, Device device) throws IOException {
    Model model = Model.newInstance(original.getFileName().toString(), device, ENGINE);
    try {
      model.load(file.toAbsolutePath(), null, Map.of("mapLocation", "true"));
      return model;
    } catch (EngineException | MalformedModelException e) {
      model.close();
      throw new InvalidInputException(
          "model " + original + " cannot be loaded by the engine: " + firstLine(e), e);
    } catch (IOException | RuntimeException e) {
      model.close();
      throw e;
    }
  }

  /**
   * Runs the model as it is, without captures. It is loaded for this call alone, so that two copies
   * of the weights are never needed longer than that.
   *
   * @param path model file
   * @param inputs the model's inputs; the outputs are attached to their manager
   * @return the outputs
   * @throws IOException if the file cannot be read
   * @throws InvalidInputException if the model cannot be loaded or rejects the inputs
   */
  public static NDList runPlain(Path path, NDList inputs) throws IOException {
    TorchScriptInstrumenter instrumenter = new TorchScriptInstrumenter(path);
    if (!instrumenter.needsPlainCopy()) {
      try (Model model = load(path, path, inputs.head().getDevice())) {
        return forward(model, path, inputs);
      }
    }
    Path copy = Files.createTempFile("affinis-", ".pt");
    try {
      instrumenter.writePlain(copy);
      try (Model model = load(copy, path, inputs.head().getDevice())) {
        return forward(model, path, inputs);
      }
    } finally {
      Files.deleteIfExists(copy);
    }
  }

  /**
   * Runs the model and captures every activation call.
   *
   * @param inputs the model's inputs, batch first, on {@link #device()}; everything returned is
   *     attached to their manager and lives as long as it
   * @return the model's own outputs and the captures
   * @throws InvalidInputException if the model rejects the inputs
   */
  public Run run(NDList inputs) {
    NDList outputs = new NDList();
    TreeMap<Integer, Tap> taps = new TreeMap<>();
    for (NDArray array : forward(model, path, inputs)) {
      if (TapKey.isKey(array.getName())) {
        TapKey key = TapKey.parse(array.getName());
        Tap tap = taps.computeIfAbsent(key.order(), order -> new Tap());
        if (key.isPre()) {
          tap.pre = array;
        } else {
          tap.post = array;
          tap.key = key;
        }
      } else {
        outputs.add(array);
      }
    }
    long batch = inputs.head().getShape().get(0);
    List<Capture> captures = new ArrayList<>();
    List<SkippedSite> skipped = new ArrayList<>();
    Map<String, Integer> calls = new HashMap<>();
    for (Tap tap : taps.values()) {
      int call = calls.merge(tap.key.path(), 1, Integer::sum);
      String reason = whyNotPerSample(tap.key.shape(), batch);
      if (reason == null) {
        captures.add(tap.capture(call));
      } else {
        skipped.add(new SkippedSite(tap.key.path(), call, tap.key.kind().word(), reason));
        tap.pre.close();
        tap.post.close();
      }
    }
    return new Run(outputs, List.copyOf(captures), List.copyOf(skipped));
  }

  private static String whyNotPerSample(Shape shape, long batch) {
    if (shape.dimension() == 0) {
      return "a single number, not per sample";
    }
    return shape.get(0) == batch
        ? null
        : "first dimension is " + shape.get(0) + ", not the batch: not per sample";
  }

  private static NDList forward(Model model, Path path, NDList inputs) {
    try {
      return model
          .getBlock()
          .forward(new ParameterStore(model.getNDManager(), false), inputs, false);
    } catch (EngineException e) {
      String reason = reason(e);
      boolean outOfMemory = OUT_OF_MEMORY.matcher(reason).find();
      throw new InvalidInputException(
          "model "
              + path
              + (outOfMemory ? " ran out of memory on" : " rejects")
              + " an input of shape "
              + inputs.head().getShape()
              + ": "
              + reason
              + (outOfMemory
                  ? "; pass a smaller --batch-size"
                  : "; give it the size it was exported for (--input-size, or --resize and"
                      + " --crop), and --samples that --batch-size divides if that is fixed, too"),
          e);
    }
  }

  /** The engine's own words without its stack traces: the last line that names an error. */
  private static String reason(EngineException e) {
    return String.valueOf(e.getMessage())
        .lines()
        .filter(line -> line.startsWith("RuntimeError: "))
        .map(line -> line.substring("RuntimeError: ".length()))
        .reduce((first, last) -> last)
        .orElse(firstLine(e));
  }

  private static String firstLine(Exception e) {
    return String.valueOf(e.getMessage())
        .lines()
        .filter(line -> !line.isBlank())
        .findFirst()
        .orElse("unknown error");
  }

  /**
   * Activation calls in the model's source, in its order. Which of them run, how often and with
   * what shapes, only a {@link #run} can tell.
   *
   * @return the calls that can be reached from the model's forward
   */
  public List<PlannedSite> plannedSites() {
    return planned;
  }

  /**
   * Activations that run inside a fused operator, where nothing can be captured.
   *
   * @return the calls, in the order of the source, with the reason
   */
  public List<SkippedSite> hiddenSites() {
    return hidden;
  }

  /**
   * Counts the model's parameters.
   *
   * @return the number of values in all trained tensors
   */
  public long parameterCount() {
    long count = 0;
    for (Pair<String, Parameter> parameter : model.getBlock().getParameters()) {
      count += parameter.getValue().getArray().size();
    }
    return count;
  }

  /**
   * Returns the device that the model runs on.
   *
   * @return the device
   */
  public Device device() {
    return device;
  }

  /**
   * Creates a manager for inputs of this model.
   *
   * @return a manager on the model's device, to be closed by the caller
   */
  public NDManager newManager() {
    return model.getNDManager().newSubManager();
  }

  @Override
  public void close() {
    model.close();
  }

  /** Both sides of one activation call while they are collected. */
  private static final class Tap {
    private NDArray pre;
    private NDArray post;
    private TapKey key;

    Capture capture(int call) {
      Shape shape = key.shape().slice(1);
      NDArray input = asRows(pre);
      NDArray output = asRows(post);
      int dimension = Math.toIntExact(output.getShape().get(1));
      return new Capture(new Site(key.path(), call, key.kind(), shape, dimension), input, output);
    }

    /** One value per sample is a matrix with one column. */
    private static NDArray asRows(NDArray array) {
      return array.getShape().dimension() == 1 ? array.expandDims(1) : array;
    }
  }

  /**
   * What one forward pass gave.
   *
   * @param outputs the model's own outputs
   * @param captures captures in the order of execution
   * @param skipped calls whose tensors are not one per sample
   */
  public record Run(NDList outputs, List<Capture> captures, List<SkippedSite> skipped) {}

  /** Builds an {@link InstrumentedModel}. */
  public static final class Builder {
    private Path path;
    private Pooling pooling = Pooling.CHANNEL;
    private Layout layout = Layout.AUTO;
    private Device device = Device.cpu();

    private Builder() {}

    /**
     * Sets the model file.
     *
     * @param modelPath a TorchScript file
     * @return this builder
     */
    public Builder setModelPath(Path modelPath) {
      path = modelPath;
      return this;
    }

    /**
     * Sets how activations become rows; {@link Pooling#CHANNEL} if not called.
     *
     * @param value the pooling
     * @return this builder
     */
    public Builder optPooling(Pooling value) {
      pooling = value;
      return this;
    }

    /**
     * Sets which axis holds the channels where the model does not say it; {@link Layout#AUTO} if
     * not called.
     *
     * @param value the layout of every activation with three or more axes
     * @return this builder
     */
    public Builder optLayout(Layout value) {
      layout = value;
      return this;
    }

    /**
     * Sets the device; the CPU if not called.
     *
     * @param value where the model runs and its captures live
     * @return this builder
     */
    public Builder optDevice(Device value) {
      device = value;
      return this;
    }

    /**
     * Rewrites and loads the model.
     *
     * @return the instrumented model, to be closed by the caller
     * @throws IOException if the file cannot be read or the temporary copy not be written
     * @throws InvalidInputException if the file is no model that can be instrumented
     */
    public InstrumentedModel build() throws IOException {
      Objects.requireNonNull(path, "setModelPath is required");
      return new InstrumentedModel(this);
    }
  }
}
