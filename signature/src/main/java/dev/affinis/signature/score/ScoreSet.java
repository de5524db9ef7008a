package dev.affinis.signature.score;

import dev.affinis.signature.LayerSample;
import dev.affinis.signature.ScoreFunction;
import dev.affinis.signature.transport.Workspace;
import java.util.Collections;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Scores that are computed together, so that what several need is made once: see {@link
 * LayerMoments}. Each gives the same as it does alone.
 *
 * <p>Immutable, and safe for use by several threads.
 */
public final class ScoreSet {
  private static final double COPIES = 2;
  private static final double GRAMS = 7;

  /** A block of values on the heap. */
  private static final double BLOCK = 1 << 20;

  private final Map<String, ScoreFunction> functions;

  /**
   * Puts scores together.
   *
   * @param functions the scores by name, in the order they are reported, copied; one that has two
   *     names is computed once
   */
  public ScoreSet(Map<String, ScoreFunction> functions) {
    this.functions = Collections.unmodifiableMap(new LinkedHashMap<>(functions));
  }

  /**
   * Whether one of the scores is computed from counts over whole tensors.
   *
   * @return whether it is, see {@link ScoreFunction#needsCounts}
   */
  public boolean needsCounts() {
    return functions.values().stream().anyMatch(ScoreFunction::needsCounts);
  }

  /**
   * Computes all scores of one layer.
   *
   * @param sample input and output of the layer, not modified, not closed
   * @return by name, in the order given, the score and what is known about it
   */
  public Map<String, ScoreFunction.Estimate> estimate(LayerSample sample) {
    IdentityHashMap<ScoreFunction, ScoreFunction.Estimate> known = new IdentityHashMap<>();
    Map<String, ScoreFunction.Estimate> estimates = new LinkedHashMap<>();
    try (LayerMoments moments = new LayerMoments(sample)) {
      functions.forEach(
          (name, function) -> {
            ScoreFunction.Estimate estimate = known.get(function);
            if (estimate == null) {
              estimate = estimate(function, moments);
              known.put(function, estimate);
            }
            estimates.put(name, estimate);
          });
    }
    return estimates;
  }

  /**
   * Estimates what the scores take beside the sample: what the affinity does, and, if there are
   * others, centred copies of both sides and up to seven Gram matrices or factors of these; where
   * classes count, also their rows on both sides and, on the heap, about as much as coordinates of
   * all samples, for their search.
   *
   * @param samples n, at least 0
   * @param dimension d, the number of columns of the wider side, at least 0
   * @return the estimate
   */
  public Workspace workspace(long samples, long dimension) {
    Workspace affinity =
        functions.values().stream()
            .filter(SharedAffinity.class::isInstance)
            .map(function -> ((SharedAffinity) function).workspace(samples, dimension))
            .max(Comparator.comparingLong(Workspace::deviceBytes))
            .orElseGet(() -> Workspace.of(samples, dimension));
    List<ScoreFunction> sharing =
        functions.values().stream().filter(MomentScore.class::isInstance).toList();
    if (sharing.size() < 2 && sharing.stream().allMatch(SharedAffinity.class::isInstance)) {
      return affinity;
    }
    double n = samples;
    double span = Math.min(n, (double) dimension);
    double kept = COPIES * n * dimension + GRAMS * span * span;
    boolean separates = functions.values().stream().anyMatch(LinearSeparability.class::isInstance);
    kept += separates ? 2 * n * span : 0;
    return affinity.plus(kept, separates ? n * span : Math.min(BLOCK, n * dimension));
  }

  /**
   * Tells what the scores were told that a reader should know.
   *
   * @return by name, in snake_case: share of samples held out, most problems of separability; empty
   *     where no score has any
   */
  public Map<String, Object> settings() {
    Map<String, Object> settings = new LinkedHashMap<>();
    for (ScoreFunction function : functions.values()) {
      if (function instanceof HeldOutR2 || function instanceof LinearProbe) {
        settings.put("held_out", HeldOut.SHARE);
      } else if (function instanceof LinearSeparability) {
        settings.put("separability_most_problems", Contrast.MOST);
      } else if (function instanceof PooledSparsity sparsity) {
        settings.put("sparsity_threshold", sparsity.threshold());
      }
    }
    return settings;
  }

  private static ScoreFunction.Estimate estimate(ScoreFunction function, LayerMoments moments) {
    return function instanceof MomentScore shared
        ? shared.estimate(moments)
        : function.estimate(moments.sample());
  }
}
