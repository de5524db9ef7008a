package dev.affinis.signature.transport;

import java.util.Arrays;

/**
 * An assignment of rows to columns, with the proof that no other is cheaper.
 *
 * <p>The proof is a solution u, v of the dual problem: {@code u[i] + v[j] <= c[i][j]} for all i and
 * j, so that every assignment costs at least {@code sum(u) + sum(v)}. The inequalities hold in
 * exact arithmetic: u is rounded down where the difference it is made of is not exact.
 */
public final class Assignment {
  private final int[] columnOfRow;
  private final double cost;
  private final double gap;
  private final double relativeGap;
  private final double scale;
  private final double[] u;
  private final double[] v;

  /** Takes ownership of the arrays; scale is the sum of the absolute costs assigned. */
  Assignment(int[] columnOfRow, double cost, double gap, double scale, double[] u, double[] v) {
    this.columnOfRow = columnOfRow;
    this.cost = cost;
    this.gap = gap;
    this.relativeGap = gap == 0 ? 0 : gap / scale;
    this.scale = scale;
    this.u = u;
    this.v = v;
  }

  /** Returns the solution of the same problem with all costs times 2^exponent. */
  Assignment scaled(int exponent) {
    return new Assignment(
        columnOfRow,
        Math.scalb(cost, exponent),
        Math.scalb(gap, exponent),
        Math.scalb(scale, exponent),
        scaled(u, exponent),
        scaled(v, exponent));
  }

  private static double[] scaled(double[] values, int exponent) {
    return Arrays.stream(values).map(value -> Math.scalb(value, exponent)).toArray();
  }

  /**
   * Returns the number of rows.
   *
   * @return n
   */
  public int size() {
    return columnOfRow.length;
  }

  /**
   * Returns the column assigned to a row.
   *
   * @param row a row, from 0
   * @return its column, from 0
   */
  public int columnOf(int row) {
    return columnOfRow[row];
  }

  /**
   * Returns the column of every row.
   *
   * @return a new array (n)
   */
  public int[] permutation() {
    return columnOfRow.clone();
  }

  /**
   * Returns whether every row has the column of its own number.
   *
   * @return whether the permutation is the identity
   */
  public boolean isIdentity() {
    for (int i = 0; i < columnOfRow.length; i++) {
      if (columnOfRow[i] != i) {
        return false;
      }
    }
    return true;
  }

  /**
   * Returns the sum of the costs of all assigned pairs, rounded once.
   *
   * @return the total cost
   */
  public double cost() {
    return cost;
  }

  /**
   * Returns the cost minus the dual value, the most by which another assignment can be cheaper.
   *
   * @return the gap, at least 0
   */
  public double gap() {
    return gap;
  }

  /**
   * Returns the gap as a share of the sum of the absolute costs of all assigned pairs. It is of the
   * order of the rounding unit, 1e-16, unless the potentials are far larger than the costs
   * assigned.
   *
   * @return the relative gap, at least 0
   */
  public double relativeGap() {
    return relativeGap;
  }

  /**
   * Returns the dual potentials of the rows.
   *
   * @return a new array (n), in the unit of the costs
   */
  public double[] rowPotentials() {
    return u.clone();
  }

  /**
   * Returns the dual potentials of the columns.
   *
   * @return a new array (n), in the unit of the costs
   */
  public double[] columnPotentials() {
    return v.clone();
  }

  @Override
  public String toString() {
    return "Assignment[cost="
        + cost
        + ", relativeGap="
        + relativeGap
        + ", columnOfRow="
        + Arrays.toString(columnOfRow)
        + "]";
  }

  /** Adds up the cost and the gap of an assignment, pair by pair. */
  static final class Totals {
    private double cost;
    private double carry;
    private double gap;
    private double magnitude;

    /** Adds a pair: its cost, and by how much the proof misses it. */
    void add(double assigned, double missing) {
      gap += Math.max(0, missing);
      magnitude += Math.abs(assigned);
      double sum = cost + assigned; // Neumaier's summation
      carry += Math.abs(cost) >= Math.abs(assigned) ? cost - sum + assigned : assigned - sum + cost;
      cost = sum;
    }

    /** Returns the assignment; takes ownership of the arrays. */
    Assignment assignment(int[] columnOfRow, double[] u, double[] v) {
      return new Assignment(columnOfRow, cost + carry, gap, magnitude, u, v);
    }
  }
}
