package dev.affinis.signature.score;

import dev.affinis.signature.ScoreFunction;
import dev.affinis.signature.covariance.Covariance;
import dev.affinis.signature.transport.AffinityScore;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Every score by its name. docs/scores.md says what each tells, and when not to trust it.
 *
 * <p>Names are those of signature files and of {@code --scores}; where a score exists of input and
 * output, the name ends in {@code _pre} or {@code _post}.
 */
public final class ScoreCatalogue {
  private static final String AFFINITY = "affinity";
  private static final String EMPIRICAL = "affinity_empirical";
  private static final Map<String, Function<ScoreOptions, ScoreFunction>> FACTORIES =
      new LinkedHashMap<>();

  static {
    FACTORIES.put(AFFINITY, o -> affinity(AFFINITY, o, o.covariance()));
    FACTORIES.put(EMPIRICAL, o -> affinity(EMPIRICAL, o, Covariance.EMPIRICAL));
    add(new LinearCka());
    add(new DebiasedLinearCka());
    add(new R2());
    add(new AdjustedR2());
    FACTORIES.put("r2_held_out", o -> new HeldOutR2(o.seed()));
    add(new NormDifference());
    add(new RelativeNormDifference());
    for (Binning binning : Binning.values()) {
      addSides(side -> new ActivationEntropy(side, binning));
    }
    addSides(EffectiveRank::new);
    addSides(ParticipationRatio::new);
    for (Side side : Side.values()) {
      FACTORIES.put(
          "pooled_sparsity_" + side.word(), o -> new PooledSparsity(side, o.sparsityThreshold()));
    }
    for (CountedScore score :
        List.of(
            CountedScore.sparsityPre(),
            CountedScore.sparsityPost(),
            CountedScore.deadUnits(),
            CountedScore.saturatedUnits())) {
      FACTORIES.put(score.name(), options -> score);
    }
    addClassScores();
  }

  private static void addClassScores() {
    for (Contrast contrast : Contrast.values()) {
      for (int order = 0; order <= 2; order++) {
        for (Side side : Side.values()) {
          LinearSeparability named = new LinearSeparability(side, contrast, order, 0);
          FACTORIES.put(named.name(), o -> named.withSeed(o.seed()));
        }
      }
    }
    for (Side side : Side.values()) {
      FACTORIES.put("linear_probe_" + side.word(), o -> new LinearProbe(side, o.seed()));
    }
    addSides(ClassScatterRatio::new);
  }

  private ScoreCatalogue() {}

  private static void add(MomentScore score) {
    FACTORIES.put(score.name(), options -> score);
  }

  private static void addSides(Function<Side, MomentScore> score) {
    for (Side side : Side.values()) {
      add(score.apply(side));
    }
  }

  private static MomentScore affinity(String name, ScoreOptions options, Covariance covariance) {
    AffinityScore.Builder score =
        AffinityScore.builder().optCovariance(covariance).optRidge(options.ridge());
    if (options.replicates() > 0) {
      score.optConfidence(options.replicates());
    }
    return new SharedAffinity(name, score.build());
  }

  /**
   * Names all scores.
   *
   * @return the names, in the order they are reported
   */
  public static List<String> names() {
    return List.copyOf(FACTORIES.keySet());
  }

  /**
   * Makes scores.
   *
   * @param names names of scores; one that comes twice is made once
   * @param options what they are told
   * @return the scores, in the order of the names, computed together
   * @throws IllegalArgumentException if there is no score of such a name
   */
  public static ScoreSet select(List<String> names, ScoreOptions options) {
    Map<String, ScoreFunction> functions = new LinkedHashMap<>();
    names.forEach(name -> functions.put(name, factory(name).apply(options)));
    boolean alike = options.covariance() == Covariance.EMPIRICAL;
    if (alike && functions.containsKey(AFFINITY)) {
      functions.replace(EMPIRICAL, functions.get(AFFINITY));
    }
    return new ScoreSet(functions);
  }

  /**
   * Makes one score.
   *
   * @param name its name
   * @param options what it is told
   * @return the score
   * @throws IllegalArgumentException if there is no score of that name
   */
  public static ScoreFunction of(String name, ScoreOptions options) {
    return factory(name).apply(options);
  }

  private static Function<ScoreOptions, ScoreFunction> factory(String name) {
    Function<ScoreOptions, ScoreFunction> factory = FACTORIES.get(name);
    if (factory == null) {
      throw new IllegalArgumentException(
          "score " + name + " is not known: expected all or some of " + names());
    }
    return factory;
  }
}
