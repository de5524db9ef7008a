package dev.affinis.signature.transport;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * With whom each of n points is paired, and what each sample has to do with the squared distance of
 * the two clouds: the derivative of it with respect to the sample's weight.
 *
 * <p>By the envelope theorem the pairing may be held for the derivative, which is u_i + v_i, the
 * sum of the dual potentials of both points of sample i (Peyre and Cuturi, "Computational Optimal
 * Transport", proposition 9.2). Where samples are paired with themselves, that is the squared
 * distance of their points. The mean of all shares is the squared distance of the clouds.
 */
final class Shares {
  private final int[] columnOfRow;
  private final double[] values;

  private Shares(int[] columnOfRow, double[] values) {
    this.columnOfRow = columnOfRow;
    this.values = values;
  }

  /**
   * Points paired by their numbers.
   *
   * @param squaredDistances squared distance of the i-th points (n), owned from now on
   */
  static Shares byNumber(double[] squaredDistances) {
    return new Shares(null, squaredDistances);
  }

  /** Points paired by an assignment on squared distances. */
  static Shares of(Assignment assignment) {
    double[] sums = assignment.rowPotentials();
    double[] columns = assignment.columnPotentials();
    Arrays.setAll(sums, i -> sums[i] + columns[i]);
    return new Shares(assignment.permutation(), sums);
  }

  /**
   * Points on a line, the k-th smallest a with the k-th smallest b. The potentials of -2 a b on
   * sorted points differ by the step of a times the mean of both b.
   *
   * @param a values (n), not modified
   * @param b values (n), not modified
   */
  static Shares onLine(double[] a, double[] b) {
    int[] rows = ascending(a);
    int[] columns = ascending(b);
    int[] columnOfRow = new int[a.length];
    double[] values = new double[a.length];
    double row = 0;
    for (int k = 0; k < rows.length; k++) {
      double from = a[rows[k]];
      double to = b[columns[k]];
      if (k > 0) {
        row -= (from - a[rows[k - 1]]) * (to + b[columns[k - 1]]);
      }
      columnOfRow[rows[k]] = columns[k];
      values[rows[k]] += from * from + row;
      values[columns[k]] += to * to - 2 * from * to - row;
    }
    return new Shares(columnOfRow, values);
  }

  private static int[] ascending(double[] values) {
    return IntStream.range(0, values.length)
        .boxed()
        .sorted(Comparator.comparingDouble(i -> values[i]))
        .mapToInt(i -> i)
        .toArray();
  }

  /** Whether all points are paired by their numbers. */
  boolean isIdentity() {
    return columnOfRow == null;
  }

  /** The column of every row (n), a new array; not for the identity. */
  int[] permutation() {
    return columnOfRow.clone();
  }

  /** The shares (n), a new array, in squared units of the points. */
  double[] values() {
    return values.clone();
  }
}
