package dev.affinis.instrument.torchscript;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.torchscript.ScriptFile.ScriptClass;
import dev.affinis.instrument.torchscript.ScriptFunction.Call;
import dev.affinis.instrument.torchscript.ScriptFunction.Range;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is read of a source file, without a model or an engine. */
class ScriptParserTest {
  private static final String SOURCE =
      """
      op_version_set = 1
      class A(Module):
        __parameters__ = ["w", ]
        w : Tensor
        size : Final[Tuple[int, int]] = (1, 2)
        __annotations__["0"] = __torch__.b.B
        def forward(self: __torch__.m.A,
            x: Tensor,
            sizes: List[int]=[1, 2],
            flag: bool=False) -> Tuple[Tensor, int]:
          a = torch.relu(x)
          if flag == True:
            b = (self).twice(torch.neg(a), sizes, )
            c, d = b
          else:
            c = a
          for i in range(3):
            e = torch.add_(c, i)
          assert torch.gt(a, 0)
          return (a, 1)
        def twice(this: __torch__.m.A,
            x: Tensor) -> NoneType:
          return None
      class Pair(NamedTuple):
        left : int
      class Bare:
        right : int
      def free(x):
        y = torch.mul(x, 2)
        return y
      """;

  private final ScriptFile file = ScriptParser.parse("__torch__/m.py", SOURCE);

  private ScriptFunction function(String name) {
    return file.functions().stream().filter(f -> f.name().equals(name)).findFirst().orElseThrow();
  }

  private String text(Range range) {
    return file.text(range.from(), range.to());
  }

  @Test
  void classesHaveTheirBaseAttributesAndMethods() {
    assertEquals(
        List.of("__torch__.m.A", "__torch__.m.Pair", "__torch__.m.Bare"),
        file.classes().stream().map(ScriptClass::name).toList());
    assertEquals(
        List.of("Module", "NamedTuple", ""),
        file.classes().stream().map(ScriptClass::base).toList());
    assertEquals(
        List.of(true, false, false), file.classes().stream().map(ScriptClass::isModule).toList());
    ScriptClass a = file.classes().get(0);
    assertEquals(
        Map.of("w", "Tensor", "size", "Final[Tuple[int, int]]", "0", "__torch__.b.B"),
        a.attributes());
    assertEquals(List.of("forward", "twice"), List.copyOf(a.methods().keySet()));
    assertEquals(Map.of("right", "int"), file.classes().get(2).attributes());
    assertEquals("", ScriptParser.parse("m.py", "class A( ):\n").classes().get(0).base());
    assertEquals("", file.text(5, 5));
  }

  @Test
  void functionsHaveTheirParametersAndTypes() {
    ScriptFunction forward = function("forward");
    assertEquals("__torch__.m.A", forward.owner());
    assertEquals("__torch__.m.A.forward", forward.label());
    assertEquals("self", forward.selfName());
    assertEquals("this", function("twice").selfName());
    assertEquals(
        List.of("self: __torch__.m.A", "x: Tensor", "sizes: List[int]", "flag: bool"),
        forward.parameters().stream().map(p -> p.name() + ": " + p.type()).toList());
    assertEquals(
        List.of(",", ",", ",", ")"),
        forward.parameters().stream().map(p -> file.tokens().get(p.end()).text()).toList());
    assertEquals("Tuple[Tensor, int]", forward.returnType());
    ScriptFunction free = function("free");
    assertFalse(free.isMethod());
    assertEquals("__torch__/m.py:free", free.label());
    assertEquals("Tensor", free.parameters().get(0).type());
    assertEquals("NoneType", free.returnType());
    assertEquals("(x)", file.text(free.open(), free.close() + 1));
    assertEquals("y = torch.mul(x, 2)\n  return y", file.text(free.bodyStart(), free.bodyEnd()));
  }

  @Test
  void statementsHaveTheirColumnAndWhatTheyBind() {
    assertEquals(
        List.of(
            "4 a", "4 null", "6 b", "6 null", "4 null", "6 c", "4 null", "6 e", "4 null", "4 null"),
        function("forward").statements().stream().map(s -> s.column() + " " + s.target()).toList());
    ScriptFunction.Statement first = function("forward").statements().get(0);
    assertEquals("torch.relu(x)", file.text(first.valueFrom(), first.to()));
  }

  @Test
  void onlyBlocksBehindConditionsAreConditional() {
    ScriptFunction forward = function("forward");
    assertEquals(
        List.of(false, false, true, true, false, true, false, true, false, false),
        forward.statements().stream().map(s -> forward.isConditional(s.from())).toList());
    assertEquals(
        List.of(false, true, true, false),
        List.of("a = torch", "b = (self)", "e = torch", "return (a").stream()
            .map(text -> forward.isConditional(tokenAt(SOURCE.indexOf(text))))
            .toList());
    assertFalse(forward.isConditional(forward.bodyEnd()));
  }

  private int tokenAt(int offset) {
    for (int i = 0; i < file.tokens().size(); i++) {
      if (file.tokens().get(i).start() >= offset) {
        return i;
      }
    }
    throw new IllegalArgumentException("no token at " + offset);
  }

