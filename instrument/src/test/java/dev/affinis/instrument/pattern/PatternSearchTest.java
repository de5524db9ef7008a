package dev.affinis.instrument.pattern;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.affinis.instrument.SiteKind;
import dev.affinis.instrument.pattern.ActivationPatterns.Match;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Activations in small graphs: kind, input, result, and the operators that compute them. */
class PatternSearchTest {
  private static String found(String graph) {
    return ActivationPatterns.find(new TextGraph(graph)).stream()
        .map(PatternSearchTest::describe)
        .collect(Collectors.joining("; "));
  }

  private static String describe(Match match) {
    String bias = match.bias().isEmpty() ? "" : "+" + match.bias();
    String nodes = match.nodes().stream().map(String::valueOf).collect(Collectors.joining(","));
    return match.kind().word() + " " + match.pre() + bias + " " + match.post() + " " + nodes;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          y = Relu x | relu x y 0
          y = Elu x | elu x y 0
          y = Other x | ""
          y = com.microsoft.BiasGelu x b | gelu x+b y 0
          y = com.microsoft.Gelu x | gelu x y 0
          y = PRelu x #slope | prelu x y 0
          u = RandomUniformLike x; y = PRelu x u | rrelu x y 1
          u = Exp x; y = PRelu x u | prelu x y 1
          y = Shrink x lambd:0.5 | hardshrink x y 0
          y = Shrink x bias:0.5 | softshrink x y 0
          y = LeakyRelu x | leaky_relu x y 0
          y = LeakyRelu x alpha:0.229166 | rrelu x y 0
          y = LeakyRelu x alpha:0.22916867 | leaky_relu x y 0
          y = LeakyRelu x alpha:0.25 | leaky_relu x y 0
          y = com.microsoft.QuickGelu x | swish x y 0
          y = com.microsoft.QuickGelu x alpha:1 | silu x y 0
          y = Swish x | silu x y 0
          y = Swish x alpha:2 | swish x y 0
          y = Relu intx | ""
          a = Relu x; b = Tanh a; y = Elu b | relu x a 0; tanh a b 1; elu b y 2
          """)
  void singleOperators(String graph, String expected) {
    assertEquals(expected, found(graph));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          y = Clip x 0 6 | relu6 x y 0
          y = Clip x 0 | relu x y 0
          y = Clip x _ 5 | ""
          y = Clip x 0 1e30 | relu x y 0
          y = Clip x 0 9e29 | hardtanh x y 0
          y = Clip x -1e30 1 | ""
          y = Clip x -9e29 1 | hardtanh x y 0
          y = Clip x min:0 max:6 | relu6 x y 0
          y = Clip x 2 1 | ""
          y = Clip x 1 1 | ""
          y = Clip x low 1 | ""
          y = Clip x 0 high | ""
          y = Max x 0 | relu x y 0
          y = Max 0 x | relu x y 0
          y = Min x 6 | ""
          y = Max x 1 | ""
          y = Max x 0 1 | ""
          y = Max x z | ""
          y = Max 0 1 | ""
          r = Relu x; y = Clip r 0 6 | relu6 x y 0,1
          r = Relu x; y = Clip r 1 6 | relu x r 0; hardtanh r y 1
          r = Relu x; y = Min r 6 | relu6 x y 0,1
          r = Relu x; y = Min r 6 @a | relu x r 0
          r = Relu x; y = Min r 6; return r | relu x r 0
          m = Min x 6; y = Max m 0 | relu6 x y 0,1
          m = Min 3 x; y = Max -2 m | hardtanh x y 0,1
          m = Max x -2; y = Min m 3 | hardtanh x y 0,1
          m = Max x -2; y = Max m -1 | ""
          m = Max x 1; y = Clip m 0 6 | relu6 m y 1
          m = Clip x 0 3; y = Clip m 0 6 | hardtanh x m 0; relu6 m y 1
          m = Clip x 0 3; y = Min m 2 | hardtanh x y 0,1
          m = Neg x; y = Clip m 0 6 | relu6 m y 1
          """)
  void clippings(String graph, String expected) {
    assertEquals(expected, found(graph), graph);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          s = Sigmoid x; y = Mul x s | silu x y 0,1
          s = Sigmoid x; y = Mul s x | silu x y 0,1
          s = Sigmoid x; y = Mul s s | sigmoid x s 0
          s = Sigmoid x; y = Mul x s; return s | sigmoid x s 0
          s = Sigmoid x; y = Mul x s @a | sigmoid x s 0
          s = Sigmoid x; m = Mul x s; y = Mul m 2 | silu x m 0,1
          s = Sigmoid x; m = Mul x s; y = Relu m | silu x m 0,1; relu m y 2
          b = Mul x 1.5; s = Sigmoid b; y = Mul x s | swish x y 0,1,2
          b = Mul x 0; s = Sigmoid b; y = Mul x s | sigmoid b s 1
          b = Add x 1; s = Sigmoid b; y = Mul x s | sigmoid b s 1
          b = Neg x; s = Sigmoid b; y = Mul x s | swish x y 0,1,2
          s = Sigmoid x; a = Identity s; b = Cast a; c = Mul b 1; d = Div c 1; e = Add d 0; y = Mul e x | silu x y 0,1,2,3,4,5,6
          s = Sigmoid x; z = Sub s 0; a = Identity z; b = Cast a; c = Mul b 1; d = Div c 1; e = Add d 0; y = Mul e x | sigmoid x s 0
          a = Neg x; b = Neg a; c = Neg b; d = Neg c; e = Neg d; f = Neg e; s = Sigmoid f; y = Mul x s | silu x y 0,1,2,3,4,5,6,7
          z = Neg x; a = Neg z; b = Neg a; c = Neg b; d = Neg c; e = Neg d; f = Neg e; s = Sigmoid f; y = Mul x s | sigmoid f s 7
          s = Sigmoid x; n = Neg x; m = Mul n s; y = Neg m | silu x y 0,1,2,3
          s = HardSigmoid x; y = Mul x s | hardsigmoid x s 0
          s = HardSigmoid x alpha:0.16666667; y = Mul x s | hardswish x y 0,1
          s = HardSigmoid x alpha:0.16666667 beta:0.4; y = Mul x s | hardsigmoid x s 0
          a = Add x 3; c = Clip a 0 6; y = Div c 6 | hardsigmoid x y 0,1,2
          a = Add x 3; c = Clip a 0 6; y = Div c 5 | relu6 a c 1
          a = Add x 3; c = Clip a 0 6; m = Mul c x; y = Div m 6 | hardswish x y 0,1,2,3
          a = Add x 3; c = Clip a 0 6; m = Mul c x; y = Div m 6 @a | relu6 a c 1
          a = Add x 3; c = Clip a 0 6; y = Div c 0 | relu6 a c 1
          a = Add x 3; c = Clip a 0 6; y = Div c x | relu6 a c 1
          a = Add x 3; m = Min a 6; c = Max m 0; y = Div c 6 | hardsigmoid x y 0,1,2,3
          m = Mul x 0.16666667; a = Add m 0.5; y = Clip a 0 1 | hardsigmoid x y 0,1,2
          a = Add x 2.5; c = Clip a 0 5; y = Div c 5 | hardsigmoid x y 0,1,2
          a = Add x 2.5; c = Clip a 0 5; m = Mul c x; y = Div m 5 | hardtanh a c 1
          a = Add x 3; r = Relu a; c = Clip r 0 6; m = Mul x c; y = Div m 6 | hardswish x y 0,1,2,3,4
          a = Add x 3; c = Clip a 1 6; y = Div c 6 | hardtanh a c 1
          p = Softplus x; t = Tanh p; y = Mul x t | mish x y 0,1,2
          p = Softplus x; t = Tanh p; y = Mul t x | mish x y 0,1,2
          p = Softplus x; t = Tanh p; y = Mul z t | softplus x p 0; tanh p t 1
          p = Softplus x; t = Tanh p; y = Add x t | softplus x p 0; tanh p t 1
          p = Softplus x; t = Tanh p @a; y = Mul x t | softplus x p 0; tanh p t 1
          p = Softplus x @a; t = Tanh p; y = Mul x t | softplus x p 0; tanh p t 1
          p = Softplus x; t = Tanh p; y = Mul x t; return p | softplus x p 0; tanh p t 1
          p = Softplus x; t = Tanh p; y = Mul x t; return t | softplus x p 0; tanh p t 1
          p = Softplus x; t = Sigmoid p; y = Mul x t | softplus x p 0; sigmoid p t 1
          e = Exp x; a = Add e 1; y = Log a | softplus x y 0,1,2
          e = Exp x; a = Add 1 e; y = Log a | softplus x y 0,1,2
          e = Exp x; a = Add e 2; y = Log a | ""
          e = Exp x; a = Mul e 1; y = Log a | ""
          e = Exp x; a = Add e 1; y = Log a; return a | ""
          e = Exp x; a = Add e 1; y = Log a; return e | ""
          e = Neg x; a = Add e 1; y = Log a | ""
          e = Exp x; y = Log1p e | softplus x y 0,1
          e = Exp x; y = Log1p e; return e | ""
          e = Neg x; y = Log1p e | ""
          y = Log1p x | ""
          y = Log x | ""
          b = Mul x 2; p = Softplus b; y = Div p 2 | softplus x y 0,1,2
          b = Mul x 2; p = Softplus b; y = Div p 3 | softplus b p 1
          b = Mul x -2; p = Softplus b; y = Div p -2 | softplus b p 1
          b = Neg x; p = Softplus b; y = Neg p | log_sigmoid x y 0,1,2
          b = Mul x -2; p = Softplus b; y = Neg p | softplus b p 1
          b = Add x 1; p = Softplus b; y = Neg p | softplus b p 1
          s = Sigmoid x; y = Log s | log_sigmoid x y 0,1
          s = Sigmoid x; y = Log s; return s | sigmoid x s 0
          s = Sigmoid x; y = Log s @a | sigmoid x s 0
          s = Tanh x; y = Log s | tanh x s 0
          t = Tanh x; y = Sub x t | tanhshrink x y 0,1
          t = Tanh x; y = Sub t x | tanh x t 0
          t = Tanh x; n = Neg t; y = Add n x | tanhshrink x y 0,1,2
          b = Mul x 2; t = Tanh b; y = Sub x t | tanh b t 1
          a = Abs x; d = Add 1 a; y = Div x d | softsign x y 0,1,2
          a = Abs x; d = Add a 2; y = Div x d | softsign x y 0,1,2
          a = Abs x; d = Add a -1; y = Div x d | ""
          a = Abs x; d = Add a 0; y = Div x d | ""
          a = Abs x; d = Add a z; y = Div x d | ""
          a = Abs z; d = Add a 1; y = Div x d | ""
          a = Exp x; d = Add a 1; y = Div x d | ""
          a = Abs x; d = Mul a 1; y = Div x d | ""
          a = Abs x; d = Add a 1; y = Div x d; return d | ""
          a = Abs x; d = Add a 1; y = Mul x d | ""
          y = Div x z | ""
          a b = Split x; s = Sigmoid b; y = Mul a s | glu x y 0,1,2
          a b = Split x; s = Sigmoid b; y = Mul s a | glu x y 0,1,2
          a b = Split x; s = Sigmoid a; y = Mul b s | sigmoid a s 1
          a b c = Split x; s = Sigmoid b; y = Mul a s | sigmoid b s 1
          a b = Other x; s = Sigmoid b; y = Mul a s | sigmoid b s 1
          a b = Split x; s = Sigmoid b; y = Mul a s; return s | sigmoid b s 1
          a b = Split x; s = Sigmoid b; y = Mul a s @a | sigmoid b s 1
          a b = Split x; s = Tanh b; y = Mul a s | tanh b s 1
          a b = Split x; s = Sigmoid b; y = Add a s | sigmoid b s 1
          a = Slice x 0 m 1; b = Slice x m e 1; s = Sigmoid b; y = Mul a s | glu x y 0,1,2,3
          a = Slice x 1 m 1; b = Slice x m e 1; s = Sigmoid b; y = Mul a s | sigmoid b s 2
          a = Slice x z m 1; b = Slice x m e 1; s = Sigmoid b; y = Mul a s | sigmoid b s 2
          a = Slice x 0 m 1; b = Slice x n e 1; s = Sigmoid b; y = Mul a s | sigmoid b s 2
          a = Slice x 0 4 1; b = Slice x 4 e 1; s = Sigmoid b; y = Mul a s | sigmoid b s 2
          a = Slice x 0 m 1; b = Slice x m e 2; s = Sigmoid b; y = Mul a s | sigmoid b s 2
          a = Slice x 0 m 1; b = Slice z m e 1; s = Sigmoid b; y = Mul a s | sigmoid b s 2
          a = Other x 0 m 1; b = Slice x m e 1; s = Sigmoid b; y = Mul a s | sigmoid b s 2
          a = Slice x 0 m 1; b = Other x m e 1; s = Sigmoid b; y = Mul a s | sigmoid b s 2
          a = Slice x 0 m 1; b = Slice x m e 1; c = Slice x 0 e 1; s = Sigmoid b; y = Mul a s | sigmoid b s 3
          a = Slice x 0 m 1; b = Slice x m e 1; c = Other x; s = Sigmoid b; y = Mul a s | glu x y 0,1,3,4
          s = Sigmoid b; y = Mul a s | sigmoid b s 0
          p = Mul x 0.2; y = Max p x | leaky_relu x y 0,1
          p = Mul x 0.2; y = Max x p | leaky_relu x y 0,1
          p = Mul x 1.5; y = Max x p | ""
          p = Mul x 0.5; q = Add p 1; y = Max x q | ""
          p = Mul x -0.2; y = Max x p | ""
          p = Mul x 0; y = Max x p | ""
          p = Neg x; y = Max x p | ""
          p = Add x 1; y = Max x p | ""
          p = Mul x 0.2; y = Min x p | ""
          p = Mul x 0.2; y = Max x p z | ""
          """)
  void expressions(String graph, String expected) {
    assertEquals(expected, found(graph), graph);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          d = Div x 1.41421356; e = Erf d; a = Add e 1; m = Mul x a; y = Mul m 0.5 | gelu x y 0,1,2,3,4
          d = Div x 1.5; e = Erf d; a = Add e 1; m = Mul x a; y = Mul m 0.5 | ""
          d = Div x -1.41421356; e = Erf d; a = Sub 1 e; m = Mul x a; y = Mul m 0.5 | gelu x y 0,1,2,3,4
          d = Div x -1.41421356; e = Erf d; a = Add e 1; m = Mul x a; y = Mul m 0.5 | ""
          d = Div x 1.41421356; e = Erf d; a = Sub 1 e; m = Mul x a; y = Mul m 0.5 | ""
          d = Div x 1.41421356; e = Erf d; a = Add e 1; m = Mul x a; y = Mul m 0.4 | ""
          d = Div x 1.41421356; e = Erf d; a = Add e 1; y = Mul m 0.5 | ""
          c = Pow x 3; k = Mul c 0.044715; p = Add x k; a = Mul p 0.79788456; t = Tanh a; g = Add t 1; m = Mul x g; y = Mul m 0.5 | gelu x y 0,1,2,3,4,5,6,7
          c = Pow x 2; k = Mul c 0.044715; p = Add 1 k; q = Mul x p; a = Mul q 0.79788456; t = Tanh a; g = Add t 1; m = Mul x g; y = Mul m 0.5 | gelu x y 0,1,2,3,4,5,6,7,8
          c = Pow x 4; k = Mul c 0.044715; p = Add x k; a = Mul p 0.79788456; t = Tanh a; g = Add t 1; m = Mul x g; y = Mul m 0.5 | tanh a t 4
          c = Pow x x; k = Mul c 0.044715; p = Add x k; a = Mul p 0.79788456; t = Tanh a; g = Add t 1; m = Mul x g; y = Mul m 0.5 | tanh a t 4
          b = Pow x 1; c = Pow b 3; k = Mul c 0.044715; p = Add x k; a = Mul p 0.79788456; t = Tanh a; g = Add t 1; m = Mul x g; y = Mul m 0.5 | gelu x y 0,1,2,3,4,5,6,7,8
          c = Pow x 3; k = Mul c 0.044715; p = Add x k; a = Mul p 1.59576912; s = Sigmoid a; y = Mul x s | gelu x y 0,1,2,3,4,5
          c = Pow x 3; k = Mul c 0.05; p = Add x k; a = Mul p 1.59576912; s = Sigmoid a; y = Mul x s | sigmoid a s 4
          c = Pow x 3; k = Mul c 0.044715; p = Add x k; a = Mul p 0.79788456; t = Tanh a; g = Add t 1; m = Mul x g; y = Mul m 0.4 | tanh a t 4
          """)
  void gelus(String graph, String expected) {
    assertEquals(expected, found(graph), graph);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          c = Greater x 0; y = Where c x 0 | relu x y 0,1
          c = GreaterOrEqual x 0; y = Where c x 0 | relu x y 0,1
          c = Less x 0; y = Where c 0 x | relu x y 0,1
          c = LessOrEqual x 0; y = Where c 0 x | relu x y 0,1
          c = LessOrEqual x 0; d = Not c; y = Where d x 0 | relu x y 0,1,2
          c = Greater 0 x; y = Where c 0 x | relu x y 0,1
          c = Greater x 0.5; d = Less x -0.5; e = Or c d; y = Where e x 0 | hardshrink x y 0,1,2,3
          c = LessOrEqual x 0.5; d = GreaterOrEqual x -0.5; e = And c d; y = Where e 0 x | hardshrink x y 0,1,2,3
          a = Abs x; c = Greater a 2; y = Where c x 0 | hardshrink x y 0,1,2
          c = Greater x 1; y = Where c x -20 | threshold x y 0,1
          c = Greater x 0; m = Mul x 0.1; y = Where c x m | leaky_relu x y 0,1,2
          c = Greater x 0; m = Expm1 x; y = Where c x m | elu x y 0,1,2
          c = Greater x 0; e = Exp x; m = Sub e 1; y = Where c x m | elu x y 0,1,2,3
          c = Greater x 0; m = Elu x alpha:0.5; y = Where c x m | elu x y 0,1,2
          c = Greater x 0; h = Div x 2; e = Expm1 h; m = Mul e 2; y = Where c x m | celu x y 0,1,2,3,4
          c = Greater x 20; e = Exp x; l = Log1p e; y = Where c x l | softplus x y 0,1,2,3
          c = Greater x 20; e = Exp x; d = Add e 1; l = Log d; y = Where c x l | softplus x y 0,1,2,3,4
          c = Greater x 20; l = Softplus x; y = Where c x l | softplus x y 0,1,2
          c = Greater x 0; n = Neg x; a = Max x 0; b = Min x 0; d = Neg b; y = Where c a d | relu x a 2
          c = Greater x 6; r = Relu x; y = Where c 6 r | relu6 x y 0,1,2
          c = Greater x 6; r = Max x 0; y = Where c 6 r | relu6 x y 0,1,2
          c = Less x -1; m = Min x 1; y = Where c -1 m | hardtanh x y 0,1,2
          c = Greater x 0; s = Sigmoid x; e = Exp x; d = Add e 1; f = Div e d; y = Where c s f | sigmoid x y 0,1,2,3,4,5
          c = Greater x 0; t = Tanh x; y = Where c t t | tanh x y 0,1,2
          c = Greater x 0; p = Pow x 2; y = Where c p p | ""
          c = Greater x 0; p = Pow x 2; q = Pow p 0.5; y = Where c q 0 | relu x y 0,1,2,3
          c = Greater x 6; r = Max x 0 0; y = Where c 6 r | ""
          c = Cast x; d = Identity c; e = Greater d 0; y = Where e d 0 | relu d y 2,3
          c = Greater x 0; w = Where c x 0; y = Min w 6 | relu6 x y 0,1,2
          c = Greater x 0; w = Where c x 0; y = Other w | relu x w 0,1
          c = Greater x 0; w = Where c x 0; y = Min w 6; return w | relu x w 0,1
          c = Greater x 0; y = Where c x 0; return c | ""
          c = Greater x 0; y = Where c x 0; z = Other c | ""
          c = Greater x 0 @a; y = Where c x 0 | ""
          c = Greater z 0; y = Where c x 0 | ""
          c = Greater x 0; y = Where c x z | ""
          c = Less x 1; y = Where c 1 x | ""
          c = Greater x 0; y = Where c x x | ""
          c = Greater x 0; o = Other x; y = Where c x o | ""
          """)
  void choices(String graph, String expected) {
    assertEquals(expected, found(graph), graph);
  }

  @Test
  void aClippingIsToldByItsArgumentsAlone() {
    TextGraph graph = new TextGraph("a = Relu x; b = Clip a 0 6; c = Min b 3; y = Neg c");
    assertEquals(SiteKind.RELU, ActivationPatterns.clipping(graph, 0));
    assertEquals(SiteKind.RELU6, ActivationPatterns.clipping(graph, 1));
    assertNull(ActivationPatterns.clipping(graph, 2));
    assertNull(ActivationPatterns.clipping(graph, 3));
  }

  @Test
  void activationsComeInTheOrderOfTheirLastOperators() {
    List<Match> found =
        ActivationPatterns.find(
            new TextGraph(
                "s = Sigmoid x; r = Relu z; y = Mul x s; c = Greater r 0; w = Where c r 0"));
    assertEquals(List.of(1, 2, 4), found.stream().map(Match::last).toList());
  }
}
