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
      assertEquals(
          1, DenseAlgebra.on(Device.cpu()).symmetricEigen(a).values().getDouble(), ROUNDING);
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
