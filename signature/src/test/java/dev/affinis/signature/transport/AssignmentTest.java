package dev.affinis.signature.transport;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Assignments and their proofs against exact arithmetic. */
class AssignmentTest {
  private static final int[] SWAPPED = {1, 0};

  @Test
  void costsAreAddedUpWithoutLoss() {
    Assignment.Totals totals = new Assignment.Totals();
    for (double cost : new double[] {1, 1e100, 1, -1e100}) {
      totals.add(cost, 0);
    }
    Assignment assignment = totals.assignment(new int[4], new double[4], new double[4]);
    assertEquals(2, assignment.cost());
    assertEquals(0, assignment.relativeGap());
  }

  /** A proof that does better than a pair costs does not make up for others. */
  @Test
  void theGapCountsWhatTheProofMisses() {
    Assignment.Totals totals = new Assignment.Totals();
    totals.add(3, 0.5);
    totals.add(-1, -7);
    Assignment assignment = totals.assignment(SWAPPED, new double[2], new double[2]);
    assertEquals(0.5, assignment.gap());
    assertEquals(0.125, assignment.relativeGap());
  }

  @Test
  void scalingIsThatOfAllCosts() {
    Assignment assignment =
        new Assignment(SWAPPED, 3, 0.5, 4, new double[] {1, 2}, new double[] {3, -5}).scaled(-2);
    assertEquals(0.75, assignment.cost());
    assertEquals(0.125, assignment.gap());
    assertEquals(0.125, assignment.relativeGap());
    assertArrayEquals(new double[] {0.25, 0.5}, assignment.rowPotentials());
    assertArrayEquals(new double[] {0.75, -1.25}, assignment.columnPotentials());
    assertArrayEquals(SWAPPED, assignment.permutation());
    assertFalse(assignment.isIdentity());
    assertEquals(2, assignment.size());
    assertEquals(1, assignment.columnOf(0));
    assertTrue(assignment.toString().contains("[1, 0]"), assignment.toString());
  }

  /** Potentials of magnitudes that no difference of two doubles is exact for. */
  @ParameterizedTest
  @ValueSource(doubles = {1e-9, 1, 1e9, 1e20})
  void provesInExactArithmetic(double magnitude) {
    int n = 12;
    Random random = new Random(1);
    double[] c = random.doubles((long) n * n).toArray();
    for (int j = 0; j < n; j++) {
      c[3 * n + j] = c[3 * n];
    }
    double[] v = random.doubles(n).map(x -> magnitude * x).toArray();
    int[] columnOf = random.ints(0, n).distinct().limit(n).toArray();
    Assignment proved = DenseCertificate.of(n, c, columnOf, v);
    double[] u = proved.rowPotentials();
    BigDecimal gap = BigDecimal.ZERO;
    for (int i = 0; i < n; i++) {
      BigDecimal least = null;
      for (int j = 0; j < n; j++) {
        BigDecimal reduced = new BigDecimal(c[i * n + j]).subtract(new BigDecimal(v[j]));
        least = least == null || reduced.compareTo(least) < 0 ? reduced : least;
      }
      BigDecimal potential = new BigDecimal(u[i]);
      assertTrue(potential.compareTo(least) <= 0, "row " + i);
      // The largest double that is feasible.
      assertTrue(new BigDecimal(Math.nextUp(u[i])).compareTo(least) > 0, "row " + i);
      int p = columnOf[i];
      BigDecimal paid = new BigDecimal(c[i * n + p]).subtract(new BigDecimal(v[p]));
      gap = gap.add(paid.subtract(potential));
    }
    assertEquals(gap.doubleValue(), proved.gap(), 1e-14 * gap.doubleValue());
  }
}
