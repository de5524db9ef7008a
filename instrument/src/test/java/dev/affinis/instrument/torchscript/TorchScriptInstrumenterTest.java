package dev.affinis.instrument.torchscript;

import static dev.affinis.instrument.torchscript.TestArchive.module;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.Capture;
import dev.affinis.instrument.CaptureForm;
import dev.affinis.instrument.InstrumentedModel;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.Layout;
import dev.affinis.instrument.ModelSource;
import dev.affinis.instrument.PlannedSite;
import dev.affinis.instrument.SiteFilter;
import dev.affinis.instrument.TapOptions;
import dev.affinis.signature.Pooling;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs written by hand, instrumented and run by the engine. */
class TorchScriptInstrumenterTest {
  @TempDir Path folder;

  /** A root module whose forward has the given body lines. */
  private static String root(String... body) {
    return module(
        "M", "", "def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n" + lines(body));
  }

  private static String lines(String... body) {
    return String.join("\n", body).indent(2);
  }

  private InstrumentedModel.Builder<?, ?> model(String source, TestArchive root)
      throws IOException {
    return InstrumentedModel.builder().setModelPath(root.write(folder.resolve("m.pt"), source));
  }

  private InstrumentedModel.Builder<?, ?> model(String source) throws IOException {
    return model(source, new TestArchive("M"));
  }

  private static String describe(Capture capture) {
    return capture.site().label() + " " + capture.site().kind().word();
  }

  private List<String> sites(InstrumentedModel.Builder<?, ?> builder, long... shape)
      throws IOException {
    try (InstrumentedModel<?, ?> model = builder.build();
        NDManager manager = model.newManager()) {
      NDArray x = manager.randomNormal(new Shape(shape));
      return model.run(new NDList(x)).captures().stream()
          .map(TorchScriptInstrumenterTest::describe)
          .toList();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "torch.relu(x) | relu",
        "torch.relu_(x) | relu",
        "torch.relu6(x) | relu6",
        "torch.relu6_(x) | relu6",
        "torch.hardtanh(x, 0., 6.) | relu6",
        "torch.hardtanh_(x, 0., 6.) | relu6",
        "torch.clamp(x, 0, 6) | relu6",
        "torch.hardtanh(x, -1., 1.) | hardtanh",
        "torch.leaky_relu(x, 0.01) | leaky_relu",
        "torch.leaky_relu_(x, 0.01) | leaky_relu",
        "torch.prelu(x, torch.full([1], 0.25)) | prelu",
        "torch.rrelu(x) | rrelu",
        "torch.elu(x, 1.) | elu",
        "torch.elu_(x) | elu",
        "torch.selu(x) | selu",
        "torch.selu_(x) | selu",
        "torch.celu(x) | celu",
        "torch.celu_(x, 1.) | celu",
        "torch.gelu(x) | gelu",
        "torch.gelu(x, approximate=\"tanh\") | gelu",
        "torch.silu(x) | silu",
        "torch.silu_(x) | silu",
        "torch.mish(x) | mish",
        "torch.mish_(x) | mish",
        "torch.sigmoid(x) | sigmoid",
        "torch.sigmoid_(x) | sigmoid",
        "torch.hardsigmoid(x) | hardsigmoid",
        "torch.hardsigmoid_(x) | hardsigmoid",
        "torch.log_sigmoid(x) | log_sigmoid",
        "torch.tanh(x) | tanh",
        "torch.tanh_(x) | tanh",
        "torch.hardswish(x) | hardswish",
        "torch.hardswish_(x) | hardswish",
        "torch.softplus(x) | softplus",
        "torch.softshrink(x) | softshrink",
        "torch.hardshrink(x) | hardshrink",
        "torch.threshold(x, 0.10000000000000001, 0.) | threshold",
        "torch.threshold_(x, 0., 0.) | relu",
        "torch.glu(x, 1) | glu",
        "torch.div(x, torch.add(torch.abs(x), 1)) | softsign",
        "torch.sub(x, torch.tanh(x)) | tanhshrink",
        "torch.mul(x, torch.sigmoid(x)) | silu",
        "torch.mul(torch.sigmoid(x), x) | silu"
      })
  void inputAndOutputOfEveryActivationAreCapturedAsTheyWere(String expression, String kind)
      throws IOException {
    String source = root("y = torch.mul(x, 2.)", "return " + expression.replaceAll("\\bx\\b", "y"));
    try (InstrumentedModel<?, ?> model = model(source).build();
        NDManager manager = model.newManager()) {
      NDArray x = manager.randomNormal(new Shape(5, 4));
      InstrumentedModel.Run run = model.run(new NDList(x));
      assertEquals(1, run.captures().size());
      Capture capture = run.captures().get(0);
      assertEquals("(root) " + kind, describe(capture));
      assertArrayEquals(x.mul(2).toFloatArray(), capture.pre().toFloatArray());
      assertArrayEquals(run.outputs().head().toFloatArray(), capture.post().toFloatArray());
    }
  }

