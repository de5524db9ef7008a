package dev.affinis.instrument.torchscript;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bodies of functions as graphs: which tensor is made by which call, and by what it is used. */
class ScriptBodyTest {
  private static final List<Double> CONSTANTS = Arrays.asList(0.5, null);

  /** The body of a function of x, y and n; statements are separated by semicolons. */
  private static ScriptBody body(String statements) {
    return body("m.py", statements, "");
  }

  private static ScriptBody body(String file, String statements, String others) {
    String source =
        "def f(x: Tensor,\n    y: Tensor,\n    n: int) -> Tensor:\n"
            + statements.replace("; ", "\n").indent(2)
            + others;
    CallGraph graph = new CallGraph(List.of(ScriptParser.parse(file, source)));
    return new ScriptBody(graph, graph.functions().get(0), CONSTANTS);
  }

  /** Each operator with its inputs; what is none of the standard's has an empty name. */
  private static String operators(ScriptBody body) {
    List<String> all = new ArrayList<>();
    for (int node = body.live().nextSetBit(0); node >= 0; node = body.live().nextSetBit(node + 1)) {
      List<String> words = new ArrayList<>(List.of(body.operator(node)));
      for (int i = 0; i < body.inputCount(node); i++) {
        words.add(body.input(node, i));
      }
      all.add(String.join(" ", words));
    }
    return String.join("; ", all);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          return torch.relu(x) | Relu x
          return torch.mul(torch.sigmoid(x), y) | Sigmoid x; Mul %0 y
          a = torch.neg(x); b = a; return torch.mul(b, x) | Neg x; Mul %0 x
          return torch.add(x, 1) | Add x =1
          return torch.add(x, -1.5e-3) | Add x =-1.5e-3
          return torch.add(x, y, alpha=1) | Add x y
          return torch.add(x, y, alpha=2) | ' x y =2'
          return torch.mul(x, CONSTANTS.c0) | Mul x =0.5
          return torch.mul(x, CONSTANTS.c1) | Mul x CONSTANTS.c1
          return torch.mul(x, CONSTANTS.c2) | Mul x CONSTANTS.c2
          return torch.clamp(x, None, 6) | 'Clip x  =6'
          a = torch.neg(x); a = torch.relu(x); return torch.mul(a, a) | Neg x; Relu x; Mul a in 66 a in 66
          return torch.relu_(x) | Relu x
          return torch.__and__(x, y) | And x y
          return torch._softmax(x, 1) | ' x =1'
          a, b = torch.chunk(x, 2, 1); return torch.mul(a, b) | Split x; Mul a b
          return other(x) | ' x'
          a = other; return torch.relu(a) | Relu other
          """)
  void callsAreOperatorsOnTensors(String statements, String expected) {
    assertEquals(expected, operators(body(statements)).replaceAll(" in \\d+", " in 66"));
  }

  @Test
  void tensorsOfExpressionsAreTheirOwn() {
    ScriptBody body = body("return torch.mul(x[0], x[0])");
    assertTrue(body.input(0, 0).startsWith("expression "));
    assertFalse(body.input(0, 0).equals(body.input(0, 1)));
    ScriptBody twice = body("a = x; a = y; b = torch.mul(a, a); return torch.add(a, b)");
    assertEquals(twice.input(0, 0), twice.input(0, 1));
    assertFalse(twice.input(0, 0).equals(twice.input(1, 0)), "another statement");
    ScriptBody parameter = body("x = torch.neg(x); return torch.relu(x)");
    assertTrue(parameter.input(1, 0).startsWith("x in "));
  }

  /** Used once: by one operator, in the same block, and by nothing else. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          a = torch.neg(x); return torch.mul(a, y) | true
          return torch.mul(torch.neg(x), y) | true
          a = torch.neg(x); return torch.mul(a, a) | false
          a = torch.neg(x); b = torch.mul(a, y); return (a, b) | false
          a = torch.neg(x); return a | false
          a = torch.neg(x); b = torch.mul(a, y); return torch.relu(a) | false
          a = torch.neg(x); c = [a]; return torch.mul(a, y) | false
          a = torch.neg(x); if n:;   b = torch.mul(a, y) | false
          if n:;   a = torch.neg(x);   b = torch.mul(a, y) | true
          if n:;   a = torch.neg(x); else:;   b = torch.mul(a, y) | false
          torch.neg(x); return torch.mul(x, y) | false
          a = torch.neg(x); b = x.a; return torch.mul(a, y) | true
          """)
  void usesAreCounted(String statements, boolean once) {
    assertEquals(once, body(statements).isUsedOnce("%0"), statements);
  }

  /** What nobody takes as it is may be used in any way. */
  @Test
  void resultsInsideOfExpressionsMayBeNeeded() {
    assertTrue(body("return torch.neg(torch.abs(x)[0])").isOutput("%0"));
    assertFalse(body("return torch.neg(torch.abs(x))").isOutput("%0"));
    assertFalse(body("return torch.neg(x)").isOutput("x"));
    assertTrue(body("return torch.neg(x[0])").isOutput("x"));
  }

