package dev.affinis.report;

import dev.affinis.instrument.InvalidInputException;
import dev.affinis.signature.LayerScores;
import dev.affinis.signature.compare.Atlas;
import dev.affinis.signature.compare.Correlation;
import dev.affinis.signature.compare.Dendrogram;
import dev.affinis.signature.compare.DistanceMatrix;
import dev.affinis.signature.compare.ScoreSeries;
import dev.affinis.signature.compare.SummaryStatistics;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Signatures of several models side by side: statistics of each, distances and groups, how scores
 * go together over sites and with what is known of the models, and what keeps them from being
 * comparable. Immutable; everything is computed when it is asked for.
 */
public final class Comparison {
  private final List<ComparedModel> models;
  private final ComparisonOptions options;
  private final List<String> scores;

  private Comparison(List<ComparedModel> models, ComparisonOptions options, List<String> scores) {
    this.models = models;
    this.options = options;
    this.scores = scores;
  }

  /**
   * Puts models side by side.
   *
   * @param models the models, at least one, each with a name of its own
   * @param options what is compared, and how
   * @return the comparison
   * @throws InvalidInputException if there is no model, a name is used twice, there cannot be that
   *     many groups, or no model has the score while some have others
   */
  public static Comparison of(List<ComparedModel> models, ComparisonOptions options) {
    if (models.isEmpty()) {
      throw new InvalidInputException("a comparison needs at least 1 model, got none");
    }
    Set<String> names = new LinkedHashSet<>();
    Set<String> scores = new LinkedHashSet<>();
    for (ComparedModel model : models) {
      if (!names.add(model.name())) {
        throw new InvalidInputException(
            "two models are called " + model.name() + ": give each a name of its own");
      }
      scores.addAll(model.signature().scoreNames());
    }
    if (!scores.isEmpty() && !scores.contains(options.score())) {
      throw new InvalidInputException(
          "score %s is in none of the files: choose one of %s, or measure again with --scores %s"
              .formatted(options.score(), String.join(", ", scores), options.score()));
    }
    Comparison comparison = new Comparison(List.copyOf(models), options, List.copyOf(scores));
    comparison.requireGroups();
    return comparison;
  }

  private void requireGroups() {
    int most = withScore(options.score(), options.view()).size();
    if (options.groups().isPresent()
        && (options.groups().getAsInt() < 1 || options.groups().getAsInt() > most)) {
      throw new InvalidInputException(
          "number of groups must be 1 to the number of models with a %s, %s, got %s"
              .formatted(options.score(), most, options.groups().getAsInt()));
    }
  }

  /**
   * Returns the models.
   *
   * @return the models, in the order they were given
   */
  public List<ComparedModel> models() {
    return models;
  }

  /**
   * Returns the options.
   *
   * @return what is compared, and how
   */
  public ComparisonOptions options() {
    return options;
  }

  /**
   * Returns the scores that any of the models has, computed or not.
   *
   * @return their names, in the order of the files
   */
  public List<String> scores() {
    return scores;
  }

  /**
   * Returns one score of a model.
   *
   * @param model one of the models
   * @param score name of the score
   * @param view what a point stands for
   * @return the series; nothing if no site has the score
   */
  public static Optional<ScoreSeries> series(
      ComparedModel model, String score, ScoreSeries.View view) {
    boolean has =
        model.signature().layers().stream()
            .map(layer -> layer.scores().get(score))
            .anyMatch(value -> value != null && value.number().isPresent());
    return has
        ? Optional.of(ScoreSeries.of(model.signature(), score, view).named(model.name()))
        : Optional.empty();
  }

  private List<ScoreSeries> withScore(String score, ScoreSeries.View view) {
    return models.stream().flatMap(model -> series(model, score, view).stream()).toList();
  }

  /**
   * Computes the distances of the models in one score and clusters them.
   *
   * @param score name of the score
   * @param view what a point stands for
   * @return distances and merges of the models that have the score; nothing if none has
   */
  public Optional<Dendrogram> clusters(String score, ScoreSeries.View view) {
    List<ScoreSeries> series = withScore(score, view);
    return series.isEmpty()
        ? Optional.empty()
        : Optional.of(
            Dendrogram.of(DistanceMatrix.of(series, options.distance()), options.linkage()));
  }

  /**
   * Divides the models into the number of groups that the options ask for.
   *
   * @param clusters what {@link #clusters} returned
   * @return the group of each of its models, from 0; nothing if no groups were asked for, or more
   *     than there are models
   */
  public Optional<List<Integer>> groups(Dendrogram clusters) {
    return options.groups().isPresent()
            && options.groups().getAsInt() <= clusters.distances().size()
        ? Optional.of(clusters.cut(options.groups().getAsInt()))
        : Optional.empty();
  }

  /**
   * Finds the published networks whose affinity is most like a model's.
   *
   * @param model one of the models
   * @param count how many networks
   * @return the networks, the nearest first; none if the model has no affinity
   */
  public static List<Atlas.Neighbour> nearest(ComparedModel model, int count) {
    return series(model, "affinity", ScoreSeries.View.MODULES)
        .map(series -> Atlas.published().neighbours(series.values()).subList(0, count))
        .orElse(List.of());
  }

