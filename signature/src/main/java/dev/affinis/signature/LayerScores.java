package dev.affinis.signature;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The scores of one site: of an activation call, or of what else was measured.
 *
 * @param index position among the measured calls of the model in execution order, from 0
 * @param path where the activation is in the model, such as {@code layer1.0.relu}
 * @param call which call of this path it is, from 1
 * @param activation kind of activation or other site, such as {@code relu} or {@code batch_norm}
 * @param type family of the kind, such as {@code activation} or {@code normalisation}
 * @param shape shape of the output without its batch dimension
 * @param dimension number of columns of the output's sample matrix
 * @param scores scores by name, in the order they are reported; copied
 * @param errors standard errors by name of the score, of those scores that have one; copied
 * @param gaps by name of the score, of those that optimise something: how far that may be from its
 *     optimum, as a share, proved by a dual solution; copied
 * @param batches by name of the score, where it is the mean over several sample sets: the score of
 *     each; copied
 */
public record LayerScores(
    int index,
    String path,
    int call,
    String activation,
    String type,
    List<Long> shape,
    long dimension,
    Map<String, Score> scores,
    Map<String, Score> errors,
    Map<String, Double> gaps,
    Map<String, BatchScores> batches) {
  /** The type of activations. */
  public static final String ACTIVATION = "activation";

  /** Checks the numbers and copies the collections. */
  public LayerScores {
    if (index < 0 || call < 1 || dimension < 1) {
      throw new IllegalArgumentException(
          "layer %s: index must be at least 0, call and dimension at least 1, got %s, %s, %s"
              .formatted(path, index, call, dimension));
    }
    shape = List.copyOf(shape);
    scores = Collections.unmodifiableMap(new LinkedHashMap<>(scores));
    errors = Collections.unmodifiableMap(new LinkedHashMap<>(errors));
    gaps = Collections.unmodifiableMap(new LinkedHashMap<>(gaps));
    batches = Collections.unmodifiableMap(new LinkedHashMap<>(batches));
    requireScored("batches", batches.keySet(), path, scores.keySet());
    requireScored("errors", errors.keySet(), path, scores.keySet());
    requireScored("gaps", gaps.keySet(), path, scores.keySet());
  }

  private static void requireScored(
      String what, Set<String> names, String path, Set<String> scores) {
    if (!scores.containsAll(names)) {
      throw new IllegalArgumentException(
          "layer %s: %s must belong to scores %s, got %s".formatted(path, what, scores, names));
    }
  }

  /**
   * Scores of an activation on one sample set.
   *
   * @param index position among the measured calls of the model in execution order, from 0
   * @param path where the activation is in the model, such as {@code layer1.0.relu}
   * @param call which call of this path it is, from 1
   * @param activation kind of activation, such as {@code relu}
   * @param shape shape of the activation without its batch dimension
   * @param dimension number of columns of the sample matrix
   * @param scores scores by name, in the order they are reported; copied
   * @param errors standard errors by name of the score, of those scores that have one; copied
   * @param gaps by name of the score: how far what was optimised may be from its optimum; copied
   */
  public LayerScores(
      int index,
      String path,
      int call,
      String activation,
      List<Long> shape,
      long dimension,
      Map<String, Score> scores,
      Map<String, Score> errors,
      Map<String, Double> gaps) {
    this(
        index,
        path,
        call,
        activation,
        ACTIVATION,
        shape,
        dimension,
        scores,
        errors,
        gaps,
        Map.of());
  }

  /**
   * Scores of an activation without standard errors and gaps.
   *
   * @param index position among the measured calls of the model in execution order, from 0
   * @param path where the activation is in the model, such as {@code layer1.0.relu}
   * @param call which call of this path it is, from 1
   * @param activation kind of activation, such as {@code relu}
   * @param shape shape of the activation without its batch dimension
   * @param dimension number of columns of the sample matrix
   * @param scores scores by name, in the order they are reported; copied
   */
  public LayerScores(
      int index,
      String path,
      int call,
      String activation,
      List<Long> shape,
      long dimension,
      Map<String, Score> scores) {
    this(index, path, call, activation, shape, dimension, scores, Map.of(), Map.of());
  }

  /**
   * Returns the name of the module that makes the call, for tables and charts.
   *
   * @return the path, with the kind if this is no activation, as other sites may have the path of
   *     one
   */
  public String module() {
    return module(path, type, activation);
  }

  /**
   * Returns the name of the call, for tables and charts.
   *
   * @return the {@link #module}, with the call number if it is not the first
   */
  public String label() {
    return label(path, type, activation, call);
  }

  /**
   * Names a call, measured or not, as {@link #label()} does.
   *
   * @param path where it is in the model
   * @param type family of the kind
   * @param kind what is called
   * @param call which call of this path it is, from 1
   * @return {@code layer1.0.relu}, {@code layer1.0.relu (call 2)} or {@code layer1.0:module}
   */
  public static String label(String path, String type, String kind, int call) {
    String module = module(path, type, kind);
    return call == 1 ? module : module + " (call " + call + ")";
  }

  private static String module(String path, String type, String kind) {
    return type.equals(ACTIVATION) ? path : path + ":" + kind;
  }
}
