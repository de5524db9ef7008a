package dev.affinis.instrument;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.jni.JniUtils;
import dev.affinis.instrument.MeasurementListener.Phase;
import dev.affinis.instrument.MemoryPlan.SiteMemory;
import dev.affinis.instrument.data.BatchLoader;
import dev.affinis.instrument.data.SampleSource;
import dev.affinis.instrument.data.Selection;
import dev.affinis.signature.LayerSample;
import dev.affinis.signature.LayerScores;
import dev.affinis.signature.Pooling;
import dev.affinis.signature.Signature;
import dev.affinis.signature.SignatureFile;
import dev.affinis.signature.TokenPolicy;
import dev.affinis.signature.covariance.Covariance;
import dev.affinis.signature.covariance.Ridge;
import dev.affinis.signature.score.CountedScore;
import dev.affinis.signature.score.ScoreCatalogue;
import dev.affinis.signature.score.ScoreOptions;
import dev.affinis.signature.score.ScoreSet;
import dev.affinis.signature.transport.AffinityScore;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Measures the non-linearity signature of a model: runs samples through it in batches, keeps the
 * pooled rows of every activation, and scores each site once all samples are through.
 *
 * <pre>{@code
 * Selection first = Selection.first(512);
 * try (SampleSource photos = SampleSource.open("photos", Preprocessing.builder().build(), first)) {
 *   Signature signature =
 *       Measurement.builder()
 *           .setModel(ModelSource.of(Path.of("resnet50.pt")))
 *           .setSource(photos)
 *           .optSelection(first)
 *           .build()
 *           .run();
 * }
 * }</pre>
 *
 * <p>Every run checks itself: the first batch goes through the plain model, too, and outputs must
 * agree; every site that stands outside conditions must have run; all batches must have met the
 * same sites. Captures (8 bytes per sample and channel of every site) and what scores need ({@link
 * dev.affinis.signature.transport.Workspace}) stay within a budget, see {@link MemoryPlan}; the
 * model and a batch come on top. Sites are scored on several threads.
 */
public final class Measurement {
  /** The engine that scores are computed with. */
  static final String ENGINE = "PyTorch";

  private final MeasuredModel model;
  private final SampleSource source;
  private final Builder options;
  private final Selection selection;
  private String checksum;
  private volatile boolean isStopped;
  private volatile SiteScorer<LayerScores> scorer;

  private Measurement(Builder builder) {
    model =
        new MeasuredModel(
            builder.model, builder.instrumented, builder.tapOptions(), builder.device);
    source = Objects.requireNonNull(builder.source, "setSource is required");
    options = builder;
    selection =
        builder.batches == 0 ? builder.selection : builder.selection.inBatches(builder.batches);
  }

  /**
   * Creates a builder.
   *
   * @return the builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Runs the measurement.
   *
   * @return the signature
   * @throws InvalidInputException if the model or the data cannot be used
   * @throws SelfCheckException if an activation was missed
   * @throws MeasurementStoppedException if {@link #stop} was called, or the thread is interrupted
   * @throws IOException if a file cannot be read
   */
  public Signature run() throws IOException {
    return run(signature -> {});
  }

  /**
   * Runs the measurement and writes the signature. What is kept for another run to go on with
   * ({@link Builder#optResume}) is removed once the file is there, not before.
   *
   * @param file where, replaced in one step if it exists; its folder must exist
   * @return the signature
   * @throws InvalidInputException if the model or the data cannot be used, or the file cannot be
   *     written, or could not be read again (see {@link SignatureFile#write})
   * @throws SelfCheckException if an activation was missed
   * @throws MeasurementStoppedException if {@link #stop} was called, or the thread is interrupted
   * @throws IOException if a file cannot be read
   */
  public Signature run(Path file) throws IOException {
    return run(
        signature -> {
          try {
            SignatureFile.write(signature, file);
          } catch (IOException e) {
            throw notWritten(file, e);
          } catch (IllegalArgumentException e) {
            throw new InvalidInputException(
                e.getMessage() + "; measure fewer of its sites (--sites), or leave that score out",
                e);
          }
        });
  }

