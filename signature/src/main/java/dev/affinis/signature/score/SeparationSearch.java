package dev.affinis.signature.score;

import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * The search for directions w that tell two classes apart best, orders 0 and 1 of {@link
 * LinearSeparability}. Every w that is tried counts, by its exact order 0 and 1.
 *
 * <ol>
 *   <li>Directions that are known from closed forms.
 *   <li>A squared hinge loss of small ridge. If the classes are separable its minimum separates
 *       them, and there is nothing left to do.
 *   <li>Order 1 is {@code w'm / E|w'm|} for the mean m: a convex problem on the plane w'm = 1,
 *       solved with the magnitude made smooth ever closer to 0, so its maximum is found.
 *   <li>Order 0 has many local maxima. The step is made a ramp of shrinking width, from the best
 *       directions so far and, in up to 8 dimensions, from some drawn at random. It is a lower
 *       bound of the true maximum.
 * </ol>
 */
final class SeparationSearch {
  private static final double RIDGE = 1e-9;
  private static final int HINGE_STEPS = 200;
  private static final double[] WIDTHS = {1, 0.3, 0.1, 0.03, 0.01, 0.003};
  private static final int STEPS = 40;
  private static final double TOLERANCE = 1e-7;
  private static final int SMALL = 8;
  private static final int RANDOM_STARTS = 24;

  private final double[][] a;
  private final double[][] b;
  private final double[] mean;
  private final int dimension;
  private double order0;
  private double order1;
  private double[] best0;
  private double[] best1;

  /**
   * Prepares a search.
   *
   * @param a rows of one class, of about unit variance in every direction, not modified
   * @param b rows of the other class
   */
  SeparationSearch(double[][] a, double[][] b) {
    this.a = a;
    this.b = b;
    dimension = a[0].length;
    double[] ofA = mean(a);
    double[] ofB = mean(b);
    mean = new double[dimension];
    for (int j = 0; j < dimension; j++) {
      mean[j] = ofA[j] - ofB[j];
    }
    best0 = mean;
    best1 = mean;
  }

  double order0() {
    return order0;
  }

  double order1() {
    return order1;
  }

  /** Runs all steps. */
  void run(List<double[]> starts, RandomGenerator random) {
    starts.forEach(w -> note(w, project(a, w), project(b, w)));
    if (isSeparated()) {
      return;
    }
    QuasiNewton.minimise(new Hinge(), new double[dimension + 1], HINGE_STEPS, TOLERANCE);
    if (isSeparated()) {
      return;
    }
    searchOrder1();
    searchOrder0(best0);
    searchOrder0(best1);
    if (dimension <= SMALL) {
      for (int i = 0; i < RANDOM_STARTS; i++) {
        searchOrder0(random.doubles(dimension, -1, 1).toArray());
      }
    }
  }

  private boolean isSeparated() {
    return order0 == 1;
  }

  /** Notes what a direction is good for. */
  private Projections note(double[] w, double[] ofA, double[] ofB) {
    Projections projections = new Projections(ofA, ofB);
    double area = projections.area();
    double balance = projections.balance();
    if (projections.areSeparate()) {
      area = 1;
      balance = 1;
    }
    if (area > order0) {
      order0 = area;
      best0 = w.clone();
    }
    if (balance > order1) {
      order1 = balance;
      best1 = w.clone();
    }
    return projections;
  }

  private static double[] mean(double[][] rows) {
    double[] mean = new double[rows[0].length];
    for (double[] row : rows) {
      add(mean, row, 1.0 / rows.length);
    }
    return mean;
  }

  private static void add(double[] sum, double[] row, double weight) {
    for (int j = 0; j < row.length; j++) {
      sum[j] += weight * row[j];
    }
  }

  private double[] project(double[][] rows, double[] w) {
    double[] values = new double[rows.length];
    int i = 0;
    for (; i + 3 < rows.length; i += 4) {
      project(rows, i, w, values);
    }
    for (; i < rows.length; i++) {
      values[i] = project(rows[i], w);
    }
    return values;
  }

  /** Two sums, since each addition waits for the one before. */
  private double project(double[] row, double[] w) {
    double even = 0;
    double odd = 0;
    int j = 0;
    for (; j + 1 < dimension; j += 2) {
      even += row[j] * w[j];
      odd += row[j + 1] * w[j + 1];
    }
    return even + odd + (j < dimension ? row[j] * w[j] : 0);
  }

  /** The same for four rows: of eight sums, none waits for long. */
  private void project(double[][] rows, int first, double[] w, double[] values) {
    double[] row0 = rows[first];
    double[] row1 = rows[first + 1];
    double[] row2 = rows[first + 2];
    double[] row3 = rows[first + 3];
    double even0 = 0;
    double even1 = 0;
    double even2 = 0;
    double even3 = 0;
    double odd0 = 0;
    double odd1 = 0;
    double odd2 = 0;
    double odd3 = 0;
    int j = 0;
    for (; j + 1 < dimension; j += 2) {
      double even = w[j];
      double odd = w[j + 1];
      even0 += row0[j] * even;
      odd0 += row0[j + 1] * odd;
      even1 += row1[j] * even;
      odd1 += row1[j + 1] * odd;
      even2 += row2[j] * even;
      odd2 += row2[j + 1] * odd;
      even3 += row3[j] * even;
      odd3 += row3[j + 1] * odd;
    }
    double left = j < dimension ? w[j] : 0;
    int last = Math.min(j, dimension - 1);
    values[first] = even0 + odd0 + row0[last] * left;
    values[first + 1] = even1 + odd1 + row1[last] * left;
    values[first + 2] = even2 + odd2 + row2[last] * left;
    values[first + 3] = even3 + odd3 + row3[last] * left;
  }

