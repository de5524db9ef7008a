package dev.affinis.instrument;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.engine.EngineException;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractSymbolBlock;
import ai.djl.nn.Block;
import ai.djl.nn.ParameterList;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ZooModel;
import ai.djl.training.ParameterStore;
import ai.djl.training.Trainer;
import ai.djl.training.TrainingConfig;
import ai.djl.training.dataset.Dataset;
import ai.djl.translate.Translator;
import ai.djl.util.PairList;
import dev.affinis.instrument.data.DjlDatasetSource;
import dev.affinis.instrument.data.SampleSource;
import dev.affinis.instrument.data.Selection;
import dev.affinis.signature.Pooling;
import dev.affinis.signature.Signature;
import dev.affinis.signature.TokenPolicy;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * A model that also tells what its activations saw. It is a DJL model like the one it was made
 * from: a predictor made from it predicts as before, while listeners hear of every forward pass.
 *
 * <pre>{@code
 * try (InstrumentedModel<Image, Classifications> model =
 *         InstrumentedModel.builder()
 *             .setCriteria(criteria)
 *             .optListener(run -> run.captures().forEach(capture -> ...))
 *             .build();
 *     Predictor<Image, Classifications> predictor = model.newPredictor()) {
 *   predictor.predict(image);
 * }
 * }</pre>
 *
 * <p>A model file is rewritten before it is loaded, DJL's own blocks are changed in place until
 * this model is closed; activations are pooled on the model's device, so that only n x d rows ever
 * leave the engine. Model files are not touched.
 *
 * <p>An instance may be used by several threads at once, each with a predictor of its own as DJL
 * asks for: every forward pass has its own captures, and listeners hear of it on its thread.
 *
 * @param <I> what a predictor of this model takes
 * @param <O> what it gives
 */
public final class InstrumentedModel<I, O> extends ZooModel<I, O> {
  private final ModelSource<I, O> source;
  private final boolean ownsSource;
  private final TapOptions options;
  private final List<CaptureListener> listeners;
  private final TappedModel tapped;
  private final Block block;
  private volatile boolean isClosed;

  private InstrumentedModel(Builder<I, O> builder, TappedModel tapped) {
    super(tapped.model(), builder.source.translator());
    source = builder.source;
    ownsSource = builder.ownsSource;
    options = builder.options();
    listeners = List.copyOf(builder.listeners);
    this.tapped = tapped;
    block = new TappedBlock();
    source.properties().forEach(tapped.model()::setProperty);
  }

  /**
   * Creates a builder.
   *
   * @return the builder; its types change with the model it is given
   */
  public static Builder<NDList, NDList> builder() {
    return new Builder<>(null, false);
  }

  /**
   * Runs the model and captures every site. Listeners hear of it, too.
   *
   * @param inputs the model's inputs, batch first, on the model's device; everything returned is
   *     attached to their manager and lives as long as it
   * @return the model's own outputs and the captures
   * @throws InvalidInputException if the model rejects the inputs
   * @throws IllegalStateException if this model is closed
   */
  public Run run(NDList inputs) {
    Run run = runUnheard(inputs);
    tell(run);
    return run;
  }

  /** What a listener throws goes to the caller, who then gets no arrays to free. */
  private void tell(Run run) {
    try {
      listeners.forEach(listener -> listener.captured(run));
    } catch (RuntimeException e) {
      run.captures().forEach(Capture::close);
      run.outputs().close();
      throw e;
    }
  }

  /** Runs the model without telling the listeners. */
  Run runUnheard(NDList inputs) {
    return tap(new ParameterStore(getNDManager(), false), inputs);
  }

