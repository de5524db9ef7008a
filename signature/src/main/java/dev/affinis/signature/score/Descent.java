package dev.affinis.signature.score;

import java.util.Iterator;
import java.util.List;
import java.util.function.Function;

/**
 * A way down to a direction w by one loss after the other, each from where the one before ended.
 * Losses are functions of the samples' projections to w, which are computed for many descents at
 * once: take {@link #direction}, give {@link #slopes} the projections along it, give {@link
 * #follow} the loss's derivative by w, and so on until it {@link #isDone}.
 */
final class Descent {
  private final Iterator<Function<double[], Loss>> stages;
  private Loss loss;
  private QuasiNewton newton;
  private double[] direction;
  private double value;

  /** A function of w, by way of the projections of two classes. */
  abstract static class Loss {
    private final double[] start;
    private final int steps;
    private final double tolerance;

    /**
     * Prepares a loss.
     *
     * @param start its variables where it starts
     * @param steps most steps down
     * @param tolerance least descent of a step as a share of the loss
     */
    Loss(double[] start, int steps, double tolerance) {
      this.start = start;
      this.steps = steps;
      this.tolerance = tolerance;
    }

    /** Whether it needs projections sorted, and its directions are worth it. */
    boolean sorts() {
      return true;
    }

    /** The direction that variables stand for, a new array. */
    abstract double[] direction(double[] variables);

    /**
     * Evaluates it.
     *
     * @param values projections of one class, then those of the other
     * @param projections the same, sorted; null if this does not {@link #sorts}
     * @param slopes receives the derivative by each projection
     */
    abstract double at(
        double[] variables, double[] values, Projections projections, double[] slopes);

    /** The derivative by the variables, from that by w, which may be overwritten. */
    abstract double[] gradient(double[] variables, double[] slope);
  }

  /**
   * Sets out.
   *
   * @param start the first direction, not modified
   * @param stages make the losses, each from the direction that it starts with
   */
  Descent(double[] start, List<Function<double[], Loss>> stages) {
    this.stages = stages.iterator();
    next(start);
  }

  boolean isDone() {
    return loss == null;
  }

  /** Along which samples are to be projected next; not to be modified. */
  double[] direction() {
    return direction;
  }

  /** Whether {@link #slopes} takes sorted projections. */
  boolean sorts() {
    return loss.sorts();
  }

  /** The derivative of the loss by each projection, a new array. */
  double[] slopes(double[] values, Projections projections) {
    double[] slopes = new double[values.length];
    value = loss.at(newton.trial(), values, projections, slopes);
    return slopes;
  }

  /**
   * Goes on.
   *
   * @param slope derivative by w of what has those slopes, overwritten
   */
  void follow(double[] slope) {
    newton.tell(value, loss.gradient(newton.trial(), slope));
    if (newton.isDone()) {
      next(loss.direction(newton.best()));
    } else {
      direction = loss.direction(newton.trial());
    }
  }

  private void next(double[] from) {
    if (stages.hasNext()) {
      loss = stages.next().apply(from);
      newton = new QuasiNewton(loss.start, loss.steps, loss.tolerance);
      direction = loss.direction(newton.trial());
    } else {
      loss = null;
    }
  }
}
