package dev.affinis.signature.compare;

import java.util.stream.DoubleStream;

/**
 * Distance of two series over relative depth: both are drawn as polygons from 0 (first site) to 1
 * (last site), and the root mean square of their difference is taken.
 *
 * <p><i>Definition.</i> sqrt(integral over [0, 1] of (f_a(t) - f_b(t))^2 dt), f piecewise linear
 * through the scores at even steps; a series of one value is constant. It is the limit of the
 * Euclidean distance of both series resampled at k even steps, divided by sqrt(k), as k grows, and
 * computed exactly: between two neighbouring knots the difference is linear.
 *
 * <p><i>Performance.</i> O((n + m) log(n + m)).
 */
public record ResampledEuclidean() implements SeriesDistance {
  @Override
  public String name() {
    return "resampled_euclidean";
  }

  @Override
  public double between(double[] a, double[] b) {
    SeriesDistance.requireComparable(a);
    SeriesDistance.requireComparable(b);
    double[] knots = DoubleStream.concat(knots(a), knots(b)).sorted().distinct().toArray();
    double sum = 0;
    double last = at(a, 0) - at(b, 0);
    for (int i = 1; i < knots.length; i++) {
      double next = at(a, knots[i]) - at(b, knots[i]);
      sum += (knots[i] - knots[i - 1]) * (last * last + last * next + next * next) / 3;
      last = next;
    }
    return Math.sqrt(sum);
  }

  private static DoubleStream knots(double[] series) {
    int steps = Math.max(1, series.length - 1);
    return DoubleStream.iterate(0, i -> i <= steps, i -> i + 1).map(i -> i / steps);
  }

  private static double at(double[] series, double depth) {
    double position = depth * (series.length - 1);
    int left = (int) position;
    int right = Math.min(left + 1, series.length - 1);
    return series[left] + (position - left) * (series[right] - series[left]);
  }
}
