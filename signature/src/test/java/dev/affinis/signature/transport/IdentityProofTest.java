package dev.affinis.signature.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.affinis.signature.linalg.DenseAlgebra;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The quick proof against the definition and against the solver. */
class IdentityProofTest {
  private NDManager manager;

  @BeforeEach
  void open() {
    manager = DenseAlgebra.on(Device.cpu()).newManager();
  }

  @AfterEach
  void close() {
    manager.close();
  }

  /** One block of rows, one with a rest, one point. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 512, 700})
  void nearPairsAreProved(int n) {
    double[][] a = gaussian(n, 64, new Random(1));
    assertTrue(proved(a, moved(a, 0.5, new Random(2))));
  }

  @ParameterizedTest
  @ValueSource(doubles = {1e-12, 1e-6, 1e6, 1e12})
  void scaleDoesNotMatter(double scale) {
    double[][] a = gaussian(100, 64, new Random(1));
    double[][] b = moved(a, 0.5, new Random(2));
    assertTrue(proved(scaled(a, scale), scaled(b, scale)));
  }

  /** In one row only, of the last block. */
  @Test
  void oneExchangeIsNoticed() {
    double[][] a = gaussian(700, 64, new Random(1));
    double[][] b = moved(a, 0.1, new Random(2));
    double[] last = b[699];
    b[699] = b[3];
    b[3] = last;
    assertFalse(proved(a, b));
  }

  /** Products of such points underflow to 0 in float32, and all pairs look the same. */
  @ParameterizedTest
  @ValueSource(doubles = {1e-25, 1e-40})
  void oneExchangeOfPointsTooSmallForProductsIsNoProof(double scale) {
    double[][] a = gaussian(10, 3, new Random(1));
    double[][] b = moved(a, 0.1, new Random(2));
    double[] last = b[9];
    b[9] = b[3];
    b[3] = last;
    assertFalse(proved(scaled(a, scale), scaled(b, scale)));
  }

  @Test
  void equalPointsHaveNoMargin() {
    double[][] a = gaussian(50, 64, new Random(1));
    double[][] b = moved(a, 0.1, new Random(2));
    b[7] = b[8];
    a[7] = a[8];
    assertFalse(proved(a, b));
  }

  @Test
  void aMarginWithinRoundingIsNoProof() {
    double[][] a = {{1, 0}, {1 + 1e-8, 0}};
    assertFalse(proved(a, a));
    double[][] apart = {{1, 0}, {1.1, 0}};
    assertTrue(proved(apart, apart));
  }

  /** Around where half of the potentials stop to be feasible, both answers occur. */
  @Test
  void whatItProvesTheSolverFinds() {
    int proved = 0;
    for (int seed = 0; seed < 60; seed++) {
      Random random = new Random(seed);
      double[][] a = gaussian(20, 6, random);
      double[][] b = moved(a, 0.02 * (1 + seed), random);
      boolean feasible = hasMargins(a, b);
      assertEquals(feasible, proved(a, b), "seed " + seed);
      if (feasible) {
        proved++;
        assertTrue(new AssignmentSolver().solve(costs(a, b)).isIdentity(), "seed " + seed);
      }
    }
    assertTrue(proved > 5 && proved < 55, proved + " of 60 proved");
  }

  private static boolean hasMargins(double[][] a, double[][] b) {
    double[][] c = costs(a, b);
    for (int i = 0; i < c.length; i++) {
      for (int j = 0; j < c.length; j++) {
        if (i != j && c[i][j] <= (c[i][i] + c[j][j]) / 2) {
          return false;
        }
      }
    }
    return true;
  }

  private static double[][] costs(double[][] a, double[][] b) {
    return new HardClouds.Pair(a, b).costs();
  }

  private boolean proved(double[][] a, double[][] b) {
    double[][] c = costs(a, b);
    double[] squares = new double[a.length];
    for (int i = 0; i < squares.length; i++) {
      squares[i] = c[i][i];
    }
    return IdentityProof.succeeds(matrix(a), matrix(b), squares);
  }

  private NDArray matrix(double[][] rows) {
    double[] values = new double[rows.length * rows[0].length];
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(rows[i], 0, values, i * rows[i].length, rows[i].length);
    }
    return manager.create(values, new Shape(rows.length, rows[0].length));
  }

  private static double[][] gaussian(int n, int d, Random random) {
    double[][] rows = new double[n][d];
    for (double[] row : rows) {
      for (int k = 0; k < d; k++) {
        row[k] = random.nextGaussian();
      }
    }
    return rows;
  }

  private static double[][] moved(double[][] rows, double deviation, Random random) {
    double[][] moved = gaussian(rows.length, rows[0].length, random);
    for (int i = 0; i < rows.length; i++) {
      for (int k = 0; k < rows[i].length; k++) {
        moved[i][k] = rows[i][k] + deviation * moved[i][k];
      }
    }
    return moved;
  }

  private static double[][] scaled(double[][] rows, double factor) {
    double[][] scaled = new double[rows.length][rows[0].length];
    for (int i = 0; i < rows.length; i++) {
      for (int k = 0; k < rows[i].length; k++) {
        scaled[i][k] = factor * rows[i][k];
      }
    }
    return scaled;
  }
}
