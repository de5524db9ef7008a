package dev.affinis.signature.transport;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CoarseStartTest {
  private static final int N = 1024;

  @Test
  void betterPotentialsHaveAHigherDualValue() {
    double[] costs = costs(N, 1, 2);
    DenseCosts source = new DenseCosts(N, costs);
    double[] v = source.columnMinima();
    double before = dualValue(costs, v);
    assertTrue(improve(source, v));
    double best = new AssignmentSolver().solve(N, costs).cost();
    double after = dualValue(costs, v);
    assertTrue(after > before, before + " " + after);
    assertTrue(after <= best * (1 + 1e-12), after + " " + best);
  }

  @Test
  void identitiesNeedNone() {
    double[] costs = costs(N, 0, 2);
    DenseCosts source = new DenseCosts(N, costs);
    double[] v = source.columnMinima();
    double[] before = v.clone();
    assertFalse(improve(source, v));
    assertArrayEquals(before, v);
  }

  @ParameterizedTest
  @Tag("slow")
  @ValueSource(ints = {1, 2, 3, 8})
  void solutionsAgreeWithAugmentingPaths(int d) {
    double[] costs = costs(N, 1, d);
    double expected = new AugmentingPaths().solve(N, costs).cost();
    Assignment solved = new AssignmentSolver().solve(N, costs);
    assertEquals(expected, solved.cost(), 1e-11 * expected);
    assertTrue(solved.relativeGap() <= 1e-12, solved.toString());
  }

  private static boolean improve(DenseCosts source, double[] v) {
    CandidateLists lists = new CandidateLists(N, source.listLength());
    return new CoarseStart(source, lists).improve(v, source.firstTwins(), source.diagonal());
  }

  /** Squared distances between points and the same points moved by noise. */
  private static double[] costs(int n, double noise, int d) {
    Random random = new Random(5);
    double[][] a = new double[n][d];
    double[][] b = new double[n][d];
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < d; k++) {
        a[i][k] = random.nextGaussian();
        b[i][k] = a[i][k] + noise * random.nextGaussian();
      }
    }
    double[] costs = new double[n * n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        for (int k = 0; k < d; k++) {
          costs[i * n + j] += (a[i][k] - b[j][k]) * (a[i][k] - b[j][k]);
        }
      }
    }
    return costs;
  }

  private static double dualValue(double[] costs, double[] v) {
    double value = 0;
    for (int i = 0; i < N; i++) {
      double least = Double.POSITIVE_INFINITY;
      for (int j = 0; j < N; j++) {
        least = Math.min(least, costs[i * N + j] - v[j]);
      }
      value += least + v[i];
    }
    return value;
  }
}