  @Test
  void callsHaveTheirReceiverAndArguments() {
    List<Call> calls = function("forward").calls();
    assertEquals(
        List.of("torch.relu", "twice", "range", "torch.add_", "torch.gt"),
        calls.stream().map(Call::callee).toList());
    assertEquals(
        Arrays.asList("relu", null, null, "add_", "gt"),
        calls.stream().map(Call::operator).toList());
    Call twice = calls.get(1);
    assertTrue(twice.isMethodCall());
    assertEquals("self", file.text(twice.receiverFrom(), twice.receiverTo()));
    assertEquals(
        List.of("torch.neg(a)", "sizes"), twice.arguments().stream().map(this::text).toList());
    assertEquals("(self).twice(torch.neg(a), sizes, )", file.text(twice.from(), twice.close() + 1));
    assertEquals("(torch.neg(a), sizes, )", file.text(twice.open(), twice.close() + 1));
    assertEquals(List.of("torch.neg"), twice.inner().stream().map(Call::callee).toList());
    assertFalse(calls.get(0).isMethodCall());
  }

  /** What stands in the body of a function, and the calls in it. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "return (torch.relu((a).f(x)), x) | torch.relu[f[]]",
        "return not(x) | ''",
        "y = (a).b | ''",
        "y = (a).b.c(x) | ''",
        "y = (f(x)).g() | g[f[]]",
        "y = a.b.c(x) | a.b.c[]",
        "y = x[f(0)] | f[]",
        "y = [f(x), {1: g(x)}] | f[] g[]",
        "y = (f(x), g(x)) | f[] g[]",
        "y = ops.quantized.add_relu(x, y) | ops.quantized.add_relu[]",
        "y = f(g(h(x)), k(x)) | f[g[h[]] k[]]",
        "x.y | ''",
        "y = x~  (a).f(y) | f[]"
      })
  void nestedCallsAreFound(String statement, String calls) {
    ScriptFile parsed =
        ScriptParser.parse("m.py", "def f(x):\n  " + statement.replace('~', '\n') + "\n");
    assertEquals(calls, describe(parsed.functions().get(0).calls()));
  }

  private static String describe(List<Call> calls) {
    return String.join(
        " ", calls.stream().map(c -> c.callee() + "[" + describe(c.inner()) + "]").toList());
  }

  @ParameterizedTest
  @CsvSource({
    "torch.relu_, relu_",
    "torch.nn.relu, ",
    "ops.quantized.add_relu, ops.quantized.add_relu",
    "__torch__.relu, ",
    "relu, "
  })
  void operatorsAreThoseOfTorchAndOps(String callee, String operator) {
    ScriptFile parsed = ScriptParser.parse("m.py", "def f(x):\n  " + callee + "(x)\n");
    assertEquals(operator, parsed.functions().get(0).calls().get(0).operator());
    ScriptFile method = ScriptParser.parse("m.py", "def f(x):\n  (x).torch(x)\n");
    assertNull(method.functions().get(0).calls().get(0).operator());
  }

  @ParameterizedTest
  @CsvSource({"f(), 0", "f(x), 1", "'f(x, )', 1", "'f((a, b), [c, d])', 2", "'f(x, y, z)', 3"})
  void argumentsAreSplitAtTheirOwnCommas(String call, int count) {
    ScriptFile parsed = ScriptParser.parse("m.py", "def f(x):\n  " + call + "\n");
    assertEquals(count, parsed.functions().get(0).calls().get(0).arguments().size());
  }

  @Test
  void functionsAreTheSameWhereTheyStandInTheSamePlace() {
    ScriptFunction once = ScriptParser.parse("m.py", "def f(x):\n  return x\n").functions().get(0);
    ScriptFile two = ScriptParser.parse("m.py", "def f(x):\n  return x\ndef f(x):\n  return x\n");
    assertEquals(once, two.functions().get(0));
    assertEquals(once.hashCode(), two.functions().get(0).hashCode());
    assertFalse(once.equals(two.functions().get(1)));
    assertFalse(
        once.equals(ScriptParser.parse("n.py", "def f(x):\n  return x\n").functions().get(0)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "def f(x:\\n  return (x\\n | ( is never closed at character 18",
        "x = (1]\\n | unexpected ] at character 6",
        "x = [1)\\n | unexpected ) at character 6",
        "x = {1)\\n | unexpected ) at character 6",
        "x = )\\n | unexpected ) at character 4",
        "def\\n | no name after def at character 0",
        "class\\n | no name after class at character 0",
        "def f\\n | expected ( after def f at character 6",
        "def f(x) -> int\\n | def f has no body at character 0",
        "class A(Module)\\n  x : int\\n | expected : after class m.A at character 18"
      })
  void whatCannotBeReadIsNamedByItsPlace(String source, String message) {
    String found =
        assertThrows(
                InvalidInputException.class,
                () -> ScriptParser.parse("m.py", source.replace("\\n", "\n")))
            .getMessage();
    assertEquals(
        "TorchScript source m.py cannot be read: "
            + message
            + "; export the model again with torch.jit.save",
        found);
  }

  @Test
  void literalsLoseTheirQuotesAndBackslashes() {
    assertEquals("a\"b\\c", ScriptParser.unquote("\"a\\\"b\\\\c\""));
  }
}
