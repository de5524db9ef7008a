package dev.affinis.signature.score;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
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
 *       direction so far. It is a lower bound of the true maximum.
 * </ol>
 *
 * <p>In up to 8 dimensions widths shrink further and more slowly, and step 4 has more starts: the
 * best direction of order 1 and some drawn at random. In more dimensions a problem takes at most
 * 200 + 3 * 25 + 3 * 20 steps, some 60 to 120 where it is not next to separable.
 *
 * <p>Searches are run by a {@link JointSearch}.
 */
final class SeparationSearch {
  private static final double RIDGE = 1e-9;
  private static final int HINGE_STEPS = 200;
  private static final double TOLERANCE = 1e-7;
  private static final double HINGE_TOLERANCE = 1e-6;
  private static final int SMALL = 8;
  private static final int RANDOM_STARTS = 24;
  private static final Effort THOROUGH =
      new Effort(List.of(1.0, 0.3, 0.1, 0.03, 0.01, 0.003), 40, TOLERANCE);
  private static final Effort ORDER1 = new Effort(List.of(0.3, 0.1, 0.03), 25, 1e-6);
  private static final Effort ORDER0 = new Effort(List.of(0.3, 0.1, 0.03), 20, 1e-5);

  private final int[] samples;
  private final int countA;
  private final double[] mean;
  private final List<double[]> starts;
  private final RandomGenerator random;
  private List<Descent> descents = List.of();
  private int phase;
  private double order0;
  private double order1;
  private double[] best0;
  private double[] best1;

  /**
   * How closely orders are sought.
   *
   * @param widths within which steps and magnitudes are made smooth, in deviations
   * @param steps most steps for each width
   * @param tolerance least descent of a step as a share of the loss
   */
  private record Effort(List<Double> widths, int steps, double tolerance) {}

  /**
   * Prepares a search in coordinates of about unit variance in every direction.
   *
   * @param problem numbers of the samples of both classes
   * @param mean mean of the differences of the samples of few and of many, not modified
   * @param direction another direction to start from, not modified
   * @param random what other starts are drawn from
   */
  SeparationSearch(
      Contrast.Problem problem, double[] mean, double[] direction, RandomGenerator random) {
    List<Integer> all = new ArrayList<>(problem.few());
    all.addAll(problem.many());
    samples = all.stream().mapToInt(Integer::intValue).toArray();
    countA = problem.few().size();
    this.mean = mean;
    this.random = random;
    starts = List.of(mean, direction);
    best0 = mean;
    best1 = mean;
  }

  /** What was found, with order 2 as it is known. */
  Separation with(Separation closed) {
    return new Separation(order0, order1, closed.order2());
  }

  /** What is to be evaluated next; nothing once the search is over. */
  List<Descent> descents() {
    List<Descent> open = open();
    while (open.isEmpty() && order0 < 1 && phase < 4) {
      descents = begin(phase++);
      open = open();
    }
    return order0 == 1 ? List.of() : open;
  }

  private List<Descent> open() {
    return descents.stream().filter(descent -> !descent.isDone()).toList();
  }

  private List<Descent> begin(int number) {
    boolean isSmall = mean.length <= SMALL;
    return switch (number) {
      case 0 -> starts.stream().map(start -> new Descent(start, List.of(Look::new))).toList();
      case 1 -> List.of(new Descent(mean, List.of(Hinge::new, Look::new)));
      case 2 ->
          Products.dot(best1, mean) > 0
              ? List.of(new Descent(best1, distances(isSmall ? THOROUGH : ORDER1)))
              : List.of();
      default -> {
        List<double[]> from = new ArrayList<>(List.of(best0));
        if (isSmall) {
          from.add(best1);
          for (int i = 0; i < RANDOM_STARTS; i++) {
            from.add(random.doubles(mean.length, -1, 1).toArray());
          }
        }
        List<Function<double[], Descent.Loss>> ramps = ramps(isSmall ? THOROUGH : ORDER0);
        yield from.stream().map(start -> new Descent(start, ramps)).toList();
      }
    };
  }

  private List<Function<double[], Descent.Loss>> distances(Effort effort) {
    return effort.widths().stream()
        .<Function<double[], Descent.Loss>>map(width -> from -> new Distance(from, width, effort))
        .toList();
  }

  private static List<Function<double[], Descent.Loss>> ramps(Effort effort) {
    return effort.widths().stream()
        .<Function<double[], Descent.Loss>>map(width -> from -> new Ramp(from, width, effort))
        .toList();
  }

  /**
   * Notes what a direction is good for, and evaluates what looks for a better one.
   *
   * @param descent one of this search
   * @param values projections of all samples, an array of several such
   * @param offset where they begin
   * @param slopes receives, in the same places, the derivatives by the projections of the samples
   *     of both classes; others are left as they are
   */
  void look(Descent descent, double[] values, int offset, double[] slopes) {
    double[] own = new double[samples.length];
    Arrays.setAll(own, i -> values[offset + samples[i]]);
    Projections projections = null;
    if (descent.sorts() || areSeparate(own)) {
      projections = new Projections(own, countA);
      note(descent.direction(), projections);
    }
    double[] ownSlopes = descent.slopes(own, projections);
    for (int i = 0; i < samples.length; i++) {
      slopes[offset + samples[i]] = ownSlopes[i];
    }
  }