  private InvalidInputException notWritten(Path file, IOException cause) {
    return new InvalidInputException(
        "signature cannot be written to "
            + file
            + " ("
            + cause.getMessage()
            + "): make room there, or give another place"
            + (options.cache.isPresent()
                ? "; what was captured and scored is kept, so that the next run only writes"
                : ""),
        cause);
  }

  /** Of the model; computed once in a run, as it reads all of the file. */
  private String checksum() throws IOException {
    if (checksum == null) {
      checksum = model.source().sha256();
    }
    return checksum;
  }

  private Signature run(Consumer<Signature> finished) throws IOException {
    checksum = null;
    requireRunning();
    Devices.requirePresent(model.device());
    source.notice().ifPresent(options.listener::notice);
    try {
      return inBatchesThatFit(batchSize -> run(batchSize, finished));
    } catch (SelfCheckException e) {
      throw new SelfCheckException(e.getMessage() + "; " + model.reportRequest(), e);
    }
  }

  private interface Attempt<T> {
    T with(int batchSize) throws IOException;
  }

  /**
   * Tries with half the batch size when memory runs out, if that was asked for. All of it is done
   * again, so that a signature is what a run with that batch size gives, bit for bit.
   */
  private <T> T inBatchesThatFit(Attempt<T> attempt) throws IOException {
    int size = options.batchSize;
    while (true) {
      try {
        return attempt.with(size);
      } catch (InvalidInputException e) {
        int tried = Math.min(size, samples());
        if (!options.shrinksBatches || tried == 1 || !EngineErrors.isOutOfMemory(e)) {
          throw e;
        }
        size = tried / 2;
        options.listener.notice(
            "a batch of %s samples does not fit into memory: going on in batches of %s"
                .formatted(tried, size));
      }
    }
  }

  /** The batch sizes that are tried after one that does not fit. */
  private Set<Integer> smaller(int batchSize) {
    Set<Integer> sizes = new HashSet<>();
    int size = Math.min(batchSize, samples()) / 2;
    while (options.shrinksBatches && size > 0) {
      sizes.add(size);
      size /= 2;
    }
    return sizes;
  }

  private Signature run(int batchSize, Consumer<Signature> finished) throws IOException {
    try (NDManager manager = NDManager.newBaseManager(model.device(), ENGINE);
        RunState state = state(batchSize);
        CaptureRun captured =
            new CaptureRun(
                this, model, batchSize, manager, options.limits(), options.listener, state)) {
      try {
        while (captured.hasNext()) {
          inHeap(batchSize, size -> captured.next())
              .ifPresent(store -> score(store, captured, manager));
          captured.endScores();
        }
        Signature signature = signature(captured, batchSize);
        finished.accept(signature);
        state.remove();
        return signature;
      } catch (MeasurementStoppedException e) {
        throw new MeasurementStoppedException(captured.progress(), state.folder());
      } catch (RuntimeException | IOException e) {
        if (Thread.currentThread().isInterrupted()) { // what waited, read or wrote broke off
          throw new MeasurementStoppedException(captured.progress(), state.folder(), e);
        }
        if (options.shrinksBatches && EngineErrors.isOutOfMemory(e)) {
          state.remove(); // no run goes on in batches of this size
        }
        throw e;
      }
    }
  }

  private <T> T inHeap(int batchSize, Attempt<T> attempt) throws IOException {
    try {
      return attempt.with(batchSize);
    } catch (OutOfMemoryError e) {
      throw EngineErrors.heapExhausted(model.source().description(), batchSize, e);
    }
  }

  /** What an interrupted run kept, if that was asked for. */
  private RunState state(int batchSize) throws IOException {
    if (options.cache.isEmpty()) {
      return RunState.none();
    }
    Optional<String> data = source.identity();
    Optional<String> reason =
        model
            .whyNotResumed()
            .or(
                () ->
                    data.isPresent()
                        ? Optional.empty()
                        : Optional.of(
                            "nothing tells whether the samples of "
                                + source.description()
                                + " are still the same: SampleSource.identity gives nothing"));
    if (reason.isPresent() && options.resumesIfPossible) {
      options.listener.notice("nothing is kept to go on with: " + reason.get());
      return RunState.none();
    }
    if (reason.isPresent()) {
      throw new InvalidInputException(
          "an interrupted run cannot be gone on with: " + reason.get() + "; leave --resume out");
    }
    return options
        .cache
        .get()
        .open(
            new RunManifest(
                model.source().name(),
                source.description(),
                samples(),
                batchSize,
                RunKey.of(keyParts(data.get(), batchSize))),
            smaller(batchSize),
            options.listener::notice);
  }

