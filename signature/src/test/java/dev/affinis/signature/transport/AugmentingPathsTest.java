package dev.affinis.signature.transport;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Augmenting paths by themselves: behind an auction only few problems reach them. */
class AugmentingPathsTest {
  private final AugmentingPaths paths = new AugmentingPaths();

  @ParameterizedTest
  @EnumSource
  void equalBruteForceOnSmallProblems(HardCosts kind) {
    for (int n = 1; n <= 6; n++) {
      for (int seed = 0; seed < 30; seed++) {
        double[][] costs = kind.matrix(n, seed);
        Assignment assignment = paths.solve(n, flat(costs));
        AssignmentSolverTest.requireOptimal(costs, assignment);
        double least = BruteForce.leastCost(costs);
        assertEquals(least, assignment.cost(), 1e-12 * Math.abs(least));
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void proveThemselvesOnLargerOnes(HardCosts kind) {
    for (int n : new int[] {80, 33, 81}) {
      double[][] costs = kind.matrix(n, n);
      AssignmentSolverTest.requireOptimal(costs, paths.solve(n, flat(costs)));
    }
  }

  /** Every second pair is dearer than those it crosses with; the others are as they should be. */
  @Test
  void pairsThatCrossAreExchanged() {
    int n = 60;
    double[][] costs = new double[n][n];
    Random random = new Random(8);
    int[] expected = new int[n];
    for (int i = 0; i < n; i++) {
      expected[i] = i < 10 ? i ^ 1 : i;
      for (int j = 0; j < n; j++) {
        costs[i][j] = j == expected[i] ? random.nextDouble() : 3 + random.nextDouble();
      }
    }
    Assignment assignment = paths.solve(n, flat(costs));
    AssignmentSolverTest.requireOptimal(costs, assignment);
    assertArrayEquals(expected, assignment.permutation());
  }

  /** A row may pay more than it has to for its own column, if others need the cheaper one more. */
  @Test
  void theIdentityIsFoundWhereRowsWouldRatherHaveOthers() {
    int n = 40;
    double[][] costs = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        // Rank one: the dearest row has the cheapest column.
        costs[i][j] = (i + 1.0) * (n - j);
      }
    }
    Assignment assignment = paths.solve(n, flat(costs));
    AssignmentSolverTest.requireOptimal(costs, assignment);
    assertTrue(assignment.isIdentity());
    assertEquals(0, assignment.gap());
  }

  static double[] flat(double[][] rows) {
    int n = rows.length;
    double[] flat = new double[n * n];
    for (int i = 0; i < n; i++) {
      System.arraycopy(rows[i], 0, flat, i * n, n);
    }
    return flat;
  }
}
