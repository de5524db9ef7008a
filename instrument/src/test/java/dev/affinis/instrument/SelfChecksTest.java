package dev.affinis.instrument;

import static dev.affinis.instrument.torchscript.TestArchive.module;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.block.TestBlocks;
import dev.affinis.instrument.data.SampleSource;
import dev.affinis.instrument.data.Selection;
import dev.affinis.instrument.pattern.ActivationFunctions;
import dev.affinis.instrument.torchscript.TestArchive;
import dev.affinis.signature.LayerSample;
import dev.affinis.signature.Signature;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.DoubleUnaryOperator;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the checks that every run makes of itself find. */
class SelfChecksTest {
  private static final int SAMPLES = 48;
  private static final int BATCH = 8;

  @TempDir Path folder;

  private ModelSource<?, ?> program(String... body) throws IOException {
    String forward =
        "def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n"
            + String.join("\n", body).indent(2);
    return ModelSource.of(
        new TestArchive("M").write(folder.resolve("m.pt"), module("M", "", forward)));
  }

  private static Signature measure(ModelSource<?, ?> model, SampleSource source, long seed)
      throws IOException {
    return Measurement.builder()
        .setModel(model)
        .setSource(source)
        .optSelection(new Selection(SAMPLES, Selection.Order.FIRST, seed))
        .optBatchSize(BATCH)
        .build()
        .run();
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 2, 3})
  void aModelThatDrawsRandomNumbersOnLaterBatchesIsFoundOut(long seed) throws IOException {
    try (ModelSource<?, ?> model =
        program(
            "y = torch.relu(torch.flatten(x, 1))",
            "late = bool(torch.gt(torch.max(x), 500))",
            "return torch.dropout(y, 0.5, late)")) {
      List<String> messages = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        Samples source = new Samples(SAMPLES, index -> index >= BATCH ? 1000 : 0);
        messages.add(
            assertThrows(InvalidInputException.class, () -> measure(model, source, seed))
                .getMessage());
      }
      int batch = 2 + new Random(seed).nextInt(SAMPLES / BATCH - 1);
      for (String message : messages) {
        assertTrue(
            message.startsWith(
                "the instrumented model does not agree with the plain one on batch "
                    + batch
                    + ": "),
            message);
        assertTrue(message.contains("model.eval()"), message);
        assertTrue(message.contains("SHA-256 " + model.sha256()), message);
      }
    }
  }

  @Test
  void aSourceThatDrawsItsSamplesAnewIsCheckedAllTheSame() throws IOException {
    // Only what is read before the model runs has the value that lets the model drop units: its
    // samples are other ones when their turn comes.
    AtomicInteger reads = new AtomicInteger();
    SampleSource source =
        new SampleSource() {
          private final Samples samples = new Samples(SAMPLES);

          @Override
          public int size() {
            return SAMPLES;
          }

          @Override
          public Shape sampleShape() {
            return samples.sampleShape();
          }

          @Override
          public void read(int index, FloatBuffer target) {
            int at = target.position();
            samples.read(index, target);
            if (Thread.currentThread().getName().startsWith("affinis-read-")) {
              target.put(at, reads.incrementAndGet());
            } else {
              target.put(at, 1000);
            }
          }

          @Override
          public String name(int index) {
            return samples.name(index);
          }

          @Override
          public String description() {
            return "other samples each time";
          }

          @Override
          public Map<String, Object> preprocess() {
            return Map.of();
          }

          @Override
          public void close() {}
        };
    try (ModelSource<?, ?> steady =
        program("y = torch.relu(torch.flatten(x, 1))", "return torch.mul(y, 2)")) {
      assertEquals(1, measure(steady, source, 0).layers().size());
    }
    try (ModelSource<?, ?> random =
        program(
            "y = torch.relu(torch.flatten(x, 1))",
            "return torch.dropout(y, 0.5, bool(torch.gt(torch.max(x), 500)))")) {
      String message =
          assertThrows(InvalidInputException.class, () -> measure(random, source, 0)).getMessage();
      assertTrue(message.contains("does not agree with the plain one on batch "), message);
    }
  }

  @Test
  void anOutputThatIsNotTheFunctionOfItsInputStopsTheRunWithWhatToReport() throws IOException {
    // Tried out on a few samples it is a ReLU.
    Function<NDArray, NDArray> function =
        x -> x.getShape().get(0) == BATCH ? x.maximum(0.1f) : x.maximum(0);
    try (Model model = TestBlocks.model(TestBlocks.around(function), new Shape(1, 8, 1, 1));
        ModelSource<?, ?> source = ModelSource.of(model)) {
      String message =
          assertThrows(SelfCheckException.class, () -> measure(source, new Samples(SAMPLES), 0))
              .getMessage();
      assertTrue(
          message.matches("site \\S+ \\(relu\\) gives 0\\.1 for -?[0-9.E-]+, expected .*"),
          message);
      assertTrue(
          message.matches(
              ".*; please report this message with Affinis .+, model .+ \\(djl, SHA-256 "
                  + source.sha256()
                  + "\\)"),
          message);
    }
  }

  @Test
  void constantsOfAScaledExponentialUnitAreReadOffItsValues() {
    float[] x = {-3, -1, -0.5f, 0, 0.5f, 2, 1e30f};
    float[] y = new float[x.length]; // alpha 2 and gamma 1.5, which ONNX allows
    for (int i = 0; i < x.length; i++) {
      y[i] = (float) (1.5 * (x[i] > 0 ? x[i] : 2 * Math.expm1(x[i])));
    }
    y[6] = Float.POSITIVE_INFINITY; // 1e30 in half precision
    DoubleUnaryOperator unit = ActivationFunctions.of(SiteKind.SELU, x, y).get(0);
    for (int i = 0; i < 6; i++) {
      assertEquals(y[i], unit.applyAsDouble(x[i]), 1e-6, "of " + x[i]);
    }
    y[2] += 0.1f;
    assertEquals(
        y[2] - 0.1,
        ActivationFunctions.of(SiteKind.SELU, x, y).get(0).applyAsDouble(x[2]),
        1e-6,
        "one that is wrong stays so");
  }

  /** In float32, float64 and bfloat16, by PyTorch's numbers for them. */
  @ParameterizedTest
  @ValueSource(ints = {6, 7, 15})
  void functionsPassAsTheEngineRoundsThem(int type) throws IOException {
    List<String> functions =
        List.of(
            "relu(f)",
            "relu6(f)",
            "leaky_relu(f, 0.2)",
            "rrelu(f, 0.1, 0.3, False)",
            "elu(f, 0.5)",
            "selu(f)",
            "celu(f, 2.)",
            "gelu(f)",
            "gelu(f, approximate=\"tanh\")",
            "silu(f)",
            "mish(f)",
            "sigmoid(f)",
            "hardsigmoid(f)",
            "log_sigmoid(f)",
            "tanh(f)",
            "hardtanh(f, -0.5, 0.7)",
            "hardswish(f)");
    List<String> body = new ArrayList<>();
    body.add("f = torch.mul(torch.to(torch.flatten(x, 1), " + type + "), 3)");
    body.add("s = f");
    for (String function : functions) {
      body.add("s = torch.add(s, torch." + function + ")");
    }
    body.add("return torch.to(s, 6)");
    try (ModelSource<?, ?> model = program(body.toArray(String[]::new))) {
      Signature signature = measure(model, new Samples(SAMPLES), 0);
      assertEquals(functions.size(), signature.layers().size());
    }
  }

  @Test
  void capturesThatAreNotOfTheSiteAreFoundOut() throws IOException {
    try (ModelSource<?, ?> source =
            program(
                "f = torch.flatten(x, 1)",
                "a = torch.relu(f)",
                "b = torch.gelu(torch.mul(f, 2))",
                "return torch.add(a, b)");
        InstrumentedModel<?, ?> model = InstrumentedModel.builder().setSource(source).build();
        NDManager manager = model.newManager()) {
      InstrumentedModel.Run run =
          model.run(new NDList(manager.randomNormal(new Shape(6, 8, 1, 1))));
      assertEquals(2, new SiteCheck(model).accept(run, 6).size());
      Capture relu = run.captures().get(0);
      Capture gelu = run.captures().get(1);
      refuse(model, run, with(relu, gelu.pre(), relu.post()), gelu, "site (root) (relu) gives ");
      refuse(model, run, relu, with(gelu, gelu.pre(), relu.post()), "site (root) (call 2) (gelu)");
      refuse(
          model,
          run,
          relu,
          with(gelu, gelu.pre().get("0:5"), gelu.post()),
          "rows of shape (5, 8) on its side pre, expected one for each of 6 samples");
      refuse(
          model,
          run,
          relu,
          with(gelu, gelu.pre(), gelu.post().get("1:")),
          "rows of shape (5, 8) on its side post");
    }
  }

  private static Capture with(Capture site, NDArray pre, NDArray post) {
    return new Capture(site.site(), pre, post, Optional.empty());
  }

  private static void refuse(
      InstrumentedModel<?, ?> model,
      InstrumentedModel.Run run,
      Capture first,
      Capture second,
      String expected) {
    InstrumentedModel.Run wrong =
        new InstrumentedModel.Run(
            run.outputs(), List.of(first, second), List.of(), List.of(), List.of());
    String message =
        assertThrows(SelfCheckException.class, () -> new SiteCheck(model).accept(wrong, 6))
            .getMessage();
    assertTrue(message.contains(expected), message);
  }

  @Test
  void rowsThatGotMixedUpInTheStoreAreFoundOut() {
    Site site = new Site("act", 1, SiteKind.TANH, new Shape(5, 1, 1), 5);
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray pre = manager.randomNormal(new Shape(40, 5));
      NDArray post = pre.tanh();
      assertDoesNotThrow(() -> StoredRows.requireSound(site, sample(pre, post), 40, 7));
      NDArray moved = post.get("1:").concat(post.get("0:1"), 0);
      refuse(site, sample(pre, moved), "site act (tanh) gives ");
      refuse(site, sample(pre.get("0:39"), post.get("0:39")), "rows of shape (39, 5)");
      // Where positions were averaged the function cannot be seen any more.
      Site pooled = new Site("act", 1, SiteKind.TANH, new Shape(5, 2, 2), 5);
      assertDoesNotThrow(() -> StoredRows.requireSound(pooled, sample(pre, moved), 40, 7));
    }
  }

  private static List<LayerSample> sample(NDArray pre, NDArray post) {
    return List.of(new LayerSample(pre, post));
  }

  private static void refuse(Site site, List<LayerSample> rows, String expected) {
    String message =
        assertThrows(SelfCheckException.class, () -> StoredRows.requireSound(site, rows, 40, 7))
            .getMessage();
    assertTrue(message.contains(expected), message);
  }
}