  /** All that the bits of captures and scores depend on. */
  private Map<String, Object> keyParts(String data, int batchSize) throws IOException {
    TapOptions taps = model.taps();
    Map<String, Object> parts = new LinkedHashMap<>();
    parts.put("version", CodeVersion.current());
    parts.put("model", model.source().runtime().word() + " " + checksum());
    parts.put("data", data);
    parts.put("preprocess", source.preprocess());
    parts.put("shape", source.sampleShape().getShape());
    parts.put("selection", selection.toString());
    parts.put(RunKey.BATCH_SIZE, batchSize);
    parts.put("skip_bad", options.skipsBad);
    parts.put("pooling", taps.pooling().word());
    parts.put("layout", taps.layout().word());
    parts.put("tokens", taps.tokens().word());
    parts.put("sites", taps.sites().describe());
    parts.put("spans", options.spans.stream().map(s -> s.from() + "," + s.to()).toList());
    parts.put("scores", options.scoreNames);
    parts.put("covariance", options.covariance.word());
    parts.put("ridge", options.ridge.word());
    parts.put("confidence", options.replicates);
    parts.put("sparsity_threshold", options.threshold());
    parts.put("device", Devices.word(model.device()));
    List<String> engines = new ArrayList<>(List.of(ENGINE));
    if (model.source().runtime() == Signature.ModelRuntime.ONNX) {
      engines.add(ModelSource.ONNX_ENGINE);
    }
    parts.put(
        "engines", engines.stream().map(e -> e + " " + Engine.getEngine(e).getVersion()).toList());
    // Sums are cut into as many parts as there are threads.
    parts.put("threads", JniUtils.getNumThreads());
    parts.put("processors", Runtime.getRuntime().availableProcessors());
    parts.put("machine", RunKey.machine());
    parts.put("environment", RunKey.environment(System.getenv()));
    // Its library decodes images and has the functions that are no arithmetic.
    parts.put("java", System.getProperty("java.vm.vendor") + " " + Runtime.version());
    return parts;
  }

  /**
   * Asks a run to end soon: it stops behind the batch that is in the model, or the sites that are
   * being scored, and throws {@link MeasurementStoppedException}. What is done stays kept, if that
   * was asked for. A run that has only its file left to write does that. May be called by any
   * thread. An interrupt of the thread that runs does the same, and stays set; the batch that is
   * being kept at that moment is lost.
   */
  public void stop() {
    isStopped = true;
    SiteScorer<LayerScores> current = scorer;
    if (current != null) {
      current.stop();
    }
  }

  /** Ends a run that was asked to. */
  void requireRunning() {
    if (isStopped || Thread.currentThread().isInterrupted()) {
      throw new MeasurementStoppedException("", Optional.empty());
    }
  }

  private Signature signature(CaptureRun captured, int batchSize) throws IOException {
    ModelSource<?, ?> file = model.source();
    RunState.Samples seen = captured.samples();
    int samples = seen.size() / batches();
    return new Signature(
        new Signature.Model(file.name(), file.runtime(), checksum(), captured.parameterCount()),
        new Signature.Data(
            source.description(),
            samples,
            selection.seed(),
            source.preprocess(),
            Signature.Classes.of(seen.labels(), samples)),
        new Signature.Settings(
            model.taps().pooling(),
            options.covariance,
            options.ridge,
            Devices.word(model.device()),
            captured.engines(),
            settings(captured, batchSize)),
        captured.scores(),
        captured.skipped().stream()
            .map(s -> new Signature.Skipped(s.path(), s.call(), s.activation(), s.reason()))
            .toList());
  }

  /** The version of Affinis; classes that are in no jar have none. */
  static Optional<String> version() {
    return Optional.ofNullable(Measurement.class.getPackage().getImplementationVersion());
  }

