package dev.affinis.signature.transport;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Auctions on short lists against augmenting paths over all costs. */
class AuctionTest {
  private static final double COST = 1e-12;
  private static final double GAP = 1e-9;

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
  @EnumSource(HardCosts.class)
  void whatAnAuctionProvesIsOptimal(HardCosts kind) {
    requireOptimalWhereProved(kind, 1, 2, 3, 7, 49, 60);
  }

  @ParameterizedTest
  @EnumSource(HardCosts.class)
  @Tag("slow")
  void whatALargeAuctionProvesIsOptimal(HardCosts kind) {
    requireOptimalWhereProved(kind, 200);
  }

  private static void requireOptimalWhereProved(HardCosts kind, int... sizes) {
    for (int n : sizes) {
      double[] costs = AugmentingPathsTest.flat(kind.matrix(n, n));
      Auction auction = new Auction(new DenseCosts(n, costs));
      if (auction.solve()) {
        Assignment proved = DenseCertificate.of(n, costs, auction.columns(), auction.potentials());
        assertTrue(proved.gap() <= rounding(costs, auction.potentials()), kind + " " + n);
        if (proved.relativeGap() > GAP) {
          continue; // costs of so many magnitudes that the proof is lost in rounding
        }
        Assignment expected = new AugmentingPaths().solve(n, costs);
        double unit = Math.max(Math.abs(expected.cost()), Double.MIN_NORMAL);
        assertEquals(expected.cost(), proved.cost(), COST * unit, kind + " " + n);
      }
    }
  }

  /** What n sums of numbers as large as the largest may be off by. */
  static double rounding(double[] costs, double[] potentials) {
    double largest =
        DoubleStream.concat(Arrays.stream(costs), Arrays.stream(potentials))
            .map(Math::abs)
            .max()
            .orElseThrow();
    return 64 * potentials.length * Math.ulp(largest);
  }

  /** The kinds that activations are like are all solved by auction. */
  @ParameterizedTest
  @EnumSource(
      value = HardCosts.class,
      names = {"UNIFORM", "SIGNED", "INTEGERS", "PRODUCTS", "LINE", "CONSTANT", "EQUAL_COLUMNS"})
  void commonKindsNeedNoAugmentingPaths(HardCosts kind) {
    for (int n : new int[] {2, 49, 200}) {
      Auction auction = new Auction(new DenseCosts(n, AugmentingPathsTest.flat(kind.matrix(n, n))));
      assertTrue(auction.solve(), kind + " " + n);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "relu,2", "relu,16", "relu,64", "independent,1", "independent,3", "independent,32",
    "dead,8", "clusters,2", "clusters,16", "repeated,4", "nearly-linear,8", "narrow,16"
  })
  void listsOfCloudsGiveWhatAllCostsGive(String kind, int d) {
    requireSameAsAllCosts(kind, d, 2, 5, 129);
  }

  @ParameterizedTest
  @Tag("slow")
  @CsvSource({
    "relu,2", "relu,16", "relu,64", "independent,1", "independent,3", "independent,32",
    "dead,8", "clusters,2", "clusters,16", "repeated,4", "nearly-linear,8", "narrow,16"
  })
  void listsOfLargeCloudsGiveWhatAllCostsGive(String kind, int d) {
    requireSameAsAllCosts(kind, d, 600);
  }

