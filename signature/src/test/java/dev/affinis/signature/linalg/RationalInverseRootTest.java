package dev.affinis.signature.linalg;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.DoubleStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RationalInverseRootTest {
  private static final int POINTS = 2000;

  @ParameterizedTest
  @CsvSource({
    "1, 1, 4",
    "0.1, 0.11, 4",
    "1, 25, 8",
    "1e-30, 1e-26, 15",
    "3e20, 3e28, 27",
    "1e-12, 1, 38",
    "1e-6, 1e10, 49",
  })
  void isExactToItsAccuracyOnTheWholeInterval(double least, double largest, int terms) {
    RationalInverseRoot root = new RationalInverseRoot(least, largest);
    assertEquals(
        terms, root.shifts().length, "4 exp(-2 pi N K / K') is below the accuracy from here on");
    assertTrue(DoubleStream.of(root.shifts()).allMatch(s -> s > 0 && Double.isFinite(s)));
    assertTrue(DoubleStream.of(root.weights()).allMatch(w -> w > 0 && Double.isFinite(w)));
    for (int i = 0; i <= POINTS; i++) {
      double x = least * Math.pow(largest / least, (double) i / POINTS);
      assertEquals(1, valueAt(x, root) * Math.sqrt(x), 1.5 * RationalInverseRoot.ACCURACY);
    }
  }

  private static double valueAt(double x, RationalInverseRoot root) {
    double sum = 0;
    for (int j = 0; j < root.shifts().length; j++) {
      sum += root.weights()[j] / (x + root.shifts()[j]);
    }
    return sum;
  }
}
