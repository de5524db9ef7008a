package dev.affinis.instrument;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDManager;
import dev.affinis.instrument.MeasurementListener.Phase;
import dev.affinis.instrument.MemoryPlan.SiteMemory;
import dev.affinis.instrument.data.BatchLoader;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Runs the samples through a model, as often as the memory plan asks for, and keeps the rows of the
 * sites of each pass. The plan is made once the first batch has shown the sites; later passes tap
 * the paths of their own sites alone, and must meet the same samples, sites and outputs.
 */
final class CaptureRun implements AutoCloseable {
  private final Measurement measurement;
  private final MeasuredModel model;
  private final NDManager manager;
  private final MemoryLimits limits;
  private final MeasurementListener listener;
  private final SampleLog log = new SampleLog();
  private final int batchSize;
  private OutputCheck outputs;
  private final Spans spans;
  private SiteCheck check;
  private MemoryPlan plan;
  private List<Site> unmasked = List.of();
  private CaptureStore store;
  private long parameterCount;
  private String engines;
  private int pass;

  /**
   * Prepares a run.
   *
   * @param measurement lends the data
   * @param model what they run through
   * @param batchSize how many of them at a time
   * @param manager manager of the device on which rows are kept
   * @param limits what the plan has to keep to
   * @param listener told of each pass
   */
  CaptureRun(
      Measurement measurement,
      MeasuredModel model,
      int batchSize,
      NDManager manager,
      MemoryLimits limits,
      MeasurementListener listener) {
    this.measurement = measurement;
    this.model = model;
    this.batchSize = batchSize;
    this.manager = manager;
    this.limits = limits;
    this.listener = listener;
    spans = measurement.spans();
  }

  /** Whether there is another pass. */
  boolean hasNext() {
    return plan == null || pass < plan.passes().size();
  }

  /**
   * Runs the next pass.
   *
   * @return its rows, until the next call
   */
  CaptureStore next() throws IOException {
    close();
    try (BatchLoader loader = measurement.openLoader(manager, batchSize)) {
      BatchLoader.Batch first = loader.next();
      if (plan == null) {
        loader.notice().ifPresent(listener::notice);
        // The plain model first, and alone, unless the other is there already.
        outputs = new OutputCheck(measurement, model, loader, first);
      }
      model.instrumented(
          paths(),
          instrumented -> {
            capture(loader, first, instrumented);
            return null;
          });
    }
    pass++;
    return store;
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
      BatchLoader loader, BatchLoader.Batch first, InstrumentedModel<?, ?> instrumented) {
    listener.begin(Phase.CAPTURE, loader.samples());
    if (pass == 0) {
      check = new SiteCheck(instrumented);
      instrumented.absences().forEach(listener::notice);
      measurement.probe(check, instrumented, first);
      parameterCount = instrumented.parameterCount();
      engines = engines(instrumented);
    } else {
      store = newStore(instrumented, loader.samples());
    }
    consume(first, instrumented, loader.samples());
    while (loader.hasNext()) {
      BatchLoader.Batch batch = loader.next();
      try {
        consume(batch, instrumented, loader.samples());
      } catch (InvalidInputException e) {
        throw e.getCause() == null || EngineErrors.isOutOfMemory(e)
            ? e
            : measurement.inTheMiddle(Arrays.stream(batch.indices()).boxed().toList(), e);
      }
    }
    outputs.endPass(instrumented, manager);
    log.endPass();
    listener.end();
    if (pass == 0 && !loader.skipped().isEmpty()) {
      List<String> skipped = loader.skipped();
      listener.notice(
          "left out " + skipped.size() + " unreadable samples: " + String.join("; ", skipped));
    }
  }

  /** Runs one batch and keeps its rows; closes it. */
  private void consume(BatchLoader.Batch batch, InstrumentedModel<?, ?> instrumented, int samples) {
    try (batch;
        NDManager scratch = batch.data().getManager().newSubManager()) {
      InstrumentedModel.Run run = instrumented.run(measurement.inputs(scratch, batch.data()));
      outputs.accept(batch, run.outputs());
      List<Capture> captures = spans.added(check.accept(run, batch.size()));
      if (plan == null) {
        plan = limits.plan(captures.stream().map(c -> measurement.memory(c, samples)).toList());
        plan.notice().ifPresent(listener::notice);
        unmasked = run.unmasked().stream().filter(check::isMeasured).toList();
        plan.notice(instrumented.options().tokens(), unmasked).ifPresent(listener::notice);
        store = newStore(instrumented, samples);
      }
      if (plan.passes().size() > 1) {
        log.add(batch);
      }
      store.add(captures, batch.labels());
      listener.advance(batch.size());
    }
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
  private CaptureStore newStore(InstrumentedModel<?, ?> instrumented, int samples) {
    SiteFilter filter = instrumented.options().sites();
    List<Site> tapped =
        plan.sites().stream()
            .map(SiteMemory::site)
            .filter(
                site ->
                    spans.needed(List.of(site)).stream()
                        .allMatch(end -> filter.mayAccept(end.path(), end.kind())))
            .toList();
    return new CaptureStore(
        manager,
        plan,
        pass,
        tapped,
        samples,
        measurement.batches(),
        instrumented.options().threshold());
  }

  /** What ran the model and what computed the scores, with versions. */
  private static String engines(InstrumentedModel<?, ?> instrumented) {
    return Stream.of(instrumented.getNDManager().getEngine(), Engine.getEngine(Measurement.ENGINE))
        .map(engine -> engine.getEngineName() + " " + engine.getVersion())
        .distinct()
        .collect(Collectors.joining(", "));
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