  /** The settings that not every measurement has. */
  private Map<String, Object> settings(CaptureRun captured, int batchSize) {
    TapOptions taps = model.taps();
    Map<String, Object> more = new LinkedHashMap<>();
    more.put("layout", taps.layout().word());
    if (taps.pooling() == Pooling.CHANNEL) {
      more.put("tokens", taps.tokens().word());
    }
    if (!taps.tokens().equals(TokenPolicy.ALL)) {
      more.put("token_sites", captured.tokenSites());
    }
    if (!captured.unmasked().isEmpty()) {
      more.put("unmasked_sites", captured.unmasked().stream().map(Site::label).toList());
    }
    more.put("batch_size", batchSize);
    if (!taps.sites().equals(SiteFilter.ALL)) {
      more.put("sites", taps.sites().describe());
    }
    if (options.counts()) {
      taps.threshold().ifPresent(value -> more.put("sparsity_threshold", value));
    }
    if (batches() > 1) {
      more.put("batches", batches());
    }
    if (options.replicates > 0) {
      more.put("confidence", options.replicates);
      more.put("confidence_method", "linear-bootstrap");
    }
    more.putAll(options.scores().settings());
    version().ifPresent(version -> more.put("affinis", version));
    return more;
  }

  /**
   * Finds out what a run will do, without doing it: one batch goes through the instrumented model
   * to see its sites.
   *
   * @return the sites and the memory to expect
   * @throws InvalidInputException if the model or the data cannot be used
   * @throws IOException if a file cannot be read
   */
  public MeasurementPlan plan() throws IOException {
    Devices.requirePresent(model.device());
    source.notice().ifPresent(options.listener::notice);
    return inBatchesThatFit(batchSize -> inHeap(batchSize, this::plan));
  }

  private MeasurementPlan plan(int batchSize) throws IOException {
    int samples = selection.of(source);
    int scored = samples / selection.batches();
    Selection few =
        new Selection(
            Math.max(2, Math.min(batchSize, scored)), selection.order(), selection.seed());
    if (samples < selection.total()) {
      options.listener.notice(
          "asked for " + selection.total() + " samples, but there are " + samples);
    }
    try (NDManager manager = NDManager.newBaseManager(model.device(), ENGINE);
        BatchLoader loader = loader(manager, few, batchSize).build()) {
      return model.instrumented(
          Set.of(),
          instrumented -> {
            SiteCheck check = new SiteCheck(instrumented);
            instrumented.absences().forEach(options.listener::notice);
            try (BatchLoader.Batch batch = loader.next();
                NDManager scratch = batch.data().getManager().newSubManager()) {
              probe(check, instrumented, batch);
              InstrumentedModel.Run run = instrumented.run(inputs(scratch, batch.data()));
              List<Capture> captures = spans().added(check.accept(run, batch.size()));
              MemoryPlan plan =
                  options.limits().plan(captures.stream().map(c -> memory(c, samples)).toList());
              List<Site> unmasked = run.unmasked().stream().filter(check::isMeasured).toList();
              plan.notice(instrumented.options().tokens(), unmasked)
                  .ifPresent(options.listener::notice);
              return new MeasurementPlan(
                  scored,
                  selection.batches(),
                  source.sampleShape(),
                  plan,
                  check.skipped(),
                  instrumented.parameterCount());
            }
          });
    }
  }

  /**
   * What a site takes of which one batch was captured.
   *
   * @param samples how many samples are captured, over all sets
   */
  SiteMemory memory(Capture capture, long samples) {
    return SiteMemory.of(capture, samples, samples / batches(), options.scores());
  }

  /** The spans that were asked for. */
  Spans spans() {
    return new Spans(options.spans);
  }

  /** How many disjoint sets of samples are scored, each by itself. */
  int batches() {
    return selection.batches();
  }

  /**
   * A batch as the model's inputs, whose results end with a manager.
   *
   * @throws InvalidInputException if the device has no room for a copy
   */
  NDList inputs(NDManager scratch, NDArray batch) {
    try {
      NDArray copy = batch.duplicate();
      copy.attach(scratch);
      return source.inputs(copy);
    } catch (EngineException e) {
      throw EngineErrors.notCopied(batch.getShape(), e);
    }
  }

  /** Runs the model on another number of samples than that of the first batch. */
  void probe(SiteCheck check, InstrumentedModel<?, ?> instrumented, BatchLoader.Batch first) {
    check.probe(instrumented, first.data(), this::inputs);
  }

