package dev.affinis.instrument.pattern;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.affinis.instrument.SiteKind;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.commons.math3.special.Erf;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Functions by their definitions in PyTorch's documentation; erf is that of Commons Math. */
class ActivationFitTest {
  private static final double SCALE = 1.0507009873554805;
  private static final double ALPHA = 1.6732632423543772;

  private static double[] values(DoubleUnaryOperator function) {
    float[] points = ActivationFit.points();
    return IntStream.range(0, points.length)
        .mapToDouble(i -> function.applyAsDouble(points[i]))
        .toArray();
  }

  private static Optional<SiteKind> kind(DoubleUnaryOperator function) {
    return new ActivationFit(values(function)).kind();
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  private static double softplus(double x) {
    return Math.log1p(Math.exp(-Math.abs(x))) + Math.max(x, 0);
  }

  private static double clip(double x, double low, double high) {
    return x < low ? low : x > high ? high : x;
  }

  private static Arguments one(SiteKind kind, DoubleUnaryOperator function) {
    return Arguments.of(kind, function);
  }

  static Stream<Arguments> functions() {
    return Stream.of(
        one(SiteKind.RELU, x -> x > 0 ? x : 0),
        one(SiteKind.RELU6, x -> clip(x, 0, 6)),
        one(SiteKind.LEAKY_RELU, x -> x > 0 ? x : 0.01 * x),
        one(SiteKind.LEAKY_RELU, x -> x > 0 ? x : -0.5 * x),
        one(SiteKind.LEAKY_RELU, x -> x > 0 ? x : 2 * x),
        one(SiteKind.HARDTANH, x -> clip(x, -1, 1)),
        one(SiteKind.HARDTANH, x -> clip(x, -20, 3)),
        one(SiteKind.HARDSIGMOID, x -> clip(x / 6 + 0.5, 0, 1)),
        one(SiteKind.HARDSIGMOID, x -> clip(0.2 * x + 0.5, 0, 1)),
        one(SiteKind.HARDSWISH, x -> x * clip(x + 3, 0, 6) / 6),
        one(SiteKind.SOFTSHRINK, x -> Math.abs(x) > 0.5 ? x - 0.5 * Math.signum(x) : 0),
        one(SiteKind.SOFTSHRINK, x -> Math.abs(x) > 3 ? x - 3 * Math.signum(x) : 0),
        one(SiteKind.HARDSHRINK, x -> Math.abs(x) > 0.5 ? x : 0),
        one(SiteKind.HARDSHRINK, x -> Math.abs(x) > 12 ? x : 0),
        one(SiteKind.THRESHOLD, x -> x > 1 ? x : -20),
        one(SiteKind.THRESHOLD, x -> x > -2 ? x : 7),
        one(SiteKind.ELU, x -> x > 0 ? x : Math.expm1(x)),
        one(SiteKind.ELU, x -> x > 0 ? x : 0.7 * Math.expm1(x)),
        one(SiteKind.SELU, x -> SCALE * (x > 0 ? x : ALPHA * Math.expm1(x))),
        one(SiteKind.CELU, x -> x > 0 ? x : 2 * Math.expm1(x / 2)),
        one(SiteKind.CELU, x -> x > 0 ? x : 0.05 * Math.expm1(x / 0.05)),
        one(SiteKind.SIGMOID, ActivationFitTest::sigmoid),
        one(SiteKind.LOG_SIGMOID, x -> -softplus(-x)),
        one(SiteKind.SOFTPLUS, ActivationFitTest::softplus),
        one(SiteKind.SOFTPLUS, x -> softplus(3 * x) / 3),
        one(SiteKind.SOFTSIGN, x -> x / (1 + Math.abs(x))),
        one(SiteKind.TANH, x -> 2 * sigmoid(2 * x) - 1),
        one(SiteKind.TANHSHRINK, x -> x - 2 * sigmoid(2 * x) + 1),
        one(SiteKind.GELU, x -> x * Erf.erfc(-x / Math.sqrt(2)) / 2),
        one(
            SiteKind.GELU,
            x -> x / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)))),
        one(SiteKind.SILU, x -> x * sigmoid(x)),
        one(SiteKind.SWISH, x -> x * sigmoid(1.702 * x)),
        one(SiteKind.SWISH, x -> x * sigmoid(-0.5 * x)),
        one(SiteKind.MISH, x -> x * Math.tanh(softplus(x))),
        one(SiteKind.MISH, x -> x * Math.tanh(softplus(x) / Math.log(2))));
  }

  @ParameterizedTest
  @MethodSource("functions")
  void functionsAreToldByTheirValues(SiteKind kind, DoubleUnaryOperator function) {
    assertEquals(Optional.of(kind), kind(function));
    assertFalse(new ActivationFit(values(function)).isAffine());
    // To rounding of float32, and no further.
    assertEquals(Optional.of(kind), kind(x -> (float) function.applyAsDouble(x)));
    for (double wrong : new double[] {-8, 0.0625, 0.5, 8}) {
      assertEquals(
          Optional.empty(),
          kind(x -> moved(function.applyAsDouble(x), x == wrong ? 2e-4 : 0)),
          "wrong at " + wrong);
    }
  }

  private static double moved(double value, double share) {
    return value + share * (1 + Math.abs(value));
  }

  static Stream<DoubleUnaryOperator> others() {
    return Stream.of(
        Math::abs,
        x -> x * x,
        x -> x * x * x,
        Math::sin,
        Math::exp,
        x -> -Math.max(0, x),
        x -> 2 * Math.max(0, x),
        x -> Math.min(x, 0),
        x -> clip(x / 6 + 0.4, 0, 1),
        x -> -sigmoid(x),
        x -> Math.tanh(2 * x),
        x -> x > 0 ? x : Double.NaN,
        x -> Math.signum(x));
  }

  @ParameterizedTest
  @MethodSource("others")
  void otherFunctionsAreNone(DoubleUnaryOperator function) {
    assertEquals(Optional.empty(), kind(function));
    assertFalse(new ActivationFit(values(function)).isAffine());
  }

  @Test
  void linesAreAffine() {
    assertTrue(new ActivationFit(values(x -> 3 - 2 * x)).isAffine());
    assertTrue(new ActivationFit(values(x -> 0)).isAffine());
    assertTrue(new ActivationFit(values(x -> x)).isAffine());
    assertFalse(new ActivationFit(values(x -> x == 1000 ? 1001 : x)).isAffine());
  }

  /** exp(1000) is infinite, and a formula by it NaN; within [-8, 8] nothing is left out. */
  @Test
  void valuesFarOutMayBeMissing() {
    assertEquals(
        Optional.of(SiteKind.TANH), kind(x -> Math.abs(x) > 8 ? Double.NaN : Math.tanh(x)));
    assertEquals(
        Optional.of(SiteKind.RELU), kind(x -> x > 99 ? Double.POSITIVE_INFINITY : Math.max(0, x)));
    assertEquals(Optional.empty(), kind(x -> Math.abs(x) >= 8 ? Double.NaN : Math.tanh(x)));
  }

  @Test
  void pointsAreSixteenthsAndAFewFarOut() {
    float[] points = ActivationFit.points();
    float[] near = Arrays.copyOfRange(points, 11, points.length - 11);
    assertArrayEquals(sixteenths(), near);
    float[] far = {10, 12, 16, 20, 24, 32, 48, 64, 100, 256, 1000};
    assertArrayEquals(far, Arrays.copyOfRange(points, points.length - 11, points.length));
    for (int i = 0; i < points.length; i++) {
      assertEquals(0, points[i] + points[points.length - 1 - i]);
    }
    points[0] = 0;
    assertEquals(-1000, ActivationFit.points()[0]);
  }

  private static float[] sixteenths() {
    float[] all = new float[257];
    for (int i = 0; i < all.length; i++) {
      all[i] = -8 + i / 16f;
    }
    return all;
  }
}
