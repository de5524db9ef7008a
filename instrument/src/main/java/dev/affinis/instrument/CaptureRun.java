package dev.affinis.instrument;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDManager;
import dev.affinis.instrument.MeasurementListener.Phase;
import dev.affinis.instrument.MemoryPlan.SiteMemory;
import dev.affinis.instrument.data.BatchLoader;
import dev.affinis.signature.LayerScores;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Runs the samples through a model, as often as the memory plan asks for, and keeps the rows of the
 * sites of each pass. The plan is made once the first batch has shown the sites; later passes tap
 * the paths of their own sites alone, and must meet the same samples, sites and outputs.
 *
 * <p>What an interrupted run kept ({@link RunState}) is taken from there: passes whose sites are
 * all scored are left out, and captures come from files before the model runs on what is missing.
 */
final class CaptureRun implements AutoCloseable {
  private final Measurement measurement;
  private final MeasuredModel model;
  private final NDManager manager;
  private final MemoryLimits limits;
  private final MeasurementListener listener;
  private final int batchSize;
  private final RunState state;
  private final Spans spans;
  private final Map<Integer, LayerScores> scores = new TreeMap<>();
  private SampleLog log = new SampleLog();
  private OutputCheck outputs;
  private SiteCheck check;
  private MemoryPlan plan;
  private List<Site> unmasked = List.of();
  private CaptureStore store;
  private long parameterCount;
  private String engines;
  private int pass;
  private Optional<RunState.Samples> samples = Optional.empty();
  private BatchLoader.Position position;
  private int batch;
  private boolean isGoingOn;
  private boolean hasBegun;

  /**
   * Prepares a run.
   *
   * @param measurement lends the data
   * @param model what they run through
   * @param batchSize how many of them at a time
   * @param manager manager of the device on which rows are kept
   * @param limits what the plan has to keep to
   * @param listener told of each pass
   * @param state what an interrupted run kept, and where this one keeps
   */
  CaptureRun(
      Measurement measurement,
      MeasuredModel model,
      int batchSize,
      NDManager manager,
      MemoryLimits limits,
      MeasurementListener listener,
      RunState state) {
    this.measurement = measurement;
    this.model = model;
    this.batchSize = batchSize;
    this.manager = manager;
    this.limits = limits;
    this.listener = listener;
    this.state = state;
    spans = measurement.spans();
    state.facts(limits).ifPresent(this::goOn);
  }

  /** Takes over what another run found. */
  private void goOn(RunFacts facts) {
    isGoingOn = true;
    plan = facts.plan();
    check = new SiteCheck(facts);
    unmasked = facts.unmasked();
    parameterCount = facts.parameterCount();
    engines = facts.engines();
    spans.resolveAmong(plan.sites().stream().map(SiteMemory::site).toList());
    tellPlan();
    for (int i = 0; i < plan.sites().size(); i++) {
      int index = i;
      state.scores(i).ifPresent(layer -> scores.put(index, layer));
    }
    samples = state.samples();
    samples.ifPresent(known -> log = new SampleLog(known.seen()));
  }

  private void tellPlan() {
    plan.notice().ifPresent(listener::notice);
    plan.notice(model.taps().tokens(), unmasked).ifPresent(listener::notice);
  }

  /** Whether there is another pass. */
  boolean hasNext() {
    return plan == null || pass < plan.passes().size();
  }

  /**
   * Makes the captures of the next pass.
   *
   * @return its rows, until the next call; nothing if all of its sites are scored
   */
  Optional<CaptureStore> next() throws IOException {
    close();
    position = null;
    batch = 0;
    hasBegun = false;
    if (plan == null || samples.isEmpty() || !open().isEmpty()) {
      int most = measurement.samples();
      replay(most);
      tellWhereItGoesOn();
      if (position == null || position.finished() < most) {
        runModel(most);
      }
      endPass();
      listener.end();
    }
    tellWhereItGoesOn();
    return Optional.ofNullable(store);
  }

