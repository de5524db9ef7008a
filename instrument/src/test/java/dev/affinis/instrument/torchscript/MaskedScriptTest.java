package dev.affinis.instrument.torchscript;

import static dev.affinis.instrument.torchscript.TestArchive.module;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.Capture;
import dev.affinis.instrument.InstrumentedModel;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.MaskedTokens;
import dev.affinis.instrument.Measurement;
import dev.affinis.instrument.MeasurementListener;
import dev.affinis.instrument.MeasurementPlan;
import dev.affinis.instrument.ModelSource;
import dev.affinis.instrument.Site;
import dev.affinis.instrument.SiteFilter;
import dev.affinis.instrument.data.Selection;
import dev.affinis.instrument.data.TensorSource;
import dev.affinis.signature.Score;
import dev.affinis.signature.Signature;
import dev.affinis.signature.TokenPolicy;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Programs that take a mask. */
class MaskedScriptTest {
  private static final String BODY =
      """
      y = torch.relu(torch.sub(torch.mul(x, 2.), 0.5))
      z = torch.sigmoid(torch.slice(y, 1, 1))
      weights = torch.unsqueeze(torch.to(mask, 6), 2)
      total = torch.sum(torch.mul(y, weights), [1], False)
      """;

  @TempDir Path folder;

  private InstrumentedModel<?, ?> open(TokenPolicy tokens, String source, String... sites)
      throws IOException {
    return InstrumentedModel.builder()
        .setModelPath(new TestArchive("M").write(folder.resolve("m.pt"), source))
        .optSites(SiteFilter.of(List.of(sites)))
        .optTokens(tokens)
        .optCounts(1e-3)
        .build();
  }

  private static String root(String parameters, String type, String body) {
    return module(
        "M",
        "",
        "def forward(self: __torch__.M,\n    "
            + parameters
            + ") -> "
            + type
            + ":\n"
            + body.indent(2));
  }

