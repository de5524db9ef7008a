package dev.affinis.instrument;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Decides which sites of a model can be measured and that none of its activations was missed.
 *
 * <p>A first dimension equal to the batch size may be a coincidence. So a probe with another number
 * of samples runs once: a site is per sample only if its first dimension follows the batch size.
 */
final class SiteCheck {
  private final List<PlannedSite> planned;
  private final Set<SkippedSite> skipped = new LinkedHashSet<>();
  private final Set<String> notPerSample = new HashSet<>();
  private boolean isFirst = true;

  SiteCheck(List<PlannedSite> planned) {
    this.planned = planned;
  }

  /**
   * Runs the model on another batch size than that of the first batch.
   *
   * @param model the instrumented model
   * @param batch the first batch, not modified
   */
  void probe(InstrumentedModel model, NDArray batch) {
    try (NDManager scratch = batch.getManager().newSubManager()) {
      NDArray other =
          batch.getShape().get(0) == 1 ? batch.concat(batch, 0) : batch.get("0:1").duplicate();
      other.attach(scratch);
      for (SkippedSite site : model.run(new NDList(other)).skipped()) {
        skipped.add(site);
        notPerSample.add(Site.label(site.path(), site.call()));
      }
    } catch (InvalidInputException e) {
      // The model takes batches of one size only: then that size is all that can be seen.
      notPerSample.clear();
    }
  }

  /**
   * Checks what a batch gave.
   *
   * @param run a forward pass
   * @return the captures that can be measured
   * @throws SelfCheckException if an activation call outside conditions did not run
   */
  List<Capture> accept(InstrumentedModel.Run run) {
    if (isFirst) {
      isFirst = false;
      for (SkippedSite site : run.skipped()) {
        if (!notPerSample.contains(Site.label(site.path(), site.call()))) {
          skipped.add(site);
        }
      }
      requireAllRan(run);
    }
    List<Capture> captures = new ArrayList<>();
    for (Capture capture : run.captures()) {
      if (!notPerSample.contains(capture.site().label())) {
        captures.add(capture);
      }
    }
    return captures;
  }

  private void requireAllRan(InstrumentedModel.Run run) {
    Set<String> ran = new HashSet<>();
    run.captures().forEach(c -> ran.add(c.site().path()));
    run.skipped().forEach(s -> ran.add(s.path()));
    for (PlannedSite site : planned) {
      if (ran.contains(site.path())) {
        continue;
      }
      if (!site.conditional()) {
        throw new SelfCheckException(
            "site "
                + site.path()
                + " ("
                + site.kind().word()
                + ") is in the model's program but did not run, though no condition stands before"
                + " it: the captures are not complete, please report this");
      }
      skipped.add(
          new SkippedSite(
              site.path(),
              1,
              site.kind(),
              "did not run: it stands behind a condition that was not met"));
    }
  }

  /** The calls that cannot be measured, with reasons. */
  List<SkippedSite> skipped() {
    return List.copyOf(skipped);
  }
}