  private Run tap(ParameterStore parameters, NDList inputs) {
    if (isClosed) {
      throw new IllegalStateException("instrumented model " + getName() + " is closed");
    }
    if (inputs.isEmpty()) {
      throw new IllegalArgumentException("inputs are empty: expected arrays, batch first");
    }
    long batch = inputs.head().getShape().get(0);
    List<Integer> tokens = tokens(inputs);
    long maskLength = tokens.isEmpty() ? 0 : mask(inputs).getShape().get(1);
    TappedModel.Pass pass;
    try {
      pass = tapped.forward(parameters, inputs);
    } catch (EngineException e) {
      throw EngineErrors.rejected(source.description(), inputs, e);
    }
    List<Capture> captures = new ArrayList<>();
    List<SkippedSite> skipped = new ArrayList<>();
    List<Site> leftOut = new ArrayList<>();
    List<Site> unmasked = new ArrayList<>();
    Map<Caller, Integer> calls = new HashMap<>();
    int index = 0;
    for (Tap tap : pass.taps()) {
      if (!options.sites().observes(tap.path(), tap.kind())) {
        tap.close();
        continue;
      }
      int call = calls.merge(new Caller(tap.path(), tap.kind().type()), 1, Integer::sum);
      String reason = whyNoRows(tap, batch);
      if (reason != null) {
        skipped.add(new SkippedSite(tap.path(), call, tap.kind().word(), reason));
        tap.close();
        continue;
      }
      Site site = new Site(tap.path(), call, tap.kind(), tap.shape().slice(1), tap.dimension());
      if (options.sites().accepts(index++, tap.path(), tap.kind())) {
        boolean isMasked =
            !tokens.isEmpty()
                && TokenMask.applies(site.kind(), site.shape(), site.dimension(), maskLength);
        if (!tokens.isEmpty() && !isMasked && site.shape().size() > site.dimension()) {
          unmasked.add(site);
        }
        captures.add(
            new Capture(
                site,
                asMatrix(tap.pre()),
                asMatrix(tap.post()),
                Optional.ofNullable(tap.counts())
                    .map(counts -> isMasked ? counts.withTokens(tokens) : counts)));
      } else {
        leftOut.add(site);
        tap.close();
      }
    }
    return new Run(pass.outputs(), captures, skipped, leftOut, unmasked);
  }

  /** The input that tells tokens from padding. */
  private NDArray mask(NDList inputs) {
    return TokenMask.find(options.tokens(), source.instrumenter().inputNames(), inputs);
  }

  /** How many tokens each sample has; empty unless a mask says it. */
  private List<Integer> tokens(NDList inputs) {
    boolean isMasked =
        options.tokens().choice() == TokenPolicy.Choice.MASKED
            && options.form() == CaptureForm.POOLED;
    return isMasked ? TokenMask.counts(mask(inputs), inputs.head().getShape().get(0)) : List.of();
  }

  /** One value per sample is a matrix with one column. */
  private NDArray asMatrix(NDArray array) {
    return options.form() == CaptureForm.POOLED && array.getShape().dimension() == 1
        ? array.reshape(array.getShape().get(0), 1)
        : array;
  }

  /** Calls are numbered for each path and type, so that types do not change each other's names. */
  private record Caller(String path, SiteType type) {}

  private String whyNoRows(Tap tap, long batch) {
    Shape shape = tap.shape();
    String reason = whyNotPerSample(shape, batch);
    if (reason == null && tap.pre() != null && !tap.pre().isScalar()) {
      reason = whyNotPerSample(tap.pre().getShape(), batch);
    }
    boolean isOneToken =
        tap.kind().type() != SiteType.ATTENTION
            && shape.dimension() == 3
            && shape.get(1) == 1
            && shape.get(2) == tap.dimension();
    if (reason != null || !options.tokens().equals(TokenPolicy.PATCHES)) {
      return reason;
    }
    if (isOneToken) {
      return "it has one token only, and so no patches";
    }
    // Only of a module may the tokens that go in be others than those that come out.
    return tap.kind() == SiteKind.MODULE && isEmptyMean(tap.pre())
        ? "its input has one token only, and so no patches"
        : null;
  }

  /** Whether rows are means of nothing, which are NaN. */
  private static boolean isEmptyMean(NDArray rows) {
    if (rows == null || !rows.getDataType().isFloating()) {
      return false;
    }
    try (NDArray wrong = rows.isNaN();
        NDArray all = wrong.all()) {
      return all.getBoolean();
    }
  }

