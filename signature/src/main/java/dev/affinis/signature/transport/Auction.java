package dev.affinis.signature.transport;

import java.util.Arrays;

/**
 * Solves an assignment problem by bids on short lists of columns, exactly: the sparse, lazily
 * priced form of Bertsekas' auction with epsilon scaling, ended by shortest paths.
 *
 * <p><b>Lists.</b> Each row knows a few columns that are cheap for it and a bound on the reduced
 * costs {@code c[i][j] - v[j]} of all others. Potentials v only ever fall here, so reduced costs
 * only rise and bounds stay true; a row is listed afresh when its cheapest known column is no
 * longer known to be the cheapest. Nothing is ever decided as if a column that is not listed did
 * not exist.
 *
 * <p><b>Steps.</b>
 *
 * <ol>
 *   <li>Potentials start at the least cost of each column. The identity is optimal if and only if
 *       the graph with edges {@code c[i][j] - c[i][i]} from i to j has no negative cycle, and v are
 *       then shortest distances; where few rows object to the identity, label correction (Bellman,
 *       Ford) looks for them. For activations of many channels that is all there is to do.
 *   <li>Where many rows object, better potentials may be had from a part of the problem ({@link
 *       CoarseStart}).
 *   <li>Otherwise rows bid (Bertsekas, "The auction algorithm", Annals of Operations Research 14,
 *       1988): a row takes its cheapest column, whose potential falls until the row is indifferent
 *       to its second choice, and by epsilon more. Each phase starts from the potentials of the one
 *       before, with a fifth of its epsilon, and frees only the rows that are dissatisfied by more
 *       than that.
 *   <li>Once a phase has changed next to no pair, or epsilon is small, label correction tries to
 *       prove the assignment optimal. It fails on a negative cycle, found in the graph of the last
 *       corrections (Tarjan; Cherkassky and Goldberg, "Negative-cycle detection algorithms", 1999),
 *       and phases go on.
 * </ol>
 *
 * <p><b>Twins.</b> Columns with the same costs (outputs of samples that an activation maps to the
 * same point) are one column with as many places; a row bids for the cheapest place, and against
 * the second choice among other columns ("similar objects", Bertsekas and Castanon 1989), so that
 * rows do not outbid each other for equal things in steps of epsilon.
 *
 * <p><b>It always ends.</b> Bids and listings are counted, and after a fixed number per row the
 * auction gives up. So does that of a part, which is a quarter as large. Each round of bids spends
 * at least one of them, each pass of label correction is one of at most a fixed number.
 *
 * <p><b>Cost.</b> On n points of real activations none to 100 n bids, each over a part of a list,
 * and n to 20 n listings of n columns. Memory 1 to 3 kB per row.
 */
final class Auction {
  private static final int NONE = -1;
  private static final double SCALING = 5;
  private static final double FIRST_EPSILON = 0.25;

  /** Bids per row and phase after which epsilon is taken to be too small. */
  private static final int PATIENCE = 16;

  private static final double ESCALATION = 4;

  /** The identity is tried to be proved optimal if at most one row in so many objects. */
  static final int FEW_OBJECTIONS = 6;

  private static final double SMALL_EPSILON = 1e-5;
  private static final double LAST_EPSILON = 1e-15;
  private static final int BIDS_PER_ROW = 2000;
  private static final int LISTINGS_PER_ROW = 150;
  private static final int MAX_PASSES = 1000;

  /** A phase that changes fewer pairs than one in so many may have found the optimum. */
  private static final int FEW_CHANGES = 200;

  /** Rounding units granted to a comparison of path lengths. */
  private static final double ROUNDING = 4 * Math.ulp(1.0);

  private final CostSource source;
  private final int n;
  private final int[] first;
  private final CandidateLists lists;

  /** Potentials of columns; minus infinity for all twins but the first, so that none is listed. */
  private final double[] v;

  private final int[] columnOf;
  private final int[] rowOf;

  /** Cost of each row's pair. */
  private final double[] paid;

  // Places of twins: for each first twin a heap of its columns, cheapest place first.
  private final double[] placePotential;
  private final int[] heapStart;
  private final int[] heapSize;
  private final int[] heap;

