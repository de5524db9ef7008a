package dev.affinis.instrument.torchscript;

import static dev.affinis.instrument.torchscript.TestArchive.module;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.Capture;
import dev.affinis.instrument.CaptureForm;
import dev.affinis.instrument.InstrumentedModel;
import dev.affinis.instrument.Measurement;
import dev.affinis.instrument.ModelSource;
import dev.affinis.instrument.SiteFilter;
import dev.affinis.instrument.data.RandomSource;
import dev.affinis.instrument.data.Selection;
import dev.affinis.signature.Score;
import dev.affinis.signature.Signature;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs written by hand with gates, run by the engine. */
class GatesTest {
  /**
   * Linear maps of x whose weights are made on the spot: sines, cosines, and one to one channel.
   */
  private static final String MAPS =
      """
      a = torch.sin(torch.reshape(torch.arange(12, dtype=6), [4, 3]))
      b = torch.cos(torch.reshape(torch.arange(12, dtype=6), [4, 3]))
      g = torch.linear(x, a, None)
      v = torch.linear(x, b, None)
      """;

  @TempDir Path folder;

  private static String root(String attributes, String body) {
    return module(
        "M",
        attributes,
        "def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n" + body.indent(2));
  }

  private InstrumentedModel.Builder<NDList, NDList> builder(
      TestArchive archive, String source, String... sites) throws IOException {
    return InstrumentedModel.builder()
        .setModelPath(archive.write(folder.resolve("m.pt"), source))
        .optSites(SiteFilter.of(List.of(sites)))
        .optCounts(1e-3);
  }

  private static List<String> sites(InstrumentedModel.Run run) {
    return run.captures().stream()
        .map(capture -> capture.site().path() + " " + capture.site().kind().word())
        .toList();
  }

  private static NDArray weights(NDManager manager, boolean isSine) {
    float[] values = new float[12];
    for (int i = 0; i < 12; i++) {
      values[i] = (float) (isSine ? Math.sin(i) : Math.cos(i));
    }
    return manager.create(values, new Shape(4, 3));
  }

