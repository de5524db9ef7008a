package dev.affinis.signature.score;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.affinis.signature.LayerSample;
import dev.affinis.signature.Score;
import dev.affinis.signature.ScoreFunction;
import dev.affinis.signature.UnitCounts;
import dev.affinis.signature.covariance.Covariance;
import dev.affinis.signature.covariance.Ridge;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.LUDecomposition;
import org.apache.commons.math3.linear.RealMatrix;
import org.apache.commons.math3.linear.SingularValueDecomposition;
import org.apache.commons.math3.stat.regression.OLSMultipleLinearRegression;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Values by hand and by Apache Commons Math 3, invariances, and what has no value. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MomentScoresTest {
  private static final double ROUNDING = 1e-9;

  private final NDManager manager = NDManager.newBaseManager();

  @BeforeEach
  void seed() {
    manager.getEngine().setRandomSeed(11);
  }

  @AfterAll
  void close() {
    manager.close();
  }

  private NDArray random(long n, long d) {
    return manager.randomNormal(new Shape(n, d)).toType(DataType.FLOAT64, true);
  }

  private NDArray rows(double[]... rows) {
    double[] all = Arrays.stream(rows).flatMapToDouble(Arrays::stream).toArray();
    return manager.create(all, new Shape(rows.length, rows[0].length));
  }

  private static double value(String name, LayerSample sample) {
    return value(name, sample, ScoreOptions.DEFAULTS);
  }

  private static double value(String name, LayerSample sample, ScoreOptions options) {
    return ScoreCatalogue.select(List.of(name), options)
        .estimate(sample)
        .get(name)
        .score()
        .map(
            number -> number,
            reason -> {
              throw new AssertionError(name + ": " + reason);
            });
  }

  private static String reason(String name, LayerSample sample) {
    return ScoreCatalogue.select(List.of(name), ScoreOptions.DEFAULTS)
        .estimate(sample)
        .get(name)
        .score()
        .map(number -> "a value: " + number, reason -> reason);
  }

  private static RealMatrix matrix(NDArray rows) {
    int d = Math.toIntExact(rows.getShape().get(1));
    int n = Math.toIntExact(rows.getShape().get(0));
    double[] all = rows.toDoubleArray();
    RealMatrix matrix = new Array2DRowRealMatrix(n, d);
    for (int i = 0; i < all.length; i++) {
      matrix.setEntry(i / d, i % d, all[i]);
    }
    return matrix;
  }

  @Test
  void valuesByHand() {
    NDArray x =
        rows(new double[] {0, 0}, new double[] {4, 0}, new double[] {4, 2}, new double[] {0, 2});
    NDArray y =
        rows(new double[] {0, 0}, new double[] {4, 0}, new double[] {4, 0}, new double[] {0, 0});
    LayerSample sample = new LayerSample(x, y, List.of(0, 1, 1, 0));
    // Centred columns of x: lengths 4 and 2, orthogonal; y has the first alone.
    assertEquals(256 / (Math.sqrt(256 + 16) * 16), value("linear_cka", sample), ROUNDING);
    assertEquals(1, value("r2", sample), ROUNDING);
    assertEquals(Math.sqrt(8), value("norm_difference", sample), ROUNDING);
    assertEquals(Math.sqrt(8.0 / 40), value("norm_difference_relative", sample), ROUNDING);
    assertEquals(400.0 / 272, value("participation_ratio_pre", sample), ROUNDING);
    double entropy = -(2 * Math.log(2 / 3.0) + Math.log(1 / 3.0)) / 3;
    assertEquals(Math.exp(entropy), value("effective_rank_pre", sample), ROUNDING);
    assertEquals(1, value("effective_rank_post", sample), ROUNDING);
    assertEquals(0.5, value("pooled_sparsity_pre", sample), ROUNDING);
    assertEquals(0.75, value("pooled_sparsity_post", sample), ROUNDING);
    assertEquals(0.25, value("class_scatter_ratio_pre", sample), ROUNDING);
    assertEquals(0, value("class_scatter_ratio_post", sample), ROUNDING);
  }

  @Test
  void entropyOfHistogramsByHand() {
    // Two bins of width 2, one value in the first, three in the last two of four bins of width 1.
    NDArray x = rows(new double[] {0, 3, 3.5, 4}, new double[] {0, 1, 2, 4});
    LayerSample sample = new LayerSample(x, x);
    double first = -(Math.log(0.25) + 3 * Math.log(0.75)) / 4;
    double second = Math.log(4);
    double mean = (first + second) / 2;
    assertEquals(mean + Math.log(4), value("entropy_pre", sample), ROUNDING);
    assertEquals(mean, value("differential_entropy_pre", sample), ROUNDING);
    LayerSample larger = new LayerSample(x.mul(8), x);
    assertEquals(mean + Math.log(4), value("entropy_pre", larger), ROUNDING);
    assertEquals(mean + Math.log(8), value("differential_entropy_pre", larger), ROUNDING);
  }

  /** Of ten bins from -1 to 2, 1.4 is in the ninth in floats, in doubles in the one before. */
  @Test
  void binsAreFoundInThePrecisionOfTheSamples() {
    float[] row = {-1, 1.2f, 1.4f, 2, 2, 2, 2, 2, 2, 2};
    NDArray single = manager.create(row, new Shape(1, 10));
    NDArray twice = single.toType(DataType.FLOAT64, true);
    double apart = -0.3 * Math.log(0.1) - 0.7 * Math.log(0.7);
    double together = -0.1 * Math.log(0.1) - 0.2 * Math.log(0.2) - 0.7 * Math.log(0.7);
    assertEquals(
        apart + Math.log(10), value("entropy_pre", new LayerSample(single, single)), ROUNDING);
    assertEquals(
        together + Math.log(10), value("entropy_pre", new LayerSample(twice, twice)), ROUNDING);
  }

  /** In both forms: columns fewer than samples, and more. */
  @ParameterizedTest
  @CsvSource({"40, 6, 9", "12, 20, 15", "12, 12, 12"})
  void similarityAndRanksAreThoseOfTheDefinition(long n, long dx, long dy) {
    NDArray x = random(n, dx);
    NDArray y = random(n, dy).add(x.sum(new int[] {1}, true));
    LayerSample sample = new LayerSample(x, y);
    RealMatrix k = centredGram(x);
    RealMatrix l = centredGram(y);
    assertEquals(
        trace(k, l) / Math.sqrt(trace(k, k) * trace(l, l)), value("linear_cka", sample), ROUNDING);
    assertEquals(
        unbiased(x, y) / Math.sqrt(unbiased(x, x) * unbiased(y, y)),
        value("linear_cka_debiased", sample),
        ROUNDING);
    double[] lengths = new SingularValueDecomposition(k).getSingularValues();
    double[] roots = Arrays.stream(lengths).map(v -> v < 1e-10 ? 0 : Math.sqrt(v)).toArray();
    double sum = Arrays.stream(roots).sum();
    double entropy =
        -Arrays.stream(roots).filter(v -> v > 0).map(v -> v / sum * Math.log(v / sum)).sum();
    assertEquals(Math.exp(entropy), value("effective_rank_pre", sample), 1e-7);
    assertEquals(
        Math.pow(k.getTrace(), 2) / trace(k, k),
        value("participation_ratio_pre", sample),
        ROUNDING);
  }

  private static RealMatrix centredGram(NDArray rows) {
    RealMatrix x = matrix(rows.sub(rows.mean(new int[] {0})));
    return x.multiply(x.transpose());
  }

  private static double trace(RealMatrix a, RealMatrix b) {
    return a.multiply(b).getTrace();
  }

  /**
   * Unbiased HSIC by its definition (Song et al. 2012, equation 4), of Gram matrices as they are.
   */
  private static double unbiased(NDArray a, NDArray b) {
    RealMatrix k = withoutDiagonal(a);
    RealMatrix l = withoutDiagonal(b);
    double n = k.getRowDimension();
    double mixed = 0;
    RealMatrix product = k.multiply(l);
    for (double[] row : product.getData()) {
      mixed += Arrays.stream(row).sum();
    }
    double sums = sum(k) * sum(l);
    return (trace(k, l) + sums / ((n - 1) * (n - 2)) - 2 / (n - 2) * mixed) / (n * (n - 3));
  }

  private static RealMatrix withoutDiagonal(NDArray rows) {
    RealMatrix x = matrix(rows);
    RealMatrix gram = x.multiply(x.transpose());
    for (int i = 0; i < gram.getRowDimension(); i++) {
      gram.setEntry(i, i, 0);
    }
    return gram;
  }

  private static double sum(RealMatrix a) {
    return Arrays.stream(a.getData()).flatMapToDouble(Arrays::stream).sum();
  }

  @Test
  void r2IsThatOfOrdinaryRegression() {
    int n = 40;
    NDArray x = random(n, 5);
    NDArray y = x.get(":, :3").square().add(random(n, 3)).add(x.get(":, 1:4"));
    LayerSample sample = new LayerSample(x, y);
    RealMatrix targets = matrix(y);
    double plain = 0;
    double adjusted = 0;
    for (int j = 0; j < 3; j++) {
      OLSMultipleLinearRegression regression = new OLSMultipleLinearRegression();
      regression.newSampleData(targets.getColumn(j), matrix(x).getData());
      plain += regression.calculateRSquared() / 3;
      adjusted += regression.calculateAdjustedRSquared() / 3;
    }
    assertEquals(plain, value("r2", sample), ROUNDING);
    assertEquals(adjusted, value("r2_adjusted", sample), ROUNDING);
    // Columns that depend on others, or are constant, add nothing to a fit.
    NDArray more = x.concat(x.get(":, 2:4").mul(3).add(1), 1).concat(x.get(":, :1").mul(0), 1);
    LayerSample dependent = new LayerSample(more, y);
    assertEquals(plain, value("r2", dependent), 1e-8);
    assertEquals(adjusted, value("r2_adjusted", dependent), 1e-8);
    double heldOut = value("r2_held_out", sample);
    assertEquals(heldOut, value("r2_held_out", dependent), 1e-8);
    assertEquals(heldOut(matrix(x), targets), heldOut, ROUNDING);
  }

  private static double heldOut(RealMatrix x, RealMatrix y) {
    HeldOut split = HeldOut.of(x.getRowDimension(), 0);
    double error = 0;
    double total = 0;
    int[] all = new int[x.getColumnDimension()];
    Arrays.setAll(all, j -> j);
    double[][] inputs = x.getSubMatrix(split.train(), all).getData();
    for (int j = 0; j < y.getColumnDimension(); j++) {
      double[] targets = y.getSubMatrix(split.train(), new int[] {j}).getColumn(0);
      OLSMultipleLinearRegression regression = new OLSMultipleLinearRegression();
      regression.newSampleData(targets, inputs);
      double[] beta = regression.estimateRegressionParameters();
      double mean = Arrays.stream(targets).average().orElseThrow();
      for (int row : split.test()) {
        double fitted = beta[0];
        for (int i = 0; i < all.length; i++) {
          fitted += beta[i + 1] * x.getEntry(row, i);
        }
        error += Math.pow(y.getEntry(row, j) - fitted, 2);
        total += Math.pow(y.getEntry(row, j) - mean, 2);
      }
    }
    return 1 - error / total;
  }

  /** More columns than samples: fitted by rows, of least norm, as by a pseudo-inverse. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void heldOutR2OfWideLayersIsThatOfThePseudoInverse(boolean dependent) {
    int n = 30;
    NDArray x = dependent ? random(n, 7).matMul(random(7, 50)) : random(n, 50);
    NDArray y = x.get(":, :4").tanh();
    HeldOut split = HeldOut.of(n, 0);
    NDArray train = x.get(manager.create(split.train()));
    NDArray mean = train.mean(new int[] {0});
    NDArray targets = y.get(manager.create(split.train()));
    NDArray meanY = targets.mean(new int[] {0});
    RealMatrix inverse =
        new SingularValueDecomposition(matrix(train.sub(mean))).getSolver().getInverse();
    RealMatrix weights = inverse.multiply(matrix(targets.sub(meanY)));
    RealMatrix held = matrix(x.get(manager.create(split.test())).sub(mean));
    RealMatrix expected = matrix(y.get(manager.create(split.test())).sub(meanY));
    double error = Math.pow(expected.subtract(held.multiply(weights)).getFrobeniusNorm(), 2);
    LayerSample sample = new LayerSample(x, y);
    double share = 1 - error / Math.pow(expected.getFrobeniusNorm(), 2);
    assertEquals(share, value("r2_held_out", sample), 1e-7);
    if (!dependent) {
      assertEquals(1, value("r2", sample));
      assertTrue(reason("r2_adjusted", sample).contains("no degree of freedom"));
    } else {
      assertTrue(value("r2", sample) < 1 - 1e-3);
    }
  }

  @Test
  void whatIsRotatedScaledOrShiftedIsAsAlikeAsBefore() {
    NDArray x = random(50, 8);
    NDArray y = x.maximum(0);
    LayerSample sample = new LayerSample(x, y);
    NDArray rotation = manager.create(matrixOfRotation(8), new Shape(8, 8));
    LayerSample moved = new LayerSample(x.matMul(rotation).mul(1e5).add(3), y.mul(1e-4).sub(1e-3));
    for (String name :
        List.of(
            "linear_cka",
            "linear_cka_debiased",
            "r2",
            "r2_adjusted",
            "r2_held_out",
            "effective_rank_pre",
            "effective_rank_post",
            "participation_ratio_pre",
            "participation_ratio_post")) {
      assertEquals(value(name, sample), value(name, moved), 1e-8, name);
    }
    assertEquals(1, value("linear_cka", new LayerSample(x, x.matMul(rotation))), ROUNDING);
    assertEquals(1, value("r2_held_out", new LayerSample(x, x.matMul(random(8, 3)))), ROUNDING);
  }

  private static double[] matrixOfRotation(int d) {
    Random random = new Random(3);
    RealMatrix any = new Array2DRowRealMatrix(d, d);
    for (int i = 0; i < d * d; i++) {
      any.setEntry(i / d, i % d, random.nextGaussian());
    }
    RealMatrix u = new SingularValueDecomposition(any).getU();
    return Arrays.stream(u.getData()).flatMapToDouble(Arrays::stream).toArray();
  }

  /** Unrelated sides: what is fitted to chance is high, what corrects for it is not. */
  @Test
  void chanceIsTakenOff() {
    LayerSample sample = new LayerSample(random(200, 100), random(200, 100));
    assertTrue(value("linear_cka", sample) > 0.3);
    assertEquals(0, value("linear_cka_debiased", sample), 0.06);
    assertTrue(value("r2", sample) > 0.45);
    assertEquals(0, value("r2_adjusted", sample), 0.06);
    assertTrue(value("r2_held_out", sample) < -0.5);
  }

  @Test
  void theProbeSeesWhatGeneralises() {
    int n = 300;
    List<Integer> labels = new ArrayList<>();
    double[] shifts = new double[n];
    for (int i = 0; i < n; i++) {
      labels.add(i % 3 + 4);
      shifts[i] = 6 * (i % 3 - 1);
    }
    NDArray x =
        random(n, 2)
            .add(manager.create(shifts, new Shape(n, 1)).mul(manager.create(new double[] {1, 0})));
    // The middle class has no linear response of its own on a line; in the square it has.
    NDArray y = x.concat(x.get(":, :1").square().div(6), 1);
    LayerSample sample = new LayerSample(x, y, labels);
    assertTrue(value("linear_probe_pre", sample) < 0.8);
    assertTrue(value("linear_probe_post", sample) > 0.95);
    List<Integer> shuffled = new ArrayList<>(labels);
    Collections.shuffle(shuffled, new Random(5));
    LayerSample wide = new LayerSample(random(n, 400), y, shuffled);
    assertEquals(1.0 / 3, value("linear_probe_pre", wide), 0.17);
    assertEquals(1, value("separability_rest_order0_pre", wide));
  }

  /** Ridge regression on indicators by its normal equations, in both of the forms it has. */
  @ParameterizedTest
  @CsvSource({"150, 6", "40, 60"})
  void theProbeIsRidgeRegressionOnTheClasses(int n, int d) {
    List<Integer> labels = IntStream.range(0, n).mapToObj(i -> i % 3).toList();
    double[] shifts = labels.stream().mapToDouble(label -> 0.8 * label).toArray();
    NDArray x = random(n, d).add(manager.create(shifts, new Shape(n, 1)));
    LayerSample sample = new LayerSample(x, x, labels);
    for (long seed = 0; seed < 6; seed++) {
      ScoreOptions options = new ScoreOptions(Covariance.EMPIRICAL, Ridge.RELATIVE, 0, 0, seed);
      HeldOut split = HeldOut.of(n, seed);
      NDArray train = x.get(manager.create(split.train()));
      NDArray mean = train.mean(new int[] {0});
      RealMatrix inputs = matrix(train.sub(mean));
      RealMatrix targets = new Array2DRowRealMatrix(split.train().length, 3);
      double[] share = new double[3];
      for (int i = 0; i < split.train().length; i++) {
        targets.setEntry(i, split.train()[i] % 3, 1);
        share[split.train()[i] % 3] += 1.0 / split.train().length;
      }
      double penalty = 0.01 * Math.pow(inputs.getFrobeniusNorm(), 2) / d;
      RealMatrix gram = inputs.transpose().multiply(inputs);
      for (int j = 0; j < d; j++) {
        gram.addToEntry(j, j, penalty);
      }
      // Centred inputs: whether the targets are centred, too, makes no difference.
      RealMatrix weights =
          new LUDecomposition(gram).getSolver().solve(inputs.transpose().multiply(targets));
      RealMatrix held = matrix(x.get(manager.create(split.test())).sub(mean)).multiply(weights);
      double right = 0;
      for (int i = 0; i < split.test().length; i++) {
        double[] responses = held.getRow(i);
        int best = 0;
        for (int c = 0; c < 3; c++) {
          best = responses[c] + share[c] > responses[best] + share[best] ? c : best;
        }
        right += best == split.test()[i] % 3 ? 1 : 0;
      }
      assertEquals(right / split.test().length, value("linear_probe_pre", sample, options));
    }
  }

  /** Scatter around the means of classes over that of the means, sample by sample. */
  @Test
  void classScatterIsThatOfTheDefinition() {
    int n = 30;
    NDArray x = random(n, 4);
    double[][] rows = matrix(x).getData();
    double within = 0;
    double between = 0;
    for (int j = 0; j < 4; j++) {
      double[] means = new double[3];
      double mean = 0;
      for (int i = 0; i < n; i++) {
        means[i % 3] += rows[i][j] / 10;
        mean += rows[i][j] / n;
      }
      for (int i = 0; i < n; i++) {
        within += Math.pow(rows[i][j] - means[i % 3], 2);
        between += Math.pow(means[i % 3] - mean, 2);
      }
    }
    List<Integer> labels = IntStream.range(0, n).mapToObj(i -> i % 3).toList();
    LayerSample sample = new LayerSample(x.add(7), x.mul(1e-3), labels);
    assertEquals(within / between, value("class_scatter_ratio_pre", sample), 1e-8);
    assertEquals(within / between, value("class_scatter_ratio_post", sample), 1e-8);
  }

  /** Four points with the same distance from each other: nothing of them is alike but by chance. */
  @Test
  void pointsThatAreAllAsFarApartHaveNoSimilarity() {
    NDArray apart = manager.eye(4).toType(DataType.FLOAT64, true);
    NDArray other = random(4, 3);
    assertTrue(
        reason("linear_cka_debiased", new LayerSample(apart, other))
            .startsWith("4 samples do not tell the similarity of pre with itself"));
    assertTrue(
        reason("linear_cka_debiased", new LayerSample(other, apart))
            .startsWith("4 samples do not tell the similarity of post with itself"));
  }

  @Test
  void sidesWithoutColumnsOrSamplesHaveTheirReason() {
    NDArray none = manager.create(new Shape(12, 0), DataType.FLOAT64);
    assertTrue(reason("entropy_pre", new LayerSample(none, none)).contains("pre has no columns"));
    LayerSample few = new LayerSample(random(3, 2), random(3, 2));
    assertTrue(reason("linear_cka_debiased", few).contains("at least 4, got 3"));
    assertTrue(reason("r2_held_out", few).contains("at least 10, got 3"));
  }

  /** All together is as each alone, and both affinities are there. */
  @Test
  void scoresDoNotDependOnWhatIsComputedWithThem() {
    NDArray x = random(60, 20);
    List<Integer> labels = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      labels.add(i % 4);
    }
    UnitCounts counts = new UnitCounts(1e-3, .1, .2, 20, 3, Score.of(.4));
    LayerSample sample = new LayerSample(x, x.maximum(0), labels, Optional.of(counts));
    Map<String, ScoreFunction.Estimate> all =
        ScoreCatalogue.select(ScoreCatalogue.names(), ScoreOptions.DEFAULTS).estimate(sample);
    assertEquals(ScoreCatalogue.names(), List.copyOf(all.keySet()));
    all.forEach(
        (name, estimate) ->
            assertEquals(
                value(name, sample), estimate.score().number().orElseThrow(), ROUNDING, name));
    ScoreOptions empirical = new ScoreOptions(Covariance.EMPIRICAL, Ridge.RELATIVE, 0, 1e-3, 0);
    assertEquals(
        value("affinity", sample, empirical), value("affinity_empirical", sample), ROUNDING);
    assertTrue(value("affinity", sample) != value("affinity_empirical", sample));
  }

  @Test
  void layersOfDifferentWidthHaveWhatNeedsNoDifference() {
    NDArray x = random(30, 6);
    LayerSample sample = new LayerSample(x, x.get(":, :3").tanh());
    for (String name :
        List.of("affinity", "affinity_empirical", "norm_difference", "norm_difference_relative")) {
      assertTrue(reason(name, sample).contains("equally wide"), name);
    }
    assertTrue(value("linear_cka", sample) > 0.3);
    assertTrue(value("r2", sample) > 0.7);
  }

  /** Whatever the data, every score is a number or a reason. */
  @ParameterizedTest
  @CsvSource({
    "1, 3", "2, 1", "3, 1", "3, 5", "9, 4", "40, 1", "12, 30", "10, 9", "10, 10", "11, 10"
  })
  void hardCasesHaveValuesOrReasons(long n, long d) {
    NDArray x = random(n, d);
    NDArray same = x.get(":1").repeat(0, n);
    NDArray bad = x.duplicate();
    bad.muli(Double.NaN);
    List<Integer> labels = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      labels.add(i % 2);
    }
    for (NDArray pre : List.of(x, same, bad, x.mul(0), x.mul(1e200), x.mul(1e-200))) {
      for (NDArray post : List.of(pre.maximum(0), same, pre.tanh(), bad)) {
        Map<String, ScoreFunction.Estimate> scores =
            ScoreCatalogue.select(ScoreCatalogue.names(), ScoreOptions.DEFAULTS)
                .estimate(new LayerSample(pre, post, labels));
        assertEquals(ScoreCatalogue.names(), List.copyOf(scores.keySet()));
      }
    }
    for (String name : List.of("linear_cka", "r2", "entropy_pre", "effective_rank_pre")) {
      assertTrue(reason(name, new LayerSample(bad, x)).contains(n == 1 ? "" : "pre has"), name);
    }
    assertTrue(
        reason("effective_rank_pre", new LayerSample(same, x))
            .contains(n == 1 ? "at least 2" : "no variance"));
  }

  /** The rows of a layer are the caller's, and so is their manager. */
  @ParameterizedTest
  @CsvSource({"20, 3", "5, 30", "6, 1"})
  void scoresLeaveNothingInTheManagerOfTheRows(long n, long d) {
    try (NDManager owner = manager.newSubManager()) {
      NDArray x = random(n, d);
      NDArray y = random(n, d);
      x.attach(owner);
      y.attach(owner);
      double[] before = x.toDoubleArray();
      List<Integer> labels = IntStream.range(0, Math.toIntExact(n)).mapToObj(i -> i % 2).toList();
      ScoreCatalogue.select(ScoreCatalogue.names(), ScoreOptions.DEFAULTS)
          .estimate(new LayerSample(x, y, labels));
      assertEquals(2, owner.getManagedArrays().size());
      assertArrayEquals(before, x.toDoubleArray());
    }
  }

  @Test
  void optionsAndNamesAreChecked() {
    assertThrows(
        IllegalArgumentException.class,
        () -> new ScoreOptions(Covariance.EMPIRICAL, Ridge.RELATIVE, 1, 0, 0));
    assertThrows(
        IllegalArgumentException.class,
        () -> new ScoreOptions(Covariance.EMPIRICAL, Ridge.RELATIVE, 0, Double.NaN, 0));
    IllegalArgumentException unknown =
        assertThrows(
            IllegalArgumentException.class,
            () -> ScoreCatalogue.select(List.of("beauty"), ScoreOptions.DEFAULTS));
    assertTrue(unknown.getMessage().contains("linear_cka"));
    LayerSample sample = new LayerSample(random(20, 3), random(20, 3));
    ScoreOptions all = new ScoreOptions(Covariance.EMPIRICAL, Ridge.RELATIVE, 0, 100, 0);
    assertEquals(1, value("pooled_sparsity_pre", sample, all));
  }
}