  /** How many samples there are over all sets. */
  int samples() {
    return selection.of(source);
  }

  /**
   * Starts to read the samples.
   *
   * @param position where to go on; {@code null} for the beginning
   */
  BatchLoader openLoader(NDManager manager, int batchSize, BatchLoader.Position position) {
    return loader(manager, selection, batchSize).optPosition(position).build();
  }

  /** The seed of all that is drawn at random. */
  long seed() {
    return selection.seed();
  }

  /** An error of the model on samples that are not the first. */
  InvalidInputException inTheMiddle(List<Integer> samples, InvalidInputException cause) {
    return new InvalidInputException(
        "on the batch from "
            + source.name(samples.get(0))
            + " to "
            + source.name(samples.get(samples.size() - 1))
            + ", though not on the first: "
            + cause.getMessage(),
        cause.getCause());
  }

  private BatchLoader.Builder loader(NDManager manager, Selection chosen, int batchSize) {
    return BatchLoader.builder()
        .setSource(source)
        .setManager(manager)
        .setSelection(chosen)
        .optBatchSize(batchSize)
        .optSkipBad(options.skipsBad);
  }

  /** Scores the sites of a pass that have no scores yet. */
  private void score(CaptureStore store, CaptureRun captured, NDManager manager) {
    LayerScoring scoring = new LayerScoring(options.scores());
    MemoryPlan plan = captured.plan();
    int pass = captured.pass();
    List<Integer> indices = plan.passes().get(pass);
    List<Integer> open = captured.open();
    options.listener.begin(Phase.SCORE, indices.size());
    options.listener.advance(indices.size() - open.size());
    scorer =
        new SiteScorer<>(
            plan,
            pass,
            open,
            Runtime.getRuntime().maxMemory(),
            i -> {
              Site site = plan.sites(pass).get(i).site();
              try (NDManager scratch = manager.newSubManager()) {
                List<LayerSample> sets = store.take(i, scratch);
                StoredRows.requireSound(site, sets, store.size() / batches(), seed());
                return scoring.score(indices.get(i), site, sets);
              } catch (EngineException e) {
                throw EngineErrors.notScored(site, e);
              }
            });
    try {
      requireRunning(); // if stop() came before it could see the scorer
      scorer.run(
          layer -> {
            captured.scored(layer);
            options.listener.advance(1);
          });
    } finally {
      scorer = null;
    }
    if (!captured.open().isEmpty()) {
      requireRunning();
    }
    options.listener.end();
  }

  /** Builds a {@link Measurement}. */
  public static final class Builder {
    private ModelSource<?, ?> model;
    private InstrumentedModel<?, ?> instrumented;
    private SampleSource source;
    private Selection selection = Selection.first(512);
    private int batches;
    private int batchSize = 16;
    private boolean shrinksBatches;
    private TapOptions taps = DEFAULTS;
    private Covariance covariance = Covariance.LEDOIT_WOLF;
    private Ridge ridge = Ridge.RELATIVE;
    private int replicates;
    private OptionalDouble threshold = OptionalDouble.empty();
    private Device device;
    private boolean skipsBad;
    private final List<Spans.Named> spans = new ArrayList<>();
    private Optional<Long> memory = Optional.empty();
    private Optional<Path> spillDirectory = Optional.empty();
    private Optional<RunCache> cache = Optional.empty();
    private boolean resumesIfPossible;
    private int scoringThreads = Math.min(MOST_THREADS, Runtime.getRuntime().availableProcessors());
    private MeasurementListener listener = MeasurementListener.NONE;
    private List<String> scoreNames = List.of("affinity");

    /** Beyond these, the engine's own threads are in each other's way. */
    private static final int MOST_THREADS = 4;

    private static final TapOptions DEFAULTS =
        new TapOptions(CaptureForm.POOLED, Pooling.CHANNEL, Layout.AUTO, SiteFilter.ALL);

    private Builder() {}

    /** What is captured: counts only where a score asks for them. */
    private TapOptions tapOptions() {
      return new TapOptions(
          taps.form(),
          taps.pooling(),
          taps.layout(),
          taps.sites(),
          taps.tokens(),
          counts() ? OptionalDouble.of(threshold()) : OptionalDouble.empty());
    }

