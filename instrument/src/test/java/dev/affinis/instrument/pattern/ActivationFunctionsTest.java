package dev.affinis.instrument.pattern;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.affinis.instrument.SiteKind;
import dev.affinis.instrument.SiteType;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.DoubleUnaryOperator;
import org.apache.commons.math3.special.Erf;
import org.junit.jupiter.api.Test;

/** What is read off some inputs and outputs must tell the others. */
class ActivationFunctionsTest {
  private static final float[] X = {-2, 0.5f, -3, 0, 4, -0.25f, 7, 1};
  private static final float[] POSITIVE = {0, 1, 4};

  /** Values of a function at some points, as a model has them. */
  private static float[] at(float[] x, DoubleUnaryOperator function) {
    float[] y = new float[x.length];
    for (int i = 0; i < x.length; i++) {
      y[i] = (float) function.applyAsDouble(x[i]);
    }
    return y;
  }

  /** Whether the function that is told from the values at some points has the values at others. */
  private static void requireTold(SiteKind kind, DoubleUnaryOperator function) {
    List<DoubleUnaryOperator> told = ActivationFunctions.of(kind, X, at(X, function));
    assertEquals(1, told.size());
    for (double x : new double[] {-9, -1.5, -0.1, 0, 0.3, 2, 11}) {
      double expected = function.applyAsDouble(x);
      double tolerance = 1e-6 * (1 + Math.abs(expected));
      assertEquals(expected, told.get(0).applyAsDouble(x), tolerance, kind + " at " + x);
    }
  }

  @Test
  void parametersAreReadOffTheValues() {
    requireTold(SiteKind.LEAKY_RELU, x -> x > 0 ? x : 0.2 * x);
    requireTold(SiteKind.RRELU, x -> x > 0 ? x : 0.25 * x);
    requireTold(SiteKind.ELU, x -> x > 0 ? x : 0.7 * Math.expm1(x));
    requireTold(SiteKind.SELU, x -> x > 0 ? 1.25 * x : 1.5 * Math.expm1(x));
    requireTold(SiteKind.HARDTANH, x -> Math.min(Math.max(x, -1.5), 2));
    requireTold(SiteKind.HARDSIGMOID, x -> Math.min(Math.max(x / 6 + 0.5, 0), 1));
    requireTold(SiteKind.HARDSIGMOID, x -> Math.min(Math.max(0.2 * x + 0.5, 0), 1));
    requireTold(SiteKind.RELU, x -> Math.max(0, x));
    requireTold(SiteKind.RELU6, x -> Math.min(6, Math.max(0, x)));
    requireTold(SiteKind.HARDSWISH, x -> x * Math.min(6, Math.max(0, x + 3)) / 6);
    requireTold(SiteKind.SIGMOID, x -> 1 / (1 + Math.exp(-x)));
    requireTold(SiteKind.LOG_SIGMOID, x -> -Math.log1p(Math.exp(-x)));
    requireTold(SiteKind.SOFTSIGN, x -> x / (1 + Math.abs(x)));
    requireTold(SiteKind.TANH, Math::tanh);
    requireTold(SiteKind.TANHSHRINK, x -> x - Math.tanh(x));
    requireTold(SiteKind.SILU, x -> x / (1 + Math.exp(-x)));
  }

  @Test
  void someNamesHaveTwoFunctions() {
    List<DoubleUnaryOperator> gelu = ActivationFunctions.of(SiteKind.GELU, X, X);
    List<DoubleUnaryOperator> mish = ActivationFunctions.of(SiteKind.MISH, X, X);
    assertEquals(2, gelu.size());
    assertEquals(2, mish.size());
    for (double x = -5; x < 5; x += 0.3) {
      assertEquals(x * Erf.erfc(-x / Math.sqrt(2)) / 2, gelu.get(0).applyAsDouble(x), 1e-6);
      double cubic = Math.sqrt(2 / Math.PI) * (x + 0.044715 * Math.pow(x, 3));
      assertEquals(x / (1 + Math.exp(-2 * cubic)), gelu.get(1).applyAsDouble(x), 1e-12);
      double softplus = Math.log1p(Math.exp(x));
      assertEquals(x * Math.tanh(softplus), mish.get(0).applyAsDouble(x), 1e-12);
      assertEquals(x * Math.tanh(softplus / Math.log(2)), mish.get(1).applyAsDouble(x), 1e-12);
    }
  }

