package dev.affinis.signature.linalg;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.Random;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The reduction to a band against eigenvectors, and both against the definition. */
class InverseSquareRootTest {
  private static final double ROUNDING = 1e-10;

  /** What the approximation and rounding may differ by from eigenvectors. */
  private static final double AGREEMENT = 2 * RationalInverseRoot.ACCURACY;

  private static final int LEAST_SIZE = 256;

  private final DenseAlgebra algebra = DenseAlgebra.on(Device.cpu());
  private final InverseSquareRoot root = new InverseSquareRoot(algebra, LEAST_SIZE);
  private NDManager manager;

  @BeforeEach
  void open() {
    manager = algebra.newManager();
  }

  @AfterEach
  void close() {
    manager.close();
  }

  /** One block, blocks with a rest, a last panel of one row, more than one block of columns. */
  @ParameterizedTest
  @CsvSource({
    "5, 1",
    "5, 2",
    "7, 64",
    "7, 65",
    "7, 128",
    "600, 129",
    "40, 200",
    "3, 513",
    "9, 1100"
  })
  void bothWaysAgreeWhateverTheSize(int n, int d) {
    requireAgreement(gaussian(n, d, 1), withSpectrum(d, i -> 1 + i % 7), 1, AGREEMENT);
  }

  /** Rounding in M moves the inverse root by its condition number. */
  @ParameterizedTest
  @CsvSource({"1e2, 2e-10", "1e5, 1e-9", "1e8, 1e-6"})
  void bothWaysAgreeWhereTheSpectrumDecays(double condition, double agreement) {
    int d = 300;
    NDArray m = withSpectrum(d, i -> Math.pow(condition, -i / (d - 1.0)));
    requireAgreement(gaussian(50, d, 2), m, 0.999 / condition, agreement);
  }

  @Test
  void theLowerBoundNeedNotBeSharp() {
    int d = 200;
    NDArray m = withSpectrum(d, i -> 2 + i % 3);
    requireAgreement(gaussian(20, d, 2), m, 1e-6, AGREEMENT);
  }

