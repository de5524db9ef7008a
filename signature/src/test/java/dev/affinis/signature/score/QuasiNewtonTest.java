package dev.affinis.signature.score;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.apache.commons.math3.linear.ArrayRealVector;
import org.apache.commons.math3.linear.MatrixUtils;
import org.apache.commons.math3.linear.RealMatrix;
import org.apache.commons.math3.linear.RealVector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Against inverse Hessians written out as matrices, and what it says of when it stops. */
class QuasiNewtonTest {
  /** What rounding makes of one step, as a share, and of points near 1. */
  private static final double ROUNDING = 1e-7;

  private static final double OF_POINTS = 1e-14;

  private static final int MEMORY = 10;
  private static final double DESCENT = 1e-4;

  /** Value of the function of Rosenbrock in many variables; its minimum is 0, at ones. */
  private static double valley(double[] x) {
    double sum = 0;
    for (int i = 0; i + 1 < x.length; i++) {
      sum += 100 * Math.pow(x[i + 1] - x[i] * x[i], 2) + Math.pow(1 - x[i], 2);
    }
    return sum;
  }

  private static double[] valleySlope(double[] x) {
    double[] slope = new double[x.length];
    for (int i = 0; i + 1 < x.length; i++) {
      double off = x[i + 1] - x[i] * x[i];
      slope[i] -= 400 * x[i] * off + 2 * (1 - x[i]);
      slope[i + 1] += 200 * off;
    }
    return slope;
  }

  /** One step: how the point changed, and how the gradient did. */
  private static final class Pair {
    private final RealVector change;
    private final RealVector turn;

    Pair(RealVector change, RealVector turn) {
      this.change = change;
      this.turn = turn;
    }

    double product() {
      return change.dotProduct(turn);
    }
  }

  /** Less H g, H the inverse Hessian of BFGS by its last few steps from a multiple of I. */
  private static RealVector descent(List<Pair> steps, RealVector gradient) {
    int d = gradient.getDimension();
    RealMatrix inverse = MatrixUtils.createRealIdentityMatrix(d);
    if (!steps.isEmpty()) {
      Pair last = steps.get(steps.size() - 1);
      inverse = inverse.scalarMultiply(last.product() / last.turn.dotProduct(last.turn));
    }
    for (Pair step : steps.subList(Math.max(0, steps.size() - MEMORY), steps.size())) {
      RealMatrix left =
          MatrixUtils.createRealIdentityMatrix(d)
              .subtract(step.change.outerProduct(step.turn).scalarMultiply(1 / step.product()));
      inverse =
          left.multiply(inverse)
              .multiply(left.transpose())
              .add(step.change.outerProduct(step.change).scalarMultiply(1 / step.product()));
    }
    return inverse.operate(gradient).mapMultiply(-1);
  }

  /** Each trial is where the matrices say, at a length that is halved until that descends. */
  @ParameterizedTest
  @ValueSource(ints = {2, 4, 14})
  void stepsAreThoseOfTheMatrices(int d) {
    double[] start = new double[d];
    for (int i = 0; i < d; i++) {
      start[i] = i % 2 == 0 ? -1.2 : 1;
    }
    QuasiNewton newton = new QuasiNewton(start, 500, 1e-12);
    assertSame(start, newton.trial());
    List<Pair> steps = new ArrayList<>();
    double[] best = start;
    double value = valley(best);
    RealVector gradient = new ArrayRealVector(valleySlope(best));
    newton.tell(value, gradient.toArray());
    RealVector descent = descent(steps, gradient);
    double length = new ArrayRealVector(start).getNorm() / gradient.getNorm() / 10;
    int refused = 0;
    while (!newton.isDone()) {
      RealVector move = new ArrayRealVector(newton.trial()).subtract(new ArrayRealVector(best));
      RealVector expected = descent.mapMultiply(length);
      assertEquals(0, move.getDistance(expected), ROUNDING * expected.getNorm() + OF_POINTS);
      assertSame(best, newton.best());
      double[] trial = newton.trial();
      double trialValue = valley(trial);
      RealVector trialGradient = new ArrayRealVector(valleySlope(trial));
      newton.tell(trialValue, trialGradient.toArray());
      if (trialValue <= value + DESCENT * length * descent.dotProduct(gradient)) {
        Pair step = new Pair(move, trialGradient.subtract(gradient));
        if (step.product() > 0) {
          steps.add(step);
        }
        best = trial;
        value = trialValue;
        gradient = trialGradient;
        descent = descent(steps, gradient);
        length = 1;
      } else {
        refused++;
        length /= 2;
      }
    }
    assertTrue(refused > 2 && steps.size() > MEMORY + 5, refused + " " + steps.size());
    for (double x : newton.best()) {
      assertEquals(1, x, 1e-4);
    }
  }

  /** A bowl has its minimum in closed form: no gradient there. */
  @Test
  void aBowlIsDescendedToItsBottom() {
    double[] widths = {1, 4, 9, 0.25, 30};
    double[] bottom = {3, -1, 0.5, 8, 1};
    QuasiNewton newton = new QuasiNewton(new double[5], 100, 1e-14);
    int evaluations = 0;
    for (; !newton.isDone(); evaluations++) {
      double[] x = newton.trial();
      double value = 1;
      double[] gradient = new double[5];
      for (int i = 0; i < 5; i++) {
        double off = x[i] - bottom[i];
        value += widths[i] * off * off / 2;
        gradient[i] = widths[i] * off;
      }
      newton.tell(value, gradient);
    }
    assertArrayEquals(bottom, newton.best(), 1e-6);
    assertTrue(evaluations < 40, evaluations + " evaluations");
  }