  /** Without a value that has the parameter in it, only the rest of the function is known. */
  @Test
  void parametersThatNoValueTellsAreNotKnown() {
    for (SiteKind kind : List.of(SiteKind.LEAKY_RELU, SiteKind.RRELU, SiteKind.ELU)) {
      DoubleUnaryOperator f = ActivationFunctions.of(kind, POSITIVE, POSITIVE).get(0);
      assertEquals(3, f.applyAsDouble(3), kind.word());
      assertTrue(Double.isNaN(f.applyAsDouble(-3)), kind.word());
    }
    float[] negative = {-4, -1, 0};
    DoubleUnaryOperator selu = ActivationFunctions.of(SiteKind.SELU, negative, negative).get(0);
    assertTrue(Double.isNaN(selu.applyAsDouble(3)));
    assertFalse(Double.isNaN(selu.applyAsDouble(-3)));
    for (SiteKind kind : List.of(SiteKind.PRELU, SiteKind.CELU)) {
      DoubleUnaryOperator f = ActivationFunctions.of(kind, X, X).get(0);
      assertEquals(3, f.applyAsDouble(3));
      assertTrue(Double.isNaN(f.applyAsDouble(-3)));
      assertTrue(Double.isNaN(f.applyAsDouble(0)));
    }
    float[] none = {Float.NaN, Float.POSITIVE_INFINITY};
    DoubleUnaryOperator clipped = ActivationFunctions.of(SiteKind.HARDTANH, none, none).get(0);
    assertTrue(Double.isNaN(clipped.applyAsDouble(0)));
    // Bounds tell nothing of the slope, nor does the value at 0.
    float[] flat = {-9, 0, 9};
    float[] bounds = {0, 0.5f, 1};
    DoubleUnaryOperator hard = ActivationFunctions.of(SiteKind.HARDSIGMOID, flat, bounds).get(0);
    assertTrue(Double.isNaN(hard.applyAsDouble(1)));
  }

  /** The farthest value tells a parameter best; values that overflowed tell nothing. */
  @Test
  void parametersAreReadOffTheFarthestFiniteValue() {
    float[] x = {-1, Float.NEGATIVE_INFINITY, -4, -8, -2};
    float[] y = {-0.9f, Float.NEGATIVE_INFINITY, -2, Float.NaN, -0.9f};
    DoubleUnaryOperator leaky = ActivationFunctions.of(SiteKind.LEAKY_RELU, x, y).get(0);
    assertEquals(-5, leaky.applyAsDouble(-10));
    float[] first = {-4, -1};
    float[] rounded = {-2, -0.9f};
    leaky = ActivationFunctions.of(SiteKind.LEAKY_RELU, first, rounded).get(0);
    assertEquals(-5, leaky.applyAsDouble(-10));
    for (float[] near : new float[][] {{0.1f, 2, -1}, {2, -1, 0.1f}}) {
      float[] of = new float[near.length];
      for (int i = 0; i < near.length; i++) {
        of[i] = near[i] == 2 ? 0.9f : near[i] > 0 ? 0.6f : 0.4f;
      }
      DoubleUnaryOperator hard = ActivationFunctions.of(SiteKind.HARDSIGMOID, near, of).get(0);
      assertEquals(0.7, hard.applyAsDouble(1), 1e-7);
    }
  }

  @Test
  void gatesOtherTypesAndHiddenParametersAreNotKnown() {
    Set<SiteKind> hidden =
        EnumSet.of(
            SiteKind.GLU,
            SiteKind.SOFTPLUS,
            SiteKind.SWISH,
            SiteKind.SOFTSHRINK,
            SiteKind.HARDSHRINK,
            SiteKind.THRESHOLD);
    for (SiteKind kind : SiteKind.values()) {
      boolean isKnown = kind.type() == SiteType.ACTIVATION && !hidden.contains(kind);
      assertEquals(isKnown, ActivationFunctions.isKnown(kind), kind.word());
      if (isKnown) {
        assertFalse(ActivationFunctions.of(kind, X, X).isEmpty());
      }
    }
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class, () -> ActivationFunctions.of(SiteKind.SWISH, X, X));
    assertEquals("swish has parameters", e.getMessage());
  }
}