  private static String whyNotPerSample(Shape shape, long batch) {
    if (shape.dimension() == 0) {
      return "a single number, not per sample";
    }
    if (shape.get(0) != batch) {
      return "first dimension is " + shape.get(0) + ", not the batch: not per sample";
    }
    return null;
  }

  /**
   * Calls in the model's program that are observed, in its order. Which of them run, how often and
   * with what shapes, only {@link #sites} can tell.
   *
   * @return the calls that can be reached from the model's forward and that the filter may accept
   */
  public List<PlannedSite> plannedSites() {
    return source.instrumenter().sites(options.sites()).stream()
        .filter(options.sites()::mayAccept)
        .toList();
  }

  /**
   * Calls of the chosen types that are there but cannot be captured.
   *
   * @return the calls, in the order of the program, with the reason
   */
  public List<SkippedSite> hiddenSites() {
    return source.instrumenter().hiddenSites(options.sites());
  }

  /**
   * Says of which types that were asked for the model has none.
   *
   * @return a sentence for each
   */
  List<String> absences() {
    return new SiteRequest(options.sites(), source.instrumenter()).absences();
  }

  /**
   * Runs the model once to see its sites.
   *
   * @param inputs an example of its inputs, batch first; what is computed from it is freed
   * @return the sites that are captured, in the order of execution
   * @throws InvalidInputException if the model rejects the inputs
   */
  public List<Site> sites(NDList inputs) {
    try (NDManager scratch = newManager()) {
      Run run = runUnheard(copies(scratch, inputs));
      return run.captures().stream().map(Capture::site).toList();
    }
  }

  /** The same arrays under another manager: what is computed from them is freed with that. */
  static NDList copies(NDManager scratch, NDList arrays) {
    NDList copies = new NDList();
    for (NDArray array : arrays) {
      NDArray copy = array.duplicate();
      copy.attach(scratch);
      copies.add(copy);
    }
    return copies;
  }

  /**
   * Measures the model on all samples of a source; see {@link Measurement} for anything else than
   * the default settings.
   *
   * @param samples an open source, not closed
   * @return the signature
   * @throws InvalidInputException if the model or the data cannot be used
   * @throws IOException if a file cannot be read
   */
  public Signature measure(SampleSource samples) throws IOException {
    if (samples.size() < 2) {
      throw new InvalidInputException(
          "data "
              + samples.description()
              + " has "
              + samples.size()
              + " sample: a covariance needs at least 2");
    }
    return Measurement.builder()
        .setModel(this)
        .setSource(samples)
        .optSelection(Selection.first(samples.size()))
        .build()
        .run();
  }

  /**
   * Measures the model on all samples of one of DJL's datasets, as its own pipeline makes them.
   *
   * @param dataset a dataset whose samples can be asked for by number, prepared or not
   * @return the signature
   * @throws InvalidInputException if the model or the data cannot be used
   * @throws IOException if a file cannot be read
   */
  public Signature measure(Dataset dataset) throws IOException {
    try (SampleSource samples = DjlDatasetSource.open(dataset)) {
      return measure(samples);
    }
  }

  /**
   * Counts the model's parameters.
   *
   * @return the number of values in all trained tensors
   */
  public long parameterCount() {
    return tapped.parameterCount();
  }

  /**
   * Returns the device that the model runs on.
   *
   * @return the device
   */
  public Device device() {
    return getNDManager().getDevice();
  }

  /**
   * Creates a manager for inputs of this model.
   *
   * @return a manager on the model's device, to be closed by the caller
   */
  public NDManager newManager() {
    return getNDManager().newSubManager();
  }

  /** Where this model came from. */
  ModelSource<I, O> source() {
    return source;
  }

  /** What is captured, and how. */
  TapOptions options() {
    return options;
  }

  @Override
  public Block getBlock() {
    return block;
  }

