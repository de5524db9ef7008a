package dev.affinis.signature.transport;

import java.util.Arrays;

/** Proves how good an assignment is, from potentials and all costs, in exact arithmetic. */
final class DenseCertificate {
  private DenseCertificate() {}

  /**
   * Takes the dual solution from column potentials, rounded so that it is feasible in exact
   * arithmetic. Costs n^2.
   *
   * @param n number of rows
   * @param c costs (n x n, row by row)
   * @param columnOf the column of each row
   * @param v potentials of the columns
   */
  static Assignment of(int n, double[] c, int[] columnOf, double[] v) {
    double[] u = new double[n];
    Assignment.Totals totals = new Assignment.Totals();
    for (int i = 0; i < n; i++) {
      int base = i * n;
      int p = columnOf[i];
      u[i] = feasiblePotential(c, base, n, v);
      double assigned = c[base + p];
      double reduced = assigned - v[p];
      totals.add(assigned, reduced - u[i] + differenceError(assigned, v[p], reduced));
    }
    return totals.assignment(Arrays.copyOf(columnOf, n), u, Arrays.copyOf(v, n));
  }

  /** Returns a number at most, and next to, the least c[row][j] - v[j] in exact arithmetic. */
  private static double feasiblePotential(double[] c, int base, int n, double[] v) {
    double least = Double.POSITIVE_INFINITY;
    double error = 0;
    for (int j = 0; j < n; j++) {
      double reduced = c[base + j] - v[j];
      if (reduced <= least) {
        double own = differenceError(c[base + j], v[j], reduced);
        error = reduced < least ? own : Math.min(own, error);
        least = reduced;
      }
    }
    // Differences rounded to more than the least are at least that in exact arithmetic, too.
    return error < 0 ? Math.nextDown(least) : least;
  }

  /**
   * Returns the exact {@code a - b - difference}, where difference is the rounded a - b (Knuth).
   */
  private static double differenceError(double a, double b, double difference) {
    double minusB = difference - a;
    return (a - (difference - minusB)) - (b + minusB);
  }
}
