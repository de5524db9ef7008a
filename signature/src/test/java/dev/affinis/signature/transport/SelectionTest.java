package dev.affinis.signature.transport;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Selections against sorted rows. */
class SelectionTest {
  /** How reduced costs may be spread; of uniform numbers. */
  private enum Spread {
    UNIFORM,
    GAUSSIAN,
    FAR_OUTLIERS,
    A_FEW_CHEAP,
    FORTY_MAGNITUDES,
    TIED,
    EQUAL;

    private double quantile(double x) {
      return switch (this) {
        case UNIFORM -> x;
        case GAUSSIAN -> Math.sqrt(-2 * Math.log(1 - x)) * Math.cos(40 * x);
        case FAR_OUTLIERS -> x < 0.01 ? 1e6 * x : x;
        case A_FEW_CHEAP -> x < 0.01 ? -1e6 * x : x;
        case FORTY_MAGNITUDES -> Math.pow(10, 40 * x - 20);
        case TIED -> Math.floor(10 * x);
        case EQUAL -> 7;
      };
    }

    double[] draw(int n, Random random) {
      return random.doubles(n).map(this::quantile).toArray();
    }
  }

  /** Short rows, long ones that are dealt to groups, and one that leaves a rest. */
  @ParameterizedTest
  @EnumSource
  void selectsWhatASortedRowStartsWith(Spread spread) {
    Random random = new Random(1);
    for (int wanted : new int[] {1, 2, 7, 48, 300}) {
      Selection selection = new Selection(wanted);
      for (int n : new int[] {1, wanted, 3 * wanted, 700, 1024, 2500, 4096}) {
        double[] row = spread.draw(n, random);
        double[] ascending = row.clone();
        Arrays.sort(ascending);
        require(selection, row, Double.POSITIVE_INFINITY, wanted);
        if (spread != Spread.A_FEW_CHEAP) {
          // One bucket would hold all but those few.
          requireNearlyLeast(selection, row, wanted);
        }
        require(selection, row, ascending[n / 2], wanted);
        require(selection, row, ascending[Math.min(n - 1, wanted / 2)], wanted);
        require(selection, row, ascending[0], wanted);
      }
    }
  }

  /** All that is cheap would fall into one bucket of equal width, however often it is divided. */
  @ParameterizedTest
  @CsvSource({"12, 1", "12, 5", "200, 8", "3000, 8"})
  void tellsTheLeastApartHoweverNearTheyAre(int n, int wanted) {
    double[] row = new double[n];
    Arrays.fill(row, 1);
    for (int q = 0; q < 11; q++) {
      row[(q * 7) % 11] = (11 - q) * 1e-30;
    }
    Selection selection = new Selection(wanted);
    require(selection, row, Double.POSITIVE_INFINITY, wanted);
    int[] expected = IntStream.range(0, 11).map(q -> (10 - q) * 7 % 11).limit(wanted).toArray();
    assertArrayEquals(expected, Arrays.copyOf(selection.numbers(), wanted));
  }

  @Test
  void readsItsRowFromTheMiddleOfAnArray() {
    double[] costs = {-9, -9, 3, 1, 2, -9};
    Selection selection = new Selection(2);
    selection.select(costs, 2, new double[] {0, 0, 1.5}, 2.5);
    assertEquals(2, selection.size());
    assertArrayEquals(new int[] {2, 1}, selection.numbers());
    assertArrayEquals(new double[] {0.5, 1}, selection.floors());
    assertEquals(2.5, selection.limit());
  }

  private static void require(Selection selection, double[] row, double bound, int wanted) {
    int n = row.length;
    Random random = new Random(2);
    double least = Arrays.stream(row).min().orElseThrow();
    // Whole numbers, so that the reduced costs of tied rows stay tied.
    double[] v = new double[n];
    Arrays.setAll(v, j -> least > 0 && least < 1e-9 ? 0 : random.nextInt(3));
    double[] costs = new double[n + 3];
    Arrays.setAll(costs, j -> j < 3 ? -1e9 : row[j - 3] + v[j - 3]);
    double[] reduced = IntStream.range(0, n).mapToDouble(j -> costs[j + 3] - v[j]).toArray();
    selection.select(costs, 3, v, bound);
    long below = Arrays.stream(reduced).filter(value -> value < bound).count();
    String what = n + " columns, " + wanted + " wanted, bound " + bound;
    assertEquals(Math.min(wanted, below), selection.size(), what);
    assertTrue(selection.limit() <= bound, what);
    if (below <= wanted) {
      assertEquals(bound, selection.limit(), what);
    }
    boolean[] selected = new boolean[n];
    for (int q = 0; q < selection.size(); q++) {
      int j = selection.numbers()[q];
      assertFalse(selected[j], what);
      selected[j] = true;
      assertTrue(reduced[j] < bound, what);
    }
    double leastFromHere = Double.POSITIVE_INFINITY;
    for (int q = selection.size() - 1; q >= 0; q--) {
      leastFromHere = Math.min(leastFromHere, reduced[selection.numbers()[q]]);
      assertEquals(leastFromHere, selection.floors()[q], what);
    }
    for (int j = 0; j < n; j++) {
      int column = j;
      assertTrue(selected[j] || reduced[j] >= selection.limit(), () -> what + ", column " + column);
    }
  }

  /** Half of what is selected is the cheapest there is, and so is the first. */
  private static void requireNearlyLeast(Selection selection, double[] row, int wanted) {
    double[] ascending = row.clone();
    Arrays.sort(ascending);
    String what = row.length + " columns, " + wanted + " wanted";
    double rounding = 1e-14 * Math.abs(ascending[wanted / 2 < row.length ? wanted / 2 : 0]) + 1e-14;
    assertEquals(ascending[0], selection.floors()[0], rounding, what);
    if (selection.size() == wanted) {
      assertTrue(selection.limit() >= ascending[wanted / 2] - rounding, what);
    }
  }
}
