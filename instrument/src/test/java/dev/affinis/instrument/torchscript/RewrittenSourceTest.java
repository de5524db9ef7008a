package dev.affinis.instrument.torchscript;

import static dev.affinis.instrument.torchscript.TestArchive.module;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.affinis.instrument.CaptureForm;
import dev.affinis.instrument.Layout;
import dev.affinis.instrument.PlannedSite;
import dev.affinis.instrument.SiteFilter;
import dev.affinis.instrument.TapOptions;
import dev.affinis.signature.Pooling;
import dev.affinis.signature.TokenPolicy;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The rewritten program, word for word; other tests run such programs. Here no engine is needed.
 */
class RewrittenSourceTest {
  private static final String ACT =
      module(
          "Act",
          "",
          """
          def forward(self: __torch__.Act,
              x: Tensor) -> Tensor:
            return torch.relu_(x)
          """);

  private static final String BLOCK =
      module(
          "Block",
          "act : __torch__.Act\n__annotations__[\"0\"] = __torch__.Act",
          """
          def forward(self: __torch__.Block,
              x: Tensor,
              flag: bool=False) -> Tensor:
            act = self.act
            _0 = getattr(self, "0")
            y = (act).forward(torch.neg((_0).forward(x, )), )
            if flag:
              z = torch.hardtanh(y, 0., 6.)
            else:
              z = __torch__.clip(y, -1., 1., )
            return torch.tanh_(torch.sigmoid(z)) # as printed
          """);

  private static final String ROOT =
      module(
          "M",
          "block : __torch__.Block",
          """
          def forward(self: __torch__.M,
              x: Tensor,
              y: Optional[Tensor]=None) -> Tuple[Tensor, Optional[Tensor]]:
            block = self.block
            a = (block).forward(x, True, )
            h = torch.mul(a, torch.sigmoid(a))
            c = torch.conv2d(h, torch.ones([4, 3, 1, 1]), None, [1, 1], [0, 0], [1, 1], 1)
            p = torch.permute(torch.clamp(c, 0, 6), [0, 2, 3, 1])
            n = __torch__.untouched(p, )
            return (n, y)
          """);

  private static final String FREE =
      """
      def clip(input: Tensor,
          low: float,
          high: float) -> Tensor:
        return torch.hardtanh(input, low, high)
      def untouched(x: Tensor) -> Tensor:
        return torch.neg(x)
      """;

  @TempDir Path folder;

  private Path model() {
    TestArchive block =
        new TestArchive("Block")
            .attribute("act", new TestArchive("Act"))
            .attribute("0", new TestArchive("Act"));
    return new TestArchive("M")
        .attribute("block", block)
        .write(folder.resolve("m.pt"), ACT + BLOCK + ROOT + FREE);
  }

  /** The new source; t stands for the taps in it, s for the path, TAPS for both as parameters. */
  private String rewritten(Path model, TapOptions options) throws IOException {
    Path copy = folder.resolve("copy.pt");
    new TorchScriptInstrumenter(model, Map.of()).writeInstrumented(copy, options);
    try (ScriptArchive archive = ScriptArchive.open(copy)) {
      String source = archive.readSources().get("__torch__.py");
      return source
          .replace("affinis_taps: __torch__.affinis.Taps, affinis_scope: str", "TAPS")
          .replace("affinis_taps", "t")
          .replace("affinis_scope", "s");
    }
  }

  private static TapOptions options(SiteFilter filter) {
    return new TapOptions(CaptureForm.POOLED, Pooling.CHANNEL, Layout.AUTO, filter);
  }

  private static String between(String source, String from, String to) {
    int start = source.indexOf(from);
    return source.substring(start, source.indexOf(to, start));
  }

  @Test
  void sitesAreListedInTheOrderOfTheirCalls() throws IOException {
    assertEquals(
        List.of(
            "block.0 relu",
            "block.act relu",
            "block relu6 behind a condition",
            "block hardtanh behind a condition",
            "block sigmoid",
            "block tanh",
            "(root) silu",
            "(root) relu6 behind a condition"),
        new TorchScriptInstrumenter(model(), Map.of())
            .sites().stream().map(RewrittenSourceTest::describe).toList());
  }