  @Override
  public <P, Q> Predictor<P, Q> newPredictor(Translator<P, Q> translator, Device device) {
    return new Predictor<>(this, translator, device, false);
  }

  @Override
  public String getName() {
    return source.name();
  }

  @Override
  public Path getModelPath() {
    return source.folder();
  }

  @Override
  public String[] getArtifactNames() {
    Path folder = source.folder();
    try (Stream<Path> files = Files.walk(folder)) {
      return files
          .filter(Files::isRegularFile)
          .map(file -> folder.relativize(file).toString())
          .sorted()
          .toArray(String[]::new);
    } catch (IOException e) {
      throw new AssertionError("model folder " + folder + " cannot be listed", e);
    }
  }

  @Override
  public URL getArtifact(String name) throws IOException {
    Path file = source.folder().resolve(name);
    if (!Files.isReadable(file)) {
      throw new FileNotFoundException("artifact " + file + " cannot be read");
    }
    return file.toUri().toURL();
  }

  @Override
  public InputStream getArtifactAsStream(String name) throws IOException {
    return getArtifact(name).openStream();
  }

  @Override
  public <T> T getArtifact(String name, Function<InputStream, T> function) throws IOException {
    try (InputStream in = getArtifactAsStream(name)) {
      return function.apply(in);
    }
  }

  /** Not supported: an instrumented model is for inference. */
  @Override
  public void setBlock(Block value) {
    throw new UnsupportedOperationException(
        "an instrumented model keeps its block: set it on the model before instrumenting it");
  }

  /** Not supported: an instrumented model is for inference. */
  @Override
  public Trainer newTrainer(TrainingConfig trainingConfig) {
    throw new UnsupportedOperationException(
        "an instrumented model is for inference: train the model itself, then instrument it");
  }

  /**
   * Frees the model, or gives DJL's own blocks back as they were; a model that was handed in loaded
   * stays open. Nothing may run when this is called; a second call does nothing.
   */
  @Override
  public void close() {
    if (isClosed) {
      return;
    }
    isClosed = true;
    tapped.close();
    if (ownsSource) {
      source.close();
    }
  }

  /** What predictors run: the model's own outputs come back, captures go to the listeners. */
  private final class TappedBlock extends AbstractSymbolBlock {
    @Override
    protected NDList forwardInternal(
        ParameterStore parameterStore,
        NDList inputs,
        boolean training,
        PairList<String, Object> params) {
      Run run = tap(parameterStore, inputs);
      tell(run);
      run.captures().forEach(Capture::close);
      return run.outputs();
    }

    @Override
    public ParameterList getDirectParameters() {
      return tapped.model().getBlock().getParameters();
    }

    @Override
    public void removeLastBlock() {
      throw new UnsupportedOperationException(
          "an instrumented model keeps its block: change the model before instrumenting it");
    }
  }

  /**
   * What one forward pass gave.
   *
   * @param outputs the model's own outputs
   * @param captures captures in the order of execution
   * @param skipped calls whose tensors are not one per sample
   * @param leftOut calls that the filter does not mean
   * @param unmasked with {@link TokenPolicy.Choice#MASKED}, captured sites that have positions, but
   *     not as many as the mask, or on more than one axis: their rows are means over all of them
   */
  public record Run(
      NDList outputs,
      List<Capture> captures,
      List<SkippedSite> skipped,
      List<Site> leftOut,
      List<Site> unmasked) {
    /** Copies the lists of sites. */
    public Run {
      captures = List.copyOf(captures);
      skipped = List.copyOf(skipped);
      leftOut = List.copyOf(leftOut);
      unmasked = List.copyOf(unmasked);
    }
  }

