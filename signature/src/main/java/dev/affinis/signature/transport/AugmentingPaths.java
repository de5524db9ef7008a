package dev.affinis.signature.transport;

import java.util.Arrays;

/**
 * Solves a dense linear assignment problem with a fixed bound on the work, of order n^3, whatever
 * the costs are: for those that an {@link Auction} gives up on.
 *
 * <p>Costs may be any finite numbers: negative, tied, integer, of very different magnitude. The
 * result is optimal up to the rounding of the costs involved; {@link Assignment#relativeGap()} says
 * how close that is. Not safe for use by several threads; a solver may be used again and keeps its
 * workspace of 10 n numbers.
 *
 * <p><b>How.</b> Throughout, v are potentials of the columns, {@code u[i] = min over j of c[i][j] -
 * v[j]}, and only pairs that attain this minimum are assigned, so whatever is assigned is part of
 * an optimal solution for the columns involved. The rest is assigned in four steps.
 *
 * <ol>
 *   <li>The costs met here are distances between what an activation returns and an affine
 *       approximation of it, and the identity is often optimal. It is if and only if the graph with
 *       edges {@code c[i][j] - c[i][i]} from i to j has no negative cycle; v are then shortest
 *       distances. Passes of Bellman and Ford over all edges, in place, find them, or are given up
 *       once they stop to settle quickly.
 *   <li>Each row takes the cheapest column if it is free (Jonker and Volgenant, Computing 38, 1987,
 *       "initialization").
 *   <li>Rows left over bid for columns and may displace other rows ("augmenting row reduction").
 *   <li>Shortest augmenting paths, by Dijkstra's algorithm on reduced costs. A search starts from
 *       all free rows at once and grows a forest until it has reached every free column; each tree
 *       then gives one augmenting path, and the paths are disjoint. Towards the end, when a forest
 *       yields few paths, searches from one row can be cheaper: the kind that took fewer row scans
 *       per path lately is chosen.
 * </ol>
 *
 * <p><b>It always ends.</b> A pass of step 1 is followed by another only if it changed less than 7
 * tenths of the rows that the one before changed. Step 3 spends at most 6 n bids. A search of step
 * 4 settles one further column each time round its loop, n at most, reaches a free column because
 * all costs are finite, and assigns at least one more row for good; there are at most n searches.
 * No decision to go on depends on a comparison of rounded numbers.
 *
 * <p><b>Rounding.</b> Steps 1 and 3 may lower a potential far below what the solution needs if
 * costs differ by more than 1e10, and then lose digits. If the proof shows that, everything is done
 * again without them. In step 4 alone the potentials stay below the total cost, since each search
 * raises the dual value, which the total bounds, by at least the length of its longest path.
 *
 * <p><b>Cost.</b> At most of order n^3. Proving the identity takes a few passes of n^2.
 */
final class AugmentingPaths {
  /** A free row or column. */
  private static final int NONE = -1;

  private static final double SETTLING_RATE = 0.7;
  private static final double KEEP_FREE_SHARE = 0.7;
  private static final int REDUCTION_ROUNDS = 2;
  private static final int BIDS_PER_ROW = 2;
  private static final double GAP_TOLERANCE = 1e-12;

  private int n;
  private double[] c = {};
  private int[] columnOf = {};
  private int[] rowOf = {};

  /** Potentials of the columns. */
  private double[] v = {};

  /** Potentials of the free rows, at most the least reduced cost. */
  private double[] u = {};

  // Step 4: per column its tentative distance, infinite once settled; its potential, minus infinity
  // once settled, so that it is never relaxed again; its final distance; the row before it.
  private double[] distance = {};
  private double[] openPotential = {};
  private double[] settled = {};
  private int[] before = {};
  private int[] settledColumns = {};
  private int[] rootOf = {};
  private long scans;
  private long allScans;

  /**
   * Solves a problem.
   *
   * @param size n, at least 1 and at most 46340
   * @param costs matrix (n x n, row by row), finite, not modified; sums of n of them must not
   *     overflow
   * @return the assignment
   */
  Assignment solve(int size, double[] costs) {
    n = size;
    c = costs;
    allScans = 0;
    allocate();
    try {
      Assignment assignment = solveFast();
      if (assignment.relativeGap() > GAP_TOLERANCE) {
        Assignment careful = solveCarefully();
        assignment = careful.relativeGap() < assignment.relativeGap() ? careful : assignment;
      }
      return assignment;
    } finally {
      c = new double[0]; // the caller's array is not ours to keep
    }
  }

  /** Returns how many rows were scanned in searches for paths when a problem was solved last. */
  long scans() {
    return allScans;
  }