  @Test
  void activationInPlaceAndWhatFollowsDoNotOverwriteWhatWasSeen() throws IOException {
    String source =
        root("y = torch.mul(x, 1.)", "z = torch.relu_(y)", "w = torch.add_(z, 100.)", "return w");
    try (InstrumentedModel<?, ?> model = model(source).build();
        NDManager manager = model.newManager()) {
      NDArray x = manager.create(new float[] {-1, 2, -3, 4}, new Shape(2, 2));
      Capture capture = model.run(new NDList(x)).captures().get(0);
      assertArrayEquals(new float[] {-1, 2, -3, 4}, capture.pre().toFloatArray());
      assertArrayEquals(new float[] {0, 2, 0, 4}, capture.post().toFloatArray());
    }
  }

  @Test
  void innerPartOfAnActivationIsASiteOnlyIfItIsUsedElsewhere() throws IOException {
    assertEquals(
        List.of("(root) silu"),
        sites(model(root("g = torch.sigmoid(x)", "return torch.mul(x, g)")), 3, 4));
    assertEquals(
        List.of("(root) sigmoid"),
        sites(
            model(root("g = torch.sigmoid(x)", "y = torch.mul(x, g)", "return torch.add(y, g)")),
            3,
            4));
    assertEquals(
        List.of("(root) sigmoid"),
        sites(model(root("g = torch.sigmoid(torch.abs(x))", "return torch.mul(x, g)")), 3, 4));
    assertEquals(
        List.of("(root) tanh"),
        sites(model(root("y = torch.neg(x)", "return torch.sub(y, torch.tanh(x))")), 3, 4));
  }

  @Test
  void modulesAreNamedByTheirPlaceAndCallsCounted() throws IOException {
    String act =
        module(
            "Act",
            "",
            """
            def forward(self: __torch__.Act,
                x: Tensor) -> Tensor:
              return torch.relu(x)
            def forward1(self: __torch__.Act,
                x: Tensor) -> Tensor:
              return torch.relu_(x)
            """);
    String block =
        module(
            "Block",
            "__annotations__[\"0\"] = __torch__.Act\nrelu : __torch__.Act",
            """
            def forward(s: __torch__.Block,
                x: Tensor) -> Tensor:
              _0 = getattr(s, "0")
              relu = s.relu
              y = (relu).forward(torch.neg((relu).forward1((_0).forward(x, ), )), )
              return (s).twice(y, )
            def twice(this: __torch__.Block,
                x: Tensor) -> Tensor:
              return torch.tanh(torch.sigmoid(x))
            """);
    String root =
        module(
            "M",
            "blocks : __torch__.List",
            """
            def forward(self: __torch__.M,
                x: Tensor) -> Tensor:
              _0 = __torch__.helper
              blocks = self.blocks
              b0 = getattr(blocks, "0")
              b1 = getattr(self.blocks, "1")
              return _0((b1).forward((b0).forward(x, ), ), )
            """);
    String list =
        module(
            "List",
            "__annotations__[\"0\"] = __torch__.Block\n__annotations__[\"1\"] = __torch__.Block",
            "");
    String helper =
        "def helper(input: Tensor,\n    inplace: bool=False) -> Tensor:\n  if inplace:\n    _0 = torch.selu_(input)\n  else:\n    _0 = torch.selu(input)\n  return _0\n";
    TestArchive tree = new TestArchive("M");
    TestArchive blocks = new TestArchive("List");
    for (String name : List.of("0", "1")) {
      blocks.attribute(
          name,
          new TestArchive("Block")
              .attribute("0", new TestArchive("Act"))
              .attribute("relu", new TestArchive("Act")));
    }
    tree.attribute("blocks", blocks);
    assertEquals(
        List.of(
            "blocks.0.0 relu",
            "blocks.0.relu relu",
            "blocks.0.relu (call 2) relu",
            "blocks.0 sigmoid",
            "blocks.0 (call 2) tanh",
            "blocks.1.0 relu",
            "blocks.1.relu relu",
            "blocks.1.relu (call 2) relu",
            "blocks.1 sigmoid",
            "blocks.1 (call 2) tanh",
            "(root) selu"),
        sites(model(act + block + list + root + helper, tree), 3, 4));
  }

