package dev.affinis.signature.transport;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;

/**
 * Exact solver of the linear assignment problem: the permutation p of n columns with the least
 * {@code sum over i of c[i][p(i)]}, with dual potentials that prove it.
 *
 * <p>Costs are given as a matrix, or as the squared distances of two clouds of points; of large
 * clouds they are then never held all at once. Costs may be any finite numbers: negative, tied,
 * integer, of very different magnitude. The result is optimal up to the rounding of the costs
 * involved; {@link Assignment#relativeGap()} says how close that is.
 *
 * <p><b>How.</b> An {@link Auction} on short lists of columns finds the assignment and the proof;
 * it is made for costs as activations have them, where a row's own column is among its cheapest.
 * What it does not solve within its budget, costs of another kind, is solved by {@link
 * AugmentingPaths}. Both end after a number of steps that depends on n alone.
 *
 * <p><b>Cost.</b> For real activations of order n^2, and memory for the costs; at most of order
 * n^3. Safe for use by several threads.
 */
public final class AssignmentSolver {
  /** The largest n whose square is a valid array length. */
  static final int MAX_SIZE = 46340;

  /** Beyond this, costs would take more than 512 MiB. */
  private static final int MAX_DENSE = 8192;

  private static final double GAP_TOLERANCE = 1e-12;
  private static final int SCALE_EXPONENT = 100;
  private static final int SAFE_EXPONENT = 900;
  private static final int SINGLE_EXPONENT = 30;

  /**
   * Solves a problem given as rows.
   *
   * @param costs square matrix (n x n, n at least 1), finite, not modified
   * @return the assignment
   * @throws IllegalArgumentException if the matrix is not square or not finite
   */
  public Assignment solve(double[][] costs) {
    int size = costs.length;
    if (size > MAX_SIZE) {
      throw new IllegalArgumentException(
          "costs must have at most %s rows, got %s".formatted(MAX_SIZE, size));
    }
    double[] flat = new double[size * size];
    for (int i = 0; i < size; i++) {
      if (costs[i].length != size) {
        throw new IllegalArgumentException(
            "costs must be square, got %s rows and %s columns in row %s"
                .formatted(size, costs[i].length, i));
      }
      System.arraycopy(costs[i], 0, flat, i * size, size);
    }
    return solve(size, flat);
  }

  /**
   * Solves a problem given as one array.
   *
   * @param size n, at least 1 and at most 46340
   * @param costs matrix (n x n, row by row), finite, not modified
   * @return the assignment
   * @throws IllegalArgumentException if the matrix is not square or not finite
   */
  public Assignment solve(int size, double[] costs) {
    if (size < 1 || size > MAX_SIZE || costs.length != size * size) {
      throw new IllegalArgumentException(
          "costs must be n x n for n from 1 to %s, got n = %s and %s costs"
              .formatted(MAX_SIZE, size, costs.length));
    }
    // Sums of costs near the limit of double would overflow.
    if (Math.getExponent(largestMagnitude(size, costs)) <= SAFE_EXPONENT) {
      return solveDense(size, costs);
    }
    return solveDense(size, scale(costs, -SCALE_EXPONENT)).scaled(SCALE_EXPONENT);
  }

  /**
   * Solves the problem whose costs are the squared Euclidean distances of two clouds of points.
   *
   * @param a points (n x d, float64, n at least 1), finite, close to the origin compared to their
   *     spread; not modified
   * @param b points (n x d, float64) likewise
   * @return the assignment of points of a to points of b
   * @throws IllegalArgumentException if the clouds differ in shape, are not float64 matrices or not
   *     finite
   * @throws ArithmeticException if no assignment could be proved optimal within the budget, which
   *     has not been seen
   */
  public Assignment solve(NDArray a, NDArray b) {
    requireClouds(a, b);
    int n = Math.toIntExact(a.getShape().get(0));
    if (holdsAllCosts(n)) {
      return solve(n, DenseCosts.squaredDistances(a, b));
    }
    return solveByLists(a, b);
  }

  /** Solves clouds without ever holding all costs. */
  static Assignment solveByLists(NDArray a, NDArray b) {
    try (NDManager scratch = a.getManager().newSubManager()) {
      // Products of float32 numbers must neither over- nor underflow.
      int largest = Math.max(exponent(a), exponent(b));
      int exponent = Math.abs(largest) < SINGLE_EXPONENT ? 0 : largest;
      NDArray from = exponent == 0 ? a : scaled(a, -exponent, scratch);
      NDArray to = exponent == 0 ? b : scaled(b, -exponent, scratch);
      try (CloudCosts costs = new CloudCosts(from, to)) {
        Auction auction = new Auction(costs);
        if (auction.solve()) {
          return auction.assignment().scaled(2 * exponent);
        }
      }
    }
    throw new ArithmeticException(
        "no assignment of %s pairs of points was proved optimal: solve fewer"
            .formatted(a.getShape().get(0)));
  }

  /** Returns whether the costs of n pairs are few enough to be held in one array. */
  static boolean holdsAllCosts(long n) {
    return n <= MAX_DENSE && Double.BYTES * n * n <= Runtime.getRuntime().maxMemory() / 4;
  }

  private static void requireClouds(NDArray a, NDArray b) {
    boolean sound =
        a.getShape().equals(b.getShape())
            && a.getShape().dimension() == 2
            && a.getShape().size() > 0
            && a.getDataType() == DataType.FLOAT64
            && b.getDataType() == DataType.FLOAT64;
    if (!sound) {
      throw new IllegalArgumentException(
          "clouds must be float64 matrices of one shape, got %s %s and %s %s"
              .formatted(a.getShape(), a.getDataType(), b.getShape(), b.getDataType()));
    }
  }

  /** The binary exponent of the largest coordinate. */
  private static int exponent(NDArray points) {
    try (NDArray magnitudes = points.abs();
        NDArray largest = magnitudes.max()) {
      double value = largest.getDouble();
      if (!(value <= Double.MAX_VALUE)) {
        throw new IllegalArgumentException("points must be finite, the largest is " + value);
      }
      return value == 0 ? Double.MIN_EXPONENT : Math.getExponent(value);
    }
  }

  private static NDArray scaled(NDArray points, int exponent, NDManager owner) {
    NDArray result = points.mul(Math.scalb(1.0, exponent));
    result.attach(owner);
    return result;
  }

  private static Assignment solveDense(int size, double[] costs) {
    Auction auction = new Auction(new DenseCosts(size, costs));
    if (auction.solve()) {
      Assignment assignment =
          DenseCertificate.of(size, costs, auction.columns(), auction.potentials());
      if (assignment.relativeGap() <= GAP_TOLERANCE) {
        return assignment;
      }
    }
    return new AugmentingPaths().solve(size, costs);
  }

  private static double largestMagnitude(int size, double[] costs) {
    double largest = 0;
    for (int k = 0; k < costs.length; k++) {
      double magnitude = Math.abs(costs[k]);
      if (!(magnitude <= Double.MAX_VALUE)) {
        throw new IllegalArgumentException(
            "costs must be finite, got %s in row %s, column %s"
                .formatted(costs[k], k / size, k % size));
      }
      largest = magnitude > largest ? magnitude : largest;
    }
    return largest;
  }

  private static double[] scale(double[] values, int exponent) {
    double[] scaled = values.clone();
    for (int k = 0; k < scaled.length; k++) {
      scaled[k] = Math.scalb(scaled[k], exponent);
    }
    return scaled;
  }
}