  /**
   * Builds an {@link InstrumentedModel}. One of the setters is required; those of models return a
   * builder of that model's types, with the options given so far.
   *
   * @param <I> what a predictor of the model takes
   * @param <O> what it gives
   */
  public static final class Builder<I, O> {
    private final ModelSource<I, O> source;
    private final boolean ownsSource;
    private final List<CaptureListener> listeners = new ArrayList<>();
    private CaptureForm form = CaptureForm.POOLED;
    private Pooling pooling = Pooling.CHANNEL;
    private Layout layout = Layout.AUTO;
    private SiteFilter sites = SiteFilter.ALL;
    private TokenPolicy tokens = TokenPolicy.ALL;
    private OptionalDouble threshold = OptionalDouble.empty();
    private Device device;
    private boolean isBuilt;

    private Builder(ModelSource<I, O> source, boolean ownsSource) {
      this.source = source;
      this.ownsSource = ownsSource;
    }

    private <P, Q> Builder<P, Q> with(ModelSource<P, Q> model, boolean owned) {
      if (ownsSource) {
        source.close();
      }
      Builder<P, Q> next = new Builder<>(model, owned);
      next.listeners.addAll(listeners);
      next.form = form;
      next.pooling = pooling;
      next.layout = layout;
      next.sites = sites;
      next.tokens = tokens;
      next.threshold = threshold;
      next.device = device;
      return next;
    }

    /**
     * Sets the model file.
     *
     * @param path a TorchScript file, an ONNX file, or a folder with one
     * @return a builder of a model from NDList to NDList
     * @throws IOException if the file cannot be read
     * @throws InvalidInputException if it is no model that can be instrumented
     */
    public Builder<NDList, NDList> setModelPath(Path path) throws IOException {
      return with(ModelSource.of(path), true);
    }

    /**
     * Sets the model by what it is looked up with, as in {@link Criteria#loadModel()}.
     *
     * @param criteria the criteria; engine, options, translator and device are taken from it
     * @param <P> what a predictor of the model takes
     * @param <Q> what it gives
     * @return a builder of a model of these types
     * @throws IOException if the model cannot be read
     * @throws InvalidInputException if there is no such model, or none that can be instrumented
     */
    public <P, Q> Builder<P, Q> setCriteria(Criteria<P, Q> criteria) throws IOException {
      return with(ModelSource.of(criteria), true);
    }

    /**
     * Sets a model that is loaded already, with its translator. A copy is instrumented if it came
     * from a model file; DJL's own blocks are instrumented in place.
     *
     * @param model the model, which stays the caller's to close, after the instrumented one
     * @param <P> what a predictor of the model takes
     * @param <Q> what it gives
     * @return a builder of a model of these types
     * @throws IOException if the model's file cannot be read
     * @throws InvalidInputException if it cannot be instrumented
     */
    public <P, Q> Builder<P, Q> setModel(ZooModel<P, Q> model) throws IOException {
      return with(ModelSource.of(model), true);
    }

    /**
     * Sets a model that is loaded already. A copy is instrumented if it came from a model file;
     * DJL's own blocks are instrumented in place.
     *
     * @param model the model, which stays the caller's to close, after the instrumented one
     * @return a builder of a model from NDList to NDList
     * @throws IOException if the model's file cannot be read
     * @throws InvalidInputException if it cannot be instrumented
     */
    public Builder<NDList, NDList> setModel(Model model) throws IOException {
      return with(ModelSource.of(model), true);
    }

    /**
     * Sets a block and the file with its parameters.
     *
     * <p>Its parameters are put on the device that {@link #optDevice} was called with before, or
     * the CPU.
     *
     * @param block a block of DJL's own layers, instrumented in place until the model is closed
     * @param parameters file written by {@link Model#save}, such as {@code mlp-0000.params}
     * @return a builder of a model from NDList to NDList
     * @throws IOException if the file cannot be read
     * @throws InvalidInputException if the parameters are not the block's
     */
    public Builder<NDList, NDList> setBlock(Block block, Path parameters) throws IOException {
      return with(ModelSource.of(block, parameters, device == null ? Device.cpu() : device), true);
    }

    /**
     * Sets where the model comes from.
     *
     * @param model the source, not closed with the model
     * @param <P> what a predictor of the model takes
     * @param <Q> what it gives
     * @return a builder of a model of these types
     */
    public <P, Q> Builder<P, Q> setSource(ModelSource<P, Q> model) {
      return with(model, false);
    }

