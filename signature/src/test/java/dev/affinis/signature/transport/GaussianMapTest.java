package dev.affinis.signature.transport;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.affinis.signature.covariance.CovarianceEstimate;
import dev.affinis.signature.linalg.DenseAlgebra;
import java.util.Random;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.EigenDecomposition;
import org.apache.commons.math3.linear.MatrixUtils;
import org.apache.commons.math3.linear.RealMatrix;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The map against what it is: {@code A SX A = SY} has one symmetric positive semi-definite
 * solution. Products and eigenvalues are those of Commons Math.
 */
class GaussianMapTest {
  private static final double ROUNDING = 1e-9;

  private final DenseAlgebra algebra = DenseAlgebra.on(Device.cpu());
  private final GaussianMap map = new GaussianMap(algebra);
  private NDManager manager;

  @BeforeEach
  void open() {
    manager = algebra.newManager();
  }

  @AfterEach
  void close() {
    manager.close();
  }

  /** More samples than columns and fewer. */
  @ParameterizedTest
  @CsvSource({"40, 1", "40, 5", "4, 6", "2, 9"})
  void takesOneCovarianceToTheOther(int n, int d) {
    RealMatrix x = gaussian(n, d, 1);
    RealMatrix y = gaussian(n, d, 2);
    CovarianceEstimate sx = new CovarianceEstimate(0.9 / n, 0.2, 0, d);
    CovarianceEstimate sy = new CovarianceEstimate(0.7 / n, 0.1, 0, d);
    requireMap(covariance(x, sx), covariance(y, sy), map.matrix(gram(x), gram(y), sx, sy));
    MapFactors factors = map.factors(gram(x), gram(y), sx, sy).orElseThrow();
    requireMap(covariance(x, sx), covariance(y, sy), map.matrix(factors));
  }

  @ParameterizedTest
  @CsvSource({"40, 5", "4, 6", "2, 9"})
  void movesSamplesAsItsMatrixDoes(int n, int d) {
    RealMatrix x = gaussian(n, d, 3);
    RealMatrix y = gaussian(n, d, 4);
    CovarianceEstimate sx = new CovarianceEstimate(0.9 / n, 0.2, 0, d);
    CovarianceEstimate sy = new CovarianceEstimate(0.7 / n, 0.1, 0, d);
    RealMatrix expected = x.multiply(matrix(map.matrix(gram(x), gram(y), sx, sy)));
    requireEqual(expected, matrix(map.move(array(x), gram(y), sx, sy)), ROUNDING);
  }

  /** A column of zeros, which Cholesky cannot take, and two equal ones. */
  @Test
  void takesACovarianceToASingularOne() {
    RealMatrix x = gaussian(40, 4, 5);
    RealMatrix y = gaussian(40, 4, 6);
    y.setColumn(1, new double[40]);
    y.setColumn(3, y.getColumn(2));
    CovarianceEstimate sx = new CovarianceEstimate(1 / 40.0, 0, 0, 4);
    CovarianceEstimate sy = new CovarianceEstimate(1 / 40.0, 0, 0, 4);
    NDArray a = map.matrix(gram(x), gram(y), sx, sy);
    requireMap(covariance(x, sx), covariance(y, sy), a);
    RealMatrix moved = matrix(map.move(array(x), gram(y), sx, sy));
    requireEqual(x.multiply(matrix(a)), moved, 1e-6);
    // Nothing may move to where no output is.
    requireEqual(new Array2DRowRealMatrix(40, 1), moved.getSubMatrix(0, 39, 1, 1), 1e-6);
  }

  @Test
  void aSingularCovarianceHasNoFactorsAndStaysAsItIs() {
    RealMatrix x = gaussian(40, 4, 5);
    RealMatrix y = gaussian(40, 4, 6);
    y.setColumn(1, new double[40]);
    CovarianceEstimate estimate = new CovarianceEstimate(1 / 40.0, 0, 0, 4);
    NDArray gramX = gram(x);
    NDArray gramY = gram(y);
    assertFalse(map.factors(gramX, gramY, estimate, estimate).isPresent());
    requireEqual(matrix(gram(x)), matrix(gramX), Double.MIN_VALUE);
    requireEqual(matrix(gram(y)), matrix(gramY), Double.MIN_VALUE);
  }

  @Test
  void factorsHoldBothTrianglesOfTheMoments() {
    // More columns than a block of the triangular products has.
    RealMatrix x = gaussian(3, 520, 7);
    CovarianceEstimate estimate = new CovarianceEstimate(1, 1, 0, 520);
    MapFactors factors = map.factors(gram(x), gram(x), estimate, estimate).orElseThrow();
    RealMatrix moments = x.transpose().multiply(x);
    requireEqual(moments, matrix(factors.gramX()), ROUNDING);
    requireEqual(moments, matrix(factors.gramY()), ROUNDING);
  }

  /** From two samples for three columns on. */
  @Test
  void manySamplesPassThroughTheMatrixAndFewThroughItsFactors() {
    assertTrue(GaussianMap.isFasterAsMatrix(10_000, 100));
    assertTrue(GaussianMap.isFasterAsMatrix(200, 300));
    assertFalse(GaussianMap.isFasterAsMatrix(199, 300));
    assertFalse(GaussianMap.isFasterAsMatrix(100, 10_000));
  }

  private void requireMap(RealMatrix sx, RealMatrix sy, NDArray array) {
    RealMatrix a = matrix(array);
    requireEqual(sy, a.multiply(sx).multiply(a), ROUNDING);
    requireEqual(a.transpose(), a, ROUNDING);
    for (double value : new EigenDecomposition(a).getRealEigenvalues()) {
      assertTrue(value > -ROUNDING, "eigenvalue " + value);
    }
  }

  private static RealMatrix covariance(RealMatrix rows, CovarianceEstimate estimate) {
    int d = rows.getColumnDimension();
    RealMatrix identity = MatrixUtils.createRealIdentityMatrix(d);
    return rows.transpose()
        .multiply(rows)
        .scalarMultiply(estimate.weight())
        .add(identity.scalarMultiply(estimate.diagonal()));
  }

  private static void requireEqual(RealMatrix expected, RealMatrix actual, double tolerance) {
    assertEquals(expected.getRowDimension(), actual.getRowDimension());
    assertEquals(expected.getColumnDimension(), actual.getColumnDimension());
    for (int i = 0; i < expected.getRowDimension(); i++) {
      assertArrayEquals(expected.getRow(i), actual.getRow(i), tolerance, "row " + i);
    }
  }

  /** Columns of different size that share something. */
  private static RealMatrix gaussian(int n, int d, long seed) {
    Random random = new Random(seed);
    RealMatrix rows = new Array2DRowRealMatrix(n, d);
    for (int i = 0; i < n; i++) {
      double common = random.nextGaussian();
      for (int k = 0; k < d; k++) {
        rows.setEntry(i, k, (random.nextGaussian() + common) * (1 + k % 3));
      }
    }
    return rows;
  }

  private NDArray array(RealMatrix rows) {
    return manager.create(rows.getData());
  }

  private NDArray gram(RealMatrix rows) {
    return algebra.lowerGram(array(rows));
  }

  private static RealMatrix matrix(NDArray array) {
    Shape shape = array.getShape();
    int columns = Math.toIntExact(shape.get(1));
    double[] values = array.toDoubleArray();
    RealMatrix matrix = new Array2DRowRealMatrix(values.length / columns, columns);
    for (int k = 0; k < values.length; k++) {
      matrix.setEntry(k / columns, k % columns, values[k]);
    }
    return matrix;
  }
}