    private MemoryLimits limits() {
      return new MemoryLimits(memory, spillDirectory, scoringThreads);
    }

    /** What was asked for; else what an instrumented model counts with, so that scores agree. */
    private double threshold() {
      OptionalDouble counted =
          instrumented == null ? OptionalDouble.empty() : instrumented.options().threshold();
      return threshold.orElse(counted.orElse(CountedScore.THRESHOLD));
    }

    /** Whether a score asks for counts over whole tensors. */
    private boolean counts() {
      return scores().needsCounts();
    }

    private ScoreSet scores() {
      return ScoreCatalogue.select(
          scoreNames,
          new ScoreOptions(covariance, ridge, replicates, threshold(), selection.seed()));
    }

    /**
     * Sets the model.
     *
     * @param value where it comes from; not closed by the measurement
     * @return this builder
     */
    public Builder setModel(ModelSource<?, ?> value) {
      model = value;
      instrumented = null;
      return this;
    }

    /**
     * Sets a model that is instrumented already. Pooling, layout, tokens, sites and device are its
     * own and cannot be set here; its listeners hear of the measurement's batches. The model file
     * is loaded a second time for the comparison with the plain model.
     *
     * @param value the model, with pooled captures; not closed by the measurement
     * @return this builder
     * @throws IllegalArgumentException if its captures are not pooled
     */
    public Builder setModel(InstrumentedModel<?, ?> value) {
      if (value.options().form() != CaptureForm.POOLED) {
        throw new IllegalArgumentException(
            "a measurement needs pooled captures, but the model's are raw: leave optForm out");
      }
      model = value.source();
      instrumented = value;
      return this;
    }

    /**
     * Sets the data.
     *
     * @param value an open source, not closed by the measurement
     * @return this builder
     */
    public Builder setSource(SampleSource value) {
      source = value;
      return this;
    }

    /**
     * Sets which samples are used; the first 512 if not called.
     *
     * @param value the selection
     * @return this builder
     */
    public Builder optSelection(Selection value) {
      selection = value;
      return this;
    }

    /**
     * Sets how many disjoint sets of samples are scored, each by itself: scores are then means,
     * with {@link LayerScores#batches()} beside them. Each set has as many samples as the selection
     * says. Those of the selection if not called, usually 1; see {@link Selection#inBatches}, which
     * a source of random samples has to be opened with.
     *
     * @param value at least 1
     * @return this builder
     * @throws IllegalArgumentException if it is less than 1
     */
    public Builder optBatches(int value) {
      selection.inBatches(value);
      batches = value;
      return this;
    }

    /**
     * Sets how many samples run through the model at a time; 16 if not called.
     *
     * @param value at least 1
     * @return this builder
     * @throws IllegalArgumentException if it is less than 1
     */
    public Builder optBatchSize(int value) {
      if (value < 1) {
        throw new IllegalArgumentException(
            "batch size must be at least 1, got " + value + ": pass --batch-size");
      }
      batchSize = value;
      return this;
    }

    /**
     * Sets whether a batch that does not fit into memory ends the run, as it does if this is not
     * called, or makes it begin again with half the batch size, down to 1. The size that did fit is
     * in the signature's settings, and the signature is what a run with that size gives.
     *
     * @param value whether to go on with smaller batches
     * @return this builder
     */
    public Builder optShrinkingBatches(boolean value) {
      shrinksBatches = value;
      return this;
    }

    /**
     * Sets how activations become rows; {@link Pooling#CHANNEL} if not called.
     *
     * @param value the pooling
     * @return this builder
     * @throws IllegalArgumentException if it is not {@link Pooling#CHANNEL} and some tokens were
     *     chosen before
     */
    public Builder optPooling(Pooling value) {
      taps =
          new TapOptions(
              taps.form(), value, taps.layout(), taps.sites(), taps.tokens(), taps.threshold());
      return this;
    }

    /**
     * Sets where the channels are; {@link Layout#AUTO} if not called.
     *
     * @param value the layout
     * @return this builder
     */
    public Builder optLayout(Layout value) {
      taps =
          new TapOptions(
              taps.form(), taps.pooling(), value, taps.sites(), taps.tokens(), taps.threshold());
      return this;
    }

