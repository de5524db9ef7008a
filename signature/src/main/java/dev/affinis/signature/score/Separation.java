package dev.affinis.signature.score;

import java.util.List;

/**
 * How far two classes are linearly separable: see {@link LinearSeparability}.
 *
 * @param order0 largest share of pairs in the right order; NaN if that was not searched for
 * @param order1 largest sum of differences over sum of their magnitudes; likewise
 * @param order2 largest squared mean of differences over mean of their squares
 */
record Separation(double order0, double order1, double order2) {
  /** Classes of which each is on a point of its own, seen from some direction. */
  static final Separation FULL = new Separation(1, 1, 1);

  /** What is known without a search. */
  static Separation closedForm(double order2) {
    return new Separation(Double.NaN, Double.NaN, order2);
  }

  /** The mean of several, at least one. */
  static Separation mean(List<Separation> all) {
    double[] sums = new double[3];
    for (Separation one : all) {
      for (int order = 0; order < sums.length; order++) {
        sums[order] += one.order(order);
      }
    }
    int count = all.size();
    return new Separation(sums[0] / count, sums[1] / count, sums[2] / count);
  }

  /** Whether orders 0 and 1 are known. */
  boolean isSearched() {
    return !Double.isNaN(order0);
  }

  double order(int order) {
    return switch (order) {
      case 0 -> order0;
      case 1 -> order1;
      default -> order2;
    };
  }
}
