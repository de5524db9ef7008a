package dev.affinis.signature.transport;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class CandidateListsTest {
  private static final double[] COSTS = {9, 9, 9, 9, 4, 7, 5, 9};
  private static final double[] V = {0, 1, 2, 0};

  /** Row 1 of two lists the two cheapest of four columns: reduced costs 4, 6, 3, 9. */
  private static CandidateLists lists() {
    CandidateLists lists = new CandidateLists(2, 2);
    Selection selection = new Selection(2);
    selection.select(COSTS, 4, V, lists.bound[1]);
    double[] picked = {COSTS[4 + selection.numbers()[0]], COSTS[4 + selection.numbers()[1]]};
    lists.set(1, selection, picked);
    return lists;
  }

  @Test
  void listsAreEmptyAndWithoutBoundAtFirst() {
    CandidateLists lists = new CandidateLists(2, 2);
    assertArrayEquals(
        new double[] {Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY}, lists.bound);
    assertEquals(Double.POSITIVE_INFINITY, lists.least(1, V));
  }

  @Test
  void aListHasTheCheapestColumnsAndABoundOnTheRest() {
    CandidateLists lists = lists();
    assertArrayEquals(new int[] {0, 2}, lists.length);
    assertEquals(6, lists.bound[1]);
    assertEquals(3, lists.least(1, V));
    assertEquals(Double.POSITIVE_INFINITY, lists.least(0, V));
    // The potential of the cheapest falls: the other one is cheapest then, which is no floor.
    assertEquals(4, lists.least(1, new double[] {0, 1, 0, 0}));
  }

  @Test
  void aFullListIsWidenedToWhatIsCheaperThanItsDearest() {
    CandidateLists lists = lists();
    lists.widen(1, new double[] {-8, 1, 2, 0});
    assertEquals(Math.nextUp(12.0), lists.bound[1]);
    lists.widen(1, new double[] {0, 1, -20, 0});
    assertEquals(Math.nextUp(25.0), lists.bound[1]);
  }

  @Test
  void aListThatIsNotFullIsWidenedToAnything() {
    CandidateLists lists = new CandidateLists(2, 3);
    Selection selection = new Selection(3);
    selection.select(COSTS, 4, V, 5);
    lists.set(1, selection, new double[] {5, 4, 0});
    assertEquals(2, lists.length[1]);
    assertEquals(5, lists.bound[1]);
    lists.widen(1, V);
    assertEquals(Double.POSITIVE_INFINITY, lists.bound[1]);
  }
}
