package dev.affinis.signature.transport;

import java.util.Arrays;

/**
 * The second solver: the Hungarian method as textbooks have it, one shortest augmenting path per
 * row by Dijkstra's algorithm on a dense matrix, O(n^3), with nothing done to be fast.
 */
final class TextbookHungarian {
  private final double[][] costs;
  private final int n;
  private final double[] ofRow;
  private final double[] ofColumn;

  /** Row of each column, or -1. */
  private final int[] rowOf;

  private TextbookHungarian(double[][] costs) {
    this.costs = costs;
    n = costs.length;
    ofRow = new double[n];
    ofColumn = new double[n];
    rowOf = new int[n];
    Arrays.fill(rowOf, -1);
  }

  /** Returns the column of each row in a cheapest assignment. */
  static int[] solve(double[][] costs) {
    TextbookHungarian problem = new TextbookHungarian(costs);
    for (int i = 0; i < costs.length; i++) {
      problem.assign(i);
    }
    int[] columnOf = new int[costs.length];
    for (int j = 0; j < costs.length; j++) {
      columnOf[problem.rowOf[j]] = j;
    }
    return columnOf;
  }

  /** Assigns one more row, and others anew along the shortest path to a free column. */
  private void assign(int root) {
    double[] distance = new double[n];
    int[] previousColumn = new int[n];
    boolean[] done = new boolean[n];
    Arrays.fill(distance, Double.POSITIVE_INFINITY);
    int row = root;
    int column = -1;
    double reached = 0;
    while (row != -1) {
      for (int j = 0; j < n; j++) {
        double length = reached + (costs[row][j] - ofRow[row] - ofColumn[j]);
        if (!done[j] && length < distance[j]) {
          distance[j] = length;
          previousColumn[j] = column;
        }
      }
      column = nearest(distance, done);
      done[column] = true;
      reached = distance[column];
      row = rowOf[column];
    }
    ofRow[root] += reached;
    for (int j = 0; j < n; j++) {
      if (done[j]) {
        ofColumn[j] += distance[j] - reached;
        if (rowOf[j] != -1) {
          ofRow[rowOf[j]] += reached - distance[j];
        }
      }
    }
    for (int j = column; j != -1; j = previousColumn[j]) {
      rowOf[j] = previousColumn[j] == -1 ? root : rowOf[previousColumn[j]];
    }
  }

  private static int nearest(double[] distance, boolean[] done) {
    int nearest = -1;
    for (int j = 0; j < distance.length; j++) {
      if (!done[j] && (nearest == -1 || distance[j] < distance[nearest])) {
        nearest = j;
      }
    }
    return nearest;
  }
}
