package dev.affinis.signature.linalg;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class DenseAlgebraTest {
  private static final double ROUNDING = 1e-10;

  private final DenseAlgebra algebra = DenseAlgebra.on(Device.cpu());

  @Test
  void decomposesASymmetricMatrix() {
    try (NDManager manager = algebra.newManager()) {
      NDArray a = manager.create(new double[] {2, 1, 1, 2}, new Shape(2, 2));
      DenseAlgebra.Eigen eigen = algebra.symmetricEigen(a);
      assertArrayEquals(new double[] {1, 3}, eigen.values().toDoubleArray(), ROUNDING);
      NDArray rebuilt = eigen.vectors().mul(eigen.values()).matMul(eigen.vectors().transpose());
      assertArrayEquals(a.toDoubleArray(), rebuilt.toDoubleArray(), ROUNDING);
    }
  }

  @Test
  void factorsAPositiveDefiniteMatrix() {
    try (NDManager manager = algebra.newManager()) {
      NDArray a = manager.create(new double[] {4, 2, 2, 5}, new Shape(2, 2));
      NDArray factor = algebra.cholesky(a).orElseThrow();
      assertArrayEquals(new double[] {2, 0, 1, 2}, factor.toDoubleArray(), ROUNDING);
      assertTrue(
          algebra.cholesky(a.sub(manager.eye(2).toType(DataType.FLOAT64, false).mul(4))).isEmpty());
    }
  }

  @Test
  void completesABasisOfColumnsThatDepend() {
    try (NDManager manager = algebra.newManager()) {
      NDArray a = manager.create(new double[] {1, 1, 2, 2, 3, 3}, new Shape(3, 2));
      NDArray basis = algebra.orthonormalBasis(a);
      double[] gram = basis.transpose().matMul(basis).toDoubleArray();
      assertArrayEquals(new double[] {1, 0, 0, 1}, gram, ROUNDING);
    }
  }

  @Test
  void servesSeveralThreads() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try {
      Callable<Double> largest =
          () -> {
            try (NDManager manager = algebra.newManager()) {
              NDArray a = manager.ones(new Shape(60, 60), DataType.FLOAT64);
              return algebra.symmetricEigen(a).values().max().getDouble();
            }
          };
      List<Future<Double>> results =
          pool.invokeAll(Stream.generate(() -> largest).limit(40).toList());
      for (Future<Double> result : results) {
        assertEquals(60, result.get(), ROUNDING);
      }
    } finally {
      pool.shutdown();
    }
  }

  @Test
  void isLoadedOncePerDeviceAndAgainAfterClose() {
    assertSame(algebra, DenseAlgebra.on(Device.cpu()));
    algebra.close();
    try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
      NDArray a = manager.ones(new Shape(1, 1), DataType.FLOAT64);
      assertThrows(IllegalStateException.class, () -> algebra.symmetricEigen(a));
      assertEquals(
          1, DenseAlgebra.on(Device.cpu()).symmetricEigen(a).values().getDouble(), ROUNDING);
    }
  }

  /** Arrays that nobody closes stay until their manager ends: with a long run, for hours. */
  @Test
  void leavesNothingButItsResults() {
    try (NDManager manager = algebra.newManager()) {
      NDArray x = manager.create(new double[] {1, 2, 0, 1, 3, 5}, new Shape(3, 2));
      NDArray a = manager.create(new double[] {4, 2, 2, 5}, new Shape(2, 2));
      NDArray lower = algebra.cholesky(a).orElseThrow();
      requireLeft(manager, 2, () -> algebra.symmetricEigen(a));
      requireLeft(manager, 0, () -> algebra.symmetricEigen(a).close());
      requireLeft(manager, 1, () -> algebra.symmetricEigen(a).clampedValues(), 2);
      requireLeft(manager, 1, () -> algebra.cholesky(a));
      requireLeft(
          manager, 0, () -> algebra.cholesky(manager.zeros(new Shape(2, 2), a.getDataType())), 1);
      requireLeft(manager, 0, () -> algebra.scaleAndShift(a, 2, 1));
      requireLeft(manager, 0, () -> algebra.fillUpper(a));
      requireLeft(manager, 0, () -> algebra.squaredGramNorm(x));
      requireLeft(manager, 0, () -> algebra.squaredGramNorm(x.get("0:1")), 1);
      requireLeft(manager, 0, () -> algebra.squaredNorm(a));
      requireLeft(manager, 1, () -> algebra.lowerGramSum(x, lower, 2, 3));
      requireLeft(manager, 1, () -> algebra.congruence(a, lower, 2, 3));
      requireLeft(manager, 1, () -> algebra.lowerFactor(a));
      requireLeft(manager, 1, () -> algebra.orthonormalBasis(x));
      DenseAlgebra.Moments moments =
          new DenseAlgebra.Moments(
              manager.zeros(new Shape(2), DataType.FLOAT64),
              manager.zeros(new Shape(2, 2), DataType.FLOAT64),
              manager.zeros(new Shape(2), DataType.FLOAT64),
              manager.zeros(new Shape(3), DataType.FLOAT64));
      requireLeft(manager, 0, () -> algebra.addRows(x, moments));
      requireLeft(manager, 0, () -> algebra.merge(moments, moments));
    }
  }

  private static void requireLeft(NDManager manager, int results, Runnable computation) {
    requireLeft(manager, results, computation, 0);
  }

  /** Of the arrays that a computation leaves, some are the arguments that it was given. */
  private static void requireLeft(
      NDManager manager, int results, Runnable computation, int arguments) {
    int before = manager.getManagedArrays().size();
    computation.run();
    assertEquals(before + results + arguments, manager.getManagedArrays().size());
  }

  /** The rest of a matrix of rank 1 is noise of either sign. */
  @Test
  void eigenvaluesBelowRoundingAreRaisedToIt() {
    try (NDManager manager = algebra.newManager()) {
      NDArray values = manager.create(new double[] {-1e-17, 1e-15, 0.5, 2});
      NDArray clamped = new DenseAlgebra.Eigen(values, values).clampedValues();
      double least = 4 * 2 * Math.ulp(1.0);
      assertArrayEquals(new double[] {least, least, 0.5, 2}, clamped.toDoubleArray(), 0);
    }
  }

  @Test
  void refusesOtherTypes() {
    try (NDManager manager = algebra.newManager()) {
      NDArray a = manager.ones(new Shape(2, 2));
      assertThrows(IllegalArgumentException.class, () -> algebra.symmetricEigen(a));
    }
  }
}
