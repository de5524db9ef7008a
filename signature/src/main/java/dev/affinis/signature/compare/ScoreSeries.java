package dev.affinis.signature.compare;

import dev.affinis.signature.LayerScores;
import dev.affinis.signature.Score;
import dev.affinis.signature.Signature;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One score of a signature, in the order of execution.
 *
 * @param model name of the model
 * @param score name of the score
 * @param points the sites that have the score; copied
 * @param missing the sites that do not, with the reason; copied
 */
public record ScoreSeries(
    String model, String score, List<Point> points, Map<String, String> missing) {
  /** Copies the collections. */
  public ScoreSeries {
    points = List.copyOf(points);
    missing = Collections.unmodifiableMap(new LinkedHashMap<>(missing));
  }

  /** What one point stands for. */
  public enum View {
    /** Each call of an activation by itself. */
    CALLS,
    /**
     * The calls of a module together: their mean, in the place of the first, as some of the paper's
     * figures have it.
     */
    MODULES
  }

  /**
   * A site, or several calls of one module.
   *
   * @param label path of the site, with the call number if it is not the first
   * @param kinds kinds of the calls, such as {@code relu}, each once
   * @param depth position in the order of execution, from 0: {@code index} of the first call
   * @param value the score, the mean of the calls
   */
  public record Point(String label, List<String> kinds, int depth, double value) {
    /** Copies the list. */
    public Point {
      kinds = List.copyOf(kinds);
    }
  }

  /**
   * Takes a score out of a signature.
   *
   * @param signature the signature
   * @param score name of the score
   * @param view what a point stands for; a module whose calls did not all get the score has the
   *     mean of those that did
   * @return the series
   * @throws IllegalArgumentException if no site of the signature has a score of that name, computed
   *     or not
   */
  public static ScoreSeries of(Signature signature, String score, View view) {
    String model = signature.model().name();
    if (signature.layers().stream().noneMatch(layer -> layer.scores().containsKey(score))) {
      throw new IllegalArgumentException(
          "signature of %s has no score %s: expected one of %s"
              .formatted(model, score, signature.scoreNames()));
    }
    Map<String, String> missing = new LinkedHashMap<>();
    Map<String, List<LayerScores>> groups = new LinkedHashMap<>();
    for (LayerScores layer : signature.layers()) {
      Score value = layer.scores().getOrDefault(score, Score.unavailable("not asked for"));
      if (value instanceof Score.Unavailable none) {
        missing.put(layer.label(), none.reason());
      } else {
        String label = view == View.CALLS ? layer.label() : layer.module();
        groups.computeIfAbsent(label, key -> new ArrayList<>()).add(layer);
      }
    }
    List<Point> points = new ArrayList<>();
    groups.forEach((label, layers) -> points.add(point(label, layers, score)));
    return new ScoreSeries(model, score, points, missing);
  }

  private static Point point(String label, List<LayerScores> layers, String score) {
    double mean =
        layers.stream()
            .mapToDouble(layer -> layer.scores().get(score).number().orElseThrow())
            .average()
            .orElseThrow();
    return new Point(
        label,
        layers.stream().map(LayerScores::activation).distinct().toList(),
        layers.get(0).index(),
        mean);
  }

  /**
   * Returns the numbers alone.
   *
   * @return one value for each point, a new array
   */
  public double[] values() {
    return points.stream().mapToDouble(Point::value).toArray();
  }

  /**
   * Returns the same series under another name of its model.
   *
   * @param name the name
   * @return the series
   */
  public ScoreSeries named(String name) {
    return new ScoreSeries(name, score, points, missing);
  }
}
