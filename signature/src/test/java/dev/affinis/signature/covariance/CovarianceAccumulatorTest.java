package dev.affinis.signature.covariance;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Against the estimate from all samples at once. */
class CovarianceAccumulatorTest {
  private static final double ROUNDING = 1e-11;

  private NDManager manager;

  @BeforeEach
  void open() {
    manager = NDManager.newBaseManager(Device.cpu(), "PyTorch");
  }

  @AfterEach
  void close() {
    manager.close();
  }

  /** Fewer samples than columns, more, one column, more columns than one block holds. */
  @ParameterizedTest
  @CsvSource({
    "40, 7, 1",
    "40, 7, 3",
    "40, 7, 40",
    "9, 20, 2",
    "30, 1, 4",
    "25, 600, 10",
    "2, 3, 1"
  })
  void batchesGiveTheEstimateOfTheWhole(int n, int d, int batch) {
    NDArray x = skewed(n, d, 1);
    try (CovarianceAccumulator parts = inBatches(x, batch)) {
      requireEstimate(x, parts, ROUNDING);
      assertArrayEquals(x.mean(new int[] {0}).toDoubleArray(), parts.mean(), ROUNDING);
    }
  }

  @Test
  void theOrderOfSamplesAndTheSplitChangeNothingButRounding() {
    NDArray x = skewed(60, 5, 2);
    NDArray order = manager.create(new Random(4).ints(0, 1 << 30).limit(60).toArray()).argSort();
    try (CovarianceAccumulator left = inBatches(x.get("0:13"), 4);
        CovarianceAccumulator middle = inBatches(x.get("13:14"), 1);
        CovarianceAccumulator right = inBatches(x.get("14:"), 46);
        CovarianceAccumulator shuffled = inBatches(x.get(order), 7);
        CovarianceAccumulator empty = new CovarianceAccumulator(5, Device.cpu())) {
      requireEstimate(x, shuffled, ROUNDING);
      middle.merge(right);
      empty.merge(left);
      middle.merge(new CovarianceAccumulator(5, Device.cpu()));
      empty.merge(middle);
      requireEstimate(x, empty, ROUNDING);
      assertEquals(60, empty.count());
      assertEquals(47, middle.count());
    }
  }

  @Test
  void mergingItselfCountsEverySampleTwice() {
    NDArray x = skewed(12, 4, 3);
    try (CovarianceAccumulator twice = inBatches(x, 5)) {
      twice.merge(twice);
      requireEstimate(x.concat(x, 0), twice, ROUNDING);
    }
  }

  /** Naive sums of fourth powers would have no digit left: (1e6)^4 against 1. */
  @ParameterizedTest
  @ValueSource(doubles = {1e3, -1e6})
  void anOffsetCostsNoDigitsBeyondThoseOfTheSamples(double offset) {
    NDArray x = skewed(50, 6, 4);
    NDArray far = x.add(offset);
    try (CovarianceAccumulator parts = inBatches(far, 8)) {
      requireEstimate(x, parts, 1e-15 * Math.abs(offset) * 100);
    }
  }

