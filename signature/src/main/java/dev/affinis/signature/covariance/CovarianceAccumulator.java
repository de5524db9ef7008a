package dev.affinis.signature.covariance;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.affinis.signature.linalg.DenseAlgebra;

/**
 * Mean and covariance of samples that arrive in batches and are not kept: the streaming form of
 * {@link Covariance#estimate(NDArray)}, whatever the number, order and size of the batches, up to
 * rounding. Accumulators of parts, on one or several machines, can be merged.
 *
 * <p>Kept are n, the mean m and, of the differences x_i - m, the sums of |x|^2, |x|^4, |x|^2 x and
 * x x'. The first three of these and the last are what Ledoit and Wolf's estimate needs; the sum of
 * |x|^2 x makes them exact when the mean moves: points moved by e have
 *
 * <pre>
 * sum |x + e|^4       = sum |x|^4 + 4 e'Ce + 4 e't + 2 |e|^2 s + n |e|^4
 * sum |x + e|^2 (x+e) = t + 2 C e + (s + n |e|^2) e
 * </pre>
 *
 * <p>with s = sum |x|^2, t = sum |x|^2 x and C = sum x x'. Everything is relative to the mean so
 * far, so that an offset, however large, costs no digits: Chan, Golub and LeVeque, "Updating
 * formulae and a pairwise algorithm for computing sample variances" (1982); Schubert and Gertz,
 * "Numerically stable parallel computation of (co-)variance" (SSDBM 2018).
 *
 * <p><b>Use.</b> For covariances of more samples than memory holds. An affinity score needs the
 * samples themselves, for their pairing, and takes its covariances from those.
 *
 * <p><b>Values.</b> NaN and infinity make the estimate NaN. Fourth powers have to fit in a double:
 * magnitudes from 1e-70 to 1e70.
 *
 * <p><b>Cost.</b> n d^2 operations for n rows plus d^2 for each batch, d^2 doubles on the device.
 * Not safe for use by several threads: give each its own and merge.
 */
public final class CovarianceAccumulator implements AutoCloseable {
  private final DenseAlgebra algebra;
  private final NDManager manager;
  private final long dimension;
  private final DenseAlgebra.Moments moments;

  /**
   * Creates an accumulator without samples.
   *
   * @param dimension d, the number of columns of the samples, at least 1
   * @param device where the sums are kept
   * @throws IllegalArgumentException if the dimension is not positive
   */
  public CovarianceAccumulator(long dimension, Device device) {
    if (dimension < 1) {
      throw new IllegalArgumentException("dimension must be at least 1, got " + dimension);
    }
    this.dimension = dimension;
    algebra = DenseAlgebra.on(device);
    manager = algebra.newManager();
    moments =
        new DenseAlgebra.Moments(
            zeros(dimension), zeros(dimension, dimension), zeros(dimension), zeros(3));
  }

  /**
   * Adds samples.
   *
   * @param rows samples (n x d, any float type, n may be 0), not modified
   * @throws IllegalArgumentException if rows are not d wide
   */
  public void add(NDArray rows) {
    Shape shape = rows.getShape();
    if (shape.dimension() != 2 || shape.get(1) != dimension || !rows.getDataType().isFloating()) {
      throw new IllegalArgumentException(
          "rows must be samples x %s floats, got %s %s"
              .formatted(dimension, shape, rows.getDataType()));
    }
    if (shape.get(0) == 0) {
      return;
    }
    try (NDManager scratch = manager.newSubManager()) {
      // A float64 array of the same engine is taken as it is, and stays the caller's.
      NDArray own = scratch.from(rows);
      if (own.getDataType() != DataType.FLOAT64) {
        own = own.toType(DataType.FLOAT64, true);
      }
      if (own != rows) {
        own.attach(scratch);
      }
      algebra.addRows(own, moments);
    }
  }

  /**
   * Adds all samples of another accumulator.
   *
   * @param other an accumulator of the same dimension on the same device, not modified; itself is
   *     allowed
   * @throws IllegalArgumentException if the dimensions differ
   */
  public void merge(CovarianceAccumulator other) {
    if (other.dimension != dimension) {
      throw new IllegalArgumentException(
          "other accumulator must be of dimension %s, got %s"
              .formatted(dimension, other.dimension));
    }
    if (other.count() == 0) {
      return;
    }
    algebra.merge(moments, other.moments);
  }

  /**
   * Returns the number of samples added.
   *
   * @return n
   */
  public long count() {
    return (long) moments.sums().toDoubleArray()[0];
  }

  /**
   * Returns the mean of the samples.
   *
   * @return a copy (d), zero if there are none
   */
  public double[] mean() {
    return moments.mean().toDoubleArray();
  }

  /**
   * Returns X'X of the samples minus their mean; divided by n - 1 it is the empirical covariance.
   *
   * @param owner the manager the result belongs to
   * @return a symmetric matrix (d x d, float64)
   */
  public NDArray scatter(NDManager owner) {
    try (NDManager scratch = manager.newSubManager()) {
      NDArray indices = scratch.arange(Math.toIntExact(dimension));
      NDArray isLower = indices.expandDims(1).gte(indices.expandDims(0));
      NDArray symmetric = moments.scatter().duplicate();
      symmetric.attach(scratch);
      NDArray transposed = symmetric.transpose();
      transposed.attach(scratch);
      NDArray result = symmetric.getNDArrayInternal().where(isLower, transposed);
      result.attach(owner);
      return result;
    }
  }

  /**
   * Estimates the covariance of all samples added so far.
   *
   * @param covariance the estimator
   * @return what {@link Covariance#estimate(NDArray)} gives for all samples at once
   * @throws IllegalStateException with fewer than 2 samples
   */
  public CovarianceEstimate estimate(Covariance covariance) {
    double[] values = moments.sums().toDoubleArray();
    long n = (long) values[0];
    if (n < 2) {
      throw new IllegalStateException(
          "samples must be at least 2, got " + n + ": add more before asking for an estimate");
    }
    return covariance.estimate(
        n, dimension, values[1], values[2], () -> algebra.squaredNorm(moments.scatter()));
  }

  private NDArray zeros(long... shape) {
    return manager.zeros(new Shape(shape), DataType.FLOAT64);
  }

  /** Frees the sums. */
  @Override
  public void close() {
    manager.close();
  }
}