  /**
   * A correlation over sites.
   *
   * @param other the score that the chosen one is correlated with
   * @param model name of the model whose sites were taken; all models' if empty
   * @param correlation what came out
   */
  public record OverSites(String other, Optional<String> model, Correlation correlation) {}

  /**
   * Correlates the chosen score with each other, over the sites that have both: of each model, and
   * of all models together.
   *
   * @return Pearson's and Spearman's coefficients
   */
  public List<OverSites> overSites() {
    List<OverSites> all = new ArrayList<>();
    for (String other : scores) {
      if (!other.equals(options.score())) {
        for (ComparedModel model : models) {
          addOverSites(other, Optional.of(model.name()), List.of(model), all);
        }
        addOverSites(other, Optional.empty(), models, all);
      }
    }
    return all;
  }

  private void addOverSites(
      String other, Optional<String> name, List<ComparedModel> of, List<OverSites> all) {
    List<double[]> pairs = new ArrayList<>();
    for (ComparedModel model : of) {
      for (LayerScores layer : model.signature().layers()) {
        OptionalDouble x = number(layer, options.score());
        OptionalDouble y = number(layer, other);
        if (x.isPresent() && y.isPresent()) {
          pairs.add(new double[] {x.getAsDouble(), y.getAsDouble()});
        }
      }
    }
    for (Correlation.Method method : Correlation.Method.values()) {
      all.add(new OverSites(other, name, correlate(method, pairs)));
    }
  }

  private static OptionalDouble number(LayerScores layer, String score) {
    return layer.scores().containsKey(score)
        ? layer.scores().get(score).number()
        : OptionalDouble.empty();
  }

  private static Correlation correlate(Correlation.Method method, List<double[]> pairs) {
    return Correlation.of(
        method,
        pairs.stream().mapToDouble(pair -> pair[0]).toArray(),
        pairs.stream().mapToDouble(pair -> pair[1]).toArray());
  }

  /**
   * A correlation over models.
   *
   * @param number what is known of the models, such as their accuracy
   * @param score name of the score
   * @param statistic its statistic over the sites, see {@link #statistics}
   * @param correlation what came out
   */
  public record OverModels(
      String number, String score, String statistic, Correlation correlation) {}

  /**
   * Correlates what is known of the models with the statistics of their scores.
   *
   * @return Pearson's and Spearman's coefficients for each number, score and statistic
   */
  public List<OverModels> overModels() {
    List<String> numbers = numbers();
    List<OverModels> all = new ArrayList<>();
    for (String score : numbers.isEmpty() ? List.<String>of() : scores) {
      Map<ComparedModel, Map<String, Double>> statistics = new LinkedHashMap<>();
      for (ComparedModel model : models) {
        series(model, score, options.view())
            .ifPresent(series -> statistics.put(model, statistics(series)));
      }
      Set<String> names = new LinkedHashSet<>();
      statistics.values().forEach(values -> names.addAll(values.keySet()));
      names.remove("sites");
      for (String number : numbers) {
        for (String name : names) {
          List<double[]> pairs = new ArrayList<>();
          statistics.forEach(
              (model, values) -> {
                if (model.numbers().containsKey(number) && values.containsKey(name)) {
                  pairs.add(new double[] {model.numbers().get(number), values.get(name)});
                }
              });
          for (Correlation.Method method : Correlation.Method.values()) {
            all.add(new OverModels(number, score, name, correlate(method, pairs)));
          }
        }
      }
    }
    return all;
  }

  /**
   * Returns what is known of the models besides their signatures.
   *
   * @return names of the numbers that any model has
   */
  public List<String> numbers() {
    return models.stream().flatMap(model -> model.numbers().keySet().stream()).distinct().toList();
  }

  /**
   * Summarises a series in the numbers that tables and files show.
   *
   * @param series the scores, at least one
   * @return number of {@code sites}, {@code mean}, {@code std}, {@code min}, {@code median}, {@code
   *     max} and, if the mean is not 0, {@code max_over_mean}
   */
  public static Map<String, Double> statistics(ScoreSeries series) {
    SummaryStatistics of = SummaryStatistics.of(series.values());
    Map<String, Double> numbers = new LinkedHashMap<>();
    numbers.put("sites", (double) of.count());
    numbers.put("mean", of.mean());
    numbers.put("std", of.deviation());
    numbers.put("min", of.minimum());
    numbers.put("median", of.median());
    numbers.put("max", of.maximum());
    if (Double.isFinite(of.maximumOverMean())) {
      numbers.put("max_over_mean", of.maximumOverMean());
    }
    return numbers;
  }

  /**
   * Returns what a reader should know before believing the comparison.
   *
   * @return the warnings, those about different settings and data first
   */
  public List<ComparisonWarning> warnings() {
    return Stream.concat(
            SettingsDifference.of(models).stream(),
            models.stream().flatMap(model -> ComparisonWarning.of(model, options.score()).stream()))
        .toList();
  }
}