  @Test
  void blocksAreThoseOfTheIndentation() {
    ScriptBody body =
        body(
            "a = torch.neg(x); if n:;   b = torch.relu(a);   if n:;     c = torch.tanh(b);"
                + "   d = torch.exp(b); else:;   e = torch.log(a); return torch.abs(a)");
    List<Integer> blocks = body.live().stream().mapToObj(body::block).toList();
    assertEquals(blocks.get(0), blocks.get(5));
    assertEquals(blocks.get(1), blocks.get(3));
    assertEquals(4, blocks.stream().distinct().count());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          a = torch.sqrt(2.25); return torch.mul(x, a) | 1.5
          a = torch.neg(2); return torch.mul(x, a) | -2
          a = torch.mul(2, 3.5); return torch.mul(x, a) | 7
          a = torch.div(3, 2); return torch.mul(x, a) | 1.5
          a = torch.mul(CONSTANTS.c0, 3); return torch.mul(x, a) | 1.5
          a = torch.mul(2, n); return torch.mul(x, a) |
          a = torch.mul(n, 2); return torch.mul(x, a) |
          a = torch.add(2, 2); return torch.mul(x, a) |
          a = torch.exp(2); return torch.mul(x, a) |
          """)
  void numbersAreComputed(String statements, Double expected) {
    ScriptBody body = body(statements);
    assertEquals(expected, body.scalar(body.input(1, 1)));
    assertEquals(expected != null, body.isConstant(body.input(1, 1)));
    assertNull(body.scalar("x"));
    assertEquals(-1.5, body.scalar("=-1.5"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          return torch.relu(x) | %0
          return x | x
          a = torch.relu(x); return a | %0
          a = x; return a | x
          if n:;   return x; return y |
          a = x; a = y; return a | expression
          return (x, y) | expression
          return torch.relu(x)[0] | expression
          a = x |
          """)
  void whatIsReturnedIsKnownIfItIsOneTensor(String statements, String expected) {
    String returned = body(statements).returned();
    assertEquals(expected, returned == null ? null : returned.replaceAll(" \\d+", ""));
  }

  @Test
  void tensorsKnowTheirMakersAndUsers() {
    ScriptBody body =
        body("a, b = torch.chunk(x, 2, 1); c = torch.mul(a, torch.sigmoid(b)); return c");
    assertEquals(List.of("a", "b"), body.outputs(0));
    assertEquals(0, body.producer("a"));
    assertEquals(0, body.producer("b"));
    assertEquals(-1, body.producer("x"));
    assertEquals(List.of(1), body.consumers("b"));
    assertEquals(List.of(2), body.consumers("a"));
    assertEquals(List.of(2), body.consumers("%1"));
    assertEquals(List.of(), body.consumers("c"));
    assertEquals("", body.input(1, 1));
    assertEquals(List.of("x", "=2", "=1"), body.arguments(0));
    assertEquals("chunk", body.name(0));
    assertFalse(body.isInteger("x"));
    assertTrue(body.isSameModule(0, 1));
    assertEquals(1.0 / 6, body("return torch.hardsigmoid(x)").number(0, "alpha", 0));
    assertEquals(7, body("return torch.relu(x)").number(0, "alpha", 7));
  }

  @Test
  void halvesOfAPairAreKnown() {
    assertEquals(0, body("a, b = torch.chunk(x, 2, 1); return a").producerOfPair("a"));
    assertEquals(-1, body("a, b, c = torch.chunk(x, 3, 1); return a").producerOfPair("a"));
    assertEquals(-1, body("a = torch.chunk(x, 2, 1); return a").producerOfPair("%0"));
    ScriptBody list = body("l = torch.chunk(x, 2, 1); a, b = l; return torch.mul(a, b)");
    assertEquals(0, list.producerOfPair("a"));
    assertEquals(0, list.producerOfPair("b"));
    assertEquals(-1, list.producerOfPair("x"));
    assertEquals(-1, body("l = torch.chunk(x, 3, 1); a, b, c = l; return a").producerOfPair("a"));
    assertEquals(-1, body("a, b = x; return a").producerOfPair("a"));
  }

  /** A name that is used before it is assigned does not stand for what it is assigned then. */
  @Test
  void whatIsUsedBeforeItIsMadeIsNoCircle() {
    ScriptBody body = body("b = torch.neg(a); a = torch.relu(b); return a");
    assertEquals("a", body.input(0, 0));
    assertEquals(-1, body.producer("a"));
    ScriptBody loop = body("for i in torch.range(n):;   a = torch.neg(i); return a");
    assertEquals("i", loop.input(1, 0));
    assertEquals(-1, loop.producer("i"));
  }

  @Test
  void functionsOfPyTorchAreTheirOperators() {
    String functional =
        """
        def relu(input: Tensor, inplace: bool=False) -> Tensor:
          return input
        def sigmoid(input: Tensor) -> Tensor:
          return input
        """;
    String file = "__torch__/torch/nn/functional.py";
    String call = "__torch__.torch.nn.functional.relu(x%s)";
    String name = "__torch__.torch.nn.functional.sigmoid(x)";
    assertEquals("Relu x", operators(body(file, "return " + call.formatted(""), functional)));
    assertEquals("Sigmoid x", operators(body(file, "return " + name, functional)));
    assertFalse(body(file, "return " + call.formatted(""), functional).asksForInPlace(0));
    assertFalse(body(file, "return " + call.formatted(", False"), functional).asksForInPlace(0));
    assertTrue(body(file, "return " + call.formatted(", True"), functional).asksForInPlace(0));
    assertTrue(body(file, "return " + call.formatted(", flag"), functional).asksForInPlace(0));
    assertFalse(body("return torch.mul(x, y)").asksForInPlace(0));
    // The same name elsewhere is somebody's own function.
    ScriptBody own = body("__torch__/own.py", "return __torch__.own.relu(x)", functional);
    assertEquals(" x", operators(own));
  }
}