  /** From the origin there is no scale to go by: the whole gradient is one step. */
  @Test
  void theFirstStepIsATenthOfTheWayFromTheOriginOrTheGradient() {
    QuasiNewton far = new QuasiNewton(new double[] {30, 40}, 5, 0);
    far.tell(1, new double[] {0, 2});
    assertArrayEquals(new double[] {30, 35}, far.trial(), 1e-12);
    QuasiNewton origin = new QuasiNewton(new double[2], 5, 0);
    origin.tell(1, new double[] {3, 2});
    assertArrayEquals(new double[] {-3, -2}, origin.trial());
  }

  /** The least descent is 1e-4 of what the slope promises; what has just that is taken. */
  @Test
  void aStepIsTakenFromTheLeastDescentOn() {
    double least = 1 + DESCENT * 1.0 * -4.0;
    QuasiNewton enough = atOrigin();
    enough.tell(least, new double[] {1});
    assertArrayEquals(new double[] {-2}, enough.best());
    QuasiNewton tooLittle = atOrigin();
    tooLittle.tell(Math.nextUp(least), new double[] {1});
    assertArrayEquals(new double[] {0}, tooLittle.best());
    assertArrayEquals(new double[] {-1}, tooLittle.trial());
    // Half the way need descend half as much.
    double half = 1 + DESCENT * 0.5 * -4.0;
    tooLittle.tell(half, new double[] {1});
    assertArrayEquals(new double[] {-1}, tooLittle.best());
  }

  /** Value 1 and derivative 2 at 0, so that the first trial is at -2. */
  private static QuasiNewton atOrigin() {
    QuasiNewton newton = new QuasiNewton(new double[1], 5, 1e-9);
    newton.tell(1, new double[] {2});
    assertArrayEquals(new double[] {-2}, newton.trial());
    return newton;
  }

  @Test
  void whatNeverDescendsIsGivenUpAfter25Trials() {
    QuasiNewton newton = atOrigin();
    for (int halvings = 0; halvings < 25; halvings++) {
      assertFalse(newton.isDone());
      assertArrayEquals(new double[] {-2 * Math.pow(0.5, halvings)}, newton.trial());
      newton.tell(1.5, new double[] {-7});
    }
    assertTrue(newton.isDone());
    assertArrayEquals(new double[] {0}, newton.best());
  }

  /** Each direction has its own 25 trials. */
  @Test
  void refusalsAreForgottenWithTheNextDirection() {
    QuasiNewton newton = atOrigin();
    for (int i = 0; i < 20; i++) {
      newton.tell(2, new double[] {2});
    }
    newton.tell(0.5, new double[] {1});
    for (int i = 0; i < 24; i++) {
      newton.tell(2, new double[] {2});
      assertFalse(newton.isDone());
    }
    newton.tell(2, new double[] {2});
    assertTrue(newton.isDone());
  }

  @ParameterizedTest
  @CsvSource({"0.5, true", "0.5000001, false", "-0.5, false"})
  void aDescentOfTheToleranceIsTheLast(double value, boolean isLast) {
    QuasiNewton newton = new QuasiNewton(new double[1], 5, 0.5);
    newton.tell(1, new double[] {2});
    newton.tell(value, new double[] {1});
    // A small step counts, though none follows.
    assertArrayEquals(new double[] {-2}, newton.best());
    assertEquals(isLast || value > 0.5, newton.isDone());
  }

  /** The tolerance is a share of the value's magnitude, of negative values too. */
  @Test
  void toleranceIsRelative() {
    QuasiNewton newton = new QuasiNewton(new double[1], 5, 0.01);
    newton.tell(-1000, new double[] {2});
    newton.tell(-1009, new double[] {1});
    assertTrue(newton.isDone());
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3})
  void noMoreStepsAreTakenThanAsked(int most) {
    QuasiNewton newton = new QuasiNewton(new double[] {16}, most, 0);
    int steps = 0;
    newton.tell(Math.exp(16), new double[] {Math.exp(16)});
    while (!newton.isDone()) {
      double x = newton.trial()[0];
      newton.tell(Math.exp(x), new double[] {Math.exp(x)});
      if (newton.best()[0] == x) {
        steps++;
      }
    }
    assertEquals(most, steps);
    assertTrue(most == 0 || newton.best()[0] < 16);
  }

  @Test
  void nothingIsTriedWithoutASlope() {
    for (double none : new double[] {0, Double.NaN}) {
      QuasiNewton newton = new QuasiNewton(new double[] {1, 2}, 5, 0);
      assertFalse(newton.isDone());
      newton.tell(1, new double[] {none, 0});
      assertTrue(newton.isDone());
      assertArrayEquals(new double[] {1, 2}, newton.best());
    }
  }

  /** Along a straight line, or one that curves down, the Hessian learns nothing. */
  @ParameterizedTest
  @ValueSource(doubles = {2, 3})
  void curvatureThatIsNotPositiveIsNotRemembered(double next) {
    QuasiNewton newton = atOrigin();
    newton.tell(-3, new double[] {next});
    assertFalse(newton.isDone());
    // The gradient alone, a tenth of the way from the origin.
    assertArrayEquals(new double[] {-2.2}, newton.trial(), 1e-12);
  }
}
