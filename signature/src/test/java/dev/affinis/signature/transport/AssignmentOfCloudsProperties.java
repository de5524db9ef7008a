package dev.affinis.signature.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** Assignments on squared distances between point clouds, as the score needs them. */
class AssignmentOfCloudsProperties {
  private static final double SAME_COST = 1e-12;

  /** What the second solver may lose to rounding, as a share of the largest cost. */
  private static final double TEXTBOOK_ROUNDING = 1e-14;

  private final AssignmentSolver solver = new AssignmentSolver();

  /** Scales from 1e-20 to 1e20 in the clouds. */
  @Property(tries = 4000, seed = "20260102")
  void agreesWithTheSecondSolver(
      @ForAll HardClouds kind,
      @ForAll @IntRange(min = 1, max = 60) int n,
      @ForAll @IntRange(min = 1, max = 16) int d,
      @ForAll @IntRange(min = -66, max = 66) int exponent,
      @ForAll long seed) {
    HardClouds.Pair clouds = kind.draw(n, d, seed);
    double[][] costs = each(clouds, x -> Math.scalb(x, exponent)).costs();
    Assignment assignment = solver.solve(costs);
    AssignmentSolverTest.requireOptimal(costs, assignment);
    double expected = total(costs, TextbookHungarian.solve(costs));
    double found = total(costs, assignment.permutation());
    assertEquals(found, assignment.cost(), SAME_COST * found);
    assertTrue(found <= expected * (1 + SAME_COST), "not the least");
    assertEquals(expected, found, SAME_COST * found + TEXTBOOK_ROUNDING * n * largest(costs));
  }

  @Property(tries = 500, seed = "20260102")
  void permutingThePointsChangesNothing(
      @ForAll HardClouds kind,
      @ForAll @IntRange(min = 1, max = 40) int n,
      @ForAll @IntRange(min = 1, max = 16) int d,
      @ForAll long seed) {
    HardClouds.Pair clouds = whole(kind.draw(n, d, seed));
    HardClouds.Pair permuted =
        new HardClouds.Pair(shuffled(clouds.a, seed + 1), shuffled(clouds.b, seed + 2));
    assertEquals(solved(clouds), solved(permuted));
  }

  /** sum |a + t - b|^2 = sum |a - b|^2 + n |t|^2 + 2 t (sum a - sum b) for every pairing. */
  @Property(tries = 500, seed = "20260102")
  void movingACloudAddsTheSameToEveryAssignment(
      @ForAll HardClouds kind,
      @ForAll @IntRange(min = 1, max = 40) int n,
      @ForAll @IntRange(min = 1, max = 16) int d,
      @ForAll @IntRange(min = -1000, max = 1000) int t,
      @ForAll long seed) {
    HardClouds.Pair clouds = whole(kind.draw(n, d, seed));
    double difference = sum(clouds.a) - sum(clouds.b);
    HardClouds.Pair moved = new HardClouds.Pair(each(clouds.a, x -> x + t), clouds.b);
    double added = (double) n * d * t * t + 2.0 * t * difference;
    assertEquals(solved(clouds) + added, solved(moved));
  }

  @Property(tries = 500, seed = "20260102")
  void scalingBothCloudsScalesByTheSquare(
      @ForAll HardClouds kind,
      @ForAll @IntRange(min = 1, max = 40) int n,
      @ForAll @IntRange(min = 1, max = 16) int d,
      @ForAll @IntRange(min = -66, max = 66) int exponent,
      @ForAll long seed) {
    HardClouds.Pair clouds = whole(kind.draw(n, d, seed));
    HardClouds.Pair scaled = each(clouds, x -> Math.scalb(x, exponent));
    assertEquals(Math.scalb(solved(clouds), 2 * exponent), solved(scaled));
  }

  @Property(tries = 500, seed = "20260102")
  void exchangingTheCloudsChangesNothing(
      @ForAll HardClouds kind,
      @ForAll @IntRange(min = 1, max = 40) int n,
      @ForAll @IntRange(min = 1, max = 16) int d,
      @ForAll long seed) {
    HardClouds.Pair clouds = whole(kind.draw(n, d, seed));
    assertEquals(solved(clouds), solved(new HardClouds.Pair(clouds.b, clouds.a)));
  }

  /** In one dimension the i-th smallest belongs to the i-th smallest. */
  @Property(tries = 500, seed = "20260102")
  void sortsOnALine(
      @ForAll HardClouds kind, @ForAll @IntRange(min = 1, max = 60) int n, @ForAll long seed) {
    HardClouds.Pair clouds = whole(kind.draw(n, 1, seed));
    double[] a = Arrays.stream(clouds.a).mapToDouble(point -> point[0]).sorted().toArray();
    double[] b = Arrays.stream(clouds.b).mapToDouble(point -> point[0]).sorted().toArray();
    double expected = 0;
    for (int i = 0; i < n; i++) {
      expected += (a[i] - b[i]) * (a[i] - b[i]);
    }
    assertEquals(expected, solved(clouds));
  }

  private double solved(HardClouds.Pair clouds) {
    double[][] costs = clouds.costs();
    Assignment assignment = solver.solve(costs);
    AssignmentSolverTest.requireOptimal(costs, assignment);
    return assignment.cost();
  }

  /** Whole numbers, at most a million, so that no sum of costs is rounded. */
  private static HardClouds.Pair whole(HardClouds.Pair clouds) {
    return each(clouds, x -> Math.rint(Math.max(-1e6, Math.min(1e6, 100 * x))));
  }

  private static HardClouds.Pair each(HardClouds.Pair clouds, DoubleUnaryOperator change) {
    return new HardClouds.Pair(each(clouds.a, change), each(clouds.b, change));
  }

  private static double[][] each(double[][] points, DoubleUnaryOperator change) {
    return Arrays.stream(points)
        .map(point -> Arrays.stream(point).map(change).toArray())
        .toArray(double[][]::new);
  }

  private static double[][] shuffled(double[][] points, long seed) {
    List<double[]> order = new ArrayList<>(Arrays.asList(points));
    Collections.shuffle(order, new Random(seed));
    return order.toArray(double[][]::new);
  }

  private static double sum(double[][] points) {
    return Arrays.stream(points).flatMapToDouble(Arrays::stream).sum();
  }

  private static double total(double[][] costs, int[] columnOf) {
    double total = 0;
    for (int i = 0; i < costs.length; i++) {
      total += costs[i][columnOf[i]];
    }
    return total;
  }

  private static double largest(double[][] costs) {
    return Arrays.stream(costs).flatMapToDouble(Arrays::stream).max().orElseThrow();
  }
}
