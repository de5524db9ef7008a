package dev.affinis.signature.transport;

/** The naive algorithm: tries all permutations. */
final class BruteForce {
  private BruteForce() {}

  /** Returns the least total cost. */
  static double leastCost(double[][] costs) {
    return leastCost(costs, 0, new boolean[costs.length]);
  }

  private static double leastCost(double[][] costs, int row, boolean[] taken) {
    if (row == costs.length) {
      return 0;
    }
    double least = Double.POSITIVE_INFINITY;
    for (int j = 0; j < costs.length; j++) {
      if (!taken[j]) {
        taken[j] = true;
        least = Math.min(least, costs[row][j] + leastCost(costs, row + 1, taken));
        taken[j] = false;
      }
    }
    return least;
  }
}
