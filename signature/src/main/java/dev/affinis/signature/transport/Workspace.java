package dev.affinis.signature.transport;

/**
 * Memory that one {@link AffinityScore} takes while it is computed, beside its sample. An estimate,
 * made for planning: what runs at the same time and what fits.
 *
 * @param deviceBytes arrays on the sample's device
 * @param heapBytes arrays of the Java heap
 */
public record Workspace(long deviceBytes, long heapBytes) {
  /** Square matrices alive at once: two covariances, a factor and an eigendecomposition's own. */
  private static final double SQUARES = 6;

  /** More than anybody has, and little enough to be added up. */
  private static final double MOST = 1L << 60;

  /** Sample matrices alive at once: both sides and two products of them. */
  private static final double SAMPLES = 4;

  /**
   * Estimates what a score takes. The matrices that belong to a covariance have the size of the
   * samples' span where that is smaller than the width; transport costs take a number for each pair
   * of samples, but for one column, where samples are sorted.
   *
   * @param samples n, at least 0
   * @param dimension d, the number of columns, at least 0
   * @return the estimate; what exceeds an exbibyte is told as one
   */
  public static Workspace of(long samples, long dimension) {
    double n = samples;
    double d = dimension;
    double span = Math.min(d, 2 * n);
    double device = SAMPLES * n * d + SQUARES * span * span;
    double heap = dimension == 1 ? SAMPLES * n : n * n;
    return new Workspace(bytes(device), bytes(heap));
  }

  private static long bytes(double doubles) {
    return (long) Math.min(MOST, Double.BYTES * doubles);
  }

  /**
   * Returns the sum of both, which is what a score takes where device and Java share one memory.
   *
   * @return bytes
   */
  public long bytes() {
    return deviceBytes + heapBytes;
  }
}