  private static String describe(PlannedSite site) {
    return site.path()
        + " "
        + site.kind().word()
        + (site.conditional() ? " behind a condition" : "");
  }

  @Test
  void functionsThatReachASiteGetTheTapsAndThePath() throws IOException {
    String source = rewritten(model(), options(SiteFilter.ALL));
    String expected =
        ACT.replace("Act,\n", "Act, TAPS,\n")
                .replace(
                    "torch.relu_(x)",
                    "(t).post(s, \"relu\", torch.relu_((t).pre(s, \"relu\", x, )), )")
            + BLOCK
                .replace("Block,\n", "Block, TAPS,\n")
                .replace(
                    "(act).forward(torch.neg((_0).forward(x, )), )",
                    "(act).forward(t, torch.add(s, \".act\"),"
                        + " torch.neg((_0).forward(t, torch.add(s, \".0\"), x, )), )")
                .replace(
                    "torch.hardtanh(y, 0., 6.)",
                    "(t).post(s, \"relu6\", torch.hardtanh((t).pre(s, \"relu6\", y, ), 0., 6.), )")
                .replace("clip(y,", "clip(t, s, y,")
                .replace(
                    "torch.tanh_(torch.sigmoid(z))",
                    "(t).post(s, \"tanh\", torch.tanh_((t).pre(s, \"tanh\", (t).post(s, \"sigmoid\","
                        + " torch.sigmoid((t).pre(s, \"sigmoid\", z, )), ), )), )")
            + ROOT.replace(
                    "forward(self: __torch__.M,\n", "affinis_forward(self: __torch__.M, TAPS,\n")
                .replace("forward(x, True, )", "forward(t, torch.add(s, \".block\"), x, True, )")
                .replace(
                    "torch.mul(a, torch.sigmoid(a))",
                    "(t).end(s, \"silu\", \"#0\","
                        + " torch.mul(a, torch.sigmoid((t).begin(s, \"silu\", \"#0\", a, ))), )")
                .replace("torch.conv2d", "(t).produced(0, torch.conv2d")
                .replace("[1, 1], 1)", "[1, 1], 1), )")
                .replace(
                    "torch.permute(torch.clamp(c, 0, 6), [0, 2, 3, 1])",
                    "(t).produced(1, torch.permute((t).end(s, \"relu6\", \"#1\", torch.clamp("
                        + "(t).begin(s, \"relu6\", \"#1\", c, ), 0, 6), ), [0, 2, 3, 1]), )");
    assertEquals(expected, source.substring(0, source.indexOf("  def forward(self: __torch__.M,")));
    assertEquals(
        FREE.replace("clip(input", "clip(TAPS, input")
            .replace(
                "torch.hardtanh(input, low, high)",
                "(t).post(s, (t).hardtanh(low, high, ), torch.hardtanh("
                    + "(t).pre(s, (t).hardtanh(low, high, ), input, ), low, high), )"),
        source.substring(source.indexOf("def clip")));
  }

  @Test
  void modulesAreEnclosedAndTheirInsideIsLeftAsItWas() throws IOException {
    String source = rewritten(model(), options(SiteFilter.of(List.of("module:block.act"))));
    assertEquals(ACT, source.substring(0, source.indexOf("class Block")));
    assertEquals(FREE, source.substring(source.indexOf("def clip")));
    assertEquals(
        BLOCK
            .replace("Block,\n", "Block, TAPS,\n")
            .replace(
                "(act).forward(torch.neg((_0).forward(x, )), )",
                "(t).leave(torch.add(s, \".act\"), \"module\", \"#m0\", (act).forward((t).enter("
                    + "torch.add(s, \".act\"), \"module\", \"#m0\","
                    + " torch.neg((_0).forward(x, )), ), ), )"),
        between(source, "class Block", "class M"));
  }

