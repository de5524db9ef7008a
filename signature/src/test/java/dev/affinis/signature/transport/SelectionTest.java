package dev.affinis.signature.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a selection promises, against all reduced costs in order. */
class SelectionTest {
  private static final double UNBOUNDED = Double.POSITIVE_INFINITY;

  private enum Row {
    GAUSSIAN {
      @Override
      double cost(int j, Random random) {
        return random.nextGaussian();
      }
    },
    TIES {
      @Override
      double cost(int j, Random random) {
        return random.nextInt(4);
      }
    },
    EQUAL {
      @Override
      double cost(int j, Random random) {
        return -2.5;
      }
    },
    /** One is so far below that all others look alike beside it. */
    ONE_FAR_BELOW {
      @Override
      double cost(int j, Random random) {
        return j == 3 ? -1e12 : random.nextDouble();
      }
    },
    /** One is so far above. */
    ONE_FAR_ABOVE {
      @Override
      double cost(int j, Random random) {
        return j == 3 ? 1e12 : random.nextDouble();
      }
    },
    MAGNITUDES {
      @Override
      double cost(int j, Random random) {
        return Math.pow(10, 30 * random.nextDouble() - 15);
      }
    },
    ASCENDING {
      @Override
      double cost(int j, Random random) {
        return j;
      }
    },
    DESCENDING {
      @Override
      double cost(int j, Random random) {
        return -j;
      }
    },
    /** Cheap ones follow each other at a distance at which they meet in one group. */
    PERIODIC {
      @Override
      double cost(int j, Random random) {
        return j % 512 == 7 ? random.nextDouble() : 10 + random.nextDouble();
      }
    };

    abstract double cost(int j, Random random);
  }

  @ParameterizedTest
  @EnumSource
  void noneThatIsCheaperIsLeftOut(Row kind) {
    for (int wanted : new int[] {1, 10, 128}) {
      Selection selection = new Selection(wanted); // used for row after row
      for (int n : new int[] {wanted, 131, 1023, 1024, 1500, 5000}) {
        if (n >= wanted) {
          Random random = new Random(n);
          double[] v = random.doubles(n, -1, 1).toArray();
          double[] costs = new double[n];
          Arrays.setAll(costs, j -> kind.cost(j, random) + v[j]);
          for (double bound : bounds(costs, v)) {
            require(kind, selection, wanted, costs, v, bound);
          }
        }
      }
    }
  }

  private static double[] bounds(double[] costs, double[] v) {
    double[] sorted = reduced(costs, v);
    Arrays.sort(sorted);
    int n = sorted.length;
    return new double[] {
      UNBOUNDED, sorted[n / 2], Math.nextUp(sorted[0]), sorted[0], sorted[n / 20]
    };
  }

  private static double[] reduced(double[] costs, double[] v) {
    double[] reduced = new double[costs.length];
    Arrays.setAll(reduced, j -> costs[j] - v[j]);
    return reduced;
  }

  private static void require(
      Row kind, Selection selection, int wanted, double[] row, double[] v, double bound) {
    int n = row.length;
    String name = kind + " " + n + " " + wanted;
    // The row lies between others that are cheaper.
    int start = 17;
    double[] costs = new double[n + 2 * start];
    Arrays.fill(costs, -1e300);
    System.arraycopy(row, 0, costs, start, n);
    selection.select(costs, start, v, bound);

    double[] reduced = reduced(row, v);
    long below = Arrays.stream(reduced).filter(value -> value < bound).count();
    assertEquals(Math.min(below, wanted), selection.size(), name);

    BitSet selected = new BitSet();
    double least = Double.POSITIVE_INFINITY;
    for (int q = selection.size() - 1; q >= 0; q--) {
      int j = selection.numbers()[q];
      assertTrue(reduced[j] < bound, name);
      least = Math.min(least, reduced[j]);
      assertEquals(least, selection.floors()[q], name + ": floor " + q);
      selected.set(j);
    }
    assertEquals(selection.size(), selected.cardinality(), name + ": a column twice");
    assertTrue(selection.limit() <= bound, name);
    for (int j = 0; j < n; j++) {
      assertTrue(selected.get(j) || reduced[j] >= selection.limit(), name + ": column " + j);
    }
    if (below <= wanted) {
      assertEquals(bound, selection.limit(), name + ": nothing is left out");
    } else {
      // What is cheaper than all that is left out is of use; much of what is selected has to be.
      long useful = selected.stream().filter(j -> reduced[j] <= selection.limit()).count();
      boolean fewFarBelow = kind == Row.ONE_FAR_BELOW || kind == Row.PERIODIC;
      assertTrue(useful >= (fewFarBelow ? 1 : (wanted + 2) / 3), name + ": " + useful + " of use");
    }
  }

  @Test
  void columnsThatAreNoneAreNotSelected() {
    double[] v = new double[2000];
    Arrays.fill(v, Double.NEGATIVE_INFINITY);
    v[700] = 1;
    v[1900] = 2;
    Selection selection = new Selection(8);
    selection.select(new double[2000], 0, v, UNBOUNDED);
    assertEquals(2, selection.size());
    assertEquals(-2, selection.floors()[0]);
    assertEquals(UNBOUNDED, selection.limit());
  }
}
