package dev.affinis.signature.transport;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.affinis.signature.covariance.CovarianceEstimate;
import dev.affinis.signature.linalg.DenseAlgebra;

/**
 * The optimal transport map between two Gaussians, applied to samples.
 *
 * <p>For N(mX, SX) and N(mY, SY) the map is {@code T(x) = A (x - mX) + mY} with the symmetric
 * positive definite {@code A = SY^1/2 (SY^1/2 SX SY^1/2)^-1/2 SY^1/2} (Bouniot et al., arXiv
 * 2310.11439, section 3; Peyre and Cuturi, "Computational Optimal Transport", remark 2.31). Any
 * factor {@code SY = L L'} may stand for the root, {@code A = L (L' SX L)^-1/2 L'}: with the polar
 * decomposition L = SY^1/2 U, both sides agree. So one Cholesky factor and one eigendecomposition
 * {@code L' SX L = V diag(w) V'} suffice, and A itself is never formed: the samples pass through L,
 * V and back.
 *
 * <p><b>Badly conditioned covariances.</b> The eigenvalues w span the square of the range of the
 * two covariances. What lies below d times the rounding unit of the largest one is noise, of either
 * sign, and its inverse root would blow up the map; w is clamped there from below. Directions so
 * small compared to the largest are then moved less than they should be, which the score does not
 * see, since they carry next to none of the variance. If Cholesky finds SY itself not positive
 * definite, the symmetric root with eigenvalues clamped in the same way takes its place.
 *
 * <p><b>Cost.</b> About 10 d^3 + 8 n d^2 operations and 6 d^2 + 3 n d doubles; samples that span
 * less than their space should be rotated into their span first.
 */
final class GaussianMap {
  private static final double ROUNDING = Math.ulp(1.0);

  private final DenseAlgebra algebra;

  GaussianMap(DenseAlgebra algebra) {
    this.algebra = algebra;
  }

  /**
   * Moves samples by the map.
   *
   * @param x centred samples (n x d, float64), closed by this call to free memory early
   * @param y centred samples (n x d, float64), not modified
   * @param sx covariance estimate of x, positive definite
   * @param sy covariance estimate of y, positive definite
   * @return x A (n x d), in the manager of y
   */
  NDArray move(NDArray x, NDArray y, CovarianceEstimate sx, CovarianceEstimate sy) {
    NDManager owner = y.getManager();
    try (NDManager scratch = owner.newSubManager()) {
      Factor factor = factor(y, sy, scratch);
      NDArray z = factor.times(x);
      z.attach(scratch);
      x.close();
      DenseAlgebra.Eigen eigen;
      try (NDArray middle = middle(z, factor, sx)) {
        eigen = algebra.symmetricEigen(middle);
      }
      NDArray vectors = eigen.vectors();
      double largest = eigen.values().max().getDouble();
      double floor = largest * ROUNDING * eigen.values().size();
      NDArray inverseRoots = eigen.values().maximum(floor).pow(-0.5);
      NDArray turned = z.matMul(vectors);
      z.close();
      turned.muli(inverseRoots);
      NDArray back = timesTransposed(turned, vectors);
      turned.close();
      vectors.close();
      NDArray moved = factor.timesTransposed(back);
      moved.attach(owner);
      return moved;
    }
  }

  /** Returns L with L L' = SY, in the scratch manager. */
  private Factor factor(NDArray y, CovarianceEstimate sy, NDManager scratch) {
    NDArray covariance = TriangularProducts.lowerGram(y);
    covariance.attach(scratch);
    covariance.muli(sy.weight());
    addToDiagonal(covariance, sy.diagonal());
    Factor factor =
        algebra
            .cholesky(covariance)
            .map(lower -> new Factor(lower, true))
            .orElseGet(() -> new Factor(clampedRoot(covariance), false));
    covariance.close();
    return factor;
  }

  /** Returns V diag(w)^1/2 with the w clamped from below. */
  private NDArray clampedRoot(NDArray covariance) {
    DenseAlgebra.Eigen eigen = algebra.symmetricEigen(covariance);
    double largest = eigen.values().max().getDouble();
    double floor = largest * ROUNDING * eigen.values().size();
    return eigen.vectors().muli(eigen.values().maximum(floor).sqrt());
  }

  /** Returns the lower triangle of L' SX L = weight Z'Z + diagonal L'L, where Z = X L. */
  private static NDArray middle(NDArray z, Factor factor, CovarianceEstimate sx) {
    NDArray middle = TriangularProducts.lowerGram(z);
    middle.muli(sx.weight());
    if (sx.diagonal() != 0) {
      try (NDArray square = factor.lowerGram()) {
        middle.addi(square.muli(sx.diagonal()));
      }
    }
    return middle;
  }

  /** L with L L' = SY; lower triangular but for covariances that rounding made indefinite. */
  private record Factor(NDArray matrix, boolean isLower) {
    NDArray times(NDArray x) {
      return isLower ? TriangularProducts.timesLower(x, matrix) : x.matMul(matrix);
    }

    NDArray timesTransposed(NDArray x) {
      return isLower
          ? TriangularProducts.timesLowerTransposed(x, matrix)
          : GaussianMap.timesTransposed(x, matrix);
    }

    NDArray lowerGram() {
      return isLower
          ? TriangularProducts.lowerGramOfLower(matrix)
          : TriangularProducts.lowerGram(matrix);
    }
  }

  private static void addToDiagonal(NDArray square, double value) {
    long d = square.getShape().get(0);
    try (NDArray flat = square.reshape(d * d);
        NDArray diagonal = flat.get("0:" + d * d + ":" + (d + 1))) {
      diagonal.addi(value);
    }
  }

  private static NDArray timesTransposed(NDArray a, NDArray b) {
    // A transposed view keeps the memory of its matrix, so it is closed at once.
    try (NDArray view = b.transpose()) {
      return a.matMul(view);
    }
  }
}