  private final int[] queue;
  private final int[] stalled;
  private int stalledCount;

  private final int[] parent;
  private final boolean[] fallen;
  private final int[] mark;

  private long bids;
  private long listings;

  /**
   * Prepares an auction.
   *
   * @param source the costs
   */
  Auction(CostSource source) {
    this.source = source;
    n = source.size();
    first = source.firstTwins();
    lists = new CandidateLists(n, Math.min(n, source.listLength()));
    v = source.columnMinima();
    columnOf = new int[n];
    rowOf = new int[n];
    paid = source.diagonal();
    placePotential = new double[n];
    heapStart = new int[n];
    heapSize = new int[n];
    heap = new int[n];
    queue = new int[n];
    stalled = new int[n];
    parent = new int[n];
    fallen = new boolean[n];
    mark = new int[n];
    for (int i = 0; i < n; i++) {
      columnOf[i] = i;
      rowOf[i] = i;
    }
    groupTwins();
  }

  private void groupTwins() {
    for (int j = 0; j < n; j++) {
      heapSize[first[j]]++;
    }
    int start = 0;
    for (int j = 0; j < n; j++) {
      heapStart[j] = start;
      start += heapSize[j];
      heapSize[j] = 0;
    }
    for (int j = 0; j < n; j++) {
      int g = first[j];
      heap[heapStart[g] + heapSize[g]++] = j;
      if (g != j) {
        v[j] = Double.NEGATIVE_INFINITY;
      }
    }
    levelPlaces();
  }

  /** Gives all places of a column its potential. */
  private void levelPlaces() {
    for (int j = 0; j < n; j++) {
      placePotential[j] = v[first[j]];
    }
  }

  /**
   * Runs the auction.
   *
   * @return whether the assignment is proved optimal, up to rounding
   */
  boolean solve() {
    double excess = excess();
    if (excess == 0 && source.minimaAreExact()) {
      return true; // every column is cheapest in its own row
    }
    if (new CoarseStart(source, lists).improve(v, first, paid)) {
      levelPlaces();
      excess = Double.POSITIVE_INFINITY; // lists as long as there is room
    }
    double objection = listAll(excess);
    if (objection == 0) {
      return true;
    }
    if (objections() <= n / FEW_OBJECTIONS && correctLabels(listings + 8L * n)) {
      return true;
    }
    double scale = objection / n;
    int[] before = new int[n];
    double epsilon = FIRST_EPSILON * scale;
    while (epsilon > LAST_EPSILON * scale && withinBudget()) {
      System.arraycopy(columnOf, 0, before, 0, n);
      epsilon = bidAll(epsilon);
      if (!withinBudget()) {
        return false;
      }
      // Equal rows may go on changing places for ever.
      boolean settling = changes(before) <= n / FEW_CHANGES || epsilon < SMALL_EPSILON * scale;
      if (settling && correctLabels(Long.MAX_VALUE)) {
        return true;
      }
      epsilon /= SCALING;
    }
    return false;
  }

  private boolean withinBudget() {
    return bids < (long) BIDS_PER_ROW * n && listings < (long) LISTINGS_PER_ROW * n;
  }

  /** By how much rows pay more for their own columns than the columns' minima, in total. */
  private double excess() {
    double excess = 0;
    for (int i = 0; i < n; i++) {
      excess += paid[i] - v[first[i]];
    }
    return excess;
  }

  /**
   * Lists, for each row, columns that cost less than its own, and some that cost a little more.
   * Returns by how much rows would rather have another column than their own, in total.
   */
  private double listAll(double excess) {
    double margin = Math.max(excess / n, Double.MIN_NORMAL);
    for (int i = 0; i < n; i++) {
      queue[i] = i;
      lists.bound[i] = paid[i] - v[first[i]] + margin;
    }
    source.list(queue, n, v, lists);
    listings += n;
    double objection = 0;
    for (int i = 0; i < n; i++) {
      objection += Math.max(0, objection(i));
    }
    return objection;
  }

