package dev.affinis.instrument;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;

/**
 * Decides which sites of a model can be measured and that none of its calls was missed.
 *
 * <p>A first dimension equal to the batch size may be a coincidence. So a probe with another number
 * of samples runs once: a site is per sample only if its first dimension follows the batch size.
 */
final class SiteCheck {
  private final List<PlannedSite> planned;
  private final Set<SkippedSite> skipped = new LinkedHashSet<>();
  private final Set<String> notPerSample = new HashSet<>();
  private boolean isFirst = true;

  /**
   * Starts a check.
   *
   * @param model the instrumented model
   */
  SiteCheck(InstrumentedModel<?, ?> model) {
    planned = model.plannedSites();
    skipped.addAll(model.hiddenSites());
  }

  /**
   * Goes on where another run's check stood after the first batch.
   *
   * @param facts what that found
   */
  SiteCheck(RunFacts facts) {
    planned = List.of();
    skipped.addAll(facts.skipped());
    notPerSample.addAll(facts.notPerSample());
    isFirst = false;
  }

  /** Labels of the sites that are not one value per sample. */
  Set<String> notPerSample() {
    return Set.copyOf(notPerSample);
  }

  /**
   * Runs the model on another batch size than that of the first batch.
   *
   * @param model the instrumented model
   * @param batch the first batch, not modified
   * @param inputs makes the model's inputs of a batch
   */
  void probe(
      InstrumentedModel<?, ?> model, NDArray batch, BiFunction<NDManager, NDArray, NDList> inputs) {
    try (NDManager scratch = batch.getManager().newSubManager()) {
      NDArray other = otherSize(batch);
      other.attach(scratch);
      for (SkippedSite site : model.runUnheard(inputs.apply(scratch, other)).skipped()) {
        skipped.add(site);
        notPerSample.add(label(site));
      }
    } catch (InvalidInputException e) {
      // Of a batch of one sample the other size is two, which may be too much.
      if (EngineErrors.isOutOfMemory(e) && batch.getShape().get(0) > 1) {
        throw e;
      }
      // The model takes batches of one size only: then that size is all that can be seen.
      notPerSample.clear();
    }
  }

  private static String label(SkippedSite site) {
    return Site.label(site.path(), site.call(), SiteKind.ofWord(site.activation()));
  }

  private static NDArray otherSize(NDArray batch) {
    if (batch.getShape().get(0) == 1) {
      return batch.concat(batch, 0);
    }
    try (NDArray first = batch.get("0:1")) {
      return first.duplicate();
    }
  }

  /**
   * Checks what a batch gave.
   *
   * @param run a forward pass
   * @param samples how many samples went in
   * @return the captures that can be measured
   * @throws SelfCheckException if a planned call outside conditions did not run, a site has not one
   *     row for each sample, or, in the first batch, its output is not the function of its input
   * @throws InvalidInputException if there is nothing to measure, or a site that had a row for each
   *     sample has not any more
   */
  List<Capture> accept(InstrumentedModel.Run run, int samples) {
    boolean isNew = isFirst;
    if (isFirst) {
      isFirst = false;
      for (SkippedSite site : run.skipped()) {
        if (notPerSample.add(label(site))) {
          skipped.add(site);
        }
      }
      requireAllRan(run);
    }
    requireStillPerSample(run);
    List<Capture> captures = new ArrayList<>();
    for (Capture capture : run.captures()) {
      if (isMeasured(capture.site())) {
        requireSound(capture, samples, isNew);
        captures.add(capture);
      }
    }
    if (captures.isEmpty() && skipped.isEmpty()) {
      throw new InvalidInputException(
          "no site of the model is meant: the filter leaves all "
              + run.leftOut().size()
              + " sites out; `affinis list` shows their paths and kinds");
    }
    if (captures.isEmpty()) {
      SkippedSite first = skipped.iterator().next();
      throw new InvalidInputException(
          "no site of the model can be measured: "
              + first.path()
              + " "
              + first.reason()
              + (skipped.size() > 1 ? " (and " + (skipped.size() - 1) + " more)" : ""));
    }
    return captures;
  }

  /** In later batches no site may be left out that was not left out before. */
  private void requireStillPerSample(InstrumentedModel.Run run) {
    for (SkippedSite site : run.skipped()) {
      if (!notPerSample.contains(label(site))) {
        throw new InvalidInputException(
            "site "
                + label(site)
                + " had a row for each sample in the first batch, but not in a later one: "
                + site.reason()
                + "; the model treats samples together, so its layers cannot be compared over"
                + " samples");
      }
    }
  }

  private static void requireSound(Capture capture, int samples, boolean isNew) {
    Site site = capture.site();
    StoredRows.requireRows(site, "pre", capture.pre().getShape(), samples);
    StoredRows.requireRows(site, "post", capture.post().getShape(), samples);
    if (isNew && ActivationCheck.applies(site)) {
      ActivationCheck.require(site, capture.pre(), capture.post());
    }
  }

  /** Whether a captured site is one value per sample. */
  boolean isMeasured(Site site) {
    return !notPerSample.contains(site.label());
  }

  /**
   * Every call outside conditions must have run, as often as the program makes it; a function
   * behind a condition that did not run at all is listed as skipped.
   */
  private void requireAllRan(InstrumentedModel.Run run) {
    Map<String, Integer> missing = new HashMap<>();
    run.captures().forEach(c -> count(missing, c.site().path(), c.site().kind().word(), -1));
    run.leftOut().forEach(site -> count(missing, site.path(), site.kind().word(), -1));
    run.skipped().forEach(s -> count(missing, s.path(), s.activation(), -1));
    Set<String> ran = Set.copyOf(missing.keySet());
    for (PlannedSite site : planned) {
      String key = key(site.path(), site.kind().word());
      if (site.conditional()) {
        if (!ran.contains(key)) {
          skipped.add(new SkippedSite(site.path(), 1, site.kind().word(), whyNot(site.kind())));
        }
      } else if (count(missing, site.path(), site.kind().word(), 1) > 0) {
        throw new SelfCheckException(
            "site "
                + site.path()
                + " ("
                + site.kind().word()
                + ") is in the model's program but did not run, though no condition stands before"
                + " it: the captures are not complete");
      }
    }
  }

  private static String whyNot(SiteKind kind) {
    return switch (kind.type()) {
      case ATTENTION ->
          "is no attention (a softmax over another axis than the last of three or more), or stands"
              + " behind a condition that was not met";
      case GATE ->
          "is no gate (its two factors differ in shape), or stands behind a condition that was not"
              + " met";
      case MODULE ->
          "did not run with one tensor in and one out: it takes or gives several, or stands behind"
              + " a condition that was not met";
      default -> "did not run: it stands behind a condition that was not met";
    };
  }

  private static int count(Map<String, Integer> counts, String path, String kind, int change) {
    return counts.merge(key(path, kind), change, Integer::sum);
  }

  /** Which of two a clipping or a threshold is may be known at run time only. */
  private static String key(String path, String kind) {
    String known =
        switch (kind) {
          case "hardtanh" -> "relu6";
          case "threshold" -> "relu";
          default -> kind;
        };
    return path + "|" + known;
  }

  /** The calls that cannot be measured, with reasons. */
  List<SkippedSite> skipped() {
    return List.copyOf(skipped);
  }
}