  @Test
  void theNewForwardCallsTheOldOneAndFlattensItsResult() throws IOException {
    String source = rewritten(model(), options(SiteFilter.ALL));
    assertEquals(
        """
          def forward(self: __torch__.M,
            x: Tensor,
            y: Optional[Tensor]=None) -> Tuple[List[Tensor], Dict[str, Tensor]]:
            t = __torch__.affinis.Taps.__new__(__torch__.affinis.Taps)
            affinis_init = (t).__init__(False, False, -1, annotate(List[str], []), 0, -1.0, \
        annotate(Dict[str, List[float]], {"relu6": [0.0, 6.0], "sigmoid": [0.0, 1.0], \
        "hardsigmoid": [0.0, 1.0], "tanh": [-1.0, 1.0], "softsign": [-1.0, 1.0]}), )
            affinis_part0 = (t).input(x, )
            affinis_result = (self).affinis_forward(t, "", x, y, )
            affinis_tensors = annotate(List[Tensor], [])
            affinis_part1, affinis_part2, = affinis_result
            affinis_part3 = torch.append(affinis_tensors, affinis_part1)
            if torch.__isnot__(affinis_part2, None):
              affinis_part4 = unchecked_cast(Tensor, affinis_part2)
              affinis_part5 = torch.append(affinis_tensors, affinis_part4)
            else:
              pass
            return (affinis_tensors, t.rows)

        """,
        between(source, "  def forward(self: __torch__.M,", "def clip"));
  }

  @Test
  void aResultThatCanBeHandedBackIsNotFlattened() throws IOException {
    String source = returning("Tuple[Tensor, Tensor]", "(y, x)");
    Path model = new TestArchive("M").write(folder.resolve("m.pt"), source);
    String forward = rewritten(model, options(SiteFilter.ALL)).split("def forward", 2)[1];
    assertTrue(forward.contains("-> Tuple[Tuple[Tensor, Tensor], Dict[str, Tensor]]:"), forward);
    assertTrue(forward.endsWith("    return (affinis_result, t.rows)\n\n"), forward);
  }

  @Test
  void listsDictionariesAndNamedTuplesAreFlattened() throws IOException {
    String source =
        returning(
                "Tuple[List[Tensor], Dict[str, Tensor], __torch__.Pair]",
                "([y], {\"x\": x}, __torch__.Pair(x, None))")
            + "class Pair(NamedTuple):\n  left : Tensor\n  right : Optional[Tensor]\n";
    Path model = new TestArchive("M").write(folder.resolve("m.pt"), source);
    assertEquals(
        """
        affinis_part1, affinis_part2, affinis_part3, = affinis_result
            torch.extend(affinis_tensors, affinis_part1)
            torch.extend(affinis_tensors, torch.values(affinis_part2))
            affinis_part4 = affinis_part3.left
            affinis_part5 = torch.append(affinis_tensors, affinis_part4)
            affinis_part6 = affinis_part3.right
            if torch.__isnot__(affinis_part6, None):
              affinis_part7 = unchecked_cast(Tensor, affinis_part6)
              affinis_part8 = torch.append(affinis_tensors, affinis_part7)
            else:
              pass""",
        between(rewritten(model, options(SiteFilter.ALL)), "affinis_part1", "return").strip());
  }

  private static String returning(String type, String value) {
    return module(
        "M",
        "",
        "def forward(self: __torch__.M,\n    x: Tensor) -> "
            + type
            + ":\n  y = torch.relu(x)\n  return "
            + value
            + "\n");
  }