  private static void assertGate(InstrumentedModel.Run run, Capture capture, NDArray x) {
    NDManager manager = x.getManager();
    NDArray gate = x.matMul(weights(manager, true).transpose());
    NDArray value = x.matMul(weights(manager, false).transpose());
    assertArrayEquals(
        gate.concat(value, 2).mean(new int[] {1}).toFloatArray(),
        capture.pre().toFloatArray(),
        1e-5f);
    assertArrayEquals(
        run.outputs().head().mean(new int[] {1}).toFloatArray(),
        capture.post().toFloatArray(),
        1e-5f);
    assertEquals(new Shape(6, 8), capture.counts().orElseThrow().smallPre().getShape());
    assertEquals(new Shape(6, 4), capture.counts().orElseThrow().smallPost().getShape());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "return torch.mul(torch.silu(g), v) | silu | swiglu",
        "return torch.mul(v, torch.silu_(g)) | silu | swiglu",
        "return torch.mul(torch.mul(g, torch.sigmoid(g)), v) | silu | swiglu",
        "return torch.mul(torch.gelu(g), v) | gelu | geglu",
        "return torch.mul(torch.gelu(g, approximate=\"tanh\"), v) | gelu | geglu",
        "return torch.mul_(torch.relu(g), v) | relu | reglu",
        "return torch.mul(v, torch.sigmoid(g)) | sigmoid | sigmoid_glu"
      })
  void inputIsBothMapsAndOutputTheirProduct(String body, String activation, String kind)
      throws IOException {
    String source = root("", MAPS + body);
    TestArchive archive = new TestArchive("M");
    try (InstrumentedModel<?, ?> model = builder(archive, source, "gates").build();
        InstrumentedModel<?, ?> both = builder(archive, source, "gates", "activations").build();
        InstrumentedModel<?, ?> plain = builder(archive, source).build();
        NDManager manager = model.newManager()) {
      NDArray x = manager.randomNormal(new Shape(6, 5, 3));
      InstrumentedModel.Run run = model.run(new NDList(x));
      assertEquals(List.of("(root) " + kind), sites(run));
      assertGate(run, run.captures().get(0), x);
      assertEquals(
          List.of("(root) " + activation, "(root) " + kind), sites(both.run(new NDList(x))));
      assertEquals(List.of("(root) " + activation), sites(plain.run(new NDList(x))));
    }
  }

  @Test
  void twoMapsAloneAreBilinear() throws IOException {
    String source = root("", MAPS + "return torch.mul(g, v)");
    try (InstrumentedModel<?, ?> model = builder(new TestArchive("M"), source, "gates").build();
        NDManager manager = model.newManager()) {
      NDArray x = manager.randomNormal(new Shape(6, 5, 3));
      InstrumentedModel.Run run = model.run(new NDList(x));
      assertEquals(List.of("(root) bilinear"), sites(run));
      assertGate(run, run.captures().get(0), x);
    }
  }

  /** As tracing writes the feed-forward part of most language models. */
  @Test
  void modulesMayComputeTheParts() throws IOException {
    String linear =
        """
        def forward(self: __torch__.%s,
            x: Tensor) -> Tensor:
          w = torch.%s(torch.reshape(torch.arange(12, dtype=6), [4, 3]))
          return torch.linear(x, w, None)
        """;
    String act =
        """
        def forward(self: __torch__.Act,
            input: Tensor) -> Tensor:
          return torch.silu(input)
        """;
    String product =
        """
        def forward(self: __torch__.Mlp,
            x: Tensor) -> Tensor:
          up = self.up
          act = self.act
          gate = self.gate
          _0 = (act).forward((gate).forward(x, ), )
          _1 = (up).forward(x, )
          input = torch.mul(_0, _1)
          return input
        """;
    String source =
        module("Gate", "", linear.formatted("Gate", "sin"))
            + module("Up", "", linear.formatted("Up", "cos"))
            + module("Act", "", act)
            + module(
                "Mlp", "gate : __torch__.Gate\nup : __torch__.Up\nact : __torch__.Act", product)
            + root("mlp : __torch__.Mlp", "mlp = self.mlp\nreturn (mlp).forward(x, )");
    TestArchive mlp =
        new TestArchive("Mlp")
            .attribute("gate", new TestArchive("Gate"))
            .attribute("up", new TestArchive("Up"))
            .attribute("act", new TestArchive("Act"));
    TestArchive archive = new TestArchive("M").attribute("mlp", mlp);
    try (InstrumentedModel<?, ?> model = builder(archive, source, "gates", "activations").build();
        NDManager manager = model.newManager()) {
      NDArray x = manager.randomNormal(new Shape(6, 5, 3));
      InstrumentedModel.Run run = model.run(new NDList(x));
      assertEquals(List.of("mlp.act silu", "mlp swiglu"), sites(run));
      assertGate(run, run.captures().get(1), x);
    }
    try (InstrumentedModel<?, ?> model =
            builder(archive, source, "gates", "activations", "mlp.act").build();
        NDManager manager = model.newManager()) {
      InstrumentedModel.Run run = model.run(new NDList(manager.ones(new Shape(6, 5, 3))));
      assertEquals(List.of("mlp.act silu"), sites(run));
      assertEquals("mlp", run.leftOut().get(0).path());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "h, k, = torch.chunk(g, 2, -1)",
        "_0 = torch.chunk(g, 2, -1)\nh, k, = _0",
        "_0 = torch.split(g, 2, -1)\nh, k, = _0"
      })
  void halvesOfOneMapAreAGate(String halves) throws IOException {
    String source = root("", MAPS + halves + "\nreturn torch.mul(h, torch.gelu(k))");
    try (InstrumentedModel<?, ?> model =
            builder(new TestArchive("M"), source, "gates").optForm(CaptureForm.RAW).build();
        NDManager manager = model.newManager()) {
      NDArray x = manager.randomNormal(new Shape(6, 5, 3));
      Capture capture = model.run(new NDList(x)).captures().get(0);
      assertEquals("geglu", capture.site().kind().word());
      NDArray gate = x.matMul(weights(manager, true).transpose());
      // The map that opens stands first.
      assertArrayEquals(
          gate.get(":, :, 2:").concat(gate.get(":, :, :2"), 2).toFloatArray(),
          capture.pre().toFloatArray(),
          1e-5f);
    }
  }

  @Test
  void aMethodMayComputeTheActivation() throws IOException {
    String act =
        """
        def act(self: __torch__.M,
            x: Tensor) -> Tensor:
          _1 = torch.mul(x, 0.5)
          _2 = torch.mul(torch.pow(x, 3.), 0.044714999999999998)
          _3 = torch.mul(torch.add(x, _2), 0.79788456080286541)
          return torch.mul(_1, torch.add(torch.tanh(_3), 1.))
        """;
    String source = root("", MAPS + "return torch.mul((self).act(g, ), v)") + act.indent(2);
    try (InstrumentedModel<?, ?> model =
            builder(new TestArchive("M"), source, "gates", "activations").build();
        NDManager manager = model.newManager()) {
      NDArray x = manager.randomNormal(new Shape(6, 5, 3));
      InstrumentedModel.Run run = model.run(new NDList(x));
      assertEquals(List.of("(root) gelu", "(root) geglu"), sites(run));
      assertGate(run, run.captures().get(1), x);
    }
  }

  /** Whichever is asked for first, though one is at the end of a long way. */
  @ParameterizedTest
  @CsvSource({"f80, f40", "f40, f80"})
  void chainsOfFunctionsEndWithAnActivationHoweverLong(String first, String second)
      throws IOException {
    StringBuilder functions = new StringBuilder();
    for (int i = 0; i <= 80; i++) {
      functions.append("def f" + i + "(self: __torch__.M,\n    x: Tensor) -> Tensor:\n  return ");
      functions.append(i == 0 ? "torch.silu(x)\n" : "(self).f" + (i - 1) + "(x, )\n");
    }
    String body =
        MAPS
            + "p = torch.mul((self).%s(g, ), v)\nq = torch.mul((self).%s(g, ), v)\n"
                .formatted(first, second)
            + "return torch.add(p, q)";
    String source = root("", body) + functions.toString().indent(2);
    try (InstrumentedModel<?, ?> model = builder(new TestArchive("M"), source, "gates").build();
        NDManager manager = model.newManager()) {
      InstrumentedModel.Run run = model.run(new NDList(manager.ones(new Shape(6, 5, 3))));
      assertEquals(List.of("(root) swiglu", "(root) swiglu"), sites(run));
    }
  }

  /** A gate behind each, so that the model has one. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "torch.mul(v, torch.sigmoid(v))",
        "torch.mul(torch.tanh(v), torch.sigmoid(g))",
        "torch.mul(v, torch.sigmoid(torch.linear(v, torch.ones([4, 4]), None)))",
        "torch.mul(v, torch.sigmoid(torch.linear(torch.mean(x, [1], True), a, None)))",
        "torch.mul(v, torch.sigmoid(torch.linear(x, torch.ones([1, 3]), None)))",
        "torch.mul(v, torch.sigmoid(x2))",
        "torch.mul(v, 2.)"
      })
  void otherProductsAreNoGates(String product) throws IOException {
    String source =
        root(
            "",
            MAPS
                + "x2 = torch.cat([x, torch.slice(x, 2, 0, 1)], 2)\np = "
                + product
                + "\nreturn torch.add(torch.mul(torch.relu(g), v), p)");
    try (InstrumentedModel<?, ?> model = builder(new TestArchive("M"), source, "gates").build();
        NDManager manager = model.newManager()) {
      InstrumentedModel.Run run = model.run(new NDList(manager.ones(new Shape(2, 5, 3))));
      assertEquals(List.of("(root) reglu"), sites(run));
    }
  }

  @Test
  void scoresThatNeedEqualWidthsGiveTheirReason() throws IOException {
    String source =
        root(
            "",
            "y = torch.flatten(x, 1)\n"
                + MAPS.replace("linear(x", "linear(y")
                + "return torch.mul(torch.silu(g), v)");
    Path file = new TestArchive("M").write(folder.resolve("m.pt"), source);
    try (ModelSource<?, ?> model = ModelSource.of(file);
        RandomSource random = new RandomSource(new Shape(1, 1, 3), 40, 1)) {
      Signature signature =
          Measurement.builder()
              .setModel(model)
              .setSource(random)
              .optSelection(Selection.first(40))
              .optSites(SiteFilter.of(List.of("gates")))
              .optScores(List.of("affinity", "linear_cka", "r2"))
              .build()
              .run();
      assertEquals("gate", signature.layers().get(0).type());
      Map<String, Score> scores = signature.layers().get(0).scores();
      String reason = scores.get("affinity").map(String::valueOf, why -> why);
      assertTrue(reason.contains("8") && reason.contains("4"), reason);
      assertTrue(scores.get("linear_cka") instanceof Score.Value, scores.toString());
      assertTrue(scores.get("r2") instanceof Score.Value, scores.toString());
    }
  }
}