  /** The mean wanders from batch to batch, far compared to the spread within each. */
  @Test
  void batchesThatLieFarApartAreFine() {
    NDArray x = skewed(64, 3, 5).concat(skewed(64, 3, 6).add(1e4), 0).concat(skewed(8, 3, 7), 0);
    try (CovarianceAccumulator parts = inBatches(x, 16)) {
      requireEstimate(x, parts, ROUNDING);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DataType.class,
      names = {"FLOAT16", "FLOAT32"})
  void takesAnyFloatTypeAndLeavesItUnchanged(DataType type) {
    NDArray x = skewed(30, 4, 8).toType(type, true);
    NDArray exact = x.toType(DataType.FLOAT64, true);
    try (CovarianceAccumulator parts = inBatches(x, 11)) {
      requireEstimate(exact, parts, ROUNDING);
      parts.add(x);
    }
    assertArrayEquals(exact.toDoubleArray(), x.toType(DataType.FLOAT64, true).toDoubleArray());
  }

  @Test
  void leavesDoublesUnchangedAndOpen() {
    NDArray x = skewed(30, 4, 8);
    double[] before = x.toDoubleArray();
    try (CovarianceAccumulator parts = new CovarianceAccumulator(4, Device.cpu())) {
      parts.add(x);
    }
    assertArrayEquals(before, x.toDoubleArray());
    assertSame(manager, x.getManager());
  }

  @Test
  void saysWhatIsWrong() {
    try (CovarianceAccumulator parts = new CovarianceAccumulator(3, Device.cpu());
        CovarianceAccumulator other = new CovarianceAccumulator(4, Device.cpu())) {
      parts.add(manager.zeros(new Shape(0, 3)));
      parts.add(manager.ones(new Shape(1, 3)));
      assertEquals(1, parts.count());
      String few =
          assertThrows(IllegalStateException.class, () -> parts.estimate(Covariance.LEDOIT_WOLF))
              .getMessage();
      assertTrue(few.startsWith("samples must be at least 2, got 1"), few);
      NDArray wide = manager.ones(new Shape(2, 4));
      NDArray integers = manager.ones(new Shape(2, 3), DataType.INT32);
      assertThrows(IllegalArgumentException.class, () -> parts.add(wide));
      assertThrows(IllegalArgumentException.class, () -> parts.add(integers));
      assertThrows(IllegalArgumentException.class, () -> parts.merge(other));
    }
    assertThrows(IllegalArgumentException.class, () -> new CovarianceAccumulator(0, Device.cpu()));
  }

  @Test
  void closingFreesTheSums() {
    CovarianceAccumulator parts = inBatches(skewed(6, 2, 9), 3);
    parts.close();
    assertThrows(IllegalStateException.class, parts::count);
  }

  @Test
  void valuesThatAreNotFiniteMakeTheEstimateNaN() {
    try (CovarianceAccumulator parts = new CovarianceAccumulator(2, Device.cpu())) {
      parts.add(manager.create(new float[] {1, 2, Float.NaN, 3, 5, 8}, new Shape(3, 2)));
      assertTrue(Double.isNaN(parts.estimate(Covariance.LEDOIT_WOLF).trace()));
    }
  }

  private void requireEstimate(NDArray x, CovarianceAccumulator parts, double agreement) {
    NDArray mean = x.mean(new int[] {0});
    NDArray centred = x.sub(mean);
    assertEquals(x.getShape().get(0), parts.count());
    for (Covariance covariance : Covariance.values()) {
      CovarianceEstimate expected = covariance.estimate(centred);
      CovarianceEstimate found = parts.estimate(covariance);
      assertEquals(expected.trace(), found.trace(), agreement * expected.trace());
      assertEquals(expected.weight(), found.weight(), agreement * expected.weight() * 10);
      assertEquals(expected.diagonal(), found.diagonal(), agreement * expected.trace());
    }
    double[] gram = centred.transpose().matMul(centred).toDoubleArray();
    double trace = Covariance.EMPIRICAL.estimate(centred).trace() * parts.count();
    assertArrayEquals(gram, parts.scatter(manager).toDoubleArray(), agreement * trace);
  }

  private CovarianceAccumulator inBatches(NDArray x, int batch) {
    long n = x.getShape().get(0);
    CovarianceAccumulator parts = new CovarianceAccumulator(x.getShape().get(1), Device.cpu());
    for (long from = 0; from < n; from += batch) {
      parts.add(x.get(from + ":" + Math.min(n, from + batch)));
    }
    return parts;
  }

  /** Squares of Gaussian numbers: third moments that matter. */
  private NDArray skewed(int n, int d, long seed) {
    Random random = new Random(seed);
    double[] values = new double[n * d];
    for (int i = 0; i < values.length; i++) {
      double g = random.nextGaussian();
      values[i] = g * g * (1 + i % d % 3);
    }
    return manager.create(values, new Shape(n, d));
  }
}
