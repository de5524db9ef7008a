package dev.affinis.signature.transport;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Costs in one array against the matrix they were made of. */
class DenseCostsTest {
  @ParameterizedTest
  @EnumSource
  void sumsUpRowsAndColumns(HardCosts kind) {
    double[][] c = kind.matrix(9, 1);
    DenseCosts costs = dense(c);
    int[] rows = {7, 2, 5};
    double[] u = {-1000, 3, 0.5};
    double[] diagonal = costs.diagonal();
    double[] minima = costs.columnMinima();
    double[] least = costs.leastOver(rows, u);
    for (int j = 0; j < 9; j++) {
      int column = j;
      assertEquals(c[j][j], diagonal[j]);
      assertEquals(Arrays.stream(c).mapToDouble(row -> row[column]).min().orElseThrow(), minima[j]);
      double expected =
          IntStream.range(0, 3).mapToDouble(p -> c[rows[p]][column] - u[p]).min().orElseThrow();
      assertEquals(expected, least[j]);
    }
    assertTrue(costs.minimaAreExact());
  }

  @ParameterizedTest
  @EnumSource
  void twinsCostTheSameInAllRows(HardCosts kind) {
    double[][] c = kind.matrix(40, 2);
    assertArrayEquals(firstTwins(c), dense(c).firstTwins());
  }

  /** Two columns are equal but for one row, another two in all rows. */
  @Test
  void oneRowTellsColumnsApart() {
    for (int row = 0; row < 12; row++) {
      double[][] c = HardCosts.UNIFORM.matrix(12, row);
      for (int i = 0; i < 12; i++) {
        c[i][8] = c[i][3] + (i == row ? 1 : 0);
        c[i][11] = c[i][5];
      }
      assertArrayEquals(firstTwins(c), dense(c).firstTwins(), "row " + row);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aPartIsSolvedAsTheProblemItIs(HardCosts kind) {
    double[][] c = kind.matrix(20, 3);
    int[] rows = {0, 3, 4, 11, 19};
    double[][] part = new double[5][5];
    for (int p = 0; p < 5; p++) {
      for (int q = 0; q < 5; q++) {
        part[p][q] = c[rows[p]][rows[q]];
      }
    }
    Assignment solved = dense(c).solvePart(rows);
    if (solved == null) {
      // Costs of so many magnitudes may be more than the budget allows for.
      assertTrue(kind == HardCosts.RARELY_CHEAP || kind == HardCosts.HUGE_RANGE, kind.toString());
      return;
    }
    double least = BruteForce.leastCost(part);
    assertEquals(least, solved.cost(), 1e-11 * Math.abs(least));
  }

  /** Few rows in one thread, many in several. */
  @ParameterizedTest
  @EnumSource
  void listsHoldWhatIsCheaperThanTheirBound(HardCosts kind) {
    for (int n : new int[] {20, 150}) {
      double[][] c = kind.matrix(n, 4);
      double[] v = new Random(5).doubles(n, 0, 1e-3).toArray();
      CandidateLists lists = new CandidateLists(n, 6);
      double[] before = new double[n];
      for (int i = 0; i < n; i++) {
        before[i] = i % 3 == 0 ? Double.POSITIVE_INFINITY : c[i][i] - v[i];
        lists.bound[i] = before[i];
      }
      int[] rows = IntStream.range(0, n).map(i -> n - 1 - i).toArray();
      dense(c).list(rows, n - 1, v, lists);
      for (int i = 1; i < n; i++) {
        CloudCostsTest.requireList(i, CloudCostsTest.reduced(c[i], v), c[i], before[i], lists);
      }
      assertEquals(0, lists.length[0]);
    }
  }

  /** 600 rows are more than one block of products. */
  @ParameterizedTest
  @ValueSource(ints = {1, 30, 600})
  void squaredDistancesAreThoseOfDifferences(int n) {
    HardClouds.Pair clouds = HardClouds.INDEPENDENT.draw(n, 2, 6);
    try (NDManager manager = NDManager.newBaseManager(Device.cpu(), "PyTorch")) {
      double[] costs =
          DenseCosts.squaredDistances(manager.create(clouds.a), manager.create(clouds.b));
      double[][] exact = clouds.costs();
      for (int k = 0; k < n * n; k++) {
        assertEquals(exact[k / n][k % n], costs[k], 1e-13);
        assertTrue(costs[k] >= 0);
      }
    }
  }

  private static DenseCosts dense(double[][] c) {
    return new DenseCosts(c.length, Arrays.stream(c).flatMapToDouble(Arrays::stream).toArray());
  }

  private static int[] firstTwins(double[][] c) {
    int n = c.length;
    int[] first = new int[n];
    for (int j = 0; j < n; j++) {
      int column = j;
      first[j] =
          IntStream.range(0, n)
              .filter(k -> Arrays.stream(c).allMatch(row -> row[k] == row[column]))
              .findFirst()
              .orElseThrow();
    }
    return first;
  }
}