  @Test
  void sourceThatOnlyLooksLikeCallsIsLeftAlone() throws IOException {
    assertEquals(
        List.of("(root) relu"),
        sites(
            model(
                root(
                    "_0 = \"torch.relu(x) ( [ \\\" } {}\"  # torch.relu(x) \"",
                    "_1 = torch.format(_0, 'it\\'s )')",
                    "y = torch.relu(x) # (",
                    "return y")),
            3,
            4));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Tuple[Tensor, Optional[Tensor], Optional[Tensor]]|(y, None, x)|2",
        "List[Tensor]|[y, x]|2",
        "Dict[str, Tensor]|{\"a\": y}|1",
        "Tuple[Tensor, Tuple[Tensor, int]]|(y, (x, 3))|2",
        "Tuple[Tensor, Tensor]|(y, x)|2",
        "Optional[Tensor]|y|1"
      })
  void resultsOfAnyTypeComeBack(String spec) throws IOException {
    List<String> parts = List.of(spec.split("\\|", -1));
    String source =
        module(
            "M",
            "",
            "def forward(self: __torch__.M,\n    x: Tensor) -> "
                + parts.get(0)
                + ":\n"
                + lines("y = torch.relu(x)", "return " + parts.get(1)));
    try (InstrumentedModel<?, ?> model = model(source).build();
        NDManager manager = model.newManager()) {
      NDArray x = manager.randomNormal(new Shape(3, 4));
      NDList outputs = model.run(new NDList(x)).outputs();
      NDList plain = ModelSource.of(folder.resolve("m.pt")).runPlain(new NDList(x));
      assertEquals(Integer.parseInt(parts.get(2)), outputs.size());
      assertEquals(outputs.size(), plain.size());
      for (int i = 0; i < plain.size(); i++) {
        assertArrayEquals(plain.get(i).toFloatArray(), outputs.get(i).toFloatArray());
      }
    }
  }

  private static final String CONV =
      "y = torch.conv2d(x, torch.ones([4, 3, 1, 1]), None, [1, 1], [0, 0], [1, 1], 1)";
  private static final String LINEAR = "w = torch.linear(z, torch.ones([6, 4]), None)";

  private int[] widths(InstrumentedModel.Builder<?, ?> builder, long... shape) throws IOException {
    try (InstrumentedModel<?, ?> model = builder.build();
        NDManager manager = model.newManager()) {
      NDArray x = manager.randomNormal(new Shape(shape));
      return model.run(new NDList(x)).captures().stream()
          .mapToInt(c -> c.site().dimension())
          .toArray();
    }
  }

  @Test
  void channelsAreWhereTheProducerPutThem() throws IOException {
    String convolution = root(CONV, "return torch.relu(torch.add(y, 1.))");
    assertArrayEquals(new int[] {4}, widths(model(convolution), 2, 3, 5, 7));
    String permuted =
        root(
            CONV,
            "z = torch.permute(y, [0, 2, 3, 1])",
            LINEAR,
            "g = torch.gelu(w)",
            "back = torch.permute(g, [0, 3, 1, 2])",
            "return torch.relu(back)");
    assertArrayEquals(new int[] {6, 6}, widths(model(permuted), 2, 3, 5, 7));
    String sideBySide =
        root(
            CONV,
            "z = torch.permute(x, [0, 2, 3, 1])",
            "w = torch.linear(z, torch.ones([6, 3]), None)",
            "r = torch.relu(y)",
            "return torch.gelu(w)");
    // The ReLU acts on the convolution's result, though a linear layer ran in between.
    assertArrayEquals(new int[] {4, 6}, widths(model(sideBySide), 2, 3, 5, 7));
    String tokens = root("z = torch.transpose(torch.flatten(x, 2), 1, 2)", "return torch.relu(z)");
    assertArrayEquals(new int[] {3}, widths(model(tokens), 2, 3, 5, 7));
  }

  @Test
  void layoutCanBeForced() throws IOException {
    String source = root(CONV, "return torch.relu(y)");
    assertArrayEquals(
        new int[] {7}, widths(model(source).optLayout(Layout.CHANNELS_LAST), 2, 3, 5, 7));
    assertArrayEquals(
        new int[] {4}, widths(model(source).optLayout(Layout.CHANNELS_FIRST), 2, 3, 5, 7));
  }

  @Test
  void poolingIsTheMeanOverPositions() throws IOException {
    String source = root(CONV, "return torch.relu(torch.sub(y, 1.))");
    try (InstrumentedModel<?, ?> model = model(source).build();
        NDManager manager = model.newManager()) {
      NDArray x = manager.randomNormal(new Shape(2, 3, 5, 7));
      InstrumentedModel.Run run = model.run(new NDList(x));
      NDArray expected = run.outputs().head().reshape(2, 4, 35).mean(new int[] {2});
      assertArrayEquals(
          expected.toFloatArray(), run.captures().get(0).post().toFloatArray(), 1e-6f);
      assertEquals(new Shape(4, 5, 7), run.captures().get(0).site().shape());
    }
  }

  @Test
  void referencePoolingTakesTheLastAxisOfThree() throws IOException {
    String source = root("y = torch.flatten(x, 2)", "return torch.relu(y)");
    assertArrayEquals(
        new int[] {3}, widths(model(source).optPooling(Pooling.REFERENCE), 2, 3, 5, 7));
  }

  @Test
  void whatIsNotPerSampleIsSkippedWithItsReason() throws IOException {
    String source =
        root(
            "table = torch.relu(torch.ones([1, 15, 15, 8]))",
            "one = torch.sigmoid(torch.mean(x))",
            "y = torch.relu(x)",
            "return torch.add(y, torch.mul(one, torch.mean(table)))");
    try (InstrumentedModel<?, ?> model = model(source).build();
        NDManager manager = model.newManager()) {
      InstrumentedModel.Run run = model.run(new NDList(manager.randomNormal(new Shape(3, 4))));
      assertEquals(
          List.of("(root) (call 3) relu"),
          run.captures().stream().map(TorchScriptInstrumenterTest::describe).toList());
      assertEquals(2, run.skipped().size());
      assertEquals(
          "first dimension is 1, not the batch: not per sample", run.skipped().get(0).reason());
      assertEquals("a single number, not per sample", run.skipped().get(1).reason());
    }
  }

  @Test
  void planTellsWhatStandsBehindConditions() throws IOException {
    String source =
        root(
            "y = torch.relu(x)",
            "if torch.gt(torch.dim(x), 5):",
            "  z = torch.tanh(y)",
            "else:",
            "  z = y",
            "return z");
    try (InstrumentedModel<?, ?> model = model(source).build()) {
      List<PlannedSite> planned = model.plannedSites();
      assertEquals(List.of(false, true), planned.stream().map(PlannedSite::conditional).toList());
    }
  }

  @Test
  void boundsThatAreVariablesAreLookedAtWhenTheModelRuns() throws IOException {
    String helper =
        "def clip(input: Tensor,\n    low: float,\n    high: float) -> Tensor:\n  return torch.hardtanh(input, low, high)\n";
    assertEquals(
        List.of("(root) relu6", "(root) (call 2) hardtanh"),
        sites(
            model(
                root("y = __torch__.clip(x, 0., 6., )", "return __torch__.clip(y, -1., 1., )")
                    + helper),
            3,
            4));
  }

  @Test
  void modelWithoutActivationsIsRefused() {
    InvalidInputException e =
        assertThrows(InvalidInputException.class, () -> model(root("return torch.neg(x)")).build());
    assertTrue(e.getMessage().contains("no activation"), e.getMessage());
  }

  @Test
  void instrumentedArchiveIsNotInstrumentedAgain() throws IOException {
    Path first = new TestArchive("M").write(folder.resolve("a.pt"), root("return torch.relu(x)"));
    Path second = folder.resolve("b.pt");
    new TorchScriptInstrumenter(first, Map.of())
        .writeInstrumented(
            second,
            new TapOptions(CaptureForm.POOLED, Pooling.CHANNEL, Layout.AUTO, SiteFilter.ALL));
    InvalidInputException e =
        assertThrows(
            InvalidInputException.class, () -> new TorchScriptInstrumenter(second, Map.of()));
    assertTrue(e.getMessage().contains("instrumented already"), e.getMessage());
  }

  @Test
  void callThroughAnInterfaceIsRefusedByName() {
    String source =
        module(
                "Act",
                "",
                "def forward(self: __torch__.Act,\n    x: Tensor) -> Tensor:\n  return torch.relu(x)\n")
            + "class Face(Interface):\n  def forward(self: __torch__.Face,\n    x: Tensor) -> Tensor:\n    pass\n"
            + module(
                "M",
                "act : __torch__.Unknown",
                "def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n  act = self.act\n  return (act).forward(x, )\n");
    InvalidInputException e =
        assertThrows(
            InvalidInputException.class,
            () ->
                new TorchScriptInstrumenter(
                    new TestArchive("M").write(folder.resolve("i.pt"), source), Map.of()));
    assertTrue(e.getMessage().contains("(act).forward"), e.getMessage());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "class M(Module):\n  def forward(self: __torch__.M, x: Tensor) -> Tensor:\n    return (x\n",
        "class M(Module):\n  def forward(self: __torch__.M, x: Tensor) -> Tensor:\n    return \"x\n",
        "class M(Module):\n  def forward(self: __torch__.M, x: Tensor) -> Tensor:\n    return x]\n",
        "class M(Module)\n  x : int\n",
        "def forward\n"
      })
  void damagedSourceIsRefused(String source) {
    Path file = new TestArchive("M").write(folder.resolve("d.pt"), source);
    assertThrows(InvalidInputException.class, () -> new TorchScriptInstrumenter(file, Map.of()));
  }
}
