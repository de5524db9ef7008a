package dev.affinis.signature.linalg;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;

/**
 * Computes M^-1/2, or X M^-1/2, for a symmetric positive definite M (d x d) and rows X (n x d),
 * without the eigenvectors of M where that is safe.
 *
 * <p><b>By a band.</b> Householder reflections of panels of 64 columns bring M to a block
 * tridiagonal B, M = Q B Q', in nearly nothing but matrix products (Dongarra, Hammarling and
 * Sorensen, "Block reduction of matrices to condensed forms", 1989; the first stage of two-stage
 * eigensolvers: Bischof, Lang and Sun, "A framework for symmetric band reduction", 2000). The
 * inverse root is a {@linkplain RationalInverseRoot sum of shifted inverses}, and inverses of B are
 * cheap:
 *
 * <pre>X M^-1/2 ~ sum of weight_j ((X Q) (B + shift_j I)^-1) Q'</pre>
 *
 * The inverses are applied to few rows X, or written down where M^-1/2 itself is asked for: their
 * rows follow from one another from the last one up, and the sum is turned back as a symmetric
 * matrix, Q (...) Q'.
 *
 * <p>All weights, shifts and shifted matrices are positive (definite), so nothing cancels: the
 * block elimination needs no pivoting, and what is computed differs from M^-1/2 by a factor of
 * {@link RationalInverseRoot#ACCURACY} at most in each eigendirection, besides rounding. That holds
 * if the eigenvalues are in the interval the sum is made for. Its upper end is the block Gershgorin
 * bound of B. Its lower end is a bound that the caller proves.
 *
 * <p><b>By eigenvectors</b>, where the lower bound is so small that rounding in M could reach it
 * (below {@value #SAFETY} d rounding units of M's Frobenius norm, which no eigenvalue exceeds), or
 * where M is small. Eigenvalues below d rounding units of the largest are noise of either sign
 * there, and are raised to that. Above the first limit none is, so both ways compute the same.
 *
 * <p><b>Cost.</b> With N shifts: 4/3 d^3 + 4 n d^2 + 400 N n d operations at the speed of matrix
 * products for n rows, 10/3 d^3 + 64 N d^2 for the root itself, and 200 N d doubles besides the
 * arguments. An eigendecomposition takes as long as some 12 d^3 operations of a matrix product.
 */
public final class InverseSquareRoot {
  /** From where on the band is faster, but for very many shifts. */
  private static final long LEAST_SIZE = 1024;

  private static final double SAFETY = 8;
  private static final double ROUNDING = Math.ulp(1.0);

  private final DenseAlgebra algebra;
  private final long leastSize;

  /**
   * Creates the computation.
   *
   * @param algebra decompositions on the device of the matrices
   */
  public InverseSquareRoot(DenseAlgebra algebra) {
    this(algebra, LEAST_SIZE);
  }

  /** Creates the computation with another size from which on the band is used. */
  InverseSquareRoot(DenseAlgebra algebra, long leastSize) {
    this.algebra = algebra;
    this.leastSize = leastSize;
  }

  /**
   * Multiplies rows by the inverse square root.
   *
   * @param x rows (n x d, float64), closed by this call
   * @param m symmetric positive definite matrix (d x d, float64), only its lower triangle is read;
   *     closed by this call. What stands above the diagonal must be finite
   * @param least a lower bound of the eigenvalues of m, 0 if none is known
   * @return x m^-1/2 (n x d), in the manager of x
   */
  public NDArray applyTo(NDArray x, NDArray m, double least) {
    long d = m.getShape().get(0);
    if (d >= leastSize && isSafe(m, least)) {
      return byBand(x, m, least);
    }
    return byEigenvectors(x, m);
  }

  /** Whether rounding in m, and in computing with it, stays well below the least eigenvalue. */
  static boolean isSafe(NDArray m, double least) {
    // A sum over the lower triangle alone is at least half of the squared norm.
    try (NDArray norm = m.norm()) {
      double largest = Math.sqrt(2) * norm.getDouble();
      return least > SAFETY * ROUNDING * m.getShape().get(0) * largest;
    }
  }

  /**
   * Computes the inverse square root itself. Faster than {@link #applyTo} for more than about 2 d /
   * 3 rows, the product with these included.
   *
   * @param m symmetric positive definite matrix (d x d, float64), as in {@link #applyTo}; closed by
   *     this call
   * @param least a lower bound of the eigenvalues of m, 0 if none is known
   * @return m^-1/2 (d x d), meaningful in its lower triangle only
   */
  public NDArray of(NDArray m, double least) {
    if (m.getShape().get(0) >= leastSize && isSafe(m, least)) {
      return byBand(m, least);
    }
    try (DenseAlgebra.Eigen eigen = algebra.symmetricEigen(m)) {
      m.close();
      return of(eigen);
    }
  }

  /**
   * Computes the inverse square root of a matrix whose eigenvectors are known. Eigenvalues below d
   * rounding units of the largest are raised to that.
   *
   * @param eigen its eigendecomposition, not modified
   * @return the root (d x d), meaningful in its lower triangle only
   */
  public NDArray of(DenseAlgebra.Eigen eigen) {
    try (NDArray clamped = eigen.clampedValues();
        NDArray roots = clamped.pow(-0.25);
        NDArray half = eigen.vectors().mul(roots);
        NDArray transposed = half.transpose()) {
      return algebra.lowerGram(transposed);
    }
  }

  /** Computes by reduction to a band; consumes both arrays. */
  NDArray byBand(NDArray x, NDArray m, double least) {
    try (NDManager scratch = x.getManager().newSubManager()) {
      Band band = band(m, least, scratch);
      NDArray result =
          algebra
              .run(Operation.BAND_INVERSE_SUM, x, m, band.taus(), band.shifts(), band.weights())
              .get(0);
      x.close();
      m.close();
      return result;
    }
  }

  /** Computes the matrix by reduction to a band; consumes it. */
  NDArray byBand(NDArray m, double least) {
    try (NDManager scratch = m.getManager().newSubManager()) {
      Band band = band(m, least, scratch);
      NDArray result =
          algebra.run(Operation.BAND_INVERSE, m, band.taus(), band.shifts(), band.weights()).get(0);
      m.close();
      return result;
    }
  }

  /** The factors of the reflections that made a band, and the sum for its inverse root. */
  private record Band(NDArray taus, NDArray shifts, NDArray weights) {}

  /** Reduces a matrix in place. */
  private Band band(NDArray m, double least, NDManager owner) {
    NDList form = algebra.run(Operation.BAND_FORM, m);
    form.attach(owner);
    double largest = Math.max(least, form.get(1).getDouble());
    RationalInverseRoot sum = new RationalInverseRoot(least, largest);
    return new Band(form.get(0), owner.create(sum.shifts()), owner.create(sum.weights()));
  }

  /** Computes by eigenvectors; consumes both arrays. */
  NDArray byEigenvectors(NDArray x, NDArray m) {
    try (DenseAlgebra.Eigen eigen = algebra.symmetricEigen(m);
        NDArray clamped = eigen.clampedValues();
        NDArray inverseRoots = clamped.pow(-0.5)) {
      m.close();
      try (NDArray turned = x.matMul(eigen.vectors());
          NDArray transposed = eigen.vectors().transpose()) {
        x.close();
        turned.muli(inverseRoots);
        return turned.matMul(transposed);
      }
    }
  }
}
