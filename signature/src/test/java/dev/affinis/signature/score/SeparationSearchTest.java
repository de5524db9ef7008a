package dev.affinis.signature.score;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.ArrayRealVector;
import org.apache.commons.math3.linear.LUDecomposition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Against the best of all directions of the plane, which are finitely many: orders 0 and 1 have
 * their maxima between, and at, the directions in which a pair of samples is level. Projections are
 * taken one by one, in plain Java.
 */
class SeparationSearchTest {
  /** How closely order 1 is found in few dimensions. */
  private static final double FEW = 1e-4;

  /** A search driven by hand over rows of two classes, the smaller first. */
  static final class Run {
    private final double[][] rows;
    private final int countA;
    private final SeparationSearch search;
    private final List<double[]> tried = new ArrayList<>();
    private final List<Integer> phases = new ArrayList<>();
    private int most;
    private int rounds;

    Run(double[][] rows, int countA, double[] direction, RandomGenerator random) {
      this.rows = rows;
      this.countA = countA;
      search = new SeparationSearch(problem(rows.length, countA), mean(), direction, random);
    }

    Run(double[][] rows, int countA) {
      this(rows, countA, new double[rows[0].length], new SplittableRandom(1));
    }

    private static Contrast.Problem problem(int size, int countA) {
      return new Contrast.Problem(
          IntStream.range(0, countA).boxed().toList(),
          IntStream.range(countA, size).boxed().toList());
    }

    double[] mean() {
      double[] mean = new double[rows[0].length];
      for (int i = 0; i < rows.length; i++) {
        for (int j = 0; j < mean.length; j++) {
          mean[j] += i < countA ? rows[i][j] / countA : -rows[i][j] / (rows.length - countA);
        }
      }
      return mean;
    }

    Separation toTheEnd() {
      List<Descent> open = search.descents();
      List<Descent> before = List.of();
      while (!open.isEmpty()) {
        rounds++;
        if (Collections.disjoint(before, open)) {
          phases.add(tried.size());
        }
        before = open;
        most = Math.max(most, open.size());
        open.forEach(this::evaluate);
        open = search.descents();
      }
      return search.with(Separation.closedForm(0.5));
    }

    /** The directions of one phase. */
    List<double[]> tried(int phase) {
      int to = phase + 1 < phases.size() ? phases.get(phase + 1) : tried.size();
      return tried.subList(phases.get(phase), to);
    }

    private void evaluate(Descent descent) {
      double[] w = descent.direction();
      tried.add(w.clone());
      double[] values = Arrays.stream(rows).mapToDouble(row -> Products.dot(row, w)).toArray();
      double[] slopes = new double[rows.length];
      search.look(descent, values, 0, slopes);
      double[] slope = new double[w.length];
      for (int i = 0; i < rows.length; i++) {
        for (int j = 0; j < slope.length; j++) {
          slope[j] += slopes[i] * rows[i][j];
        }
      }
      descent.follow(slope);
    }

    /** Orders 0 and 1 of a direction, from all pairs. */
    double[] orders(double... w) {
      double above = 0;
      double sum = 0;
      double absolute = 0;
      for (int a = 0; a < countA; a++) {
        for (int b = countA; b < rows.length; b++) {
          double t = 0;
          for (int j = 0; j < w.length; j++) {
            t += w[j] * (rows[a][j] - rows[b][j]);
          }
          above += t > 0 ? 1 : 0;
          sum += t;
          absolute += Math.abs(t);
        }
      }
      double pairs = (double) countA * (rows.length - countA);
      return new double[] {above / pairs, absolute > 0 ? sum / absolute : 0};
    }

    /** The best orders 0 and 1 of all directions, of the first two coordinates alone. */
    double[] bestOfThePlane() {
      List<Double> level = new ArrayList<>();
      for (int a = 0; a < countA; a++) {
        for (int b = countA; b < rows.length; b++) {
          double angle = Math.atan2(rows[a][0] - rows[b][0], rows[b][1] - rows[a][1]);
          level.add(angle);
          level.add(angle > 0 ? angle - Math.PI : angle + Math.PI);
        }
      }
      level.sort(null);
      level.add(level.get(0) + 2 * Math.PI);
      double[] best = new double[2];
      for (int i = 0; i + 1 < level.size(); i++) {
        double middle = (level.get(i) + level.get(i + 1)) / 2;
        best[0] = Math.max(best[0], orders(Math.cos(middle), Math.sin(middle))[0]);
        best[1] = Math.max(best[1], orders(Math.cos(level.get(i)), Math.sin(level.get(i)))[1]);
      }
      return best;
    }
  }

