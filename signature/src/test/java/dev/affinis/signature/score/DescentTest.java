package dev.affinis.signature.score;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.apache.commons.math3.stat.regression.OLSMultipleLinearRegression;
import org.junit.jupiter.api.Test;

/** Least squares of projections, whose minimum Apache Commons Math 3 gives. */
class DescentTest {
  private static final double[] HERE = {1, -2, 0.5};
  private final double[][] samples = new double[12][3];
  private final double[] first = new double[12];
  private final double[] second = new double[12];
  private final List<double[]> starts = new ArrayList<>();

  DescentTest() {
    Random random = new Random(2);
    for (int i = 0; i < samples.length; i++) {
      Arrays.setAll(samples[i], j -> (j + 1) * random.nextGaussian());
      first[i] = 5 * random.nextGaussian();
      second[i] = 5 * random.nextGaussian();
    }
  }

  /** Half the squares of projections less targets, of variables that are a third of w. */
  private static final class Squares extends Descent.Loss {
    private final double[] targets;
    private final boolean sorts;
    private final double slopeSign;

    Squares(double[] from, double[] targets, int steps, boolean sorts, double slopeSign) {
      super(Arrays.stream(from).map(x -> x / 3).toArray(), steps, 1e-15);
      this.targets = targets;
      this.sorts = sorts;
      this.slopeSign = slopeSign;
    }

    @Override
    boolean sorts() {
      return sorts && super.sorts();
    }

    @Override
    double[] direction(double[] variables) {
      return Arrays.stream(variables).map(x -> 3 * x).toArray();
    }

    @Override
    double at(double[] variables, double[] values, Projections projections, double[] slopes) {
      double sum = 0;
      for (int i = 0; i < values.length; i++) {
        slopes[i] = values[i] - targets[i];
        sum += slopes[i] * slopes[i] / 2;
      }
      return sum;
    }

    @Override
    double[] gradient(double[] variables, double[] slope) {
      return Arrays.stream(slope).map(x -> 3 * slopeSign * x).toArray();
    }
  }

  private Function<double[], Descent.Loss> stage(double[] targets, int steps) {
    return from -> {
      starts.add(from);
      return new Squares(from, targets, steps, true, 1);
    };
  }

  private double[] projections(double[] w) {
    return Arrays.stream(samples).mapToDouble(sample -> Products.dot(sample, w)).toArray();
  }

  /** Evaluates once: projections, their slopes, and the derivative by w. */
  private void follow(Descent descent) {
    double[] slopes = descent.slopes(projections(descent.direction()), null);
    double[] slope = new double[3];
    for (int i = 0; i < samples.length; i++) {
      for (int j = 0; j < slope.length; j++) {
        slope[j] += slopes[i] * samples[i][j];
      }
    }
    descent.follow(slope);
  }

  private double[] leastSquares(double[] targets) {
    OLSMultipleLinearRegression fit = new OLSMultipleLinearRegression();
    fit.setNoIntercept(true);
    fit.newSampleData(targets, samples);
    return fit.estimateRegressionParameters();
  }

  @Test
  void eachLossStartsWhereTheOneBeforeEnded() {
    double[] start = HERE.clone();
    Descent descent =
        new Descent(start, List.of(stage(first, 200), stage(second, 200), stage(first, 0)));
    assertArrayEquals(HERE, descent.direction(), 1e-15);
    while (!descent.isDone()) {
      follow(descent);
    }
    assertEquals(3, starts.size());
    assertArrayEquals(HERE, starts.get(0));
    assertArrayEquals(leastSquares(first), starts.get(1), 1e-6);
    assertArrayEquals(leastSquares(second), starts.get(2), 1e-6);
    assertArrayEquals(HERE, start);
  }

  /** A loss of no steps is evaluated once, where the one before ended. */
  @Test
  void aLossOfNoStepsIsEvaluatedOnce() {
    Descent descent = new Descent(HERE, List.of(stage(first, 0), stage(second, 1)));
    follow(descent);
    assertEquals(2, starts.size());
    assertArrayEquals(HERE, descent.direction(), 1e-15);
    follow(descent);
    // Now there is a step down, along the gradient of the second.
    assertFalse(descent.isDone());
    double[] residuals = projections(HERE);
    Arrays.setAll(residuals, i -> residuals[i] - second[i]);
    double before = Products.dot(residuals, residuals);
    double[] after = projections(descent.direction());
    Arrays.setAll(after, i -> after[i] - second[i]);
    assertTrue(Products.dot(after, after) < before);
    follow(descent);
    assertTrue(descent.isDone());
  }

  /** What was tried in vain is not where the next loss starts. */
  @Test
  void theNextLossStartsAtTheBestNotTheLast() {
    Descent descent =
        new Descent(HERE, List.of(from -> new Squares(from, first, 9, true, -1), stage(second, 9)));
    while (starts.isEmpty()) {
      follow(descent);
    }
    assertArrayEquals(HERE, starts.get(0), 1e-15);
    assertArrayEquals(HERE, descent.direction(), 1e-15);
  }

  @Test
  void itSortsAsItsLossDoes() {
    Descent descent =
        new Descent(
            HERE,
            List.of(
                from -> new Squares(from, first, 0, false, 1),
                from -> new Squares(from, first, 0, true, 1)));
    assertFalse(descent.sorts());
    follow(descent);
    assertTrue(descent.sorts());
  }

  @Test
  void slopesAreThoseOfTheLossInANewArray() {
    Descent descent = new Descent(HERE, List.of(stage(first, 5)));
    double[] values = projections(HERE);
    double[] slopes = descent.slopes(values, null);
    assertEquals(12, slopes.length);
    for (int i = 0; i < slopes.length; i++) {
      assertEquals(values[i] - first[i], slopes[i], 1e-15);
    }
    assertNotSame(slopes, descent.slopes(values, null));
  }

  @Test
  void withoutLossesThereIsNothingToDo() {
    assertTrue(new Descent(HERE, List.of()).isDone());
  }
}
