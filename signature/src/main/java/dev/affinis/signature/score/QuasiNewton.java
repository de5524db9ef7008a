package dev.affinis.signature.score;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;

/**
 * Minimises a smooth function of many variables by the limited-memory BFGS method (Nocedal, Math.
 * of Computation 35, 1980; Nocedal and Wright, "Numerical Optimization", 2006, algorithm 7.5), with
 * steps that are halved until they descend enough.
 *
 * <p>It asks for one value at a time and is told it, so that many of these can go down together,
 * with their functions evaluated at once: evaluate at {@link #trial}, {@link #tell} the result, and
 * so on until it {@link #isDone}.
 */
final class QuasiNewton {
  private static final int MEMORY = 10;
  private static final int MOST_HALVINGS = 25;
  private static final double DESCENT = 1e-4;

  private final int iterations;
  private final double tolerance;
  private final Deque<Step> steps = new ArrayDeque<>();
  private double[] best;
  private double[] trial;
  private double[] gradient;
  private double[] direction;
  private double value;
  private double slope;
  private double length;
  private int taken;
  private int halvings;
  private boolean isDone;

  private record Step(Vector change, Vector slope, double product) {}

  /** An array that a record may hold. */
  private static final class Vector {
    private final double[] values;

    Vector(double[] values) {
      this.values = values;
    }
  }

  /**
   * Prepares the way down.
   *
   * @param start where to start, not modified
   * @param iterations most steps
   * @param tolerance least descent of a step, as a share of the value, that is worth another
   */
  QuasiNewton(double[] start, int iterations, double tolerance) {
    this.iterations = iterations;
    this.tolerance = tolerance;
    best = start;
    trial = start;
  }

  /** Where the function is to be evaluated, not to be modified. */
  double[] trial() {
    return trial;
  }

  /** Where the function is lowest so far, not to be modified. */
  double[] best() {
    return best;
  }

  /** Whether there is nothing to evaluate any more. */
  boolean isDone() {
    return isDone;
  }

  /**
   * Takes the function's value at the trial.
   *
   * @param trialValue the value
   * @param trialGradient its derivatives, kept
   */
  void tell(double trialValue, double[] trialGradient) {
    if (gradient == null) {
      value = trialValue;
      gradient = trialGradient;
      turn();
    } else if (trialValue <= value + DESCENT * length * slope) {
      remember(trialGradient);
      boolean isSmall = value - trialValue <= tolerance * Math.abs(value);
      value = trialValue;
      best = trial;
      gradient = trialGradient;
      taken++;
      if (isSmall) {
        isDone = true;
      } else {
        turn();
      }
    } else if (++halvings < MOST_HALVINGS) {
      length /= 2;
      move();
    } else {
      isDone = true;
    }
  }

  /** Sets out in a new direction. */
  private void turn() {
    direction = descent();
    slope = Products.dot(direction, gradient);
    if (taken == iterations || !(slope < 0)) {
      isDone = true;
      return;
    }
    length = steps.isEmpty() ? firstLength() : 1;
    halvings = 0;
    move();
  }

  private void move() {
    trial = best.clone();
    add(trial, direction, length);
  }

  private double firstLength() {
    double size = Math.sqrt(Products.dot(best, best) / Products.dot(gradient, gradient));
    return size > 0 ? size / 10 : 1;
  }

  private void remember(double[] trialGradient) {
    double[] change = trial.clone();
    add(change, best, -1);
    double[] turned = trialGradient.clone();
    add(turned, gradient, -1);
    double product = Products.dot(change, turned);
    if (product > 1e-12 * Products.dot(turned, turned)) {
      steps.addLast(new Step(new Vector(change), new Vector(turned), product));
      if (steps.size() > MEMORY) {
        steps.removeFirst();
      }
    }
  }

  /** The two loops of L-BFGS. */
  private double[] descent() {
    double[] q = gradient.clone();
    double[] weights = new double[steps.size()];
    int i = 0;
    for (Iterator<Step> newest = steps.descendingIterator(); newest.hasNext(); i++) {
      Step step = newest.next();
      weights[i] = Products.dot(step.change().values, q) / step.product();
      add(q, step.slope().values, -weights[i]);
    }
    if (!steps.isEmpty()) {
      double[] last = steps.getLast().slope().values;
      scale(q, steps.getLast().product() / Products.dot(last, last));
    }
    for (Step step : steps) {
      i--;
      double weight = Products.dot(step.slope().values, q) / step.product();
      add(q, step.change().values, weights[i] - weight);
    }
    scale(q, -1);
    return q;
  }

  private static void add(double[] a, double[] b, double factor) {
    for (int i = 0; i < a.length; i++) {
      a[i] += factor * b[i];
    }
  }

  private static void scale(double[] a, double factor) {
    for (int i = 0; i < a.length; i++) {
      a[i] *= factor;
    }
  }
}
