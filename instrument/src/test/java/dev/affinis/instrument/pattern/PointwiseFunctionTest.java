package dev.affinis.instrument.pattern;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.affinis.instrument.SiteKind;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Functions that are known by their values, whatever the operators that compute them. */
class PointwiseFunctionTest {
  private static SiteKind kind(String graph) {
    return new PointwiseFunction(new TextGraph(graph), "x").kind("y");
  }

  @ParameterizedTest
  @CsvSource({
    "TANH, a = Tanh x; y = Cast a",
    "TANH, a = Mul x 2; s = Sigmoid a; b = Mul s 2; y = Sub b 1",
    "TANH, n = Neg x; a = Tanh n; y = Neg a",
    "SIGMOID, n = Neg x; e = Exp n; d = Add 1 e; y = Div 1 d",
    "SOFTSIGN, a = Abs x; d = Add a 1; y = Div x d",
    "SOFTPLUS, y = Softplus x",
    "LOG_SIGMOID, n = Neg x; s = Softplus n; y = Neg s",
    "RELU, y = Relu x",
    "RELU, y = Max x 0",
    "RELU, a = Abs x; b = Add a x; y = Div b 2",
    "RELU6, a = Max x 0; y = Min a 6",
    "RELU6, a = Min x 6; y = Max 0 a",
    "ELU, y = Elu x alpha:0.5",
    "ELU, y = Elu x",
    "SELU, a = Elu x alpha:1.6732632423543772; y = Mul a 1.0507009873554805",
    "ELU, p = Relu x; n = Min x 0; e = Expm1 n; y = Add p e",
    "SOFTPLUS, a = Neg x; b = Abs x; n = Neg b; e = Exp n; l = Log1p e; r = Relu x; y = Add r l",
    "HARDSHRINK, a = Pow x 2; g = Greater a 4; m = Cast g; y = Mul x m",
    "SILU, n = Neg x; e = Exp n; d = Add e 1; l = Log d; m = Neg l; s = Exp m; y = Mul x s"
  })
  void valuesTellTheFunction(SiteKind kind, String graph) {
    assertEquals(kind, kind(graph), graph);
  }

  @ParameterizedTest
  @CsvSource({
    "y = Abs x",
    "y = Exp x",
    "y = Identity x",
    "y = Mul x 3",
    "y = Max x 1",
    "y = Max x -1",
    "y = Min x 6",
    "y = Other x",
    "y = Add x z",
    "y = Add z x",
    "y = Sub 1 2",
    "a = Where x x z; y = Tanh a",
    "a = Where x z x; y = Tanh a",
    "a = Where z x x; y = Tanh a",
    "y = Max x 0 0",
    "m = Where x x z; r = Relu x; y = Add r m",
    "m = Max x 0 0; r = Relu x; y = Add r m",
    "y = Sqrt x"
  })
  void othersAreNone(String graph) {
    assertNull(kind(graph), graph);
  }

  @Test
  void comparisonsAreExactAtTheirBounds() {
    // 1/2 is a point of the grid: with it, or without.
    for (String comparison : List.of("Greater x 0.5", "GreaterOrEqual x 0.5")) {
      String graph = "c = %s; y = Where c x 0".formatted(comparison);
      assertEquals(SiteKind.THRESHOLD, kind(graph), graph);
    }
    String at = "c = %s; d = %s; e = %s c d; y = Where e 1000 0";
    // Nowhere but at 1/2, where it is 1000: no function that is known, but no line either.
    for (String both : List.of("And", "Or")) {
      assertNull(kind(at.formatted("GreaterOrEqual x 0.5", "LessOrEqual x 0.5", both)));
    }
    // Nowhere at all: a line, which is none; a mistake at 1/2 would only show in the sum.
    String never = at.formatted("Greater x 0.5", "Less x 0.5", "And");
    assertEquals(SiteKind.RELU, kind(never.replace("y =", "w =") + "; r = Relu x; y = Add r w"));
    String always =
        "c = GreaterOrEqual x 0.5; d = Less x 0.5; e = Or c d; n = Not e; r = Relu x;"
            + " m = Mul n 9; y = Add r m";
    assertEquals(SiteKind.RELU, kind(always));
    String other =
        "c = Greater x 0.5; d = LessOrEqual x 0.5; e = Or c d; n = Not e; r = Relu x;"
            + " m = Mul n 9; y = Add r m";
    assertEquals(SiteKind.RELU, kind(other));
    // At 1/2 both hold, and 9 is added there.
    String once =
        "c = GreaterOrEqual x 0.5; d = LessOrEqual x 0.5; e = And c d; r = Relu x;"
            + " m = Mul e 9; y = Add r m";
    assertNull(kind(once));
  }

  @Test
  void argumentsAreTheTensorsInFrontNearestFirst() {
    TextGraph graph =
        new TextGraph("a = Neg x; o = Other a; b = Exp o; c = Add b 1; y = Where c z #many _");
    assertEquals(List.of("c", "z", "b", "o"), List.copyOf(PointwiseFunction.arguments(graph, 4)));
    StringBuilder chain = new StringBuilder("a1 = Neg x");
    for (int i = 1; i < 40; i++) {
      chain.append("; a").append(i + 1).append(" = Neg a").append(i);
    }
    assertEquals(32, PointwiseFunction.arguments(new TextGraph(chain.toString()), 39).size());
    StringBuilder wide = new StringBuilder("y = Add");
    for (int i = 0; i < 40; i++) {
      wide.append(" x").append(i);
    }
    assertEquals(32, PointwiseFunction.arguments(new TextGraph(wide.toString()), 0).size());
  }

  /** A sum that doubles in every line would take for ever. */
  @Test
  void longFunctionsAreNotEvaluated() {
    StringBuilder doubling = new StringBuilder("a0 = Tanh x");
    for (int i = 0; i < 8; i++) {
      doubling.append("; a%s = Add a%s a%s".formatted(i + 1, i, i));
    }
    assertNull(kind(doubling + "; y = Div a8 256"));
    StringBuilder chain = new StringBuilder("a0 = Tanh x");
    for (int i = 0; i < 254; i++) {
      chain.append("; a%s = Identity a%s".formatted(i + 1, i));
    }
    assertEquals(SiteKind.TANH, kind(chain + "; y = Identity a254"));
    assertNull(kind(chain + "; b = Identity a254; y = Identity b"));
  }
}