  /** The sites of this pass that have no scores yet, as positions in the pass. */
  List<Integer> open() {
    List<Integer> sites = plan.passes().get(pass);
    return IntStream.range(0, sites.size())
        .filter(i -> !scores.containsKey(sites.get(i)))
        .boxed()
        .toList();
  }

  /** Takes the captures that there are, batch by batch until one is missing. */
  private void replay(int most) {
    if (plan == null) {
      return;
    }
    List<Site> sites = plan.sites(pass).stream().map(SiteMemory::site).toList();
    boolean isThere = true;
    while (isThere) {
      try (NDManager scratch = manager.newSubManager()) {
        Optional<CapturedBatch> found = state.batch(pass, batch, sites, scratch);
        found.ifPresent(captured -> replay(captured, most));
        isThere = found.isPresent();
      }
    }
  }

  private void tellWhereItGoesOn() {
    if (isGoingOn) {
      isGoingOn = false;
      listener.notice("goes on where an interrupted run stopped: " + progress() + " are there");
    }
  }

  /** The phase begins with the first batch, wherever it comes from. */
  private void begin(int most) {
    if (!hasBegun) {
      hasBegun = true;
      listener.begin(Phase.CAPTURE, most);
    }
  }

  private void replay(CapturedBatch captured, int most) {
    begin(most);
    if (store == null) {
      store = newStore(most);
    }
    log.add(captured.seen());
    store.add(captured.captures(), captured.labels());
    position = captured.position();
    batch++;
    listener.advance(captured.size());
  }

  /** Runs the batches that are not there through the model. */
  private void runModel(int most) throws IOException {
    measurement.requireRunning();
    try (BatchLoader loader = measurement.openLoader(manager, batchSize, position)) {
      if (!loader.hasNext()) {
        position = loader.position();
        return; // what is left cannot be read
      }
      BatchLoader.Batch first = loader.next();
      if (plan == null) {
        loader.notice().ifPresent(listener::notice);
      }
      if (outputs == null || outputs.start() != batch) {
        // The plain model first, and alone, unless the other is there already.
        outputs = new OutputCheck(measurement, model, loader, first, batch);
      }
      model.instrumented(
          paths(),
          instrumented -> {
            capture(loader, first, instrumented, most);
            return null;
          });
    }
  }

  /** The paths that this pass taps; empty for all. */
  private Set<String> paths() {
    return pass == 0
        ? Set.of()
        : spans.needed(plan.sites(pass).stream().map(SiteMemory::site).toList()).stream()
            .map(Site::path)
            .collect(Collectors.toSet());
  }

  private void capture(
      BatchLoader loader, BatchLoader.Batch first, InstrumentedModel<?, ?> instrumented, int most) {
    begin(most);
    if (plan == null) {
      check = new SiteCheck(instrumented);
      instrumented.absences().forEach(listener::notice);
      measurement.probe(check, instrumented, first);
      parameterCount = instrumented.parameterCount();
      engines = engines(instrumented);
    } else if (store == null) {
      store = newStore(most);
    }
    consume(loader, first, instrumented);
    while (loader.hasNext()) {
      measurement.requireRunning();
      BatchLoader.Batch next = loader.next();
      try {
        consume(loader, next, instrumented);
      } catch (InvalidInputException e) {
        throw e.getCause() instanceof EngineException
            ? measurement.inTheMiddle(Arrays.stream(next.indices()).boxed().toList(), e)
            : e;
      }
    }
    outputs.endPass(instrumented, manager);
    position = loader.position();
  }

  /** Runs one batch and keeps its rows; closes it. */
  private void consume(
      BatchLoader loader, BatchLoader.Batch next, InstrumentedModel<?, ?> instrumented) {
    try (next;
        NDManager scratch = next.data().getManager().newSubManager()) {
      position = loader.position();
      InstrumentedModel.Run run = instrumented.run(measurement.inputs(scratch, next.data()));
      outputs.accept(batch, next, run.outputs());
      List<Capture> captures = spans.added(check.accept(run, next.size()));
      if (plan == null) {
        plan(captures, run, loader.samples());
      }
      boolean isLogged = plan.passes().size() > 1 || state.isOpen();
      SampleLog.Seen seen = isLogged ? SampleLog.Seen.of(next) : null;
      if (isLogged) {
        log.add(seen);
      }
      List<Capture> chosen = store.choose(captures);
      store.add(chosen, next.labels());
      if (state.isWritten()) {
        state.keep(pass, batch, new CapturedBatch(chosen, next.labels(), seen, position));
      }
      batch++;
      listener.advance(next.size());
    }
  }

