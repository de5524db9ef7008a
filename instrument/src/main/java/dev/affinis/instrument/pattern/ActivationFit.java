package dev.affinis.instrument.pattern;

import dev.affinis.instrument.SiteKind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.DoubleUnaryOperator;

/**
 * Tells which activation function has given values on a grid.
 *
 * <p>The parameter of a family (a slope, a bound, a beta) is read off at one or two points; then
 * every point has to fit, to {@value #TOLERANCE} absolute and relative.
 */
public final class ActivationFit {
  private static final double TOLERANCE = 3e-5;
  private static final int FINE = 16;
  private static final int REACH = 8;
  private static final float[] FAR = {10, 12, 16, 20, 24, 32, 48, 64, 100, 256, 1000};
  private static final float[] GRID = grid();

  private final Map<Float, Double> values = new LinkedHashMap<>();

  /**
   * Takes a function's values.
   *
   * @param y values at the points of {@link #points()}; those far out that are not finite are left
   *     out, because a formula written by hand may overflow there
   */
  public ActivationFit(double[] y) {
    for (int i = 0; i < GRID.length; i++) {
      if (Math.abs(GRID[i]) <= REACH || Double.isFinite(y[i])) {
        values.put(GRID[i], y[i]);
      }
    }
  }

  /**
   * The points to evaluate at: [-8, 8] in steps of 1/16, and a few far out, where a bound may be.
   *
   * @return a copy of the grid, in ascending order
   */
  public static float[] points() {
    return GRID.clone();
  }

  private static float[] grid() {
    int near = 2 * REACH * FINE + 1;
    float[] grid = new float[near + 2 * FAR.length];
    for (int i = 0; i < FAR.length; i++) {
      grid[i] = -FAR[FAR.length - 1 - i];
      grid[FAR.length + near + i] = FAR[i];
    }
    for (int i = 0; i < near; i++) {
      grid[FAR.length + i] = (float) (i - REACH * FINE) / FINE;
    }
    return grid;
  }

  /**
   * Returns whether the values lie on a straight line, a constant one included.
   *
   * @return whether they do
   */
  public boolean isAffine() {
    double offset = at(0);
    double slope = at(1) - offset;
    return fits(x -> offset + slope * x);
  }

  /**
   * Finds the activation function.
   *
   * @return the first kind that fits at every point
   */
  public Optional<SiteKind> kind() {
    return candidates().stream().filter(c -> fits(c.function())).map(Candidate::kind).findFirst();
  }

  private record Candidate(SiteKind kind, DoubleUnaryOperator function) {}

  private List<Candidate> candidates() {
    List<Candidate> all = new ArrayList<>();
    addPiecewiseLinear(all);
    addExponential(all);
    addSmooth(all);
    return all;
  }

  private void addPiecewiseLinear(List<Candidate> all) {
    double low = at(-8);
    double slope = -at(-1);
    addPlain(all, SiteKind.RELU);
    addPlain(all, SiteKind.RELU6);
    // A slope of -1 is the absolute value, which is no activation function.
    if (Math.abs(slope + 1) > TOLERANCE) {
      all.add(new Candidate(SiteKind.LEAKY_RELU, x -> x >= 0 ? x : slope * x));
    }
    double farLow = at(-1000);
    double farHigh = at(1000);
    // Bounded on one side alone it is a minimum or a maximum, which is no activation function.
    if (farLow > -1000 && farHigh < 1000) {
      all.add(new Candidate(SiteKind.HARDTANH, x -> ActivationFunctions.clip(x, farLow, farHigh)));
    }
    double rise = at(0.5) - at(0);
    if (rise > 0) {
      all.add(
          new Candidate(
              SiteKind.HARDSIGMOID, x -> ActivationFunctions.clip(2 * rise * x + 0.5, 0, 1)));
    }
    addPlain(all, SiteKind.HARDSWISH);
    double shrink = 8 - at(8);
    if (shrink > 0) {
      all.add(
          new Candidate(
              SiteKind.SOFTSHRINK, x -> Math.signum(x) * Math.max(0, Math.abs(x) - shrink)));
    }
    double bound = lastNotKept(true);
    all.add(new Candidate(SiteKind.HARDSHRINK, x -> Math.abs(x) > bound ? x : 0));
    double threshold = lastNotKept(false);
    if (threshold < 1000) {
      all.add(new Candidate(SiteKind.THRESHOLD, x -> x > threshold ? x : low));
    }
  }

  private void addExponential(List<Candidate> all) {
    double alpha = at(-1) / Math.expm1(-1);
    all.add(new Candidate(SiteKind.ELU, x -> x > 0 ? x : alpha * Math.expm1(x)));
    addPlain(all, SiteKind.SELU);
    double celu = celuAlpha(at(-1));
    all.add(new Candidate(SiteKind.CELU, x -> x > 0 ? x : celu * Math.expm1(x / celu)));
    addPlain(all, SiteKind.SIGMOID);
    addPlain(all, SiteKind.LOG_SIGMOID);
    double beta = Math.log(2) / at(0);
    if (beta > 0) {
      all.add(new Candidate(SiteKind.SOFTPLUS, x -> ActivationFunctions.softplus(beta * x) / beta));
    }
    addPlain(all, SiteKind.SOFTSIGN);
  }

  private void addSmooth(List<Candidate> all) {
    addPlain(all, SiteKind.TANH);
    addPlain(all, SiteKind.TANHSHRINK);
    addPlain(all, SiteKind.GELU);
    addPlain(all, SiteKind.SILU);
    double share = at(1);
    if (share > 0 && share < 1) {
      double beta = Math.log(share / (1 - share));
      all.add(new Candidate(SiteKind.SWISH, x -> x * ActivationFunctions.sigmoid(beta * x)));
    }
    addPlain(all, SiteKind.MISH);
  }

  private static void addPlain(List<Candidate> all, SiteKind kind) {
    ActivationFunctions.plain(kind).forEach(f -> all.add(new Candidate(kind, f)));
  }

  private boolean fits(DoubleUnaryOperator candidate) {
    for (Map.Entry<Float, Double> point : values.entrySet()) {
      double expected = candidate.applyAsDouble(point.getKey());
      // Written so that NaN does not fit.
      if (!(Math.abs(point.getValue() - expected) <= TOLERANCE * (1 + Math.abs(expected)))) {
        return false;
      }
    }
    return true;
  }

  private double at(double x) {
    return values.getOrDefault((float) x, Double.NaN);
  }

  /** The largest point (or its magnitude) at which the function does not return its argument. */
  private double lastNotKept(boolean inMagnitude) {
    double last = Double.NEGATIVE_INFINITY;
    for (Map.Entry<Float, Double> point : values.entrySet()) {
      double x = point.getKey();
      if (Math.abs(point.getValue() - x) > TOLERANCE * (1 + Math.abs(x))) {
        last = Math.max(last, inMagnitude ? Math.abs(x) : x);
      }
    }
    return last;
  }

  /** Solves alpha (exp(-1 / alpha) - 1) = y for alpha: the left side falls from 0 to -1. */
  private static double celuAlpha(double y) {
    double low = 1e-3;
    double high = 1e4;
    for (int i = 0; i < 200; i++) {
      double middle = Math.sqrt(low * high);
      if (middle * Math.expm1(-1 / middle) > y) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return low;
  }
}