    /**
     * Adds someone who hears of every forward pass.
     *
     * @param listener called after each forward pass, on its thread
     * @return this builder
     */
    public Builder<I, O> optListener(CaptureListener listener) {
      listeners.add(listener);
      return this;
    }

    /**
     * Sets what captures hold; {@link CaptureForm#POOLED} if not called.
     *
     * @param value rows, or whole tensors (which take as much memory as the model's activations
     *     together: narrow the sites down)
     * @return this builder
     */
    public Builder<I, O> optForm(CaptureForm value) {
      form = value;
      return this;
    }

    /**
     * Sets which sites are captured; all activations if not called.
     *
     * @param value the filter
     * @return this builder
     */
    public Builder<I, O> optSites(SiteFilter value) {
      sites = value;
      return this;
    }

    /**
     * Sets how activations become rows; {@link Pooling#CHANNEL} if not called.
     *
     * @param value the pooling
     * @return this builder
     */
    public Builder<I, O> optPooling(Pooling value) {
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
    public Builder<I, O> optLayout(Layout value) {
      layout = value;
      return this;
    }

    /**
     * Sets which tokens of a transformer's activations become rows; {@link TokenPolicy#ALL} if not
     * called. Only {@link Pooling#CHANNEL} knows tokens. With a mask, running the model on inputs
     * whose mask is none, or leaves a sample without tokens, is an {@link InvalidInputException}.
     *
     * @param value the tokens
     * @return this builder
     */
    public Builder<I, O> optTokens(TokenPolicy value) {
      tokens = value;
      return this;
    }

    /**
     * Asks for counts over the whole tensors with each capture of {@link CaptureForm#POOLED}: how
     * many values are small, and how many at a bound of the function. Costs two or three passes
     * over each tensor; nothing is counted if not called.
     *
     * @param smallUpTo largest magnitude of a small value, at least 0; 0.001 in the authors' code
     * @return this builder
     * @throws IllegalArgumentException if it is less than 0, or not finite
     */
    public Builder<I, O> optCounts(double smallUpTo) {
      if (!(smallUpTo >= 0 && smallUpTo < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            "threshold must be a finite number from 0, got "
                + smallUpTo
                + ": pass 0.001, say, with --sparsity-threshold");
      }
      threshold = OptionalDouble.of(smallUpTo);
      return this;
    }

    /**
     * Sets the device; if not called, the one that a loaded model or criteria bring, and the CPU
     * for a model file.
     *
     * @param value where the model runs and its captures live
     * @return this builder
     */
    public Builder<I, O> optDevice(Device value) {
      device = value;
      return this;
    }

    private TapOptions options() {
      OptionalDouble counted = form == CaptureForm.POOLED ? threshold : OptionalDouble.empty();
      return new TapOptions(form, pooling, layout, sites, tokens, counted);
    }

    /**
     * Instruments and loads the model. A builder builds one model.
     *
     * @return the instrumented model, to be closed by the caller
     * @throws IOException if a file cannot be read or a temporary copy not be written
     * @throws InvalidInputException if the model cannot be instrumented, does not take the mask
     *     that tokens were chosen by, or the device is not there
     * @throws IllegalArgumentException if the pooling does not know tokens, and some were chosen
     */
    public InstrumentedModel<I, O> build() throws IOException {
      Objects.requireNonNull(
          source, "one of setModelPath, setCriteria, setModel, setBlock or setSource is required");
      if (isBuilt) {
        throw new IllegalStateException("this builder has built its model: make another");
      }
      isBuilt = true;
      Device where = device == null ? source.device() : device;
      try {
        Devices.requirePresent(where);
        return new InstrumentedModel<>(this, source.load(where, options()));
      } catch (IOException | RuntimeException e) {
        if (ownsSource) {
          source.close();
        }
        throw e;
      }
    }
  }
}
