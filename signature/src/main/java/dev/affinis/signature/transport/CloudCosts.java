package dev.affinis.signature.transport;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.affinis.signature.linalg.SampleRows;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Squared distances of two clouds, computed when they are asked for: the engine multiplies blocks
 * of rows on the clouds' device, and only listed columns are kept.
 *
 * <p><b>Exact lists from float32 products.</b> {@code |a_i - b_j|^2 = |a_i|^2 + |b_j|^2 - 2 a_i
 * b_j} with the product in float32 is off by at most {@code e_i = 2 (d + 4) 2^-24 |a_i| max |b|},
 * the classical bound for a dot product of d terms and rounded factors (Higham, "Accuracy and
 * Stability of Numerical Algorithms", section 3.1). All columns that could be among the cheapest by
 * that much are computed again, as {@code |a_i - b_j|^2} in float64, and the lists are made from
 * those. So the bounds hold, at twice the speed and half the memory traffic of float64 products.
 *
 * <p>Memory on the device: 4 n d bytes for each cloud and one block of products; on the heap, next
 * to the lists, 16 n bytes for each thread.
 */
final class CloudCosts implements CostSource, AutoCloseable {
  /** Products computed at a time. */
  private static final int BLOCK_VALUES = 1 << 23;

  /** Coordinates computed at a time where distances are computed one by one. */
  private static final int PAIR_VALUES = 1 << 21;

  private static final double UNIT = Math.ulp(1.0f) / 2;

  private final NDManager manager;
  private final NDArray a;
  private final NDArray b;
  private final NDArray minusTwoA;
  private final NDArray transposedB;
  private final double[] normsA;
  private final double[] normsB;
  private final double[] errors;
  private final int n;

  /**
   * Wraps two clouds.
   *
   * @param a points (n x d, float64) of magnitude 1 or so, not modified
   * @param b points (n x d, float64) likewise
   */
  CloudCosts(NDArray a, NDArray b) {
    this.a = a;
    this.b = b;
    n = Math.toIntExact(a.getShape().get(0));
    long d = a.getShape().get(1);
    manager = a.getManager().newSubManager();
    NDArray single = a.toType(DataType.FLOAT32, true);
    minusTwoA = single.muli(-2);
    minusTwoA.attach(manager);
    NDArray singleB = b.toType(DataType.FLOAT32, true);
    singleB.attach(manager);
    transposedB = singleB.transpose();
    transposedB.attach(manager);
    normsA = Rows.squaredNorms(a);
    normsB = Rows.squaredNorms(b);
    double largest = Math.sqrt(Arrays.stream(normsB).max().orElse(0));
    errors = new double[n];
    Arrays.setAll(
        errors, i -> 2 * (d + 4) * (UNIT * Math.sqrt(normsA[i]) * largest + Float.MIN_NORMAL));
  }

  @Override
  public int size() {
    return n;
  }

  @Override
  public int listLength() {
    return 128;
  }

  /** Columns are twins if their points are equal. */
  @Override
  public int[] firstTwins() {
    return SampleRows.firstEqual(b);
  }

  @Override
  public double[] diagonal() {
    int[] all = IntStream.range(0, n).toArray();
    return distances(a, all, b, all, n);
  }

  /** Squared distances of listed pairs of points, without cancellation. */
  private double[] distances(NDArray from, int[] rows, NDArray to, int[] columns, int count) {
    double[] result = new double[count];
    int step = (int) Math.max(1, PAIR_VALUES / from.getShape().get(1));
    for (int start = 0; start < count; start += step) {
      int end = Math.min(count, start + step);
      try (NDManager scratch = manager.newSubManager()) {
        NDArray left = from.get(scratch.create(Arrays.copyOfRange(rows, start, end)));
        left.attach(scratch);
        NDArray right = to.get(scratch.create(Arrays.copyOfRange(columns, start, end)));
        right.attach(scratch);
        NDArray squares = left.subi(right).muli(left);
        double[] part = squares.sum(new int[] {1}).toDoubleArray();
        System.arraycopy(part, 0, result, start, part.length);
      }
    }
    return result;
  }

  @Override
  public double[] columnMinima() {
    double[] minima = leastOver(IntStream.range(0, n).toArray(), new double[n]);
    double[] own = diagonal();
    double largest = Arrays.stream(errors).max().orElse(0);
    for (int j = 0; j < n; j++) {
      double least = Math.max(0, minima[j]);
      // Near enough to be the own row's cost, which is known exactly.
      minima[j] = own[j] < least + 4 * largest ? own[j] : least;
    }
    return minima;
  }

  @Override
  public double[] leastOver(int[] rows, double[] u) {
    double[] minima = new double[n];
    Arrays.fill(minima, Double.POSITIVE_INFINITY);
    int step = rowsPerBlock();
    for (int start = 0; start < rows.length; start += step) {
      int end = Math.min(rows.length, start + step);
      float[] offsets = new float[end - start];
      for (int p = start; p < end; p++) {
        offsets[p - start] = (float) (normsA[rows[p]] - u[p]);
      }
      try (NDManager scratch = manager.newSubManager()) {
        NDArray block = minusTwoA.get(scratch.create(Arrays.copyOfRange(rows, start, end)));
        block.attach(scratch);
        NDArray products =
            block.matMul(transposedB).addi(scratch.create(offsets, new Shape(end - start, 1)));
        float[] least = products.min(new int[] {0}).toFloatArray();
        for (int j = 0; j < n; j++) {
          minima[j] = Math.min(minima[j], least[j]);
        }
      }
    }
    for (int j = 0; j < n; j++) {
      minima[j] += normsB[j];
    }
    return minima;
  }

  @Override
  public Assignment solvePart(int[] rows) {
    try (NDManager scratch = manager.newSubManager()) {
      NDArray numbers = scratch.create(rows);
      NDArray from = a.get(numbers);
      from.attach(scratch);
      NDArray to = b.get(numbers);
      to.attach(scratch);
      if (AssignmentSolver.holdsAllCosts(rows.length)) {
        double[] costs = DenseCosts.squaredDistances(from, to);
        Auction auction = new Auction(new DenseCosts(rows.length, costs));
        return auction.solve() ? auction.assignment() : null;
      }
      try (CloudCosts costs = new CloudCosts(from, to)) {
        Auction auction = new Auction(costs);
        return auction.solve() ? auction.assignment() : null;
      }
    }
  }

  private int rowsPerBlock() {
    return Math.max(1, BLOCK_VALUES / n);
  }

  @Override
  public boolean minimaAreExact() {
    return false;
  }

  @Override
  public void list(int[] rows, int count, double[] v, CandidateLists lists) {
    // With them the products alone tell which column is cheaper.
    double[] potentials = new double[n];
    Arrays.setAll(potentials, j -> v[j] - normsB[j]);
    int step = rowsPerBlock();
    for (int start = 0; start < count; start += step) {
      int[] block = Arrays.copyOfRange(rows, start, Math.min(count, start + step));
      listBlock(block, potentials, v, lists);
    }
  }

  private void listBlock(int[] block, double[] potentials, double[] v, CandidateLists lists) {
    int[][] candidates = new int[block.length][];
    double[] limits = new double[block.length];
    try (NDManager scratch = manager.newSubManager()) {
      NDArray numbers = scratch.create(block);
      NDArray rows = minusTwoA.get(numbers);
      rows.attach(scratch);
      NDArray products = rows.matMul(transposedB);
      FloatBuffer values = products.toByteBuffer(true).asFloatBuffer();
      int threads = Runtime.getRuntime().availableProcessors();
      int share = (block.length + threads - 1) / threads;
      IntStream.range(0, threads)
          .parallel()
          .forEach(
              t -> {
                Scan scan = new Scan(potentials, lists.capacity);
                for (int r = t * share; r < Math.min(block.length, (t + 1) * share); r++) {
                  candidates[r] = scan.candidates(values, r, block[r], lists.bound[block[r]]);
                  limits[r] = scan.limit;
                }
              });
    }
    keepCheapest(block, candidates, limits, v, lists);
  }

  /** Computes candidates exactly and keeps the cheapest of those below the limits. */
  private void keepCheapest(
      int[] block, int[][] candidates, double[] limits, double[] v, CandidateLists lists) {
    int total = Arrays.stream(candidates).mapToInt(list -> list.length).sum();
    int[] rows = new int[total];
    int[] columns = new int[total];
    int at = 0;
    for (int r = 0; r < block.length; r++) {
      for (int j : candidates[r]) {
        rows[at] = block[r];
        columns[at++] = j;
      }
    }
    double[] costs = distances(a, rows, b, columns, total);
    Selection selection = new Selection(lists.capacity);
    double[] picked = new double[lists.capacity];
    int start = 0;
    for (int r = 0; r < block.length; r++) {
      int row = block[r];
      double[] potentials = new double[candidates[r].length];
      for (int q = 0; q < potentials.length; q++) {
        potentials[q] = v[candidates[r][q]];
      }
      selection.select(costs, start, potentials, limits[r]);
      for (int q = 0; q < selection.size(); q++) {
        int candidate = selection.numbers()[q];
        picked[q] = costs[start + candidate];
        selection.numbers()[q] = candidates[r][candidate];
      }
      lists.set(row, selection, picked);
      start += candidates[r].length;
    }
  }

  /** Looks for the columns of a row that may be among its cheapest; one for each thread. */
  private final class Scan {
    private final double[] potentials;
    private final float[] singles = new float[n];
    private final double[] products = new double[n];
    private final int[] found = new int[n];
    private final Selection selection;

    /** What all columns that are no candidates cost at least, in truth. */
    private double limit;

    Scan(double[] potentials, int capacity) {
      this.potentials = potentials;
      selection = new Selection(capacity);
    }

    /** Returns all columns that, as far as the products tell, may belong on the list. */
    int[] candidates(FloatBuffer values, int position, int row, double bound) {
      values.get(position * n, singles);
      for (int j = 0; j < n; j++) {
        products[j] = singles[j];
      }
      double error = errors[row];
      double top = bound - normsA[row] + error;
      selection.select(products, 0, potentials, top);
      if (selection.limit() >= top) {
        limit = bound;
        return Arrays.copyOf(selection.numbers(), selection.size());
      }
      // What seems dearer than the last one by less than two errors may be cheaper in truth.
      double last = selection.limit();
      limit = Math.min(bound, last + error + normsA[row]);
      int size = 0;
      for (int j = 0; j < n; j++) {
        if (products[j] - potentials[j] <= last + 2 * error) {
          found[size++] = j;
        }
      }
      return Arrays.copyOf(found, size);
    }
  }

  @Override
  public void close() {
    manager.close();
  }
}