  /** How much cheaper a row's cheapest column is than the one it has, rounding aside. */
  private double objection(int row) {
    double own = paid[row] - v[first[columnOf[row]]];
    double objection = own - Math.min(lists.least(row, v), lists.bound[row]);
    return objection > rounding(paid[row], v[first[columnOf[row]]]) ? objection : 0;
  }

  private int objections() {
    int count = 0;
    for (int i = 0; i < n; i++) {
      if (objection(i) > 0) {
        count++;
      }
    }
    return count;
  }

  static double rounding(double cost, double potential) {
    return ROUNDING * (Math.abs(cost) + Math.abs(potential));
  }

  private int changes(int[] before) {
    int count = 0;
    for (int i = 0; i < n; i++) {
      if (first[before[i]] != first[columnOf[i]]) {
        count++;
      }
    }
    return count;
  }

  /**
   * One phase. Stalled rows are listed together, once no other row can bid. Where bids go on for
   * long, epsilon was too small to start with, and rises. Returns what it was in the end; rows are
   * left over only if the budget ran out.
   */
  private double bidAll(double firstEpsilon) {
    double epsilon = firstEpsilon;
    long patience = bids + (long) PATIENCE * n;
    int waiting = 0;
    for (int i = 0; i < n; i++) {
      double least = Math.min(lists.least(i, v), lists.bound[i] + epsilon);
      if (paid[i] - v[first[columnOf[i]]] > least + epsilon) {
        rowOf[columnOf[i]] = NONE;
        columnOf[i] = NONE;
        queue[waiting++] = i;
      }
    }
    int head = 0;
    while (waiting > 0 && withinBudget()) {
      int row = queue[head];
      head = head + 1 == n ? 0 : head + 1;
      waiting--;
      if (bids > patience) {
        epsilon *= ESCALATION;
        patience += (long) PATIENCE * n;
      }
      int displaced = bid(row, epsilon);
      if (displaced != NONE) {
        int tail = head + waiting;
        queue[tail >= n ? tail - n : tail] = displaced;
        waiting++;
      }
      if (waiting == 0 && stalledCount > 0) {
        System.arraycopy(stalled, 0, queue, 0, stalledCount);
        head = 0;
        waiting = stalledCount;
        listStalled();
      }
    }
    return epsilon;
  }

  private void listStalled() {
    if (stalledCount == 0) {
      return;
    }
    for (int q = 0; q < stalledCount; q++) {
      lists.widen(stalled[q], v);
    }
    source.list(stalled, stalledCount, v, lists);
    listings += stalledCount;
    stalledCount = 0;
  }

  /** Lets a row bid or, if it does not know what for, stall; returns the row it displaced. */
  private int bid(int row, double epsilon) {
    int start = row * lists.capacity;
    int end = start + lists.length[row];
    int[] columns = lists.columns;
    double[] costs = lists.costs;
    double[] floors = lists.floors;
    double least = Double.POSITIVE_INFINITY;
    double second = Double.POSITIVE_INFINITY;
    int best = NONE;
    for (int q = start; q < end && floors[q] < second; q++) {
      double reduced = costs[q] - v[columns[q]];
      if (reduced < second) {
        if (reduced < least) {
          second = least;
          least = reduced;
          best = q;
        } else {
          second = reduced;
        }
      }
    }
    // Within epsilon of the bound, what is not listed cannot matter more than epsilon does.
    double bound = lists.bound[row] + epsilon;
    if (least > bound || best == NONE) {
      stalled[stalledCount++] = row;
      return NONE;
    }
    second = Math.min(second, bound);
    bids++;
    int column = columns[best];
    double raise = second == Double.POSITIVE_INFINITY ? epsilon : second - least + epsilon;
    int displaced = take(row, column, raise);
    paid[row] = costs[best];
    return displaced;
  }

  /** Takes the cheapest place of a column and makes it dearer. */
  private int take(int row, int column, double raise) {
    int place = heap[heapStart[column]];
    placePotential[place] -= raise;
    if (heapSize[column] == 1) {
      v[column] = placePotential[place];
    } else {
      siftDown(column);
      v[column] = placePotential[heap[heapStart[column]]];
    }
    int displaced = rowOf[place];
    rowOf[place] = row;
    columnOf[row] = place;
    if (displaced != NONE) {
      columnOf[displaced] = NONE;
    }
    return displaced;
  }

