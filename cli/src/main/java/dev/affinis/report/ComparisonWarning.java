package dev.affinis.report;

import dev.affinis.instrument.InvalidInputException;
import dev.affinis.signature.LayerScores;
import dev.affinis.signature.Score;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a reader should know before believing a comparison.
 *
 * @param kind what it is about
 * @param models names of the models it is about; copied
 * @param text one sentence for the reader
 */
public record ComparisonWarning(Kind kind, List<String> models, String text) {
  /** Scores of fewer samples than this scatter too much to be compared (docs/statistics.md). */
  private static final int FEW_SAMPLES = 128;

  /** Copies the list. */
  public ComparisonWarning {
    models = List.copyOf(models);
  }

  /** What a warning is about. */
  public enum Kind {
    /** Models were measured with different settings that change scores. */
    SETTINGS("settings"),
    /** Models were measured on different data, or on data that were prepared differently. */
    DATA("data"),
    /** Models were computed by different engines, which changes scores in the fifth digit. */
    ENGINE("engine"),
    /** A model has no site at all, or none with the score. */
    EMPTY("empty"),
    /** A model was measured on few samples. */
    FEW_SAMPLES("few_samples"),
    /** Sites have many channels for the number of samples. */
    WIDE("wide"),
    /** Scores could not be computed. */
    MISSING("missing"),
    /** Activations were found but cannot be scored. */
    SKIPPED("skipped");

    private final String word;

    Kind(String word) {
      this.word = word;
    }

    /**
     * Returns the name for files.
     *
     * @return the name
     */
    public String word() {
      return word;
    }

    /**
     * Returns whether models with this warning were not measured alike, which a strict comparison
     * takes for an error.
     *
     * @return whether they were not
     */
    public boolean isDifference() {
      return this == SETTINGS || this == DATA;
    }
  }

  /**
   * Refuses models that were not measured alike.
   *
   * @param warnings warnings about them
   * @param who what the models are called in the message
   * @param wayOut what the user may do
   * @throws InvalidInputException if a warning is about a difference
   */
  public static void requireAlike(List<ComparisonWarning> warnings, String who, String wayOut) {
    List<String> differences =
        warnings.stream()
            .filter(warning -> warning.kind().isDifference())
            .map(ComparisonWarning::text)
            .toList();
    if (!differences.isEmpty()) {
      throw new InvalidInputException(
          "%s were not measured alike: %s: %s, or leave out --strict"
              .formatted(who, String.join(". ", differences), wayOut));
    }
  }

  /** The warnings about one model by itself. */
  static List<ComparisonWarning> of(ComparedModel model, String score) {
    List<ComparisonWarning> all = new ArrayList<>();
    List<LayerScores> layers = model.signature().layers();
    int samples = model.signature().data().samples();
    if (Comparison.series(model, score, ComparisonOptions.DEFAULT.view()).isEmpty()) {
      String what = layers.isEmpty() ? "no sites were measured" : "no site has a " + score;
      all.add(about(Kind.EMPTY, model, what));
    }
    if (samples < FEW_SAMPLES) {
      all.add(
          about(
              Kind.FEW_SAMPLES,
              model,
              "measured on %s samples: scores of fewer than %s scatter, and are too high"
                  .formatted(samples, FEW_SAMPLES)));
    }
    addWide(model, all);
    addMissing(model, all);
    if (!model.signature().skipped().isEmpty()) {
      all.add(
          about(
              Kind.SKIPPED,
              model,
              "%s calls were found but cannot be scored"
                  .formatted(model.signature().skipped().size())));
    }
    return all;
  }

  private static void addWide(ComparedModel model, List<ComparisonWarning> all) {
    List<LayerScores> layers = model.signature().layers();
    int samples = model.signature().data().samples();
    long wider = layers.stream().filter(layer -> layer.dimension() > samples).count();
    long wide = layers.stream().filter(layer -> layer.dimension() > samples / 4).count();
    if (wide > 0) {
      all.add(
          about(
              Kind.WIDE,
              model,
              "%s have more channels than a quarter of the %s samples%s: their affinity tends to be too high"
                  .formatted(
                      sites(wide, layers.size()),
                      samples,
                      wider == 0 ? "" : ", " + wider + " even more than samples")));
    }
  }

  private static void addMissing(ComparedModel model, List<ComparisonWarning> all) {
    List<LayerScores> layers = model.signature().layers();
    Map<String, Map<String, Integer>> sites = new LinkedHashMap<>();
    for (LayerScores layer : layers) {
      layer
          .scores()
          .forEach(
              (name, score) -> {
                if (score instanceof Score.Unavailable missing) {
                  sites
                      .computeIfAbsent(missing.reason(), reason -> new LinkedHashMap<>())
                      .merge(name, 1, Integer::sum);
                }
              });
    }
    sites.forEach(
        (reason, names) -> {
          int most = names.values().stream().mapToInt(count -> count).max().orElseThrow();
          all.add(
              about(
                  Kind.MISSING,
                  model,
                  "no %s for %s: %s"
                      .formatted(
                          String.join(", ", names.keySet()), sites(most, layers.size()), reason)));
        });
  }

  private static String sites(long count, int of) {
    return count == of ? "all " + of + " sites" : count + " of " + of + " sites";
  }

  private static ComparisonWarning about(Kind kind, ComparedModel model, String what) {
    return new ComparisonWarning(kind, List.of(model.name()), model.name() + ": " + what);
  }
}
