package dev.affinis.signature.score;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.affinis.signature.LayerSample;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.RealMatrix;
import org.apache.commons.math3.linear.SingularValueDecomposition;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Coordinates and order 2, against singular values of all differences by Apache Commons Math 3. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class WhiteRowsTest {
  private static final double ROUNDING = 1e-8;

  private final NDManager manager = NDManager.newBaseManager();

  @AfterAll
  void close() {
    manager.close();
  }

  private void with(double[][] samples, BiConsumer<WhiteRows, NDManager> use) {
    double[] values = Arrays.stream(samples).flatMapToDouble(Arrays::stream).toArray();
    try (NDArray array = manager.create(values, new Shape(samples.length, samples[0].length));
        LayerMoments moments = new LayerMoments(new LayerSample(array, array))) {
      SideMoments side = moments.side(Side.PRE);
      // What belongs to the side is made before, so that what is new is the coordinates'.
      side.total();
      side.columnGram();
      side.rowGram();
      use.accept(WhiteRows.of(side, moments.manager(), moments.algebra()), moments.manager());
    }
  }

  private static double[][] random(long seed, int n, int d) {
    Random random = new Random(seed);
    double[][] rows = new double[n][d];
    for (double[] row : rows) {
      Arrays.setAll(row, j -> 5 + (j + 1) * random.nextGaussian());
    }
    return rows;
  }

  /** The first few samples against some that follow. */
  private static Contrast.Problem problem(int countA, int countB) {
    return new Contrast.Problem(
        IntStream.range(0, countA).boxed().toList(),
        IntStream.range(countA, countA + countB).boxed().toList());
  }

  /** The share of a column of ones that is in the span of the columns of all differences. */
  private static double order2(double[][] rows, Contrast.Problem problem) {
    List<double[]> differences = new ArrayList<>();
    for (int a : problem.few()) {
      for (int b : problem.many()) {
        double[] m = rows[a].clone();
        Arrays.setAll(m, j -> rows[a][j] - rows[b][j]);
        differences.add(m);
      }
    }
    SingularValueDecomposition svd =
        new SingularValueDecomposition(
            new Array2DRowRealMatrix(differences.toArray(double[][]::new)));
    RealMatrix u = svd.getU();
    double share = 0;
    for (int i = 0; i < svd.getRank(); i++) {
      share += Math.pow(Arrays.stream(u.getColumn(i)).sum(), 2);
    }
    return share / differences.size();
  }

  private void requireOrder2(double[][] rows, Contrast.Problem problem) {
    double expected = order2(rows, problem);
    assertTrue(expected < 1 - 1e-4, expected + " is not less than 1");
    with(
        rows,
        (white, arrays) ->
            assertEquals(expected, white.closedForm(List.of(problem)).order2(), ROUNDING));
  }

  /** A smaller class of fewer samples than there are dimensions, as many, more; and of half. */
  @ParameterizedTest
  @CsvSource({"4, 20, 6", "6, 20, 6", "7, 20, 6", "9, 20, 6", "10, 10, 6", "2, 8, 1", "5, 5, 1"})
  void order2OfAllSamplesIsThatOfAllDifferences(int countA, int countB, int d) {
    requireOrder2(random(countA, countA + countB, d), problem(countA, countB));
  }

  @ParameterizedTest
  @CsvSource({"5, 7, 4", "2, 6, 3", "6, 6, 10", "6, 7, 11", "3, 3, 2"})
  void order2OfAPairIsThatOfItsDifferences(int countA, int countB, int d) {
    requireOrder2(random(countB, 30, d), problem(countA, countB));
  }

  /** As many samples of both classes as there are dimensions, and one: any labels will do. */
  @ParameterizedTest
  @CsvSource({"6, 6, 11", "6, 6, 12", "2, 3, 20", "6, 7, 12"})
  void independentPairsAreFullySeparable(int countA, int countB, int d) {
    double[][] rows = random(d, 30, d);
    assertEquals(1, order2(rows, problem(countA, countB)), ROUNDING);
    requireFull(rows, problem(countA, countB));
  }

  private void requireFull(double[][] rows, Contrast.Problem problem) {
    with(
        rows,
        (white, arrays) -> {
          assertEquals(Separation.FULL, white.closedForm(List.of(problem)));
          assertEquals(Separation.FULL, white.separation(List.of(problem), 1));
        });
  }

  /** A sample of both classes is on no side, in however many dimensions. */
  @ParameterizedTest
  @CsvSource({"10, 30", "20, 30", "30, 30", "40, 30"})
  void aSampleOfBothClassesMakesPairsInseparable(int d, int n) {
    double[][] rows = random(d, n, d);
    rows[3] = rows[0].clone();
    requireOrder2(rows, problem(3, 4));
    with(
        rows,
        (white, arrays) -> {
          Separation found = white.separation(List.of(problem(3, 4)), 1);
          assertTrue(found.order0() < 1 && found.order0() >= 11.0 / 12 - 1e-9, found.toString());
          assertTrue(found.order2() < 1);
        });
  }

  /** One sample less than dimensions and one is as good as many less. */
  @ParameterizedTest
  @ValueSource(ints = {11, 12, 13, 40})
  void affinelyIndependentSamplesAreFullySeparable(int d) {
    double[][] rows = random(d, 12, d);
    requireFull(rows, problem(5, 7));
    requireFull(rows, problem(2, 3));
  }

  @Test
  void oneSampleMoreIsNotIndependent() {
    requireOrder2(random(1, 12, 10), problem(5, 7));
  }

  /** Two of the samples are the same, of different classes. */
  @ParameterizedTest
  @ValueSource(ints = {11, 12, 13, 40})
  void wideSamplesOfWhichTwoAreOneAreNotIndependent(int d) {
    double[][] rows = random(d, 12, d);
    rows[7] = rows[0].clone();
    requireOrder2(rows, problem(5, 7));
  }

  /** Samples of one class that depend on each other leave the classes separable. */
  @Test
  void aPairOfWhichOneClassRepeatsItselfHasTheOrderOfItsDifferences() {
    double[][] rows = random(3, 30, 20);
    rows[1] = rows[0].clone();
    with(
        rows,
        (white, arrays) -> {
          Separation found = white.separation(List.of(problem(3, 4)), 1);
          assertEquals(1, order2(rows, problem(3, 4)), ROUNDING);
          assertEquals(1, found.order2(), ROUNDING);
          assertEquals(1, found.order0());
        });
  }

  /** In a column that is constant within each class of the pair, and not the same. */
  @Test
  void aGapWithoutVarianceIsFullySeparable() {
    double[][] rows = random(4, 30, 3);
    for (int i = 0; i < 12; i++) {
      rows[i][1] = i < 5 ? 4 : 4.5;
    }
    with(
        rows,
        (white, arrays) -> {
          Separation found = white.separation(List.of(problem(5, 7)), 1);
          assertEquals(new Separation(1, 1, 1), found);
        });
  }

  /** Of a constant column that both classes share, nothing comes. */
  @Test
  void aPairThatSharesAConstantHasTheOrderOfItsDifferences() {
    double[][] rows = random(5, 30, 3);
    for (int i = 0; i < 12; i++) {
      rows[i][1] = 4;
    }
    requireOrder2(rows, problem(5, 7));
  }

  /** Mean 0, variance 1 in as many directions as samples span, none in others, no correlation. */
  @ParameterizedTest
  @CsvSource({"20, 5, 5", "20, 5, 3", "20, 19, 7", "12, 12, 6", "12, 30, 6", "12, 30, 10"})
  void coordinatesAreWhite(int n, int d, int rank) {
    double[][] few = random(rank, n, rank);
    double[][] map = random(7, rank, d);
    double[][] rows =
        rank == d
            ? few
            : new Array2DRowRealMatrix(few).multiply(new Array2DRowRealMatrix(map)).getData();
    with(
        rows,
        (white, arrays) -> {
          NDArray z =
              arrays.getManagedArrays().stream()
                  .filter(array -> isWhite(array, n, rank))
                  .findFirst()
                  .orElseThrow(() -> new AssertionError("no white rows of rank " + rank));
          assertEquals(n, z.getShape().get(0));
        });
  }

  private static boolean isWhite(NDArray array, int n, int rank) {
    if (array.getShape().dimension() != 2 || array.getShape().get(0) != n) {
      return false;
    }
    int width = Math.toIntExact(array.getShape().get(1));
    double[] values = array.toDoubleArray();
    RealMatrix z = new Array2DRowRealMatrix(n, width);
    for (int i = 0; i < n; i++) {
      z.setRow(i, Arrays.copyOfRange(values, i * width, (i + 1) * width));
    }
    RealMatrix covariance = z.transpose().multiply(z).scalarMultiply(1.0 / n);
    double off = 0;
    for (int i = 0; i < width; i++) {
      off = Math.max(off, Math.abs(Arrays.stream(z.getColumn(i)).sum()) / n);
      double variance = covariance.getEntry(i, i);
      off = Math.max(off, Math.min(Math.abs(variance), Math.abs(variance - 1)));
      covariance.setEntry(i, i, 0);
    }
    double trace = Arrays.stream(values).map(v -> v * v).sum() / n;
    return off < 1e-6
        && Arrays.stream(covariance.getData())
            .flatMapToDouble(Arrays::stream)
            .allMatch(v -> Math.abs(v) < 1e-6)
        && Math.abs(trace - rank) < 1e-6;
  }

  /** Each problem's orders count the same, those that are known without a search, too. */
  @Test
  void manyProblemsGiveTheMeanOfEach() {
    double[][] rows = random(6, 30, 8);
    List<Contrast.Problem> problems =
        List.of(problem(10, 20), problem(3, 4), problem(6, 9), problem(2, 3), problem(5, 10));
    with(
        rows,
        (white, arrays) -> {
          List<Separation> each =
              problems.stream().map(one -> white.separation(List.of(one), 1)).toList();
          assertEquals(Separation.FULL, each.get(1));
          assertTrue(each.get(0).order1() < 0.99 && each.get(2).order2() < 0.99);
          Separation all = white.separation(problems, 1);
          Separation mean = Separation.mean(each);
          assertEquals(mean.order0(), all.order0(), 0.01);
          assertEquals(mean.order1(), all.order1(), 1e-3);
          assertEquals(mean.order2(), all.order2(), 1e-12);
          assertEquals(mean.order2(), white.closedForm(problems).order2(), 1e-12);
          assertEquals(
              problems.stream().mapToDouble(one -> order2(rows, one)).average().getAsDouble(),
              mean.order2(),
              ROUNDING);
        });
  }

  /** What is kept is what is used again: asking twice takes no more memory than once. */
  @Test
  void nothingIsKeptTwice() {
    List<Contrast.Problem> problems = List.of(problem(10, 20), problem(3, 4), problem(6, 9));
    with(
        random(6, 30, 8),
        (white, arrays) -> {
          int before = arrays.getManagedArrays().size();
          Separation first = white.separation(problems, 1);
          int kept = arrays.getManagedArrays().size();
          // Of five sets the rows and their means, of two the products.
          assertEquals(before + 2 * 5 + 2, kept);
          assertEquals(first, white.separation(problems, 1));
          white.closedForm(problems);
          assertEquals(kept, arrays.getManagedArrays().size());
        });
  }
}