  private boolean areSeparate(double[] values) {
    double least = Arrays.stream(values, 0, countA).min().getAsDouble();
    return Arrays.stream(values, countA, values.length).allMatch(value -> value < least);
  }

  private void note(double[] w, Projections projections) {
    boolean areSeparate = projections.areSeparate();
    double area = areSeparate ? 1 : projections.area();
    double balance = areSeparate ? 1 : projections.balance();
    if (area > order0) {
      order0 = area;
      best0 = w;
    }
    if (balance > order1) {
      order1 = balance;
      best1 = w;
    }
  }

  private static void add(double[] sum, double[] row, double weight) {
    for (int j = 0; j < row.length; j++) {
      sum[j] += weight * row[j];
    }
  }

  private static double[] scaled(double[] values, double factor) {
    double[] result = values.clone();
    for (int i = 0; i < result.length; i++) {
      result[i] *= factor;
    }
    return result;
  }

  /** None: a direction is noted, and that is all. */
  private static final class Look extends Descent.Loss {
    Look(double[] start) {
      super(start, 0, 0);
    }

    @Override
    double[] direction(double[] w) {
      return w.clone();
    }

    @Override
    double at(double[] w, double[] values, Projections projections, double[] slopes) {
      return 0;
    }

    @Override
    double[] gradient(double[] w, double[] slope) {
      return slope;
    }
  }

  /**
   * Mean of the squares of how far projections are from the right side; ends with the offset. Only
   * where it ends, and whether it separates, is worth sorting for.
   */
  private final class Hinge extends Descent.Loss {
    private double ofOffset;

    Hinge(double[] start) {
      super(
          new double[start.length + 1],
          HINGE_STEPS,
          start.length <= SMALL ? TOLERANCE : HINGE_TOLERANCE);
    }

    @Override
    boolean sorts() {
      return false;
    }

    @Override
    double[] direction(double[] wide) {
      return Arrays.copyOf(wide, wide.length - 1);
    }

    @Override
    double at(double[] wide, double[] values, Projections projections, double[] slopes) {
      double offset = wide[wide.length - 1];
      double loss = 0;
      ofOffset = 0;
      for (int i = 0; i < values.length; i++) {
        double side = i < countA ? 1 : -1;
        double count = i < countA ? countA : (double) values.length - countA;
        double lack = Math.max(0, 1 - side * (values[i] + offset));
        loss += lack * lack / (2 * count);
        slopes[i] = -side * lack / count;
        ofOffset += slopes[i];
      }
      double[] w = direction(wide);
      return loss + RIDGE / 2 * Products.dot(w, w);
    }

    @Override
    double[] gradient(double[] wide, double[] slope) {
      double[] gradient = Arrays.copyOf(slope, wide.length);
      add(gradient, direction(wide), RIDGE);
      gradient[wide.length - 1] = ofOffset;
      return gradient;
    }
  }

  /** Mean magnitude of differences, made smooth, on the plane w'm = 1 through a base. */
  private final class Distance extends Descent.Loss {
    private final double[] base;
    private final double width;
    private final double length = Products.dot(mean, mean);
    private double h;

    Distance(double[] from, double width, Effort effort) {
      super(new double[from.length], effort.steps(), effort.tolerance());
      base = scaled(from, 1 / Products.dot(from, mean));
      this.width = width;
    }

    @Override
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
    double at(double[] offset, double[] values, Projections projections, double[] slopes) {
      if (h == 0) {
        // At the base. On the plane, order 1 is one over the mean magnitude.
        h = width / projections.balance();
      }
      return projections.smoothDistance(h, slopes);
    }

    @Override
    double[] gradient(double[] offset, double[] slope) {
      flatten(slope);
      return slope;
    }
  }

  /** Less the share of pairs in the right order, made smooth, along w / |w|. */
  private static final class Ramp extends Descent.Loss {
    private final double h;

    Ramp(double[] from, double h, Effort effort) {
      super(unit(from), effort.steps(), effort.tolerance());
      this.h = h;
    }

    private static double[] unit(double[] w) {
      double length = Math.sqrt(Products.dot(w, w));
      return length > 0 ? scaled(w, 1 / length) : w.clone();
    }

    @Override
    double[] direction(double[] w) {
      return unit(w);
    }

    @Override
    double at(double[] w, double[] values, Projections projections, double[] slopes) {
      double value = projections.smoothArea(h, slopes);
      for (int i = 0; i < slopes.length; i++) {
        slopes[i] = -slopes[i];
      }
      return -value;
    }

    @Override
    double[] gradient(double[] w, double[] slope) {
      double[] unit = unit(w);
      add(slope, unit, -Products.dot(slope, unit));
      double length = Math.sqrt(Products.dot(w, w));
      return scaled(slope, length > 0 ? 1 / length : 0);
    }
  }
}
