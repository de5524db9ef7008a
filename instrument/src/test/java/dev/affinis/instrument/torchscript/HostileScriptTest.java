package dev.affinis.instrument.torchscript;

import static dev.affinis.instrument.torchscript.TestArchive.module;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.affinis.fuzz.Fuzz;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.SiteFilter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Programs that were made to take a reader's time, memory or stack, or to confuse it. */
class HostileScriptTest {
  private static String root(String attributes, String body) {
    return module(
        "M", attributes, "def forward(self: __torch__.M, x: Tensor) -> Tensor:\n" + body.indent(2));
  }

  private static String times(int count, IntFunction<String> line) {
    return IntStream.range(0, count).mapToObj(line).collect(Collectors.joining());
  }

  static Stream<Arguments> refused() {
    String calls = root("", "return __torch__.f0(x)");
    String twice =
        times(
            40,
            i ->
                "def f"
                    + i
                    + "(x: Tensor) -> Tensor:\n  y = __torch__.f"
                    + (i + 1)
                    + "(x)\n  return __torch__.f"
                    + (i + 1)
                    + "(y)\n");
    String chain =
        times(
            5000,
            i -> "def f" + i + "(x: Tensor) -> Tensor:\n  return __torch__.f" + (i + 1) + "(x)\n");
    return Stream.of(
        Arguments.of(
            "brackets", root("", "return " + "(".repeat(20_000) + "x" + ")".repeat(20_000))),
        Arguments.of(
            "brackets",
            root("", "return " + "torch.relu(".repeat(20_000) + "x" + ")".repeat(20_000))),
        Arguments.of("nested into column", root("", times(500, i -> " ".repeat(i) + "if x:\n"))),
        Arguments.of(
            "more than 1000000 calls",
            calls + twice + "def f40(x: Tensor) -> Tensor:\n  return torch.relu(x)\n"),
        Arguments.of(
            "nested deeper",
            calls + chain + "def f5000(x: Tensor) -> Tensor:\n  return torch.relu(x)\n"),
        Arguments.of(
            "module's path",
            root("me : __torch__.M", "return (self" + ".me".repeat(50_000) + ").act(x)")),
        Arguments.of(
            "has itself in it",
            "class Out(NamedTuple):\n  next : __torch__.Out\n"
                + root("", "return torch.relu(x)").replace("-> Tensor", "-> __torch__.Out")),
        Arguments.of(
            "has the name affinis_taps", root("", "affinis_taps = torch.relu(x)\nreturn x")),
        Arguments.of(
            "no parameter for its object",
            "class M(Module):\n  def forward() -> Tensor:\n    return x\n"),
        Arguments.of("has no body", "class M(Module):\n  def forward(self) -> Tensor:\n"),
        Arguments.of("no name after def", "def (x)"),
        Arguments.of("unclosed string", root("", "return \"x")));
  }

  @ParameterizedTest
  @MethodSource("refused")
  void isRefusedWithinLimits(String reason, String source) {
    InvalidInputException error = assertThrows(InvalidInputException.class, () -> bounded(source));
    assertTrue(error.getMessage().contains(reason), error.getMessage());
    assertTrue(error.getMessage().startsWith("model m.pt"), error.getMessage());
    assertTrue(error.getMessage().length() < 500, "an error of " + error.getMessage().length());
  }

  static Stream<String> taken() {
    return Stream.of(
        // Numbers that double in every line.
        root(
            "",
            "a0 = torch.mul(2., 1.)\n"
                + times(200, i -> "a" + (i + 1) + " = torch.mul(a" + i + ", a" + i + ")\n")
                + "return torch.relu(torch.mul(x, a200))"),
        root(
            "",
            "a0 = torch.neg(1)\n"
                + times(20_000, i -> "a" + (i + 1) + " = torch.neg(a" + i + ")\n")
                + "return torch.relu(torch.mul(x, a20000))"),
        // Used before it is made: a circle.
        root("", "y = torch.mul(a, a)\na, b = torch.mul(y, y)\nreturn torch.relu(torch.mul(x, y))"),
        root("", "return torch.relu(torch.mul(x, CONSTANTS.c99999999999))"),
        // One of PyTorch's functions without an argument.
        root("", "y = __torch__.torch.nn.functional.relu()\nreturn torch.relu(x)"),
        root("__annotations__[x] = __torch__.M", "return torch.relu(x)"),
        // What a language model gives besides its logits.
        "class Out(NamedTuple):\n  loss : Optional[Tensor]\n"
            + times(400, i -> "  state" + i + " : Tensor\n")
            + root("", "y = torch.relu(x)\nreturn __torch__.Out(None, " + "y, ".repeat(400) + ")")
                .replace("-> Tensor", "-> __torch__.Out"),
        root("", "s = \"def f(x):\\n  return torch.relu(\"\nt = '\\\")'\nreturn torch.relu(x)"),
        root(
            "",
            times(5000, i -> "if torch.gt(torch.dim(x), " + i + "):\n  pass\nelse:\n  pass\n")
                + "return torch.relu(x)"),
        root("", "return torch.relu(torch.cat([" + "torch.neg(x), ".repeat(20_000) + "], 0))"));
  }

  @ParameterizedTest
  @MethodSource("taken")
  void isReadWithinLimits(String source) {
    assertEquals(1, bounded(source));
  }

  @Test
  void sourceOfHundredsOfThousandsOfCallsIsRead(@TempDir Path folder) throws IOException {
    String padding = ("#" + " ".repeat(1022) + "\n").repeat(30 << 10);
    Path file =
        new TestArchive("M")
            .write(folder.resolve("m.pt"), root("", "return torch.relu(x)") + padding);
    assertEquals(1, new TorchScriptInstrumenter(file, Map.of()).sites(SiteFilter.ALL).size());
  }

  @Test
  void namesOfModulesDoNotBecomePartsOfTheProgram() {
    String source =
        "class Act(Module):\n  def forward(self: __torch__.Act, x: Tensor) -> Tensor:\n"
            + "    return torch.relu(x)\n"
            + root(
                "__annotations__[\"a\\\"b\"] = __torch__.Act",
                "return (getattr(self, \"a\\\"b\")).forward(x, )");
    ScriptProgram program = ScriptProgramFuzzTest.read(source);
    assertEquals("a\"b", program.sites(SiteFilter.ALL).get(0).path());
    SiteFilter others = SiteFilter.ALL.paths("no*");
    String printed =
        program.instrumented(ScriptProgramFuzzTest.options(others)).get("__torch__.py");
    assertTrue(printed.contains("\".a\\\"b|relu\""), printed);
  }

  /** Reads and rewrites within the harness's limits; returns the number of sites. */
  private static int bounded(String source) {
    AtomicReference<InvalidInputException> refused = new AtomicReference<>();
    AtomicInteger sites = new AtomicInteger();
    Fuzz.builder()
        .setName("hostile-script")
        .setTarget(
            text -> {
              try {
                ScriptProgramFuzzTest.rewrite(source);
                ScriptProgram program = ScriptProgramFuzzTest.read(source);
                sites.set(program.sites(SiteFilter.ALL).size());
              } catch (InvalidInputException e) {
                refused.set(e);
              }
            })
        .optSeed(new byte[0])
        .optBytes(1L << 30)
        .optSeconds(5)
        .build()
        .run(0);
    if (refused.get() != null) {
      throw refused.get();
    }
    return sites.get();
  }
}