  private static String model(String maskType, String body) {
    return root(
        "x: Tensor,\n    mask: " + maskType,
        "Tuple[Tensor, Tensor]",
        body + "return (torch.tanh(total), z)");
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "INT64", "INT32", "BOOLEAN"})
  void rowsAreOfTokensAlone(DataType type) throws IOException {
    String source = model("Tensor", BODY);
    MaskedTokens.check(tokens -> open(tokens, source), type);
  }

  @Test
  void anOptionalMaskIsTaken() throws IOException {
    String source =
        model(
            "Optional[Tensor]",
            "given = unchecked_cast(Tensor, mask)\n"
                + BODY.replace("torch.to(mask", "torch.to(given"));
    MaskedTokens.check(tokens -> open(tokens, source), DataType.INT64);
  }

  @Test
  void aModelOfOneInputHasNoMask() {
    String source = root("x: Tensor", "Tensor", "return torch.relu(x)");
    MaskedTokens.checkSingleInput(tokens -> open(tokens, source));
  }

  private static Signature measure(
      Path model, NDList inputs, TokenPolicy tokens, List<String> notices) throws IOException {
    return with(model, inputs, tokens, notices, Measurement::run);
  }

  /** What becomes of a measurement, on its own or as a plan. */
  private interface Step<T> {
    T of(Measurement measurement) throws IOException;
  }

  private static <T> T with(
      Path model, NDList inputs, TokenPolicy tokens, List<String> notices, Step<T> step)
      throws IOException {
    MeasurementListener listener =
        new MeasurementListener() {
          @Override
          public void notice(String message) {
            notices.add(message);
          }
        };
    try (ModelSource<?, ?> source = ModelSource.of(model);
        TensorSource samples = new TensorSource(inputs)) {
      return step.of(
          Measurement.builder()
              .setModel(source)
              .setSource(samples)
              .optSelection(Selection.first(samples.size()))
              .optBatchSize(7)
              .optTokens(tokens)
              .optScores(List.of("affinity", "sparsity_post", "dead_units"))
              .optListener(listener)
              .build());
    }
  }

  /** A dry run is a plan. */
  @Test
  void aPlanTellsWhichSitesHaveNoTokens() throws IOException {
    Path model = new TestArchive("M").write(folder.resolve("p.pt"), model("Tensor", BODY));
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDList inputs =
          new NDList(
              manager.randomNormal(new Shape(20, 5, 3)),
              manager.ones(new Shape(20, 5), DataType.INT64));
      List<String> notices = new ArrayList<>();
      TokenPolicy policy = TokenPolicy.masked("mask");
      MeasurementPlan plan = with(model, inputs, policy, notices, Measurement::plan);
      assertEquals(
          List.of("(root)", "(root) (call 2)", "(root) (call 3)"),
          plan.sites().stream().map(Site::label).toList());
      assertEquals(1, notices.size(), notices::toString);
      assertTrue(notices.get(0).contains("(root) (call 2)"), notices.get(0));
      InvalidInputException e =
          assertThrows(
              InvalidInputException.class,
              () -> with(model, inputs, TokenPolicy.masked("masc"), notices, Measurement::plan));
      assertTrue(e.getMessage().contains("masc"), e.getMessage());
    }
  }

  @Test
  void aSignatureIsOfTokensAloneAndSaysSo() throws IOException {
    Path model = new TestArchive("M").write(folder.resolve("s.pt"), model("Tensor", BODY));
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      int n = 40;
      NDArray x = manager.randomNormal(new Shape(n, 5, 3));
      NDArray lengths = manager.arange(n).toType(DataType.INT64, false).mod(5).add(1);
      NDArray mask = manager.arange(5).toType(DataType.INT64, false).reshape(1, 5);
      NDArray tokens = mask.broadcast(n, 5).lt(lengths.reshape(n, 1)).toType(DataType.INT64, true);
      List<String> notices = new ArrayList<>();
      TokenPolicy policy = TokenPolicy.masked("mask");
      Signature signature = measure(model, new NDList(x, tokens), policy, notices);
      Map<String, Object> settings = signature.settings().more();
      assertEquals("masked:mask", settings.get("tokens"));
      assertEquals(1, settings.get("token_sites"));
      assertEquals(List.of("(root) (call 2)"), settings.get("unmasked_sites"));
      assertTrue(notices.get(0).contains("(root) (call 2)"), notices.get(0));
      NDArray weights = tokens.toType(DataType.FLOAT32, true).expandDims(2);
      NDArray padded = x.mul(weights).add(weights.mul(-1).add(1).mul(1000));
      Signature same = measure(model, new NDList(padded, tokens), policy, notices);
      assertEquals(signature.layers().get(0), same.layers().get(0));
      assertNotEquals(signature.layers().get(1), same.layers().get(1));
      NDArray small = x.mul(2).sub(0.5).lte(1e-3).toType(DataType.FLOAT32, true).mul(weights);
      double share = small.sum().getFloat() / (3 * tokens.sum().getLong());
      assertEquals(
          share,
          ((Score.Value) signature.layers().get(0).scores().get("sparsity_post")).value(),
          1e-6);
    }
  }

  @Test
  void aListIsNoMask() {
    String source = root("x: Tensor,\n    masks: List[Tensor]", "Tensor", "return torch.relu(x)");
    InvalidInputException e =
        assertThrows(InvalidInputException.class, () -> open(TokenPolicy.masked("masks"), source));
    assertTrue(e.getMessage().contains("List[Tensor]"), e.getMessage());
  }

  @Test
  void tokensMayComeAfterChannels() throws IOException {
    String body =
        """
        y = torch.permute(torch.mul(x, 2.), [0, 2, 1])
        return torch.relu(y)
        """;
    String source = root("x: Tensor,\n    mask: Tensor", "Tensor", body);
    try (InstrumentedModel<?, ?> model = open(TokenPolicy.masked("mask"), source);
        NDManager manager = model.newManager()) {
      NDArray x = manager.randomNormal(new Shape(3, 4, 4));
      NDArray mask =
          manager.create(new int[] {1, 1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1}, new Shape(3, 4));
      InstrumentedModel.Run run = model.run(new NDList(x, mask));
      assertEquals(List.of(), run.unmasked());
      NDArray weights = mask.toType(DataType.FLOAT32, true).expandDims(2);
      NDArray expected =
          x.maximum(0).mul(2).mul(weights).sum(new int[] {1}).div(weights.sum(new int[] {1}));
      Capture capture = run.captures().get(0);
      assertArrayEquals(expected.toFloatArray(), capture.post().toFloatArray(), 1e-6f);
    }
  }

  @Test
  void attentionAndModulesOfOtherShapesAreMeansOverAll() throws IOException {
    String body =
        """
        weights = torch.softmax(torch.matmul(x, torch.transpose(x, 1, 2)), -1)
        return torch.layer_norm(torch.matmul(weights, x), [4], None, None, 1e-05, True)
        """;
    String source = root("x: Tensor,\n    mask: Tensor", "Tensor", body);
    try (InstrumentedModel<?, ?> model =
            open(TokenPolicy.masked(1), source, "attention", "normalisation");
        NDManager manager = model.newManager()) {
      NDArray x = manager.randomNormal(new Shape(2, 3, 4));
      NDArray mask = manager.create(new int[] {1, 1, 0, 1, 0, 0}, new Shape(2, 3));
      InstrumentedModel.Run run = model.run(new NDList(x, mask));
      assertEquals(List.of("(root):softmax"), run.unmasked().stream().map(s -> s.label()).toList());
      NDArray norm = run.outputs().head();
      NDArray weights = mask.toType(DataType.FLOAT32, true).expandDims(2);
      assertArrayEquals(
          norm.mul(weights).sum(new int[] {1}).div(weights.sum(new int[] {1})).toFloatArray(),
          run.captures().get(1).post().toFloatArray(),
          1e-6f);
    }
  }
}