  private void requireSameAsAllCosts(String kind, int d, int... sizes) {
    for (int n : sizes) {
      double[][] a = new double[n][d];
      double[][] b = new double[n][d];
      fill(kind, a, b);
      try (NDArray from = manager.create(a);
          NDArray to = manager.create(b)) {
        Assignment expected = new AugmentingPaths().solve(n, exactCosts(a, b));
        Assignment solved = AssignmentSolver.solveByLists(from, to);
        assertPermutation(solved);
        double scale = Math.max(expected.cost(), Double.MIN_NORMAL);
        assertEquals(expected.cost(), solved.cost(), 1e-11 * scale, kind + " " + n);
        assertTrue(solved.gap() <= GAP * scale, kind + " " + n + " " + solved.gap());
        requireDualFeasible(exactCosts(a, b), solved, scale);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {1e-20, 1e-3, 1e20})
  void scaleDoesNotMatter(double scale) {
    double[][] a = new double[150][8];
    double[][] b = new double[150][8];
    fill("relu", a, b);
    try (NDArray from = manager.create(a);
        NDArray to = manager.create(b);
        NDArray scaledFrom = from.mul(scale);
        NDArray scaledTo = to.mul(scale)) {
      double plain = AssignmentSolver.solveByLists(from, to).cost();
      Assignment scaled = AssignmentSolver.solveByLists(scaledFrom, scaledTo);
      assertEquals(plain * scale * scale, scaled.cost(), 1e-11 * scaled.cost());
      assertTrue(scaled.relativeGap() < GAP);
      Assignment dense = new AssignmentSolver().solve(scaledFrom, scaledTo);
      assertEquals(plain * scale * scale, dense.cost(), 1e-9 * scaled.cost());
    }
  }

  /** Lists that stay empty, and bounds that say next to nothing: rows wait for ever. */
  @Test
  void givesUpAfter150ListingsPerRow() {
    int n = 20;
    DenseCosts costs = new DenseCosts(n, AugmentingPathsTest.flat(HardCosts.UNIFORM.matrix(n, 1)));
    long[] listings = {0};
    Auction auction =
        new Auction(
            new DelegatingCosts(costs) {
              @Override
              public void list(int[] rows, int count, double[] v, CandidateLists lists) {
                listings[0] += count;
                for (int q = 0; q < count; q++) {
                  lists.length[rows[q]] = 0;
                  lists.bound[rows[q]] = -1000;
                }
              }
            });
    assertFalse(auction.solve());
    assertEquals(150L * n, listings[0]);
  }

  @Test
  void equalPointsAreOneColumnWithManyPlaces() {
    double[][] points = {{1, 2}, {3, 4}, {1, 2}, {0, 0}, {-0.0, 0}, {3, 4}, {1, 2}};
    int[] expected = {0, 1, 0, 3, 3, 1, 0};
    try (NDArray b = manager.create(points);
        CloudCosts costs = new CloudCosts(b, b)) {
      assertArrayEquals(expected, costs.firstTwins());
      double[] all = exactCosts(points, points);
      assertArrayEquals(expected, new DenseCosts(points.length, all).firstTwins());
    }
  }

  @Test
  void cloudsOfOneShapeAreRequired() {
    try (NDArray a = manager.zeros(new Shape(3, 2), ai.djl.ndarray.types.DataType.FLOAT64);
        NDArray b = manager.zeros(new Shape(3, 2))) {
      IllegalArgumentException e =
          assertThrows(IllegalArgumentException.class, () -> new AssignmentSolver().solve(a, b));
      assertTrue(e.getMessage().contains("float64 matrices of one shape"), e.getMessage());
    }
  }

  @Test
  void infinitePointsAreRefused() {
    try (NDArray a = manager.create(new double[][] {{1, 2}, {3, Double.NaN}});
        NDArray b = manager.create(new double[][] {{1, 2}, {3, 4}})) {
      assertThrows(IllegalArgumentException.class, () -> AssignmentSolver.solveByLists(a, b));
      assertThrows(IllegalArgumentException.class, () -> new AssignmentSolver().solve(b, a));
    }
  }

  private static void fill(String kind, double[][] a, double[][] b) {
    Random random = new Random(20260101);
    int n = a.length;
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < a[i].length; k++) {
        double x = random.nextGaussian();
        a[i][k] = x;
        b[i][k] =
            switch (kind) {
              case "relu", "dead" -> Math.max(0, x);
              case "nearly-linear" -> x + 1e-5 * x * x;
              case "narrow" -> Math.max(0, x) * Math.pow(10, -k);
              case "clusters" -> (i % 3) * 10.0 + (i % 2 == 0 ? 0.01 * x : 0);
              default -> random.nextGaussian();
            };
        if (kind.equals("clusters")) {
          a[i][k] = (i % 3) * 10.0 + 0.01 * x;
        }
      }
      boolean repeats =
          (kind.equals("dead") && i % 2 == 1) || (kind.equals("repeated") && i % 5 > 0);
      if (repeats) {
        a[i] = a[i - 1].clone();
        b[i] = kind.equals("dead") ? new double[b[i].length] : b[i - 1].clone();
      }
    }
  }

  private static void assertPermutation(Assignment assignment) {
    int n = assignment.size();
    int[] sorted = IntStream.of(assignment.permutation()).sorted().toArray();
    assertArrayEquals(IntStream.range(0, n).toArray(), sorted);
  }

  /** The inequalities that the gap rests on, over all costs, the ones never listed too. */
  private static void requireDualFeasible(double[] costs, Assignment assignment, double scale) {
    int n = assignment.size();
    double[] u = assignment.rowPotentials();
    double[] v = assignment.columnPotentials();
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        double slack = costs[i * n + j] - u[i] - v[j];
        assertTrue(slack >= -1e-13 * (scale + Math.abs(v[j])), i + " " + j + " " + slack);
      }
    }
  }

  private static double[] exactCosts(double[][] a, double[][] b) {
    return AugmentingPathsTest.flat(new HardClouds.Pair(a, b).costs());
  }
}
