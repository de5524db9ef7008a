package dev.affinis.signature.transport;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.jgrapht.Graph;
import org.jgrapht.alg.matching.KuhnMunkresMinimalWeightBipartitePerfectMatching;
import org.jgrapht.graph.DefaultWeightedEdge;
import org.jgrapht.graph.SimpleWeightedGraph;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class AssignmentSolverTest {
  static final double ZERO_GAP = 1e-9;
  private static final double SAME_COST = 1e-12;

  private final AssignmentSolver solver = new AssignmentSolver();

  @ParameterizedTest
  @EnumSource
  void equalsBruteForceOnSmallProblems(HardCosts kind) {
    for (int n = 1; n <= 6; n++) {
      requireCostOfBruteForce(kind, n, n < 6 ? 200 : 50);
    }
  }

  @ParameterizedTest
  @EnumSource
  @Tag("slow")
  void equalsBruteForceOnMoreProblems(HardCosts kind) {
    requireCostOfBruteForce(kind, 6, 200);
    requireCostOfBruteForce(kind, 7, 200);
    requireCostOfBruteForce(kind, 8, 10);
  }

  private void requireCostOfBruteForce(HardCosts kind, int n, int seeds) {
    for (int seed = 0; seed < seeds; seed++) {
      double[][] costs = kind.matrix(n, seed);
      Assignment assignment = solver.solve(costs);
      requireOptimal(costs, assignment);
      double least = BruteForce.leastCost(costs);
      assertEquals(least, assignment.cost(), SAME_COST * Math.abs(least) + 1e-300);
    }
  }

  @ParameterizedTest
  @EnumSource
  void provesItselfOnLargeProblems(HardCosts kind) {
    double[][] costs = kind.matrix(50, 50);
    requireOptimal(costs, solver.solve(costs));
  }

  @ParameterizedTest
  @EnumSource
  @Tag("slow")
  void provesItselfOnLargerProblems(HardCosts kind) {
    double[][] costs = kind.matrix(333, 333);
    requireOptimal(costs, solver.solve(costs));
  }

  /** The second solver is JGraphT's, version 1.5.2. */
  @ParameterizedTest
  @EnumSource
  void equalsKuhnAndMunkres(HardCosts kind) {
    requireCostOfKuhnAndMunkres(kind, 2);
    requireCostOfKuhnAndMunkres(kind, 40);
  }

  @ParameterizedTest
  @EnumSource
  @Tag("slow")
  void equalsKuhnAndMunkresOnLargerProblems(HardCosts kind) {
    requireCostOfKuhnAndMunkres(kind, 120);
  }

  private void requireCostOfKuhnAndMunkres(HardCosts kind, int n) {
    double[][] costs = kind.matrix(n, 5);
    double expected = kuhnMunkres(costs);
    assertEquals(expected, solver.solve(costs).cost(), SAME_COST * Math.abs(expected));
  }

  @Test
  @Tag("slow")
  void equalsKuhnAndMunkresOnRoundedDistancesOfAThousandPoints() {
    double[][] costs = distances(1000, 16, 1 << 12);
    Assignment assignment = solver.solve(costs);
    requireOptimal(costs, assignment);
    assertEquals(kuhnMunkres(costs), assignment.cost());
  }

  @Test
  @Tag("slow")
  void equalsKuhnAndMunkresOnPowersOfTwo() {
    Random random = new Random(3);
    double[][] costs = new double[300][300];
    for (double[] row : costs) {
      for (int j = 0; j < row.length; j++) {
        row[j] = Math.scalb(1.0, random.nextInt(40));
      }
    }
    Assignment assignment = solver.solve(costs);
    requireOptimal(costs, assignment);
    assertEquals(kuhnMunkres(costs), assignment.cost());
  }

  @Test
  void provesTheIdentityForPointsNearTheirPartners() {
    double[][] costs = distances(300, 32, 0);
    Assignment assignment = solver.solve(costs);
    requireOptimal(costs, assignment);
    assertTrue(assignment.isIdentity());
  }

  @Test
  void findsZeroForIdenticalClouds() {
    double[][] costs = new double[100][100];
    Random random = new Random(1);
    for (int i = 0; i < 100; i++) {
      for (int j = 0; j < 100; j++) {
        costs[i][j] = i == j ? 0 : random.nextDouble();
      }
    }
    Assignment assignment = solver.solve(costs);
    assertEquals(0, assignment.cost());
    assertEquals(0, assignment.relativeGap());
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.MIN_VALUE, 1e-300, 1e-20, 1e20, 1e300, 1e308})
  void doesNotDependOnScale(double scale) {
    double[][] costs = HardCosts.INTEGERS.matrix(30, 4);
    int[] expected = solver.solve(costs).permutation();
    double unit = scale / (scale > 1 ? 1e6 : 1);
    for (double[] row : costs) {
      for (int j = 0; j < row.length; j++) {
        row[j] *= unit;
      }
    }
    Assignment assignment = solver.solve(costs);
    assertArrayEquals(expected, assignment.permutation());
    assertTrue(assignment.relativeGap() <= ZERO_GAP);
  }

  @Test
  void canBeUsedAgainForOtherSizes() {
    for (int n : new int[] {20, 3, 40, 1, 20}) {
      double[][] costs = HardCosts.UNIFORM.matrix(n, n);
      requireOptimal(costs, solver.solve(costs));
    }
  }

  @Test
  void doesNotChangeTheCosts() {
    double[] costs = new Random(2).doubles(64 * 64).toArray();
    double[] copy = costs.clone();
    solver.solve(64, costs);
    assertArrayEquals(copy, costs);
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
  void refusesNonFiniteCosts(double bad) {
    double[][] costs = HardCosts.UNIFORM.matrix(5, 1);
    costs[2][3] = bad;
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> solver.solve(costs));
    assertEquals("costs must be finite, got " + bad + " in row 2, column 3", e.getMessage());
  }

  @Test
  void refusesCostsThatAreNotSquare() {
    double[][] ragged = {{1, 2}, {3}};
    assertThrows(IllegalArgumentException.class, () -> solver.solve(ragged));
    assertThrows(IllegalArgumentException.class, () -> solver.solve(new double[0][]));
    assertThrows(IllegalArgumentException.class, () -> solver.solve(2, new double[3]));
    assertThrows(IllegalArgumentException.class, () -> solver.solve(-1, new double[1]));
    assertThrows(IllegalArgumentException.class, () -> solver.solve(65536, new double[0]));
  }

  /** A quarter of the heap, and 512 MiB at most. */
  @Test
  void holdsAllCostsWhereThereIsRoom() {
    assertTrue(AssignmentSolver.holdsAllCosts(1));
    assertTrue(AssignmentSolver.holdsAllCosts(1000));
    assertFalse(AssignmentSolver.holdsAllCosts(8193));
    assertFalse(AssignmentSolver.holdsAllCosts(1_000_000));
    long most = (long) Math.sqrt(Runtime.getRuntime().maxMemory() / 32.0);
    assertEquals(most > 8191, AssignmentSolver.holdsAllCosts(8192));
    assertTrue(AssignmentSolver.holdsAllCosts(Math.min(8192, most - 1)));
    assertFalse(AssignmentSolver.holdsAllCosts(most + 1));
  }

  /** Checks the certificate: a permutation, feasible potentials, and no gap between the two. */
  static void requireOptimal(double[][] costs, Assignment assignment) {
    int n = costs.length;
    Set<Integer> columns = new HashSet<>();
    double[] u = assignment.rowPotentials();
    double[] v = assignment.columnPotentials();
    double slack = 0;
    double scale = 0;
    for (int i = 0; i < n; i++) {
      int p = assignment.columnOf(i);
      columns.add(p);
      scale += Math.abs(costs[i][p]);
      slack += costs[i][p] - v[p] - u[i];
      for (int j = 0; j < n; j++) {
        double rounding = Math.ulp(costs[i][j]) + Math.ulp(u[i]) + Math.ulp(v[j]);
        assertTrue(u[i] + v[j] <= costs[i][j] + rounding, "potentials are not feasible");
      }
    }
    assertEquals(IntStream.range(0, n).boxed().toList(), columns.stream().sorted().toList());
    assertTrue(slack <= ZERO_GAP * scale, () -> "gap in " + assignment);
    assertTrue(assignment.relativeGap() <= ZERO_GAP, () -> "gap in " + assignment);
  }

  /**
   * Squared distances of points to a noisy copy of themselves; rounded to 1 / steps if positive.
   */
  private static double[][] distances(int n, int d, int steps) {
    Random random = new Random(9);
    double[][] x = new double[n][d];
    double[][] y = new double[n][d];
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < d; k++) {
        x[i][k] = random.nextGaussian();
        y[i][k] = Math.max(0, x[i][k]);
        x[i][k] = 0.58 * x[i][k] + 0.4;
      }
    }
    double[][] costs = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        for (int k = 0; k < d; k++) {
          costs[i][j] += (x[i][k] - y[j][k]) * (x[i][k] - y[j][k]);
        }
        costs[i][j] = steps == 0 ? costs[i][j] : Math.rint(costs[i][j] * steps);
      }
    }
    return costs;
  }

  private static double kuhnMunkres(double[][] costs) {
    int n = costs.length;
    assumeTrue(n > 1);
    Graph<Integer, DefaultWeightedEdge> graph =
        new SimpleWeightedGraph<>(DefaultWeightedEdge.class);
    Set<Integer> rows = new HashSet<>();
    Set<Integer> columns = new HashSet<>();
    for (int i = 0; i < n; i++) {
      graph.addVertex(i);
      graph.addVertex(n + i);
      rows.add(i);
      columns.add(n + i);
    }
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        graph.setEdgeWeight(graph.addEdge(i, n + j), costs[i][j]);
      }
    }
    return new KuhnMunkresMinimalWeightBipartitePerfectMatching<>(graph, rows, columns)
        .getMatching()
        .getWeight();
  }
}