    /**
     * Sets which tokens of a transformer's activations become rows; {@link TokenPolicy#ALL} if not
     * called. Sites without tokens stay as they are; a model that has none gives a notice.
     *
     * @param value the tokens
     * @return this builder
     * @throws IllegalArgumentException if the pooling is not {@link Pooling#CHANNEL}
     */
    public Builder optTokens(TokenPolicy value) {
      taps =
          new TapOptions(
              taps.form(), taps.pooling(), taps.layout(), taps.sites(), value, taps.threshold());
      return this;
    }

    /**
     * Sets which sites are measured; all activations if not called.
     *
     * @param value the filter
     * @return this builder
     */
    public Builder optSites(SiteFilter value) {
      taps =
          new TapOptions(
              taps.form(), taps.pooling(), taps.layout(), value, taps.tokens(), taps.threshold());
      return this;
    }

    /**
     * Asks for a chain of sites to be scored like one: the input of a site against the output of a
     * later one (or the same), or of a site inside it if the first is a module, as one more layer
     * of kind and type {@link SiteKind#SPAN} after all others. May be called several times. Both
     * must be among the measured sites.
     *
     * @param from the first site: its path, {@code PATH#CALL} for another call than the first,
     *     {@code PATH:KIND} for the first call of a kind where a path has several, {@code
     *     PATH:KIND#CALL} for another; calls are numbered as in signatures, for each path and type
     * @param to the last site, likewise
     * @return this builder
     */
    public Builder optSpan(String from, String to) {
      spans.add(new Spans.Named(from, to));
      return this;
    }

    /**
     * Sets the covariance estimator; {@link Covariance#LEDOIT_WOLF} if not called.
     *
     * @param value the estimator
     * @return this builder
     */
    public Builder optCovariance(Covariance value) {
      covariance = value;
      return this;
    }

    /**
     * Sets what is added to the diagonal of covariances; {@link Ridge#RELATIVE} if not called.
     *
     * @param value the ridge
     * @return this builder
     */
    public Builder optRidge(Ridge value) {
      ridge = value;
      return this;
    }

    /**
     * Asks for a standard error with each affinity score, by a bootstrap over samples that solves
     * nothing again; none if not called. See {@link AffinityScore.Builder#optConfidence}.
     *
     * @param value number of bootstrap replicates, at least 2; 200 is a good one
     * @return this builder
     * @throws IllegalArgumentException if there are fewer than 2
     */
    public Builder optConfidence(int value) {
      AffinityScore.builder().optConfidence(value);
      replicates = value;
      return this;
    }

    /**
     * Sets up to which magnitude a value counts as small in sparsity and dead units, and how near
     * to a bound it is saturated. If not called, what an instrumented model counts with, see {@link
     * InstrumentedModel.Builder#optCounts}, and {@link CountedScore#THRESHOLD} otherwise.
     *
     * @param value a finite number from 0
     * @return this builder
     * @throws IllegalArgumentException if it is less than 0, or not finite
     */
    public Builder optSparsityThreshold(double value) {
      InstrumentedModel.builder().optCounts(value);
      threshold = OptionalDouble.of(value);
      return this;
    }

    /**
     * Sets which scores are computed; affinity if not called.
     *
     * @param names names of scores, see {@link #scoreNames()}
     * @return this builder
     * @throws IllegalArgumentException if there is no score of such a name
     */
    public Builder optScores(List<String> names) {
      ScoreCatalogue.select(names, ScoreOptions.DEFAULTS);
      scoreNames = names.stream().distinct().toList();
      return this;
    }

    /**
     * Names all scores.
     *
     * @return the names, in the order they are reported
     */
    public static List<String> scoreNames() {
      return ScoreCatalogue.names();
    }

    /**
     * Sets the device on which the model and the algebra run; if not called, the one that the model
     * brings, the CPU for a model file.
     *
     * @param value the device
     * @return this builder
     */
    public Builder optDevice(Device value) {
      device = value;
      return this;
    }

    /**
     * Sets whether unreadable samples are left out instead of ending the run; not if not called.
     *
     * @param value whether to leave them out
     * @return this builder
     */
    public Builder optSkipBad(boolean value) {
      skipsBad = value;
      return this;
    }