  /** The derivative by w of what has these derivatives by the projections. */
  private double[] back(double[] slopeA, double[] slopeB) {
    double[] gradient = new double[dimension];
    addAll(gradient, a, slopeA);
    addAll(gradient, b, slopeB);
    return gradient;
  }

  /** Adds weighted rows, four at a time, so that the sum is read and written less often. */
  private static void addAll(double[] sum, double[][] rows, double[] weights) {
    int i = 0;
    for (; i + 3 < rows.length; i += 4) {
      double[] row0 = rows[i];
      double[] row1 = rows[i + 1];
      double[] row2 = rows[i + 2];
      double[] row3 = rows[i + 3];
      double weight0 = weights[i];
      double weight1 = weights[i + 1];
      double weight2 = weights[i + 2];
      double weight3 = weights[i + 3];
      for (int j = 0; j < sum.length; j++) {
        sum[j] =
            sum[j] + weight0 * row0[j] + weight1 * row1[j] + weight2 * row2[j] + weight3 * row3[j];
      }
    }
    for (; i < rows.length; i++) {
      add(sum, rows[i], weights[i]);
    }
  }

  private void searchOrder1() {
    double along = Products.dot(best1, mean);
    if (along <= 0) {
      return;
    }
    double[] base = best1.clone();
    scale(base, 1 / along);
    for (double width : WIDTHS) {
      Distance distance = new Distance(base, width);
      double[] offset = new double[dimension];
      QuasiNewton.minimise(distance, offset, STEPS, TOLERANCE);
      base = distance.direction(offset);
      if (isSeparated()) {
        return;
      }
    }
  }

  private void searchOrder0(double[] start) {
    double[] w = start.clone();
    for (double width : WIDTHS) {
      double length = Math.sqrt(Products.dot(w, w));
      if (length == 0 || isSeparated()) {
        return;
      }
      scale(w, 1 / length);
      QuasiNewton.minimise(new Ramp(width), w, STEPS, TOLERANCE);
    }
  }

  private static void scale(double[] values, double factor) {
    for (int i = 0; i < values.length; i++) {
      values[i] *= factor;
    }
  }

  /** What all three losses are: functions of the projections. */
  private abstract class Loss implements QuasiNewton.Objective {
    final double[] slopeA = new double[a.length];
    final double[] slopeB = new double[b.length];

    @Override
    public boolean isDone() {
      return isSeparated();
    }
  }

  /** Mean of the squares of how far projections are from the right side; ends with the offset. */
  private final class Hinge extends Loss {
    @Override
    public double at(double[] wide, double[] gradient) {
      double[] w = Arrays.copyOf(wide, dimension);
      double offset = wide[dimension];
      double[] pa = project(a, w);
      double[] pb = project(b, w);
      note(w, pa, pb);
      double loss = sum(pa, offset, 1, slopeA) + sum(pb, offset, -1, slopeB);
      double[] slope = back(slopeA, slopeB);
      add(slope, w, RIDGE);
      System.arraycopy(slope, 0, gradient, 0, dimension);
      gradient[dimension] = Arrays.stream(slopeA).sum() + Arrays.stream(slopeB).sum();
      return loss + RIDGE / 2 * Products.dot(w, w);
    }

    private double sum(double[] values, double offset, double side, double[] slopes) {
      double sum = 0;
      for (int i = 0; i < values.length; i++) {
        double lack = Math.max(0, 1 - side * (values[i] + offset)) / values.length;
        sum += lack * lack * values.length / 2;
        slopes[i] = -side * lack;
      }
      return sum;
    }
  }

  /** Mean magnitude of differences, made smooth, on the plane w'm = 1 through a base. */
  private final class Distance extends Loss {
    private final double[] base;
    private final double h;
    private final double length = Products.dot(mean, mean);

    Distance(double[] base, double width) {
      this.base = base;
      // On the plane, order 1 is one over the mean magnitude.
      h = width / new Projections(project(a, base), project(b, base)).balance();
    }

    double[] direction(double[] offset) {
      double[] w = offset.clone();
      flatten(w);
      add(w, base, 1);
      return w;
    }

    private void flatten(double[] v) {
      add(v, mean, -Products.dot(v, mean) / length);
    }

    @Override
    public double at(double[] offset, double[] gradient) {
      double[] w = direction(offset);
      double value = note(w, project(a, w), project(b, w)).smoothDistance(h, slopeA, slopeB);
      double[] slope = back(slopeA, slopeB);
      flatten(slope);
      System.arraycopy(slope, 0, gradient, 0, dimension);
      return value;
    }
  }

  /** Less the share of pairs in the right order, made smooth, along w / |w|. */
  private final class Ramp extends Loss {
    private final double h;

    Ramp(double h) {
      this.h = h;
    }

    @Override
    public double at(double[] w, double[] gradient) {
      double length = Math.sqrt(Products.dot(w, w));
      double[] unit = w.clone();
      scale(unit, 1 / length);
      double value = note(unit, project(a, unit), project(b, unit)).smoothArea(h, slopeA, slopeB);
      double[] slope = back(slopeA, slopeB);
      add(slope, unit, -Products.dot(slope, unit));
      scale(slope, -1 / length);
      System.arraycopy(slope, 0, gradient, 0, dimension);
      return -value;
    }
  }
}
