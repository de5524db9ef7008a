package dev.affinis.signature.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.affinis.signature.Score;
import dev.affinis.signature.compare.Correlation.Method;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CorrelationTest {
  private static final double[] X = {1, 2, 3, 4, 5, 6, 7};
  private static final double[] Y = {.489, .44, .495, .529, .557, .594, .548};

  /** SciPy 1.10.1, pearsonr with its confidence_interval, and spearmanr. */
  @Test
  void agreesWithScipy() {
    Correlation pearson = Correlation.of(Method.PEARSON, X, Y);
    assertEquals(.8256549690275282, value(pearson), 1e-14);
    assertEquals(.19193645278776003, pearson.interval().orElseThrow().low(), 1e-12);
    assertEquals(.9734529598851581, pearson.interval().orElseThrow().high(), 1e-12);
    assertEquals(.8571428571428573, value(Correlation.of(Method.SPEARMAN, X, Y)), 1e-14);
    double[] ties = {1, 2, 2, 3, 4, 4, 9};
    assertEquals(.8183170883849716, value(Correlation.of(Method.SPEARMAN, ties, Y)), 1e-14);
  }

  @Test
  void intervalsHoldTheTruthAsOftenAsTheySay() {
    Random random = new Random(11);
    for (Method method : Method.values()) {
      int held = 0;
      for (int run = 0; run < 2000; run++) {
        double[] x = new double[30];
        double[] y = new double[30];
        for (int i = 0; i < 30; i++) {
          x[i] = random.nextGaussian();
          y[i] = .6 * x[i] + .8 * random.nextGaussian();
        }
        double truth = method == Method.PEARSON ? .6 : 6 / Math.PI * Math.asin(.3);
        Correlation.Interval interval = Correlation.of(method, x, y).interval().orElseThrow();
        held += interval.low() <= truth && truth <= interval.high() ? 1 : 0;
      }
      assertEquals(1900, held, 40, method + " held");
    }
  }

  @Test
  void perfectRelationsAreAtTheEnds() {
    double[] falling = {7, 6, 5, 4, 3, 2, 1};
    Correlation correlation = Correlation.of(Method.PEARSON, X, falling);
    assertEquals(-1, value(correlation), 1e-15);
    assertEquals(-1, correlation.interval().orElseThrow().high(), 1e-6);
  }

  @Test
  void tooFewPairsAndConstantColumnsHaveAReason() {
    assertEquals(
        "a correlation needs at least 3 pairs, got 2",
        reason(Correlation.of(Method.PEARSON, new double[] {1, 2}, new double[] {1, 2})));
    assertEquals(
        "all 7 values of one column are the same",
        reason(Correlation.of(Method.SPEARMAN, X, new double[7])));
    double[] three = {1, 2, 4};
    Correlation few = Correlation.of(Method.PEARSON, three, new double[] {1, 3, 2});
    assertEquals(Math.sqrt(3 / 28.0), value(few), 1e-14);
    assertTrue(few.interval().isEmpty());
    double[] four = {1, 2, 4, 3};
    assertTrue(
        Correlation.of(Method.PEARSON, four, new double[] {1, 3, 2, 9}).interval().isPresent());
  }

  @Test
  void unlikeLengthsAndNumbersThatAreNoneAreRefused() {
    assertThrows(
        IllegalArgumentException.class, () -> Correlation.of(Method.PEARSON, X, new double[3]));
    double[] nan = X.clone();
    nan[2] = Double.NaN;
    for (double[][] columns : new double[][][] {{nan, Y}, {Y, nan}}) {
      String message =
          assertThrows(
                  IllegalArgumentException.class,
                  () -> Correlation.of(Method.PEARSON, columns[0], columns[1]))
              .getMessage();
      assertEquals("columns must be finite, got NaN", message);
    }
  }

  private static double value(Correlation correlation) {
    return correlation.coefficient().number().orElseThrow();
  }

  private static String reason(Correlation correlation) {
    Score score = correlation.coefficient();
    return score.map(number -> "none, but " + number, reason -> reason);
  }
}