  /** Two classes that overlap, of about unit variance; the smaller is bent. */
  private static double[][] clouds(long seed, int ofA, int ofB, int d) {
    Random random = new Random(seed);
    double[][] rows = new double[ofA + ofB][d];
    for (int i = 0; i < rows.length; i++) {
      Arrays.setAll(rows[i], j -> random.nextGaussian());
      if (i < ofA) {
        rows[i][0] += 1;
        rows[i][1] += 0.5 * rows[i][0] * rows[i][0];
      }
    }
    return rows;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void noDirectionOfThePlaneIsBetter(long seed) {
    Run run = new Run(clouds(seed, 9, 14, 2), 9);
    double[] best = run.bestOfThePlane();
    Separation found = run.toTheEnd();
    assertTrue(best[0] < 1 && best[1] < 1);
    requireAlmost(best[0], found.order0(), 9 * 14);
    assertEquals(best[1], found.order1(), FEW);
    assertTrue(found.order1() <= best[1] + 1e-12);
    assertEquals(0.5, found.order2());
  }

  /** Order 0 is a lower bound; here it is never more than one pair short. */
  private static void requireAlmost(double best, double found, int pairs) {
    assertTrue(found <= best + 1e-12, found + " against " + best);
    assertTrue(found >= best - 1.01 / pairs, found + " against " + best);
  }

  /** The order of samples, and what others are between them, does not matter. */
  @Test
  void samplesAreThoseOfTheProblemAtTheirPlaces() {
    double[][] rows = clouds(3, 6, 8, 2);
    Separation expected = new Run(rows, 6).toTheEnd();
    // Backwards, every other number is of no class, and a few places are before all.
    int offset = 5;
    int[] places = IntStream.range(0, 14).map(i -> offset + 2 * (13 - i)).toArray();
    double[] mean = new Run(rows, 6).mean();
    SeparationSearch search =
        new SeparationSearch(
            new Contrast.Problem(numbers(places, 0, 6, offset), numbers(places, 6, 14, offset)),
            mean,
            new double[2],
            new SplittableRandom(1));
    List<Descent> open = search.descents();
    while (!open.isEmpty()) {
      for (Descent descent : open) {
        double[] values = new double[40];
        double[] slopes = new double[40];
        Arrays.fill(values, 1e6);
        Arrays.fill(slopes, 7);
        for (int i = 0; i < 14; i++) {
          values[places[i]] = Products.dot(rows[i], descent.direction());
        }
        search.look(descent, values, offset, slopes);
        double[] slope = new double[2];
        for (int i = 0; i < 14; i++) {
          slope[0] += slopes[places[i]] * rows[i][0];
          slope[1] += slopes[places[i]] * rows[i][1];
          slopes[places[i]] = 7;
        }
        double[] untouched = new double[40];
        Arrays.fill(untouched, 7);
        assertArrayEquals(untouched, slopes);
        descent.follow(slope);
      }
      open = search.descents();
    }
    assertEquals(expected, search.with(Separation.closedForm(0.5)));
  }

  private static List<Integer> numbers(int[] places, int from, int to, int offset) {
    return Arrays.stream(places, from, to).map(place -> place - offset).boxed().toList();
  }

  /**
   * Order 1 is concave where it matters, and mirror images of all samples in the other coordinates
   * leave it as it is; so its maximum is in the plane, in any number of dimensions.
   */
  @ParameterizedTest
  @CsvSource({"1, 4, 1e-4", "2, 8, 1e-4", "1, 9, 2e-3", "2, 12, 2e-3", "3, 12, 2e-3"})
  void order1OfMirroredSamplesIsThatOfThePlane(long seed, int d, double tolerance) {
    double[][] half = clouds(seed, 14, 22, d);
    double[][] rows = new double[2 * half.length][];
    for (int i = 0; i < half.length; i++) {
      double[] mirrored = half[i].clone();
      Arrays.setAll(mirrored, j -> j < 2 ? mirrored[j] : -mirrored[j]);
      rows[2 * i] = half[i];
      rows[2 * i + 1] = mirrored;
    }
    double[] best = new Run(rows, 28).bestOfThePlane();
    // An invertible map changes no order, and takes the search off the plane that the images are
    // alike to.
    double[][] mapped = Arrays.stream(rows).map(double[]::clone).toArray(double[][]::new);
    for (int i = 0; i < rows.length; i++) {
      double[] row = rows[i];
      Arrays.setAll(mapped[i], j -> row[j] + (j < 2 ? 0.4 * row[d - 1] : 0.4 * row[j - 2]));
    }
    Separation found = new Run(mapped, 28).toTheEnd();
    assertEquals(best[1], found.order1(), tolerance);
    assertTrue(found.order1() <= best[1] + 1e-12);
    assertTrue(found.order0() >= best[0] - 0.02, found.order0() + " against " + best[0]);
  }

  /** Each direction that was tried counts, with its exact orders, and no other. */
  @ParameterizedTest
  @ValueSource(ints = {2, 5, 11})
  void whatIsFoundIsTheBestOfWhatWasTried(int d) {
    Run run = new Run(clouds(d, 20, 30, d), 20);
    Separation found = run.toTheEnd();
    double[] best = new double[2];
    for (double[] w : run.tried) {
      double[] orders = run.orders(w);
      best[0] = Math.max(best[0], orders[0]);
      best[1] = Math.max(best[1], orders[1]);
    }
    assertTrue(found.order0() < 1);
    assertEquals(best[0], found.order0(), 1e-12);
    assertEquals(best[1], found.order1(), 1e-12);
  }

  /** On a line there are two directions. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void onALineOneSideIsBest(long seed) {
    Random random = new Random(seed);
    double[][] rows = new double[15][1];
    for (int i = 0; i < rows.length; i++) {
      rows[i][0] = random.nextGaussian() - (i < 5 ? 1 : 0);
    }
    Run run = new Run(rows, 5);
    Separation found = run.toTheEnd();
    assertEquals(Math.max(run.orders(1)[0], run.orders(-1)[0]), found.order0());
    assertEquals(Math.max(run.orders(1)[1], run.orders(-1)[1]), found.order1(), 1e-12);
  }

  /** What the first direction separates takes one look. */
  @Test
  void nothingIsSearchedForOnceClassesAreSeparated() {
    double[][] rows = {{3, 0}, {4, 1}, {-1, 0}, {-2, 1}, {0, 0.5}};
    Run run = new Run(rows, 2);
    assertEquals(new Separation(1, 1, 0.5), run.toTheEnd());
    assertEquals(1, run.rounds);
    // By the other direction that is known, though not by the difference of means.
    Run other = new Run(thin(0.2), 3, new double[] {0, 1}, new SplittableRandom(1));
    assertTrue(other.orders(other.mean())[0] < 1);
    assertEquals(new Separation(1, 1, 0.5), other.toTheEnd());
    assertEquals(1, other.rounds);
  }

  /** Separated by the second coordinate; the means are mostly apart in the first. */
  private static double[][] thin(double gap) {
    return new double[][] {{-3, gap}, {3, gap}, {4, gap}, {-4, 0}, {-3, 0}, {3, -0.01}};
  }

  /** Neither known direction separates these; the minimum of the hinge loss does. */
  @ParameterizedTest
  @CsvSource({"0.5, 2", "0.1, 2", "0.02, 2", "0.1, 12"})
  void narrowGapsAreFound(double gap, int d) {
    double[][] rows =
        Arrays.stream(thin(gap)).map(row -> Arrays.copyOf(row, d)).toArray(double[][]::new);
    Run run = new Run(rows, 3);
    assertTrue(run.orders(run.mean())[0] < 1);
    assertEquals(new Separation(1, 1, 0.5), run.toTheEnd());
    // By the hinge, which is the second and last that is tried.
    assertEquals(2, run.most);
    assertTrue(run.rounds < 200, run.rounds + " rounds");
  }

  /**
   * The second phase ends at the minimum of the squared hinge loss, which Newton's method finds.
   */
  @ParameterizedTest
  @CsvSource({"1, 3, 1e-3", "2, 6, 1e-3", "3, 10, 1e-2"})
  void theHingeLossIsMinimised(long seed, int d, double tolerance) {
    Run run = new Run(clouds(seed, 40, 70, d), 40);
    run.toTheEnd();
    List<double[]> tried = run.tried(1);
    double[] end = tried.get(tried.size() - 1);
    double[] expected = leastHinge(run.rows, 40);
    double size = Math.sqrt(Products.dot(expected, expected));
    assertArrayEquals(expected, end, tolerance * size);
  }

  /** Least squares to 1 and -1 of the samples on the wrong side of theirs, until these stay. */
  private static double[] leastHinge(double[][] rows, int countA) {
    int d = rows[0].length;
    double[] wide = new double[d + 1];
    for (int round = 0; round < 30; round++) {
      double[][] second = new double[d + 1][d + 1];
      double[] first = new double[d + 1];
      for (int i = 0; i < rows.length; i++) {
        double[] x = Arrays.copyOf(rows[i], d + 1);
        x[d] = 1;
        double side = i < countA ? 1 : -1;
        double share = 1.0 / (i < countA ? countA : rows.length - countA);
        if (side * Products.dot(x, wide) < 1) {
          for (int j = 0; j <= d; j++) {
            first[j] += share * side * x[j];
            for (int k = 0; k <= d; k++) {
              second[j][k] += share * x[j] * x[k];
            }
          }
        }
      }
      wide =
          new LUDecomposition(new Array2DRowRealMatrix(second))
              .getSolver()
              .solve(new ArrayRealVector(first))
              .toArray();
    }
    return Arrays.copyOf(wide, d);
  }

  /** In the last phase lengths are 1, and the share of pairs in the right order rises. */
  @ParameterizedTest
  @ValueSource(ints = {3, 12})
  void theLastPhaseFindsMorePairsInTheRightOrder(int d) {
    int gains = 0;
    for (int seed = 0; seed < 4; seed++) {
      Run run = new Run(clouds(seed, 40, 60, d), 40);
      Separation found = run.toTheEnd();
      assertEquals(4, run.phases.size());
      List<double[]> last = run.tried(3);
      for (double[] w : last) {
        assertEquals(1, Products.dot(w, w), 1e-12);
      }
      double before =
          run.tried.subList(0, run.phases.get(3)).stream()
              .mapToDouble(w -> run.orders(w)[0])
              .max()
              .getAsDouble();
      gains += found.order0() > before + 2.5 / 2400 ? 1 : 0;
    }
    assertTrue(gains >= 3, gains + " gains");
  }

  /** In the third phase directions are on a plane: all have the same product with the mean. */
  @Test
  void order1IsSoughtOnAPlane() {
    Run run = new Run(clouds(2, 40, 60, 5), 40);
    run.toTheEnd();
    for (double[] w : run.tried(2)) {
      assertEquals(1, Products.dot(w, run.mean()), 1e-9);
    }
  }

  /** Points of both classes at one place: no direction separates, all but one pair can be right. */
  @Test
  void touchingClassesAreNotSeparate() {
    double[][] rows = {{0, 0}, {1, 2}, {2, -1}, {0, 0}, {-1, 1}, {-2, -1}, {-1, 0}};
    Run run = new Run(rows, 3);
    Separation found = run.toTheEnd();
    assertEquals(11.0 / 12, found.order0(), 1e-12);
    // Level pairs add nothing to the sums of order 1.
    assertEquals(1, found.order1());
  }

  /** The means are the same: in no direction is there a sum of differences, in many an order. */
  @ParameterizedTest
  @CsvSource({"2, 8", "8, 8", "9, 4"})
  void withoutAGapOfMeansOrder1IsNoneAndOrder0IsSearchedFor(int d, int pairs) {
    double[][] plane = {{2, 0}, {-1, 0}, {-1, 0}, {0, 1}, {0, -1}, {0.5, 0}, {-0.5, 0}};
    double[][] rows =
        Arrays.stream(plane).map(row -> Arrays.copyOf(row, d)).toArray(double[][]::new);
    double[] towards = new double[d];
    towards[0] = 1;
    Run run = new Run(rows, 3, towards, new SplittableRandom(1));
    Separation found = run.toTheEnd();
    assertEquals(0, found.order1(), 1e-12);
    assertEquals(8.0 / 12, run.bestOfThePlane()[0], 1e-12);
    // In many dimensions from the known direction alone, which is a local maximum.
    assertEquals(pairs / 12.0, found.order0(), 1e-12);
  }

  /** In few dimensions there are many starts, in more two, and then one. */
  @Test
  void manyStartsAreTakenInFewDimensionsOnly() {
    Run few = new Run(clouds(1, 60, 60, 8), 60);
    few.toTheEnd();
    assertEquals(26, few.most);
    Run many = new Run(clouds(1, 60, 60, 9), 60);
    many.toTheEnd();
    assertEquals(2, many.most);
    assertTrue(many.rounds < 400, many.rounds + " rounds");
  }

  /** A generator that always gives the same leaves out what is found from other starts. */
  @Test
  void randomStartsFindWhatTheOthersMiss() {
    RandomGenerator constant = () -> 0;
    int found = 0;
    for (int seed = 0; seed < 4; seed++) {
      double[][] rows = mixed(seed);
      double alone = new Run(rows, 12, new double[4], constant).toTheEnd().order0();
      double all = new Run(rows, 12, new double[4], new SplittableRandom(1)).toTheEnd().order0();
      assertTrue(all >= alone);
      found += all > alone ? 1 : 0;
    }
    assertTrue(found >= 1, found + " were found");
  }

  /** Classes of the same place, so that chance alone makes the best direction. */
  private static double[][] mixed(long seed) {
    Random random = new Random(seed);
    double[][] rows = new double[24][4];
    for (double[] row : rows) {
      Arrays.setAll(row, j -> random.nextGaussian());
    }
    return rows;
  }

  @Test
  void theSameSeedFindsTheSame() {
    double[][] rows = clouds(4, 10, 12, 3);
    Separation once = new Run(rows, 10).toTheEnd();
    assertEquals(once, new Run(rows, 10).toTheEnd());
    double[][] copy = Arrays.stream(rows).map(double[]::clone).toArray(double[][]::new);
    new Run(copy, 10).toTheEnd();
    assertArrayEquals(rows, copy);
  }
}
