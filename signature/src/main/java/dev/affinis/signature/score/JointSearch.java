package dev.affinis.signature.score;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Runs searches for directions on the same samples side by side: in each round every search has one
 * more direction, or several, evaluated. All of them are projected by one product Z W' of matrices,
 * and all derivatives come of another, S Z; a product with one vector at a time takes five to ten
 * times as long, since then each number of Z is read from memory for a single multiplication.
 *
 * <p>A round takes 4 n r operations for each direction, and n log n for its sums over pairs.
 */
final class JointSearch {
  /** Most projections that are computed at once. */
  private static final int MOST_VALUES = 1 << 20;

  private final NDArray rows;
  private final int size;
  private final int dimension;

  /**
   * Prepares searches.
   *
   * @param rows Z (n x r, float64), not modified
   */
  JointSearch(NDArray rows) {
    this.rows = rows;
    size = Math.toIntExact(rows.getShape().get(0));
    dimension = Math.toIntExact(rows.getShape().get(1));
  }

  private record Trial(SeparationSearch search, Descent descent) {}

  /** Runs all searches to their end. */
  void run(List<SeparationSearch> searches) {
    int most = Math.max(1, MOST_VALUES / size);
    try (NDArray columns = rows.transpose()) {
      List<Trial> trials = trials(searches);
      while (!trials.isEmpty()) {
        for (int from = 0; from < trials.size(); from += most) {
          evaluate(trials.subList(from, Math.min(trials.size(), from + most)), columns);
        }
        trials = trials(searches);
      }
    }
  }

  private static List<Trial> trials(List<SeparationSearch> searches) {
    List<Trial> trials = new ArrayList<>();
    for (SeparationSearch search : searches) {
      search.descents().forEach(descent -> trials.add(new Trial(search, descent)));
    }
    return trials;
  }

  private void evaluate(List<Trial> trials, NDArray columns) {
    int count = trials.size();
    double[] directions = new double[count * dimension];
    for (int k = 0; k < count; k++) {
      double[] direction = trials.get(k).descent().direction();
      System.arraycopy(direction, 0, directions, k * dimension, dimension);
    }
    double[] values = times(directions, count, columns);
    double[] slopes = new double[values.length];
    for (int k = 0; k < count; k++) {
      trials.get(k).search().look(trials.get(k).descent(), values, k * size, slopes);
    }
    double[] gradients = times(slopes, count, rows);
    for (int k = 0; k < count; k++) {
      int from = k * dimension;
      trials.get(k).descent().follow(Arrays.copyOfRange(gradients, from, from + dimension));
    }
  }

  /** The product of a matrix of so many rows with another. */
  private double[] times(double[] left, int count, NDArray right) {
    try (NDManager scratch = rows.getManager().newSubManager();
        NDArray matrix = scratch.create(left, new Shape(count, left.length / count));
        NDArray product = matrix.matMul(right)) {
      return product.toDoubleArray();
    }
  }
}