  private Assignment solveFast() {
    Arrays.fill(v, 0, n, 0);
    if (relaxIdentity()) {
      assignIdentity();
      return DenseCertificate.of(n, c, columnOf, v);
    }
    if (assignCheapest() > KEEP_FREE_SHARE * n) {
      Arrays.fill(v, 0, n, 0);
      assignCheapest();
    }
    reduceRows();
    augmentAll();
    return DenseCertificate.of(n, c, columnOf, v);
  }

  private Assignment solveCarefully() {
    Arrays.fill(v, 0, n, 0);
    assignCheapest();
    augmentAll();
    return DenseCertificate.of(n, c, columnOf, v);
  }

  /** Step 1. Returns whether v now proves the identity optimal. */
  private boolean relaxIdentity() {
    double limit = n;
    while (true) {
      int changed = relaxOnce();
      if (changed == 0) {
        return true;
      }
      if (changed > limit) {
        return false;
      }
      limit = SETTLING_RATE * changed;
    }
  }

  /** Lowers each v[j] to the least v[i] + c[i][j] - c[i][i]; returns how many rows i did so. */
  private int relaxOnce() {
    int changed = 0;
    for (int i = 0; i < n; i++) {
      int base = i * n;
      double start = v[i] - c[base + i];
      boolean lowered = false;
      for (int j = 0; j < n; j++) {
        double length = c[base + j] + start;
        if (length < v[j] && j != i) {
          v[j] = length;
          lowered = true;
        }
      }
      if (lowered) {
        changed++;
      }
    }
    return changed;
  }

  private void assignIdentity() {
    for (int i = 0; i < n; i++) {
      columnOf[i] = i;
      rowOf[i] = i;
    }
  }

  /** Step 2, own columns first. Returns how many rows are free. */
  private int assignCheapest() {
    Arrays.fill(columnOf, 0, n, NONE);
    Arrays.fill(rowOf, 0, n, NONE);
    int[] cheapest = before;
    for (int i = 0; i < n; i++) {
      int base = i * n;
      int best = i;
      double least = c[base + i] - v[i];
      for (int j = 0; j < n; j++) {
        double reduced = c[base + j] - v[j];
        if (reduced < least) {
          least = reduced;
          best = j;
        }
      }
      cheapest[i] = best;
      u[i] = least;
      if (best == i) {
        assign(i, i);
      }
    }
    int free = 0;
    for (int i = 0; i < n; i++) {
      if (columnOf[i] == NONE && rowOf[cheapest[i]] == NONE) {
        assign(i, cheapest[i]);
      } else if (columnOf[i] == NONE) {
        free++;
      }
    }
    return free;
  }

  private void assign(int row, int column) {
    columnOf[row] = column;
    rowOf[column] = row;
  }

  /**
   * Step 3. A free row takes its cheapest column, whose potential falls until the second cheapest
   * is as good. The row that had the column is free again; it bids at once as long as bids are
   * left.
   */
  private void reduceRows() {
    int[] queue = settledColumns;
    int waiting = freeRows(queue);
    for (int round = 0; round < REDUCTION_ROUNDS; round++) {
      int bids = BIDS_PER_ROW * n;
      int next = 0;
      int left = 0;
      while (next < waiting) {
        int i = queue[next++];
        int displaced = bid(i);
        if (displaced != NONE && bids-- > 0) {
          queue[--next] = displaced;
        } else if (displaced != NONE) {
          queue[left++] = displaced;
        }
      }
      waiting = left;
    }
    int free = freeRows(queue);
    for (int k = 0; k < free; k++) {
      u[queue[k]] = leastReducedCost(queue[k]);
    }
  }

  private int freeRows(int[] list) {
    int free = 0;
    for (int i = 0; i < n; i++) {
      if (columnOf[i] == NONE) {
        list[free++] = i;
      }
    }
    return free;
  }

  /** Lets a free row take a column; returns the row that had it, or NONE. */
  private int bid(int row) {
    int base = row * n;
    double least = Double.POSITIVE_INFINITY;
    double second = Double.POSITIVE_INFINITY;
    int best = NONE;
    int runnerUp = NONE;
    for (int j = 0; j < n; j++) {
      double reduced = c[base + j] - v[j];
      if (reduced < second) {
        if (reduced < least) {
          second = least;
          runnerUp = best;
          least = reduced;
          best = j;
        } else {
          second = reduced;
          runnerUp = j;
        }
      }
    }
    if (least < second && runnerUp != NONE) {
      v[best] -= second - least;
    } else if (rowOf[best] != NONE && runnerUp != NONE) {
      best = runnerUp;
    }
    int displaced = rowOf[best];
    if (displaced != NONE) {
      columnOf[displaced] = NONE;
    }
    assign(row, best);
    return displaced;
  }