  /** An operator in place may be a part if nobody reads afterwards what it changed. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "return torch.div(torch.relu6(torch.add_(x, 3)), 6) | hardsigmoid",
        "return torch.div(torch.mul(x, torch.relu6(torch.add_(x, 3))), 6) | relu6",
        "return torch.mul_(x, torch.sigmoid(x)) | silu",
        "return torch.mul(x, torch.tanh_(torch.softplus(x))) | mish",
        "a = torch.add(x, 3); return torch.div(torch.mul(x, torch.relu6_(a)), 6) | hardswish",
        "return torch.mul(x, torch.sigmoid_(x)) | sigmoid",
        "s = torch.sigmoid(x); z = torch.neg(y); return torch.mul(x, s) | silu",
        "s = torch.sigmoid(x); z = torch.neg_(y); return torch.mul(x, s) | sigmoid",
        "s = torch.sigmoid(x); z = torch.__neg__(y); return torch.mul(x, s) | silu"
      })
  void expressionsInPlace(String body, String kind) throws IOException {
    String source =
        module(
            "M",
            "",
            "def forward(self: __torch__.M,\n    x: Tensor,\n    y: Tensor) -> Tensor:\n  "
                + body.replace("; ", "\n  ")
                + "\n");
    Path model = new TestArchive("M").write(folder.resolve("m.pt"), source);
    assertEquals(
        List.of("(root) " + kind),
        new TorchScriptInstrumenter(model, Map.of())
            .sites().stream().map(RewrittenSourceTest::describe).toList());
  }

  @Test
  void optionsAreHandedToTheTaps() throws IOException {
    assertEquals(
        "True, True, 0, annotate(List[str], [\".block.0|relu\", \".block|relu6\", \".block|hardtanh\","
            + " \".block|sigmoid\", \".block|tanh\", \"|silu\", \"|relu6\"]), 0, 0.5, ",
        handed(
            new TapOptions(
                CaptureForm.RAW,
                Pooling.REFERENCE,
                Layout.CHANNELS_FIRST,
                SiteFilter.of(List.of("block.act")),
                TokenPolicy.ALL,
                OptionalDouble.of(.5))));
    String none = "False, False, 1, annotate(List[str], []), %s, -1.0, ";
    assertEquals(none.replace("%s", "1"), handed(tokens(TokenPolicy.CLASS)));
    assertEquals(none.replace("%s", "2"), handed(tokens(TokenPolicy.PATCHES)));
    assertEquals(none.replace("%s", "3"), handed(tokens(TokenPolicy.masked("x"))));
  }

  @Test
  void aMaskIsTakenBeforeTheInputs() throws IOException {
    assertEquals(
        "affinis_part0 = (t).take_mask(x, )\n    affinis_part1 = (t).input(x, )\n    ",
        between(rewritten(model(), tokens(TokenPolicy.masked("x"))), "affinis_part0", "affinis_r"));
    assertEquals(
        """
        if torch.__isnot__(y, None):
              affinis_part0 = unchecked_cast(Tensor, y)
              affinis_part1 = (t).take_mask(affinis_part0, )
            else:
              pass
            affinis_part2 = (t).input(x, )""",
        between(
                rewritten(model(), tokens(TokenPolicy.masked("y"))),
                "if torch.__isnot__(y",
                "affinis_r")
            .strip());
  }

  private static TapOptions tokens(TokenPolicy tokens) {
    return new TapOptions(
        CaptureForm.POOLED,
        Pooling.CHANNEL,
        Layout.CHANNELS_LAST,
        SiteFilter.ALL,
        tokens,
        OptionalDouble.empty());
  }

  private String handed(TapOptions options) throws IOException {
    return between(rewritten(model(), options), "__init__(", "annotate(Dict").substring(9);
  }

  /** Of all types of sites but modules. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
        torch.relu(torch.neg(x)) | (t).post(s, "relu", torch.relu((t).pre(s, "relu", torch.neg(x), )), )
        torch.hardtanh(x) | (t).post(s, "hardtanh", torch.hardtanh((t).pre(s, "hardtanh", x, )), )
        torch.hardtanh(x, 0., 6.) | (t).post(s, "relu6", torch.hardtanh((t).pre(s, "relu6", x, ), 0., 6.), )
        torch.hardtanh(x, 0., 5.) | (t).post(s, "hardtanh", torch.hardtanh((t).pre(s, "hardtanh", x, ), 0., 5.), )
        torch.hardtanh(x, 1., 6.) | (t).post(s, "hardtanh", torch.hardtanh((t).pre(s, "hardtanh", x, ), 1., 6.), )
        torch.hardtanh(x, low, high) | (t).post(s, (t).hardtanh(low, high, ), torch.hardtanh((t).pre(s, (t).hardtanh(low, high, ), x, ), low, high), )
        torch.hardtanh(x, low, 1.) | (t).post(s, "hardtanh", torch.hardtanh((t).pre(s, "hardtanh", x, ), low, 1.), )
        torch.hardtanh(x, torch.neg(low), 6.) | (t).post(s, "hardtanh", torch.hardtanh((t).pre(s, "hardtanh", x, ), torch.neg(low), 6.), )
        torch.threshold(x, 0., 0.) | (t).post(s, "relu", torch.threshold((t).pre(s, "relu", x, ), 0., 0.), )
        torch.threshold(x, 0., 1.) | (t).post(s, "threshold", torch.threshold((t).pre(s, "threshold", x, ), 0., 1.), )
        torch.max_pool2d(x, [2, 2]) | (t).post(s, "max_pool", (t).produced(0, torch.max_pool2d((t).pre_as(s, "max_pool", 0, x, ), [2, 2]), ), )
        torch.max_pool2d_with_indices(x, [2, 2]) | (t).post_pair(s, "max_pool", torch.max_pool2d_with_indices((t).pre_as(s, "max_pool", 0, x, ), [2, 2]), )
        torch.avg_pool1d(x, [2]) | (t).post(s, "average_pool", (t).produced(0, torch.avg_pool1d((t).pre_as(s, "average_pool", 0, x, ), [2]), ), )
        torch.group_norm(x, 2) | (t).post(s, "group_norm", (t).produced(0, torch.group_norm((t).pre_as(s, "group_norm", 0, x, ), 2), ), )
        torch.layer_norm(x, [3]) | (t).post(s, "layer_norm", (t).produced(1, torch.layer_norm((t).pre_as(s, "layer_norm", 1, x, ), [3]), ), )
        torch.layer_norm(x, [3, 4]) | (t).post(s, "layer_norm", (t).produced(1, torch.layer_norm((t).pre_as(s, "layer_norm", -1, x, ), [3, 4]), ), )
        torch.layer_norm(x, shape) | (t).post(s, "layer_norm", (t).produced(1, torch.layer_norm((t).pre_as(s, "layer_norm", (t).normalised(shape, ), x, ), shape), ), )
        torch.layer_norm(x, torch.size(x)) | (t).post(s, "layer_norm", (t).produced(1, torch.layer_norm((t).pre_as(s, "layer_norm", -1, x, ), torch.size(x)), ), )
        torch.softmax(x, -1) | (t).post_softmax(s, "softmax", -1, torch.softmax((t).pre_softmax(s, "softmax", -1, x, ), -1), )
        torch.transpose(x, 1, 2) | (t).swapped(torch.transpose(x, 1, 2), )
        torch.transpose(x, 0, 1) | torch.transpose(x, 0, 1)
        torch.permute(x, [0, 2, 1]) | (t).swapped(torch.permute(x, [0, 2, 1]), )
        torch.permute(x, [0, 3, 1, 2]) | (t).produced(0, torch.permute(x, [0, 3, 1, 2]), )
        torch.permute(x, [1, 0]) | torch.permute(x, [1, 0])
        torch.linear(x, w, None) | (t).produced(1, torch.linear(x, w, None), )
        torch.neg(x) | torch.neg(x)
        torch.mul(torch.linear(x, w, None), torch.silu(torch.linear(x, v, None))) | (t).end_gate(s, "swiglu", "#g0", torch.mul((t).begin(s, "swiglu", "#g0-value", (t).produced(1, torch.linear(x, w, None), ), ), (t).post(s, "silu", torch.silu((t).begin(s, "swiglu", "#g0-gate", (t).pre(s, "silu", (t).produced(1, torch.linear(x, v, None), ), ), )), )), )
      """)
  void everyCallIsEnclosedByWhatItsKindNeeds(String expression, String expected)
      throws IOException {
    String source =
        module(
            "M",
            "",
            "def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n"
                + "  y = torch.gelu(x)\n  return "
                + expression
                + "\n");
    SiteFilter filter =
        SiteFilter.of(List.of("activations", "pooling", "normalisation", "attention", "gates"));
    Path model = new TestArchive("M").write(folder.resolve("m.pt"), source);
    assertEquals("return " + expected, between(rewritten(model, options(filter)), "return ", "\n"));
  }
}
