package dev.affinis.signature.transport;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The solver for what auctions give up on, on its own. */
class AugmentingPathsTest {
  private final AugmentingPaths solver = new AugmentingPaths();

  @ParameterizedTest
  @EnumSource
  void equalsBruteForceOnSmallProblems(HardCosts kind) {
    for (int n = 1; n <= 6; n++) {
      for (int seed = 0; seed < 40; seed++) {
        double[][] costs = kind.matrix(n, seed);
        Assignment solved = solve(costs);
        AssignmentSolverTest.requireOptimal(costs, solved);
        double least = BruteForce.leastCost(costs);
        assertEquals(least, solved.cost(), 1e-12 * Math.abs(least) + 1e-300, kind + " " + n);
      }
    }
  }

  /** Larger, then smaller ones in the same workspace. */
  @ParameterizedTest
  @EnumSource
  void provesItself(HardCosts kind) {
    for (int n : new int[] {25, 80, 13}) {
      double[][] costs = kind.matrix(n, n);
      AssignmentSolverTest.requireOptimal(costs, solve(costs));
    }
  }

  /** Points near their partners, and partners exchanged in a ring: one long negative cycle. */
  @Test
  void findsARingOfPartners() {
    int n = 60;
    double[][] costs = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        costs[i][j] = i == j ? 1 : j == (i + 1) % n ? 1 - 1.0 / n : 5 + (i * 31 + j * 17) % 7;
      }
    }
    Assignment solved = solve(costs);
    assertArrayEquals(IntStream.range(0, n).map(i -> (i + 1) % n).toArray(), solved.permutation());
    AssignmentSolverTest.requireOptimal(costs, solved);
  }

  @Test
  void provesTheIdentityOfPointsNearTheirPartners() {
    double[][] costs = HardClouds.NEARLY_LINEAR.draw(60, 8, 1).costs();
    Assignment solved = solve(costs);
    assertTrue(solved.isIdentity());
    AssignmentSolverTest.requireOptimal(costs, solved);
  }

  private Assignment solve(double[][] costs) {
    return solver.solve(
        costs.length, Arrays.stream(costs).flatMapToDouble(Arrays::stream).toArray());
  }
}
