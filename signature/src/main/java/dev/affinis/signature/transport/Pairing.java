package dev.affinis.signature.transport;

import ai.djl.ndarray.NDArray;
import java.util.Arrays;

/**
 * The cheapest pairing of two clouds of n points at equal weights.
 *
 * @param distance root mean square distance of the pairs, the 2-Wasserstein distance of the clouds
 * @param relativeGap by how much the square of it may exceed the minimum, as a share
 * @param identityOptimal whether pairing the points by their numbers is as cheap
 */
record Pairing(double distance, double relativeGap, boolean identityOptimal) {
  /** By how much two sums of n squares may differ by rounding, as a share. */
  private static final double ROUNDING = 1e-12;

  /**
   * Pairs points on a line: the i-th smallest with the i-th smallest.
   *
   * @param a values (n), not modified
   * @param b values (n), not modified
   */
  static Pairing onLine(double[] a, double[] b) {
    double byNumber = meanSquare(a, b);
    double[] sortedA = a.clone();
    double[] sortedB = b.clone();
    Arrays.sort(sortedA);
    Arrays.sort(sortedB);
    double least = meanSquare(sortedA, sortedB);
    return new Pairing(Math.sqrt(least), 0, byNumber <= least * (1 + ROUNDING));
  }

  private static double meanSquare(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      double difference = a[i] - b[i];
      sum += difference * difference;
    }
    return sum / a.length;
  }

  /** Pairs points by their numbers, where every pairing costs the same. */
  static Pairing byNumber(NDArray a, NDArray b) {
    return new Pairing(rootMeanSquare(a, b), 0, true);
  }

  /**
   * Pairs points by exact assignment on squared distances.
   *
   * @param a points (n x d, float64), close to the origin compared to their spread
   * @param b points (n x d, float64), likewise
   * @throws ArithmeticException if no pairing could be proved optimal
   */
  static Pairing inSpace(NDArray a, NDArray b) {
    Assignment assignment = new AssignmentSolver().solve(a, b);
    if (assignment.isIdentity()) {
      return new Pairing(rootMeanSquare(a, b), assignment.relativeGap(), true);
    }
    // The costs suffer from cancellation where points nearly meet; the distance is taken afresh.
    double byNumber = rootMeanSquare(a, b);
    try (NDArray order = a.getManager().create(assignment.permutation());
        NDArray paired = b.get(order)) {
      double distance = rootMeanSquare(a, paired);
      boolean identityOptimal = byNumber <= distance * (1 + ROUNDING);
      return new Pairing(distance, assignment.relativeGap(), identityOptimal);
    }
  }

  private static double rootMeanSquare(NDArray a, NDArray b) {
    try (NDArray difference = a.sub(b);
        NDArray squares = difference.square();
        NDArray sum = squares.sum()) {
      return Math.sqrt(sum.getDouble() / a.getShape().get(0));
    }
  }
}
