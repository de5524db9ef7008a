package dev.affinis.instrument.pattern;

import dev.affinis.instrument.SiteKind;
import dev.affinis.instrument.SiteType;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * The activation functions as formulas in float64. Those with a parameter are known as far as it
 * can be read off some values, or does not matter.
 */
public final class ActivationFunctions {
  private static final double SELU_SCALE = 1.0507009873554805;
  private static final double SELU_ALPHA = 1.6732632423543772;

  private ActivationFunctions() {}

  /**
   * Returns whether a function's values can be told from its inputs, at least where these are
   * positive. Not of the gated linear unit, which has two inputs, and of softplus, swish, shrinkage
   * and thresholds, whose parameter no single value tells.
   *
   * @param kind what is called
   * @return whether {@link #of} knows it
   */
  public static boolean isKnown(SiteKind kind) {
    if (kind.type() != SiteType.ACTIVATION) {
      return false;
    }
    return switch (kind) {
      case GLU, SOFTPLUS, SWISH, SOFTSHRINK, HARDSHRINK, THRESHOLD -> false;
      default -> true;
    };
  }

  /**
   * Returns the functions that go by the name of a kind. A slope, scale or bound is read off the
   * values.
   *
   * @param kind a kind that {@linkplain #isKnown is known}
   * @param x inputs, not modified
   * @param y outputs of as many, not modified
   * @return one function, or several that are all called so; a function gives NaN where it depends
   *     on a parameter that is not known
   */
  public static List<DoubleUnaryOperator> of(SiteKind kind, float[] x, float[] y) {
    return switch (kind) {
      case LEAKY_RELU, RRELU -> {
        int lowest = farthest(x, y, -1);
        double slope = lowest < 0 ? Double.NaN : y[lowest] / (double) x[lowest];
        yield List.of(v -> v >= 0 ? v : slope * v);
      }
      case ELU -> {
        double alpha = exponential(x, y);
        yield List.of(v -> v > 0 ? v : alpha * Math.expm1(v));
      }
      // ONNX has attributes for both of its constants.
      case SELU -> {
        int highest = farthest(x, y, 1);
        double scale = highest < 0 ? Double.NaN : y[highest] / (double) x[highest];
        double alpha = exponential(x, y);
        yield List.of(v -> v > 0 ? scale * v : alpha * Math.expm1(v));
      }
      // A value is only clipped where another has the bound.
      case HARDTANH -> {
        double low = finite(y).min().orElse(Double.NaN);
        double high = finite(y).max().orElse(Double.NaN);
        yield List.of(v -> clip(v, low, high));
      }
      // Of a slope for each channel, and of a scale within the exponent, only that they do not
      // change what is positive.
      case PRELU, CELU -> List.of(v -> v > 0 ? v : Double.NaN);
      case HARDSIGMOID -> hardSigmoid(x, y);
      default -> plain(kind);
    };
  }

  /** The functions that have no parameter, each with its usual variants. */
  static List<DoubleUnaryOperator> plain(SiteKind kind) {
    return switch (kind) {
      case RELU -> List.of(x -> Math.max(0, x));
      case RELU6 -> List.of(x -> clip(x, 0, 6));
      case HARDSWISH -> List.of(x -> x * clip(x / 6 + 0.5, 0, 1));
      case SELU -> List.of(x -> SELU_SCALE * (x > 0 ? x : SELU_ALPHA * Math.expm1(x)));
      case SIGMOID -> List.of(ActivationFunctions::sigmoid);
      case LOG_SIGMOID -> List.of(x -> -softplus(-x));
      case SOFTSIGN -> List.of(x -> x / (1 + Math.abs(x)));
      case TANH -> List.of(Math::tanh);
      case TANHSHRINK -> List.of(x -> x - Math.tanh(x));
      case GELU -> List.of(x -> x * normalCdf(x), ActivationFunctions::tanhGelu);
      case SILU -> List.of(x -> x * sigmoid(x));
      // DJL's own takes the logarithm to base 2.
      case MISH ->
          List.of(x -> x * Math.tanh(softplus(x)), x -> x * Math.tanh(softplus(x) / Math.log(2)));
      default -> throw new IllegalArgumentException(kind.word() + " has parameters");
    };
  }

  /** The slope is 1/6 in PyTorch, 0.2 in ONNX unless given: it is told best far from the bounds. */
  private static List<DoubleUnaryOperator> hardSigmoid(float[] x, float[] y) {
    int best = -1;
    for (int i = 0; i < x.length; i++) {
      boolean isBetween = y[i] > 0 && y[i] < 1;
      if (isBetween && x[i] != 0 && (best < 0 || Math.abs(x[i]) > Math.abs(x[best]))) {
        best = i;
      }
    }
    double slope = best < 0 ? Double.NaN : (y[best] - 0.5) / x[best];
    return List.of(v -> clip(slope * v + 0.5, 0, 1));
  }

  private static DoubleStream finite(float[] values) {
    return IntStream.range(0, values.length).mapToDouble(i -> values[i]).filter(Double::isFinite);
  }

  /** The factor of exp(x) - 1 where x is negative. */
  private static double exponential(float[] x, float[] y) {
    int lowest = farthest(x, y, -1);
    return lowest < 0 ? Double.NaN : y[lowest] / Math.expm1(x[lowest]);
  }

  /**
   * Position of the input farthest from 0 on one side, of those that are finite like their outputs;
   * negative if there is none.
   */
  private static int farthest(float[] x, float[] y, int sign) {
    int found = -1;
    for (int i = 0; i < x.length; i++) {
      boolean isFinite = Float.isFinite(x[i]) && Float.isFinite(y[i]);
      if (isFinite && sign * x[i] > (found < 0 ? 0 : sign * x[found])) {
        found = i;
      }
    }
    return found;
  }

  static double clip(double x, double low, double high) {
    return Math.min(Math.max(x, low), high);
  }

  static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  static double softplus(double x) {
    return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  }

  private static double tanhGelu(double x) {
    return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
  }

  /** Abramowitz and Stegun 7.1.26, within 1.5e-7. */
  private static double normalCdf(double x) {
    double t = 1 / (1 + 0.3275911 * Math.abs(x) / Math.sqrt(2));
    double tail =
        t
            * (0.254829592
                + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
            * Math.exp(-x * x / 2);
    return x < 0 ? tail / 2 : 1 - tail / 2;
  }
}
