package dev.affinis.signature.transport;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Costs made of float32 products against all costs in float64, from differences. */
class CloudCostsTest {
  /** Of sums of squares in another order. */
  private static final double ROUNDING = 1e-13;

  /** Of products in float32, as a share of the largest squared norm. */
  private static final double SINGLE = 1e-5;

  private NDManager manager;

  @BeforeEach
  void open() {
    manager = NDManager.newBaseManager(Device.cpu(), "PyTorch");
  }

  @AfterEach
  void close() {
    manager.close();
  }

  @ParameterizedTest
  @EnumSource
  void ownPairsCostTheirSquaredDistance(HardClouds kind) {
    HardClouds.Pair clouds = kind.draw(50, 3, 1);
    double[][] exact = clouds.costs();
    try (CloudCosts costs = costs(clouds)) {
      double[] own = costs.diagonal();
      for (int i = 0; i < 50; i++) {
        assertEquals(exact[i][i], own[i], ROUNDING * exact[i][i], "row " + i);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void twinsAreEqualPoints(HardClouds kind) {
    HardClouds.Pair clouds = kind.draw(90, 2, 1);
    try (CloudCosts costs = costs(clouds)) {
      assertArrayEquals(firstEqual(clouds.b), costs.firstTwins());
    }
  }

  @Test
  void oneCoordinateTellsPointsApart() {
    double[][] b = new double[24][7];
    for (int j = 0; j < 21; j++) {
      b[j][j % 7] = j < 14 ? 1 : 1 + Math.ulp(1.0);
    }
    b[22][3] = -0.0;
    try (CloudCosts costs = costs(new HardClouds.Pair(b, b))) {
      assertArrayEquals(firstEqual(b), costs.firstTwins());
    }
  }

  @ParameterizedTest
  @EnumSource
  void minimaOfColumnsAreNearlyRight(HardClouds kind) {
    HardClouds.Pair clouds = kind.draw(60, 4, 2);
    double[][] exact = clouds.costs();
    double tolerance = SINGLE * largestNorm(clouds);
    try (CloudCosts costs = costs(clouds)) {
      double[] minima = costs.columnMinima();
      for (int j = 0; j < 60; j++) {
        int column = j;
        double least = Arrays.stream(exact).mapToDouble(row -> row[column]).min().orElseThrow();
        assertEquals(least, minima[j], tolerance, "column " + j);
      }
    }
  }

  /** Far from the origin products are off by more than the pairs' whole distance. */
  @ParameterizedTest
  @ValueSource(doubles = {0, 100})
  void theMinimumOfAColumnThatIsCheapestInItsOwnRowIsExact(double shift) {
    Random random = new Random(3);
    double[][] a = new double[40][3];
    double[][] b = new double[40][3];
    for (int i = 0; i < 40; i++) {
      for (int k = 0; k < 3; k++) {
        a[i][k] = shift + random.nextGaussian();
        b[i][k] = a[i][k] + 1e-4 * random.nextGaussian();
      }
    }
    double[][] exact = new HardClouds.Pair(a, b).costs();
    try (CloudCosts costs = costs(new HardClouds.Pair(a, b))) {
      double[] minima = costs.columnMinima();
      for (int j = 0; j < 40; j++) {
        assertEquals(exact[j][j], minima[j], ROUNDING * exact[j][j], "column " + j);
      }
      assertFalse(costs.minimaAreExact());
    }
  }

  /** Some rows, in any order; 3000 rows are more than one block of products. */
  @ParameterizedTest
  @CsvSource({"60, 17", "60, 60", "3000, 3000"})
  void leastOverSomeRowsIsNearlyRight(int n, int count) {
    HardClouds.Pair clouds = HardClouds.INDEPENDENT.draw(n, 2, 4);
    double[][] exact = clouds.costs();
    Random random = new Random(5);
    int[] rows = IntStream.range(0, count).map(p -> n - 1 - p).toArray();
    double[] u = IntStream.range(0, count).mapToDouble(p -> random.nextGaussian() - 9).toArray();
    double[] expected = new double[n];
    Arrays.fill(expected, Double.POSITIVE_INFINITY);
    for (int p = 0; p < count; p++) {
      for (int j = 0; j < n; j++) {
        expected[j] = Math.min(expected[j], exact[rows[p]][j] - u[p]);
      }
    }
    try (CloudCosts costs = costs(clouds)) {
      assertArrayEquals(expected, costs.leastOver(rows, u), SINGLE * largestNorm(clouds));
    }
  }

  /** All columns cheaper than the bound, or the cheapest: no bound, a wide one, a narrow one. */
  @ParameterizedTest
  @EnumSource
  void listsHoldWhatIsCheaperThanTheirBound(HardClouds kind) {
    HardClouds.Pair clouds = kind.draw(70, 3, 6);
    for (int below : new int[] {70, 35, 3, 0}) {
      requireLists(clouds, 4, below);
      requireLists(clouds, 70, below);
    }
  }

  /**
   * The farther from the origin, the less products tell: from nothing but which half of the cloud a
   * point is in to nothing at all. Near 1e-20 they underflow.
   */
  @ParameterizedTest
  @CsvSource({"0, 1e-20, 1", "100, 1, 2", "100, 1, 40", "1e3, 1, 3", "1e4, 1e-3, 6"})
  void listsAreExactWhereProductsAreNot(double shift, double scale, int d) {
    HardClouds.Pair clouds = HardClouds.INDEPENDENT.draw(70, d, 7);
    for (double[][] cloud : new double[][][] {clouds.a, clouds.b}) {
      for (double[] point : cloud) {
        for (int k = 0; k < d; k++) {
          point[k] = shift + scale * point[k];
        }
      }
    }
    for (int below : new int[] {70, 35, 3}) {
      requireLists(clouds, 4, below);
    }
  }

  /** Far columns are looked for group by group. */
  @Test
  void listsOfManyColumnsAreExact() {
    requireLists(HardClouds.RELU.draw(1100, 4, 8), 4, 1100);
  }

  @Test
  void listsOfMoreThanABlockOfRowsAreExact() {
    requireLists(HardClouds.INDEPENDENT.draw(2950, 2, 9), 2, 2950);
  }

  @Test
  void rowsThatAreNotAskedForKeepTheirLists() {
    HardClouds.Pair clouds = HardClouds.INDEPENDENT.draw(20, 2, 10);
    CandidateLists lists = new CandidateLists(20, 5);
    try (CloudCosts costs = costs(clouds)) {
      costs.list(new int[] {7, 3, 11}, 2, new double[20], lists);
    }
    for (int i = 0; i < 20; i++) {
      assertEquals(i == 7 || i == 3 ? 5 : 0, lists.length[i], "row " + i);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aPartIsSolvedAsTheProblemItIs(HardClouds kind) {
    HardClouds.Pair clouds = kind.draw(40, 3, 11);
    double[][] exact = clouds.costs();
    int[] rows = {1, 2, 8, 13, 21, 34, 39};
    double[][] part = new double[rows.length][rows.length];
    for (int p = 0; p < rows.length; p++) {
      for (int q = 0; q < rows.length; q++) {
        part[p][q] = exact[rows[p]][rows[q]];
      }
    }
    try (CloudCosts costs = costs(clouds)) {
      Assignment solved = costs.solvePart(rows);
      double least = BruteForce.leastCost(part);
      // Costs of a part come from products in float64.
      assertEquals(least, solved.cost(), 1e-13 * largestNorm(clouds) * rows.length);
    }
  }

  /**
   * Lists all rows and compares with all costs.
   *
   * @param below how many columns of each row its bound leaves; no bound if all of them
   */
  private void requireLists(HardClouds.Pair clouds, int capacity, int below) {
    double[][] exact = clouds.costs();
    int n = exact.length;
    int[] first = firstEqual(clouds.b);
    double unit = exact[0][0] + exact[n - 1][0];
    Random random = new Random(12);
    double[] v = new double[n];
    Arrays.setAll(v, j -> first[j] == j ? unit * random.nextDouble() : Double.NEGATIVE_INFINITY);
    CandidateLists lists = new CandidateLists(n, capacity);
    double[] before = new double[n];
    for (int i = 0; i < n; i++) {
      before[i] = below == n ? Double.POSITIVE_INFINITY : bound(reduced(exact[i], v), below, unit);
      lists.bound[i] = before[i];
    }
    int[] rows = IntStream.range(0, n).map(i -> n - 1 - i).toArray();
    try (CloudCosts costs = costs(clouds)) {
      costs.list(rows, n, v, lists);
    }
    for (int i = 0; i < n; i++) {
      requireList(i, reduced(exact[i], v), exact[i], before[i], lists);
    }
  }

  /** Between the reduced costs of two columns, so that rounding does not matter. */
  private static double bound(double[] reduced, int below, double unit) {
    Arrays.sort(reduced);
    if (below == 0) {
      return reduced[0] - unit;
    }
    double bound = reduced[below - 1] + (reduced[below] - reduced[below - 1]) / 2;
    // Beyond the last column that is no twin.
    return bound < Double.POSITIVE_INFINITY ? bound : reduced[0] + unit;
  }

  /** What a list promises of a row whose bound was something before. */
  static void requireList(
      int row, double[] reduced, double[] exact, double before, CandidateLists lists) {
    String what = "row " + row;
    int n = reduced.length;
    boolean[] listed = new boolean[n];
    int start = row * lists.capacity;
    for (int q = start; q < start + lists.length[row]; q++) {
      int j = lists.columns[q];
      assertFalse(listed[j], what);
      listed[j] = true;
      assertEquals(exact[j], lists.costs[q], ROUNDING * Math.abs(exact[j]), what);
      assertTrue(reduced[j] <= before + ROUNDING * Math.abs(before), what);
    }
    double surely = before - ROUNDING * (before < Double.POSITIVE_INFINITY ? Math.abs(before) : 0);
    long cheaper = Arrays.stream(reduced).filter(cost -> cost < surely).count();
    assertTrue(lists.length[row] >= Math.min(lists.capacity, cheaper), what + " " + cheaper);
    double bound = lists.bound[row];
    assertTrue(bound <= before, what);
    if (lists.length[row] < lists.capacity) {
      assertEquals(before, bound, what);
    }
    for (int j = 0; j < n; j++) {
      boolean isTwin = reduced[j] == Double.POSITIVE_INFINITY;
      double rounding = ROUNDING * (Math.abs(exact[j]) + Math.abs(exact[j] - reduced[j]));
      int column = j;
      assertTrue(
          isTwin || listed[j] || reduced[j] >= bound - rounding, () -> what + ", column " + column);
    }
  }

  /** Costs less potentials, infinite for twins. */
  static double[] reduced(double[] costs, double[] v) {
    return IntStream.range(0, v.length).mapToDouble(j -> costs[j] - v[j]).toArray();
  }

  static int[] firstEqual(double[][] points) {
    int[] first = new int[points.length];
    for (int j = 0; j < points.length; j++) {
      while (!equal(points[first[j]], points[j])) {
        first[j]++;
      }
    }
    return first;
  }

  /** Zeros of either sign are equal. */
  private static boolean equal(double[] a, double[] b) {
    return IntStream.range(0, a.length).allMatch(k -> a[k] == b[k]);
  }

  private static double largestNorm(HardClouds.Pair clouds) {
    return Arrays.stream(new double[][][] {clouds.a, clouds.b})
        .flatMap(Arrays::stream)
        .mapToDouble(point -> Arrays.stream(point).map(x -> x * x).sum())
        .max()
        .orElseThrow();
  }

  private CloudCosts costs(HardClouds.Pair clouds) {
    return new CloudCosts(manager.create(clouds.a), manager.create(clouds.b));
  }
}
