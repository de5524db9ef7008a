package dev.affinis.signature.score;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.affinis.signature.LayerSample;
import dev.affinis.signature.Score;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.ArrayRealVector;
import org.apache.commons.math3.linear.LUDecomposition;
import org.apache.commons.math3.optim.MaxIter;
import org.apache.commons.math3.optim.linear.LinearConstraint;
import org.apache.commons.math3.optim.linear.LinearConstraintSet;
import org.apache.commons.math3.optim.linear.LinearObjectiveFunction;
import org.apache.commons.math3.optim.linear.NoFeasibleSolutionException;
import org.apache.commons.math3.optim.linear.NonNegativeConstraint;
import org.apache.commons.math3.optim.linear.Relationship;
import org.apache.commons.math3.optim.linear.SimplexSolver;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Against all directions of the plane, and against linear programs solved by the simplex method of
 * Apache Commons Math 3.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LinearSeparabilityTest {
  private static final int DIRECTIONS = 7200;
  private static final double OF_SWEEP = 2e-3;
  private static final double OF_PROGRAM = 2e-4;

  private final NDManager manager = NDManager.newBaseManager();

  @AfterAll
  void close() {
    manager.close();
  }

  /** Two classes: rows of each. */
  private static final class Clouds {
    private final double[][] a;
    private final double[][] b;

    Clouds(double[][] a, double[][] b) {
      this.a = a;
      this.b = b;
    }

    static Clouds random(Random random, int ofA, int ofB, int d, double shift) {
      return new Clouds(cloud(random, ofA, d, shift), cloud(random, ofB, d, 0));
    }

    private static double[][] cloud(Random random, int n, int d, double shift) {
      double[][] rows = new double[n][d];
      for (double[] row : rows) {
        Arrays.setAll(row, j -> (j + 1) * random.nextGaussian());
        row[0] += shift;
        // Not Gaussian, so that the orders have different maxima.
        row[d - 1] += row[0] * row[0];
      }
      return rows;
    }

    List<double[]> differences() {
      List<double[]> all = new ArrayList<>();
      for (double[] p : a) {
        for (double[] q : b) {
          double[] m = p.clone();
          Arrays.setAll(m, j -> p[j] - q[j]);
          all.add(m);
        }
      }
      return all;
    }
  }

  private LayerSample sample(double[][]... classes) {
    List<double[]> rows = Arrays.stream(classes).flatMap(Arrays::stream).toList();
    List<Integer> labels = new ArrayList<>();
    for (int c = 0; c < classes.length; c++) {
      for (int i = 0; i < classes[c].length; i++) {
        labels.add(c);
      }
    }
    double[] values = rows.stream().flatMapToDouble(Arrays::stream).toArray();
    NDArray array = manager.create(values, new Shape(rows.size(), rows.get(0).length));
    return new LayerSample(array, array, labels);
  }

  private static double order(int order, LayerSample sample, Contrast contrast) {
    Score score = new LinearSeparability(Side.PRE, contrast, order, 1).score(sample);
    return score.map(value -> value, reason -> Double.NaN);
  }

  @ParameterizedTest
  @EnumSource(Contrast.class)
  void order2NeedsNoSearchAndIsTheSameWithOne(Contrast contrast) {
    Random random = new Random(3);
    LayerSample sample =
        sample(
            Clouds.cloud(random, 14, 5, 1),
            Clouds.cloud(random, 19, 5, 0),
            Clouds.cloud(random, 21, 5, -1));
    double alone = order(2, sample, contrast);
    try (LayerMoments moments = new LayerMoments(sample)) {
      WhiteRows rows = WhiteRows.of(moments.side(Side.PRE), moments.manager(), moments.algebra());
      Separation closed = rows.closedForm(contrast.problems(moments.labels(), 1));
      assertFalse(closed.isSearched());
      assertEquals(alone, closed.order(2));
      // In any order of asking, each is what it is alone.
      assertEquals(alone, moments.separation(Side.PRE, contrast, 2, 1));
      for (int order : new int[] {0, 1, 2}) {
        assertEquals(
            order(order, sample, contrast), moments.separation(Side.PRE, contrast, order, 1));
      }
    }
  }

  @Test
  void noDirectionOfThePlaneIsBetter() {
    requireBestOfThePlane(1);
  }

  @ParameterizedTest
  @Tag("slow")
  @ValueSource(longs = {2, 3, 4, 5, 6})
  void noDirectionOfMorePlanesIsBetter(long seed) {
    requireBestOfThePlane(seed);
  }

  private void requireBestOfThePlane(long seed) {
    Clouds clouds = Clouds.random(new Random(seed), 20, 35, 2, 1 + seed / 3.0);
    List<double[]> differences = clouds.differences();
    double[] best = new double[3];
    for (int i = 0; i < DIRECTIONS; i++) {
      double angle = 2 * Math.PI * i / DIRECTIONS;
      double[] values = values(differences, Math.cos(angle), Math.sin(angle));
      for (int order = 0; order < 3; order++) {
        best[order] = Math.max(best[order], values[order]);
      }
    }
    LayerSample sample = sample(clouds.a, clouds.b);
    for (int order = 0; order < 3; order++) {
      double value = order(order, sample, Contrast.REST);
      assertEquals(best[order], value, OF_SWEEP, "order " + order);
      assertEquals(value, order(order, sample, Contrast.PAIRS), 1e-9);
    }
  }

  /** Orders 0, 1, 2 of one direction, from all differences. */
  private static double[] values(List<double[]> differences, double... w) {
    double positive = 0;
    double sum = 0;
    double absolute = 0;
    double squares = 0;
    for (double[] m : differences) {
      double t = 0;
      for (int j = 0; j < w.length; j++) {
        t += w[j] * m[j];
      }
      positive += t > 0 ? 1 : 0;
      sum += t;
      absolute += Math.abs(t);
      squares += t * t;
    }
    double n = differences.size();
    return new double[] {positive / n, sum / absolute, sum * Math.max(0, sum) / n / squares};
  }

  /** Near the border: some of these are separable, some are not. */
  @Test
  void separableIsWhatALinearProgramCallsSo() {
    requireVerdictsOfLinearPrograms(0, 15);
  }

  @Test
  @Tag("slow")
  void separableIsWhatMoreLinearProgramsCallSo() {
    requireVerdictsOfLinearPrograms(15, 60);
  }

  private void requireVerdictsOfLinearPrograms(int from, int to) {
    int separable = 0;
    int count = to - from;
    for (int seed = from; seed < to; seed++) {
      Random random = new Random(seed);
      int d = 2 + random.nextInt(7);
      Clouds clouds =
          Clouds.random(random, 4 + random.nextInt(12), 10, d, 4.5 * random.nextDouble());
      boolean expected = isSeparable(clouds);
      separable += expected ? 1 : 0;
      LayerSample sample = sample(clouds.a, clouds.b);
      String message = "seed " + seed;
      try (LayerMoments moments = new LayerMoments(sample)) {
        assertEquals(expected, moments.separation(Side.PRE, Contrast.REST, 0, 1) == 1, message);
        assertEquals(expected, moments.separation(Side.PRE, Contrast.REST, 1, 1) == 1, message);
      }
    }
    assertTrue(separable > count / 5 && separable < count * 4 / 5, separable + " are separable");
  }

  private static boolean isSeparable(Clouds clouds) {
    List<LinearConstraint> constraints = new ArrayList<>();
    for (double[] row : clouds.a) {
      constraints.add(side(row, 1));
    }
    for (double[] row : clouds.b) {
      constraints.add(side(row, -1));
    }
    try {
      solve(new double[clouds.a[0].length + 1], constraints);
      return true;
    } catch (NoFeasibleSolutionException e) {
      return false;
    }
  }

  /** On this side of a plane w'x + t = 0, by at least 1. */
  private static LinearConstraint side(double[] row, double sign) {
    double[] coefficients = Arrays.copyOf(row, row.length + 1);
    coefficients[row.length] = 1;
    Arrays.setAll(coefficients, j -> sign * coefficients[j]);
    return new LinearConstraint(coefficients, Relationship.GEQ, 1);
  }

  private static double solve(double[] objective, Collection<LinearConstraint> constraints) {
    return new SimplexSolver()
        .optimize(
            new MaxIter(100_000),
            new LinearObjectiveFunction(objective, 0),
            new LinearConstraintSet(constraints),
            new NonNegativeConstraint(false))
        .getValue();
  }

  @ParameterizedTest
  @CsvSource({"1, 3", "2, 4", "3, 5", "4, 3"})
  void order1IsTheOptimumOfALinearProgram(long seed, int d) {
    Clouds clouds = Clouds.random(new Random(seed), 8, 11, d, 1.5);
    List<double[]> differences = clouds.differences();
    int count = differences.size();
    double[] objective = new double[d + count];
    Arrays.fill(objective, d, d + count, 1.0 / count);
    List<LinearConstraint> constraints = new ArrayList<>();
    double[] mean = new double[d + count];
    for (int i = 0; i < count; i++) {
      double[] m = differences.get(i);
      double[] lack = Arrays.copyOf(m, d + count);
      lack[d + i] = 1;
      constraints.add(new LinearConstraint(lack, Relationship.GEQ, 0));
      double[] nonNegative = new double[d + count];
      nonNegative[d + i] = 1;
      constraints.add(new LinearConstraint(nonNegative, Relationship.GEQ, 0));
      for (int j = 0; j < d; j++) {
        mean[j] += m[j] / count;
      }
    }
    constraints.add(new LinearConstraint(mean, Relationship.EQ, 1));
    double lack = solve(objective, constraints);
    assertEquals(
        1 / (1 + 2 * lack), order(1, sample(clouds.a, clouds.b), Contrast.REST), OF_PROGRAM);
  }

  /** In more than a few dimensions the search takes fewer steps, to the same verdicts. */
  @Test
  @Tag("slow")
  void separableIsWhatALinearProgramCallsSoInManyDimensions() {
    int separable = 0;
    int count = 24;
    for (int seed = 0; seed < count; seed++) {
      Clouds clouds = Clouds.random(new Random(seed), 25, 25, 20, seed / 10.0);
      boolean expected = isSeparable(clouds);
      separable += expected ? 1 : 0;
      assertEquals(expected, order(0, sample(clouds.a, clouds.b), Contrast.REST) == 1);
    }
    assertTrue(separable > count / 5 && separable < count * 4 / 5, separable + " are separable");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void sumsOverPairsAreThoseOfAllDifferences(int seed) {
    Random random = new Random(seed);
    // Ties, and numbers that differ by rounding alone.
    double[] values =
        random
            .doubles(60, -1, 1)
            .map(x -> Math.round(x * 8) / 8.0 + (random.nextInt(4) == 0 ? 1e-15 * x : 0))
            .toArray();
    int countA = 13 * seed;
    Projections projections = new Projections(values, countA);
    double above = 0;
    double sum = 0;
    double absolute = 0;
    double area = 0;
    double distance = 0;
    double h = 0.3;
    double[] ofArea = new double[values.length];
    double[] ofDistance = new double[values.length];
    double pairs = (double) countA * (values.length - countA);
    for (int i = 0; i < countA; i++) {
      for (int j = countA; j < values.length; j++) {
        double t = values[i] - values[j];
        above += t > 0 ? 1 : 0;
        sum += t;
        absolute += Math.abs(t);
        boolean isNear = Math.abs(t) < h;
        area += isNear ? (1 + t / h) / 2 : t > 0 ? 1 : 0;
        distance += isNear ? t * t / (2 * h) + h / 2 : Math.abs(t);
        double slope = isNear ? 1 / (2 * h) : 0;
        ofArea[i] += slope / pairs;
        ofArea[j] -= slope / pairs;
        double steepness = isNear ? t / h : Math.signum(t);
        ofDistance[i] += steepness / pairs;
        ofDistance[j] -= steepness / pairs;
      }
    }
    assertEquals(above / pairs, projections.area(), 0);
    assertEquals(sum / absolute, projections.balance(), 1e-12);
    double[] slopes = new double[values.length];
    assertEquals(area / pairs, projections.smoothArea(h, slopes), 1e-12);
    assertArrayEquals(ofArea, slopes, 1e-12);
    assertEquals(distance / pairs, projections.smoothDistance(h, slopes), 1e-12);
    assertArrayEquals(ofDistance, slopes, 1e-12);
    assertFalse(projections.areSeparate());
    Projections apart = new Projections(new double[] {2, 3, 1, Math.nextDown(2.0)}, 2);
    assertTrue(apart.areSeparate() && apart.area() == 1 && apart.balance() == 1);
    assertFalse(new Projections(new double[] {2, 3, 1, 2}, 2).areSeparate());
  }

  /** Problems that are searched together are the problems searched one by one. */
  @Test
  void classesDoNotGetIntoEachOthersWay() {
    Random random = new Random(8);
    double[][][] classes = new double[4][][];
    for (int c = 0; c < classes.length; c++) {
      classes[c] = Clouds.cloud(random, 9 + c, 3, c);
    }
    double[] sums = new double[2];
    for (int a = 0; a < classes.length; a++) {
      for (int b = a + 1; b < classes.length; b++) {
        LayerSample pair = sample(classes[a], classes[b]);
        sums[0] += order(0, pair, Contrast.PAIRS) / 6;
        sums[1] += order(1, pair, Contrast.PAIRS) / 6;
      }
    }
    assertEquals(sums[0], order(0, sample(classes), Contrast.PAIRS), 0.01);
    assertEquals(sums[1], order(1, sample(classes), Contrast.PAIRS), OF_PROGRAM);
  }

  @Test
  void affineMapsChangeNothing() {
    Clouds clouds = Clouds.random(new Random(9), 15, 40, 4, 1.5);
    double[][] a = moved(clouds.a);
    double[][] b = moved(clouds.b);
    for (int order = 0; order < 3; order++) {
      double before = order(order, sample(clouds.a, clouds.b), Contrast.REST);
      double tolerance = order == 2 ? 1e-9 : OF_SWEEP;
      assertEquals(before, order(order, sample(a, b), Contrast.REST), tolerance);
      assertTrue(before < 1);
    }
  }

  private static double[][] moved(double[][] rows) {
    return Arrays.stream(rows)
        .map(
            r ->
                new double[] {
                  3 + r[0] - 2 * r[1], 100 * r[1] + r[3], r[2] - 7, 0.01 * r[3] + 0.002 * r[0]
                })
        .toArray(double[][]::new);
  }

  @Test
  void theRootOfOrder2IsALowerBoundOfOrder1() {
    for (int seed = 0; seed < 10; seed++) {
      Clouds clouds = Clouds.random(new Random(seed), 30, 30, 5, 2);
      LayerSample sample = sample(clouds.a, clouds.b);
      double order2 = order(2, sample, Contrast.REST);
      assertTrue(order(1, sample, Contrast.REST) >= Math.sqrt(order2) - 1e-12);
    }
  }

  /** All classes against the rest from one factorisation, against each from its own covariances. */
  @Test
  void order2OfManyClassesIsThatOfEach() {
    Random random = new Random(4);
    double[][][] classes = new double[5][][];
    for (int c = 0; c < classes.length; c++) {
      classes[c] = Clouds.cloud(random, 6 + 4 * c, 7, c);
    }
    double sum = 0;
    for (int c = 0; c < classes.length; c++) {
      int one = c;
      double[][] rest =
          IntStream.range(0, classes.length)
              .filter(i -> i != one)
              .mapToObj(i -> classes[i])
              .flatMap(Arrays::stream)
              .toArray(double[][]::new);
      sum += order2ByDefinition(new Clouds(classes[c], rest));
    }
    assertEquals(sum / classes.length, order(2, sample(classes), Contrast.REST), 1e-9);
  }

  /** The first two classes differ by a constant in a column in which neither varies. */
  @Test
  void order2OfPairsIsTheMeanOfThatOfEach() {
    Random random = new Random(6);
    double[][][] classes = new double[4][][];
    for (int c = 0; c < classes.length; c++) {
      classes[c] = Clouds.cloud(random, 8 + 3 * c, 5, c);
      if (c < 2) {
        for (double[] row : classes[c]) {
          row[2] = c;
        }
      }
    }
    double sum = 0;
    for (int a = 0; a < classes.length; a++) {
      for (int b = a + 1; b < classes.length; b++) {
        double pair = order2ByDefinition(new Clouds(classes[a], classes[b]));
        assertEquals(a == 0 && b == 1, Math.abs(pair - 1) < 1e-9, a + " " + b);
        sum += pair;
      }
    }
    assertEquals(sum / 6, order(2, sample(classes), Contrast.PAIRS), 1e-9);
  }

  /** Ten samples in twelve dimensions are affinely independent, twenty are not. */
  @Test
  void smallPairsAreSeparableWhereAllClassesAreNot() {
    Random random = new Random(7);
    double[][][] classes = new double[4][][];
    Arrays.setAll(classes, c -> Clouds.cloud(random, 5, 12, 0));
    for (int order = 0; order < 3; order++) {
      assertEquals(1, order(order, sample(classes), Contrast.PAIRS), "order " + order);
    }
    assertTrue(order(2, sample(classes), Contrast.REST) < 0.999);
  }

  /** More columns than samples, which as few others make up: nothing is gained by them. */
  @ParameterizedTest
  @EnumSource(Contrast.class)
  void columnsThatOthersMakeUpChangeNothing(Contrast contrast) {
    Random random = new Random(8);
    double[][][] classes = new double[3][][];
    Arrays.setAll(classes, c -> Clouds.cloud(random, 6 + c, 4, c));
    double[][] map = Clouds.cloud(random, 4, 30, 0);
    double[][][] wide =
        Arrays.stream(classes)
            .map(rows -> new Array2DRowRealMatrix(rows).multiply(new Array2DRowRealMatrix(map)))
            .map(Array2DRowRealMatrix::getData)
            .toArray(double[][][]::new);
    double before = order(2, sample(classes), contrast);
    assertTrue(before < 0.99);
    assertEquals(before, order(2, sample(wide), contrast), 1e-7);
    assertEquals(order(1, sample(classes), contrast), order(1, sample(wide), contrast), OF_PROGRAM);
  }

  /** m'E[mm']^-1 m by solving the linear system over all differences. */
  private static double order2ByDefinition(Clouds clouds) {
    List<double[]> differences = clouds.differences();
    int d = differences.get(0).length;
    double[][] second = new double[d][d];
    double[] mean = new double[d];
    for (double[] m : differences) {
      for (int i = 0; i < d; i++) {
        mean[i] += m[i] / differences.size();
        for (int j = 0; j < d; j++) {
          second[i][j] += m[i] * m[j] / differences.size();
        }
      }
    }
    double[] w =
        new LUDecomposition(new Array2DRowRealMatrix(second))
            .getSolver()
            .solve(new ArrayRealVector(mean))
            .toArray();
    return IntStream.range(0, d).mapToDouble(i -> w[i] * mean[i]).sum();
  }

  @Test
  void anyLabelsOfFewSamplesInManyDimensionsAreSeparable() {
    Clouds clouds = Clouds.random(new Random(5), 9, 12, 20, 0);
    for (int order = 0; order < 3; order++) {
      assertEquals(1, order(order, sample(clouds.a, clouds.b), Contrast.REST));
    }
    // A sample of both classes is not.
    clouds.b[0] = clouds.a[0];
    assertTrue(order(0, sample(clouds.a, clouds.b), Contrast.REST) < 1);
  }

  @Test
  void itsNameSaysWhatIsToldFromWhat() {
    LinearSeparability score = new LinearSeparability(Side.POST, Contrast.PAIRS, 1, 3);
    assertEquals("separability_pairs_order1_post", score.name());
    assertEquals(score.name(), score.withSeed(4).name());
    assertTrue(score.needsLabels());
    for (int order : new int[] {-1, 3}) {
      String message =
          assertThrows(
                  IllegalArgumentException.class,
                  () -> new LinearSeparability(Side.PRE, Contrast.REST, order, 0))
              .getMessage();
      assertTrue(message.endsWith("got " + order), message);
    }
  }

  @Test
  void whatCannotBeToldHasAReason() {
    NDArray rows = manager.randomNormal(new Shape(6, 2));
    requireReason(new LayerSample(rows, rows), "not known");
    requireReason(new LayerSample(rows, rows, List.of(3, 3, 3, 3, 3, 3)), "all 6 samples");
    requireReason(new LayerSample(rows, rows, List.of(0, 0, 0, 1, 2, 2)), "class 1 has one sample");
    NDArray zeros = rows.zerosLike();
    requireReason(new LayerSample(zeros, zeros, List.of(0, 0, 0, 1, 1, 1)), "no variance");
    NDArray bad = rows.sub(2).log();
    requireReason(new LayerSample(bad, bad, List.of(0, 0, 0, 1, 1, 1)), "NaN");
  }

  private static void requireReason(LayerSample sample, String part) {
    for (MomentScore score :
        List.of(
            new LinearSeparability(Side.PRE, Contrast.PAIRS, 1, 0),
            new ClassScatterRatio(Side.PRE))) {
      String reason = score.score(sample).map(value -> "a value", r -> r);
      assertTrue(reason.contains(part), reason);
    }
  }
}
