package dev.affinis.signature.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CandidateListsTest {
  private static final int N = 30;
  private static final int CAPACITY = 5;

  private final double[] costs = new Random(1).doubles((long) N * N).toArray();
  private final DenseCosts source = new DenseCosts(N, costs);
  private final int[] rows = {4, 17};

  @Test
  void listsAreEmptyAtFirst() {
    CandidateLists lists = new CandidateLists(N, CAPACITY);
    assertEquals(Double.POSITIVE_INFINITY, lists.least(17, new double[N]));
    assertEquals(Double.POSITIVE_INFINITY, lists.bound[17]);
  }

  @Test
  void theLeastReducedCostIsThatOfTheListedColumns() {
    CandidateLists lists = new CandidateLists(N, CAPACITY);
    source.list(rows, 2, new double[N], lists);
    double[] v = new Random(2).doubles(N, -1, 0).toArray();
    for (int row : rows) {
      double expected = Double.POSITIVE_INFINITY;
      for (int q = row * CAPACITY; q < (row + 1) * CAPACITY; q++) {
        expected = Math.min(expected, costs[row * N + lists.columns[q]] - v[lists.columns[q]]);
      }
      assertEquals(expected, lists.least(row, v));
    }
  }

  /** The listed columns have become dear: all those that now belong on the list come on it. */
  @Test
  void aWidenedListTakesAllThatIsCheaperThanItsDearest() {
    CandidateLists lists = new CandidateLists(N, CAPACITY);
    source.list(rows, 2, new double[N], lists);
    double[] v = new Random(3).doubles(N, -1, 0).toArray();
    for (int row : rows) {
      double dearest = Double.NEGATIVE_INFINITY;
      for (int q = row * CAPACITY; q < (row + 1) * CAPACITY; q++) {
        dearest =
            Math.max(dearest, costs[q / CAPACITY * N + lists.columns[q]] - v[lists.columns[q]]);
      }
      lists.widen(row, v);
      assertEquals(Math.nextUp(dearest), lists.bound[row]);
      double before = lists.bound[row];
      source.list(new int[] {row}, 1, v, lists);
      double[] own = Arrays.copyOfRange(costs, row * N, row * N + N);
      CloudCostsTest.requireList(row, CloudCostsTest.reduced(own, v), own, before, lists);
      assertEquals(CAPACITY, lists.length[row]);
    }
  }

  @Test
  void aListWithRoomIsWidenedWithoutABound() {
    CandidateLists lists = new CandidateLists(N, CAPACITY);
    double[] ascending = Arrays.copyOfRange(costs, 17 * N, 18 * N);
    Arrays.sort(ascending);
    lists.bound[17] = ascending[3];
    source.list(rows, 2, new double[N], lists);
    assertEquals(3, lists.length[17]);
    lists.widen(17, new double[N]);
    assertEquals(Double.POSITIVE_INFINITY, lists.bound[17]);
    source.list(rows, 2, new double[N], lists);
    assertEquals(CAPACITY, lists.length[17]);
    assertTrue(lists.bound[17] >= ascending[3]);
  }
}