  private double leastReducedCost(int row) {
    int base = row * n;
    double least = Double.POSITIVE_INFINITY;
    for (int j = 0; j < n; j++) {
      least = Math.min(least, c[base + j] - v[j]);
    }
    return least;
  }

  /** Step 4. */
  private void augmentAll() {
    int[] list = new int[n];
    int free = freeRows(list);
    // Row scans per path of either kind of search; the one not used is forgotten slowly, so that it
    // is tried again.
    double forestScans = 0;
    double singleScans = 0;
    while (free > 0) {
      scans = 0;
      if (forestScans <= singleScans) {
        int paths = augment(list, free);
        forestScans = (double) scans / paths;
        singleScans *= 0.95;
      } else {
        augment(list, 1);
        singleScans = 0.8 * singleScans + 0.2 * scans;
        forestScans *= 0.95;
      }
      allScans += scans;
      free = freeRows(list);
    }
  }

  /** One search from the first {@code sources} rows of a list; returns the paths augmented. */
  private int augment(int[] rows, int sources) {
    System.arraycopy(v, 0, openPotential, 0, n);
    Arrays.fill(distance, 0, n, Double.POSITIVE_INFINITY);
    for (int k = 0; k < sources; k++) {
      rootOf[rows[k]] = rows[k];
      relaxFrom(rows[k], u[rows[k]]);
    }
    boolean[] used = new boolean[n];
    int[] ends = new int[sources];
    int paths = 0;
    int reached = 0;
    int count = 0;
    double radius = 0;
    int nearest = nearestOpen();
    while (true) {
      int j = nearest;
      radius = Math.max(radius, distance[j]);
      settled[j] = radius;
      settledColumns[count++] = j;
      distance[j] = Double.POSITIVE_INFINITY;
      openPotential[j] = Double.NEGATIVE_INFINITY;
      int root = rootOf[before[j]];
      int i = rowOf[j];
      if (i != NONE) {
        rootOf[i] = root;
        // The assigned pair has reduced cost 0: u[i] = c[i][j] - v[j].
        nearest = relaxFrom(i, c[i * n + j] - v[j] - radius);
        continue;
      }
      reached++;
      if (!used[root]) {
        used[root] = true;
        ends[paths++] = j;
      }
      if (reached == sources || paths == sources) {
        break;
      }
      nearest = nearestOpen();
    }
    for (int k = 0; k < count; k++) {
      int j = settledColumns[k];
      v[j] += settled[j] - radius;
    }
    for (int k = 0; k < sources; k++) {
      u[rows[k]] += radius;
    }
    for (int k = 0; k < paths; k++) {
      flip(ends[k]);
    }
    return paths;
  }

  /**
   * Shortens the distances of open columns by way of a row; returns the nearest open column.
   *
   * @param offset potential of the row minus its own distance
   */
  private int relaxFrom(int row, double offset) {
    scans++;
    // Locals, and no more than two branches that are rarely taken: this loop is most of the work.
    double[] costs = c;
    double[] open = distance;
    double[] potential = openPotential;
    int[] last = before;
    int base = row * n;
    int nearest = NONE;
    double least = Double.POSITIVE_INFINITY;
    for (int j = 0; j < n; j++) {
      double known = open[j];
      double length = costs[base + j] - potential[j] - offset;
      if (length < known) {
        known = length;
        open[j] = length;
        last[j] = row;
      }
      if (known < least) {
        least = known;
        nearest = j;
      }
    }
    return nearest;
  }

  private int nearestOpen() {
    int nearest = NONE;
    double least = Double.POSITIVE_INFINITY;
    for (int j = 0; j < n; j++) {
      if (distance[j] < least) {
        least = distance[j];
        nearest = j;
      }
    }
    return nearest;
  }

  /** Reassigns along the path that ends in a free column. */
  private void flip(int end) {
    int j = end;
    while (j != NONE) {
      int i = before[j];
      int previous = columnOf[i];
      assign(i, j);
      j = previous;
    }
  }

  private void allocate() {
    if (v.length >= n) {
      return;
    }
    columnOf = new int[n];
    rowOf = new int[n];
    v = new double[n];
    u = new double[n];
    distance = new double[n];
    openPotential = new double[n];
    settled = new double[n];
    before = new int[n];
    settledColumns = new int[n];
    rootOf = new int[n];
  }
}
