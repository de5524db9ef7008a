package dev.affinis.signature.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** How the least cost changes with the costs; integers, so that nothing is rounded. */
class AssignmentSolverProperties {
  private final AssignmentSolver solver = new AssignmentSolver();

  @Property(tries = 200, seed = "20260101")
  void permutingRowsAndColumnsChangesNothing(
      @ForAll @IntRange(min = 1, max = 40) int n, @ForAll long seed, @ForAll HardCosts kind) {
    double[][] costs = integers(kind, n, seed);
    List<Integer> rows = shuffled(n, seed);
    List<Integer> columns = shuffled(n, seed + 1);
    double[][] permuted = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        permuted[i][j] = costs[rows.get(i)][columns.get(j)];
      }
    }
    assertEquals(solved(costs), solved(permuted));
  }

  @Property(tries = 200, seed = "20260101")
  void addingConstantsToRowsAndColumnsAddsTheirSum(
      @ForAll @IntRange(min = 1, max = 40) int n, @ForAll long seed, @ForAll HardCosts kind) {
    double[][] costs = integers(kind, n, seed);
    Random random = new Random(seed);
    int[] ofRow = random.ints(n, -1000, 1000).toArray();
    int[] ofColumn = random.ints(n, -1000, 1000).toArray();
    double[][] moved = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        moved[i][j] = costs[i][j] + ofRow[i] + ofColumn[j];
      }
    }
    int added = Arrays.stream(ofRow).sum() + Arrays.stream(ofColumn).sum();
    assertEquals(solved(costs) + added, solved(moved));
  }

  @Property(tries = 200, seed = "20260101")
  void scalingScales(
      @ForAll @IntRange(min = 1, max = 40) int n,
      @ForAll long seed,
      @ForAll HardCosts kind,
      @ForAll @IntRange(min = -200, max = 200) int exponent) {
    double[][] costs = integers(kind, n, seed);
    double[][] scaled = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        scaled[i][j] = Math.scalb(costs[i][j], exponent);
      }
    }
    assertEquals(Math.scalb(solved(costs), exponent), solved(scaled));
  }

  @Property(tries = 200, seed = "20260101")
  void transposingChangesNothing(
      @ForAll @IntRange(min = 1, max = 40) int n, @ForAll long seed, @ForAll HardCosts kind) {
    double[][] costs = integers(kind, n, seed);
    double[][] transposed = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        transposed[j][i] = costs[i][j];
      }
    }
    assertEquals(solved(costs), solved(transposed));
  }

  private double solved(double[][] costs) {
    Assignment assignment = solver.solve(costs);
    AssignmentSolverTest.requireOptimal(costs, assignment);
    return assignment.cost();
  }

  /** Returns costs of a kind, rounded to integers and cut to 40 bits. */
  private static double[][] integers(HardCosts kind, int n, long seed) {
    double[][] costs = kind.matrix(n, seed);
    for (double[] row : costs) {
      for (int j = 0; j < n; j++) {
        row[j] = Math.rint(Math.min(row[j], 0x1p40));
      }
    }
    return costs;
  }

  private static List<Integer> shuffled(int n, long seed) {
    List<Integer> order =
        IntStream.range(0, n).boxed().collect(java.util.stream.Collectors.toList());
    Collections.shuffle(order, new Random(seed));
    return order;
  }
}