  /** Zero columns below the first ones: reflections of zero vectors are the identity. */
  @ParameterizedTest
  @ValueSource(doubles = {1e-200, 1, 1e200})
  void multiplesOfTheIdentityAndDiagonalMatricesWork(double scale) {
    int d = 150;
    NDArray m = manager.eye(d).toType(DataType.FLOAT64, false).mul(4 * scale);
    NDArray x = gaussian(6, d, 3);
    double[] expected = x.div(2 * Math.sqrt(scale)).toDoubleArray();
    double[] found = root.byBand(x, m, 4 * scale).toDoubleArray();
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], found[i], AGREEMENT * Math.abs(expected[i]));
    }
  }

  @Test
  void itsSquareIsTheInverse() {
    int d = 1030;
    NDArray m = withSpectrum(d, i -> 1 + i / 10.0);
    NDArray x = gaussian(4, d, 4);
    NDArray once = root.byBand(x.matMul(m), m.duplicate(), 1);
    requireClose(x, root.byBand(once, m, 1), AGREEMENT);
  }

  /** What the two ways say of a covariance that is singular but for 1e-6 of its mean variance. */
  @Test
  void aBoundWithinRoundingIsLeftToEigenvectors() {
    int d = LEAST_SIZE;
    NDArray rows = gaussian(50, d, 5);
    NDArray m = algebra.lowerGram(rows);
    algebra.scaleAndShift(m, 1.0 / 50, 1e-12);
    assertFalse(InverseSquareRoot.isSafe(m, 1e-12));
    assertFalse(InverseSquareRoot.isSafe(m, 0));
    assertTrue(InverseSquareRoot.isSafe(m, 1e-6));
    NDArray x = gaussian(5, d, 6);
    NDArray expected = root.byEigenvectors(x.duplicate(), m.duplicate());
    requireClose(expected, root.applyTo(x.duplicate(), m.duplicate(), 1e-12), ROUNDING);
    NDArray matrix = root.of(m, 1e-12);
    algebra.fillUpper(matrix);
    requireClose(expected, x.matMul(matrix), ROUNDING);
  }

  @Test
  void smallMatricesAreLeftToEigenvectors() {
    NDArray m = withSpectrum(LEAST_SIZE - 1, i -> 1 + i % 5);
    NDArray x = gaussian(5, LEAST_SIZE - 1, 6);
    double[] expected = root.byEigenvectors(x.duplicate(), m.duplicate()).toDoubleArray();
    assertArrayEquals(expected, root.applyTo(x, m.duplicate(), 1).toDoubleArray(), 0);
    double[] matrix = root.of(algebra.symmetricEigen(m)).toDoubleArray();
    assertArrayEquals(matrix, root.of(m, 1).toDoubleArray(), 0);
  }

  @Test
  void aSafeBoundIsTakenToTheBand() {
    int d = LEAST_SIZE;
    NDArray m = withSpectrum(d, i -> 1 + i % 5);
    NDArray x = gaussian(5, d, 6);
    double[] expected = root.byBand(x.duplicate(), m.duplicate(), 1).toDoubleArray();
    double[] found = root.applyTo(x, m.duplicate(), 1).toDoubleArray();
    assertArrayEquals(expected, found, 0);
    double[] matrix = root.byBand(m.duplicate(), 1).toDoubleArray();
    assertArrayEquals(matrix, root.of(m, 1).toDoubleArray(), 0);
  }

  @Test
  void consumesItsArgumentsAndLeavesOnlyTheResult() {
    for (double least : new double[] {0, 1}) {
      NDArray m = withSpectrum(LEAST_SIZE, i -> 1 + i % 5);
      NDArray x = gaussian(5, LEAST_SIZE, 6);
      NDArray copy = m.duplicate();
      int before = manager.getManagedArrays().size();
      NDArray result = root.applyTo(x, m, least);
      assertEquals(before - 1, manager.getManagedArrays().size());
      assertSame(manager, result.getManager());
      root.of(copy, least);
      assertEquals(before - 1, manager.getManagedArrays().size());
    }
  }

  private void requireAgreement(NDArray x, NDArray m, double least, double agreement) {
    NDArray expected = root.byEigenvectors(x.duplicate(), m.duplicate());
    // Only the lower triangle is read.
    NDArray noise = gaussian((int) m.getShape().get(0), (int) m.getShape().get(0), 9);
    NDArray lower = m.mul(mask(m)).add(noise.mul(mask(m).neg().add(1)));
    NDArray matrix = root.byBand(lower.duplicate(), least);
    requireClose(expected, root.byBand(x.duplicate(), lower, least), agreement);
    algebra.fillUpper(matrix);
    requireClose(expected, x.matMul(matrix), agreement);
    requireClose(expected, byDefinition(x, algebra.symmetricEigen(m)), agreement);
  }

  private NDArray byDefinition(NDArray x, DenseAlgebra.Eigen eigen) {
    NDArray matrix = root.of(eigen);
    algebra.fillUpper(matrix);
    return x.matMul(matrix);
  }

  private static void requireClose(NDArray expected, NDArray found, double agreement) {
    assertEquals(expected.getShape(), found.getShape());
    double error = expected.sub(found).norm().getDouble() / expected.norm().getDouble();
    assertEquals(0, error, agreement);
  }

  private NDArray mask(NDArray m) {
    NDArray indices = manager.arange((int) m.getShape().get(0));
    return indices.expandDims(1).gte(indices.expandDims(0)).toType(DataType.FLOAT64, true);
  }

  /** A dense symmetric matrix with given eigenvalues. */
  private NDArray withSpectrum(int d, IntToDoubleFunction eigenvalue) {
    NDArray basis = algebra.orthonormalBasis(gaussian(d, d, 7));
    NDArray values = manager.create(IntStream.range(0, d).mapToDouble(eigenvalue).toArray());
    NDArray m = basis.mul(values).matMul(basis.transpose());
    return m.add(m.transpose()).mul(0.5);
  }

  private NDArray gaussian(int n, int d, long seed) {
    Random random = new Random(seed);
    double[] values = IntStream.range(0, n * d).mapToDouble(i -> random.nextGaussian()).toArray();
    return manager.create(values, new Shape(n, d));
  }
}