  /** Makes the plan, which takes the sites of the first batch. */
  private void plan(List<Capture> captures, InstrumentedModel.Run run, int most) {
    plan = limits.plan(captures.stream().map(c -> measurement.memory(c, most)).toList());
    unmasked = run.unmasked().stream().filter(check::isMeasured).toList();
    tellPlan();
    store = newStore(most);
    state.keep(
        new RunFacts(
            plan, check.skipped(), check.notPerSample(), unmasked, parameterCount, engines));
  }

  private void endPass() {
    log.endPass();
    if (samples.isEmpty()) {
      List<String> skipped = position.skipped();
      if (!skipped.isEmpty()) {
        listener.notice(
            "left out " + skipped.size() + " unreadable samples: " + String.join("; ", skipped));
      }
      samples =
          Optional.of(
              new RunState.Samples(
                  Math.toIntExact(store.size()), store.labels(), log.batches(), skipped));
      state.keep(samples.get());
    }
  }

  /** Notes the scores of a site. */
  void scored(LayerScores layer) {
    scores.put(layer.index(), layer);
    state.keep(layer);
  }

  /** Ends a pass, all of whose sites are scored: its captures are not needed any more. */
  void endScores() {
    close();
    state.dropCaptures(pass);
    pass++;
  }

  /** How far the run is, in words. */
  String progress() {
    if (plan == null) {
      return "no captures";
    }
    boolean isCaptured = position == null && samples.isPresent() && open().isEmpty();
    int captured = isCaptured ? samples.get().size() : position == null ? 0 : position.delivered();
    String passes = plan.passes().size() > 1 ? " (pass " + (pass + 1) + ")" : "";
    return "captures of %s of %s samples%s and scores of %s of %s sites"
        .formatted(captured, measurement.samples(), passes, scores.size(), plan.sites().size());
  }

  /** The scores of all sites, in their order. */
  List<LayerScores> scores() {
    return List.copyOf(scores.values());
  }

  /** The samples that were captured. */
  RunState.Samples samples() {
    return samples.orElseThrow();
  }

  /** Number of sites that are made of tokens, to which a policy applies. */
  int tokenSites() {
    return plan.tokenSites(model.taps().tokens(), unmasked);
  }

  /** Sites with positions that no mask applies to. */
  List<Site> unmasked() {
    return unmasked;
  }

  /** A model that was given instrumented keeps its taps in every pass. */
  private CaptureStore newStore(int most) {
    SiteFilter filter = model.sites(paths());
    List<Site> tapped =
        plan.sites().stream()
            .map(SiteMemory::site)
            .filter(
                site ->
                    spans.needed(List.of(site)).stream()
                        .allMatch(end -> filter.mayAccept(end.path(), end.kind())))
            .toList();
    return new CaptureStore(
        manager, plan, pass, tapped, most, measurement.batches(), model.taps().threshold());
  }

  /** What ran the model and what computed the scores, with versions. */
  private static String engines(InstrumentedModel<?, ?> instrumented) {
    return Stream.of(instrumented.getNDManager().getEngine(), Engine.getEngine(Measurement.ENGINE))
        .map(engine -> engine.getEngineName() + " " + engine.getVersion())
        .distinct()
        .collect(Collectors.joining(", "));
  }

  /** Number of the pass. */
  int pass() {
    return pass;
  }

  /** The plan, once the first pass is through. */
  MemoryPlan plan() {
    return plan;
  }

  List<SkippedSite> skipped() {
    return check.skipped();
  }

  long parameterCount() {
    return parameterCount;
  }

  String engines() {
    return engines;
  }

  /** Frees the rows of the last pass. */
  @Override
  public void close() {
    if (store != null) {
      store.close();
      store = null;
    }
  }
}
