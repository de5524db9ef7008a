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
    "1, 1, 10",
    "0.1, 0.11, 10",
    "1, 25, 10",
    "1e-30, 1e-26, 20",
    "3e20, 3e28, 35",
    "1e-12, 1, 50",
    "1e-6, 1e10, 65",
  })
  void isExactToItsAccuracyOnTheWholeInterval(double least, double largest, int mostTerms) {
    RationalInverseRoot root = new RationalInverseRoot(least, largest);
    assertTrue(root.shifts().length <= mostTerms, root.shifts().length + " terms");
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