  private void siftDown(int column) {
    int base = heapStart[column];
    int size = heapSize[column];
    int moving = heap[base];
    double potential = placePotential[moving];
    int at = 0;
    while (true) {
      int child = 2 * at + 1;
      if (child >= size) {
        break;
      }
      if (child + 1 < size
          && placePotential[heap[base + child + 1]] > placePotential[heap[base + child]]) {
        child++;
      }
      if (placePotential[heap[base + child]] <= potential) {
        break;
      }
      heap[base + at] = heap[base + child];
      at = child;
    }
    heap[base + at] = moving;
  }

  /**
   * Lowers potentials until every row is content with the column it has; returns false if there is
   * a negative cycle, so that the assignment is not optimal, or if that takes too many listings.
   */
  private boolean correctLabels(long mostListings) {
    Arrays.fill(parent, NONE);
    Arrays.fill(fallen, true);
    boolean settled = false;
    for (int pass = 1; pass <= MAX_PASSES && !settled; pass++) {
      settled = !correctOnce(pass % 2 == 0) && stalledCount == 0;
      listStalled();
      boolean hopeless = hasCycle() || !withinBudget() || listings > mostListings;
      if (!settled && hopeless) {
        break;
      }
    }
    levelPlaces();
    return settled;
  }

  /** Follows the edges from all columns that fell; returns whether others fell. */
  private boolean correctOnce(boolean backwards) {
    boolean any = false;
    for (int k = 0; k < n; k++) {
      int place = backwards ? n - 1 - k : k;
      int from = first[place];
      if (!fallen[place]) {
        continue;
      }
      fallen[place] = false;
      int row = rowOf[place];
      double own = paid[row] - v[from];
      if (own > lists.bound[row]) {
        stalled[stalledCount++] = row;
        fallen[place] = true;
      }
      double tolerance = rounding(paid[row], v[from]);
      int start = row * lists.capacity;
      int end = start + lists.length[row];
      for (int q = start; q < end && lists.floors[q] < own; q++) {
        int to = lists.columns[q];
        double lower = lists.costs[q] - own;
        if (lower + tolerance < v[to] && to != from) {
          v[to] = lower;
          parent[to] = from;
          markFallen(to);
          any = true;
        }
      }
    }
    return any;
  }

  private void markFallen(int column) {
    int start = heapStart[column];
    for (int q = start; q < start + heapSize[column]; q++) {
      fallen[heap[q]] = true;
    }
  }

  private boolean hasCycle() {
    Arrays.fill(mark, NONE);
    for (int origin = 0; origin < n; origin++) {
      int j = origin;
      while (j != NONE && mark[j] == NONE) {
        mark[j] = origin;
        j = parent[j];
      }
      if (j != NONE && mark[j] == origin) {
        return true;
      }
    }
    return false;
  }

  /**
   * Returns the assignment found, and its dual solution.
   *
   * @return the assignment; its gap counts what the lists cannot exclude
   */
  Assignment assignment() {
    double[] u = new double[n];
    Assignment.Totals totals = new Assignment.Totals();
    for (int i = 0; i < n; i++) {
      double potential = v[first[columnOf[i]]];
      u[i] = Math.min(lists.bound[i], Math.min(lists.least(i, v), paid[i] - potential));
      totals.add(paid[i], paid[i] - potential - u[i]);
    }
    return totals.assignment(columnOf.clone(), u, potentials());
  }

  /** Returns how many bids were made. */
  long bids() {
    return bids;
  }

  /** Returns how many rows were listed, each time that one was. */
  long listings() {
    return listings;
  }

  /** Returns the column of every row. */
  int[] columns() {
    return columnOf.clone();
  }

  /** Returns the potentials of all columns, twins included. */
  double[] potentials() {
    double[] all = new double[n];
    for (int j = 0; j < n; j++) {
      all[j] = v[first[j]];
    }
    return all;
  }
}
