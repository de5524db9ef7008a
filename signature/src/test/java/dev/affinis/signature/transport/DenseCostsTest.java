package dev.affinis.signature.transport;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What an auction asks of costs, against a look at all of them. */
class DenseCostsTest {
  private static final int N = 300;

  private final double[] costs = new Random(4).doubles((long) N * N, -5, 9).toArray();
  private final DenseCosts source = new DenseCosts(N, costs);

  @Test
  void diagonalAndMinimaAreThoseOfTheMatrix() {
    double[] diagonal = new double[N];
    double[] minima = new double[N];
    Arrays.fill(minima, 100);
    for (int i = 0; i < N; i++) {
      for (int j = 0; j < N; j++) {
        minima[j] = Math.min(minima[j], costs[i * N + j]);
        if (i == j) {
          diagonal[i] = costs[i * N + j];
        }
      }
    }
    assertArrayEquals(diagonal, source.diagonal());
    assertArrayEquals(minima, source.columnMinima());
    assertTrue(source.minimaAreExact());
    assertEquals(N, source.size());
  }

  /** All rows, so that threads share them, and a few. */
  @Test
  void listsHaveTheCheapestColumnsOfEachRow() {
    double[] v = new Random(5).doubles(N).toArray();
    for (int count : new int[] {N, 3}) {
      int[] rows = IntStream.range(0, N).map(i -> N - 1 - i).toArray();
      CandidateLists lists = new CandidateLists(N, 20);
      source.list(rows, count, v, lists);
      for (int r = 0; r < count; r++) {
        int row = rows[r];
        assertEquals(20, lists.length[row]);
        double[] reduced = new double[N];
        Arrays.setAll(reduced, j -> costs[row * N + j] - v[j]);
        double least = Arrays.stream(reduced).min().orElseThrow();
        assertEquals(least, lists.least(row, v));
        for (int q = row * 20; q < row * 20 + 20; q++) {
          assertEquals(costs[row * N + lists.columns[q]], lists.costs[q]);
          reduced[lists.columns[q]] = Double.POSITIVE_INFINITY;
        }
        double left = Arrays.stream(reduced).min().orElseThrow();
        assertTrue(lists.bound[row] <= left && lists.bound[row] > least, "row " + row);
      }
      assertEquals(count == N ? 20 : 0, lists.length[rows[N - 1]]);
    }
  }

  @Test
  void aPartIsTheProblemOfItsRowsAndTheirColumns() {
    int[] rows = {2, 3, 8, 11, 40, 41, 299};
    double[][] part = new double[rows.length][rows.length];
    for (int p = 0; p < rows.length; p++) {
      for (int q = 0; q < rows.length; q++) {
        part[p][q] = costs[rows[p] * N + rows[q]];
      }
    }
    Assignment assignment = source.solvePart(rows);
    AssignmentSolverTest.requireOptimal(part, assignment);
    assertEquals(BruteForce.leastCost(part), assignment.cost(), 1e-12);
  }

  @Test
  void theLeastOverRowsLeavesTheirPotentialsOut() {
    int[] rows = {7, 100, 298};
    double[] u = {3, -4, 0.5};
    double[] least = source.leastOver(rows, u);
    for (int j = 0; j < N; j++) {
      double expected =
          Math.min(
              costs[7 * N + j] - 3, Math.min(costs[100 * N + j] + 4, costs[298 * N + j] - 0.5));
      assertEquals(expected, least[j]);
    }
  }

  /** Columns 5 and 9 are equal; 6 differs from 7 in one row alone, whichever it is. */
  @Test
  void twinsAreEqualInEveryRow() {
    for (int different = 0; different < 40; different++) {
      int n = 40;
      double[] all = new Random(6).doubles((long) n * n).toArray();
      for (int i = 0; i < n; i++) {
        all[i * n + 9] = all[i * n + 5];
        all[i * n + 7] = all[i * n + 6] + (i == different ? 1e-9 : 0);
      }
      int[] expected = IntStream.range(0, n).map(j -> j == 9 ? 5 : j).toArray();
      assertArrayEquals(expected, new DenseCosts(n, all).firstTwins(), "row " + different);
    }
  }

  /** More rows than are multiplied at a time. */
  @Test
  void squaredDistancesAreThoseOfThePoints() {
    int n = 700;
    Random random = new Random(7);
    double[][] a = new double[n][3];
    double[][] b = new double[n][3];
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < 3; k++) {
        a[i][k] = random.nextGaussian();
        b[i][k] = i % 9 == 0 ? a[i][k] : random.nextGaussian();
      }
    }
    try (NDManager manager = NDManager.newBaseManager(Device.cpu(), "PyTorch");
        NDArray from = manager.create(a);
        NDArray to = manager.create(b)) {
      double[] squares = DenseCosts.squaredDistances(from, to);
      for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
          double expected = 0;
          for (int k = 0; k < 3; k++) {
            expected += (a[i][k] - b[j][k]) * (a[i][k] - b[j][k]);
          }
          assertEquals(expected, squares[i * n + j], 1e-13);
          assertTrue(squares[i * n + j] >= 0);
        }
      }
    }
  }
}