    /**
     * Sets how much memory captures and scores may take together, the Java heap's part included;
     * the model and one batch come on top. Captures that do not fit are kept on disk, and if that
     * is too small, too, the data go through the model several times. Half of the machine's or
     * container's memory if not called.
     *
     * @param bytes at least 1; a run that needs more for one of its sites says so
     * @return this builder
     * @throws IllegalArgumentException if it is less than 1
     */
    public Builder optMemory(long bytes) {
      if (bytes < 1) {
        throw new IllegalArgumentException(
            "memory must be at least 1 byte, got " + bytes + ": pass --memory");
      }
      memory = Optional.of(bytes);
      return this;
    }

    /**
     * Sets where captures are kept that do not fit into memory; the system's directory for
     * temporary files if not called. They are gone when the run ends, however it ends.
     *
     * @param directory a directory that can be written to
     * @return this builder
     */
    public Builder optSpillDirectory(Path directory) {
      spillDirectory = Optional.of(directory);
      return this;
    }

    /**
     * Keeps captures and scores while the measurement runs, and goes on with what an interrupted
     * run kept of the same model, data, settings, version and machine: batches that were captured
     * are not run again, sites that were scored are not scored again, and the signature is the same
     * bit for bit. Nothing is kept if not called. What cannot be written, or is damaged, is told of
     * and ends no run. A model made of DJL's own blocks, one that was given instrumented, and data
     * without {@link SampleSource#identity} are refused when the measurement runs. Captures take 8
     * bytes a sample and channel there, twice that if a score counts over whole tensors.
     *
     * @param value where it is kept; what belongs to this measurement is removed when it is done
     * @return this builder
     */
    public Builder optResume(RunCache value) {
      cache = Optional.of(value);
      resumesIfPossible = false;
      return this;
    }

    /**
     * Likewise, but where that would be refused nothing is kept, which is told.
     *
     * @param value where it is kept
     * @return this builder
     */
    public Builder optResumeIfPossible(RunCache value) {
      cache = Optional.of(value);
      resumesIfPossible = true;
      return this;
    }

    /**
     * Sets how many sites are scored at once at most; as many as there are cores, up to 4, if not
     * called. Scores do not depend on it.
     *
     * @param count at least 1
     * @return this builder
     * @throws IllegalArgumentException if it is less than 1
     */
    public Builder optScoringThreads(int count) {
      if (count < 1) {
        throw new IllegalArgumentException("scoring threads must be at least 1, got " + count);
      }
      scoringThreads = count;
      return this;
    }

    /**
     * Sets who is told about progress.
     *
     * @param value the listener
     * @return this builder
     */
    public Builder optListener(MeasurementListener value) {
      listener = value;
      return this;
    }

    /**
     * Builds the measurement.
     *
     * @return the measurement, ready to run
     * @throws IllegalArgumentException if the model is instrumented already, and pooling, layout,
     *     tokens, sites or device were set, too, or a sparsity threshold that is not the one it
     *     counts with; or if standard errors were asked for on several batches
     */
    public Measurement build() {
      if (instrumented != null) {
        requireOptionsOfModel();
      }
      Measurement measurement = new Measurement(this);
      if (replicates > 0 && measurement.batches() > 1) {
        throw new IllegalArgumentException(
            "the deviation over batches is what a standard error estimates: leave --confidence or"
                + " --batches out");
      }
      return measurement;
    }

    /** What is captured was decided when the model was instrumented. */
    private void requireOptionsOfModel() {
      if (device != null || !taps.equals(DEFAULTS)) {
        throw new IllegalArgumentException(
            "pooling, layout, tokens, sites and device are those of the instrumented model: set them"
                + " on its builder");
      }
      OptionalDouble counted = instrumented.options().threshold();
      if (counts() && threshold.isPresent() && !threshold.equals(counted)) {
        throw new IllegalArgumentException(
            "sparsity threshold "
                + threshold.getAsDouble()
                + " was asked for, but the instrumented model "
                + (counted.isPresent() ? "counts with " + counted.getAsDouble() : "counts nothing")
                + ": set it with optCounts on its builder");
      }
    }
  }
}
