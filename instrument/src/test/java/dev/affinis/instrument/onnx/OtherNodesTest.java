package dev.affinis.instrument.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.onnx.proto.OnnxMl.TensorProto;
import dev.affinis.instrument.Capture;
import dev.affinis.instrument.InstrumentedModel;
import dev.affinis.instrument.Layout;
import dev.affinis.instrument.SiteFilter;
import dev.affinis.instrument.SkippedSite;
import dev.affinis.signature.Pooling;
import dev.affinis.signature.TokenPolicy;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pools, norms, attention and modules in small graphs. */
class OtherNodesTest {
  private static final TensorProto.DataType FLOAT = TensorProto.DataType.FLOAT;
  private static final long[] LAST = {-1};

  @TempDir Path folder;

  private InstrumentedModel<?, ?> model(TestGraph graph, String... sites) throws IOException {
    return InstrumentedModel.builder()
        .setModelPath(graph.write(folder))
        .optSites(SiteFilter.of(List.of(sites)))
        .build();
  }

  private static TestGraph graph(int opset, long... shape) {
    return new TestGraph(opset).input("x", FLOAT, shape).output("y");
  }

  private static void assertRows(NDArray tensor, NDArray rows, int... axes) {
    NDArray mean = tensor;
    for (int axis : axes) {
      mean = mean.mean(new int[] {axis});
    }
    assertArrayEquals(mean.toFloatArray(), rows.toFloatArray(), 1e-5f);
  }

  @Test
  void layerNormInStepsIsOneSite() throws IOException {
    TestGraph graph =
        graph(13, -1, 5, 4)
            .floats("scale", 1, 2, 3, 4)
            .floats("shift", 0, 1, 0, 1)
            .scalar("two", 2)
            .scalar("eps", 1e-5)
            .node("ReduceMean", "x", "m", "axes", LAST)
            .node("Sub", "x m", "d")
            .node("Pow", "d two", "s")
            .node("ReduceMean", "s", "v", "axes", LAST)
            .node("Add", "v eps", "w")
            .node("Sqrt", "w", "r")
            .node("Div", "d r", "n")
            .node("Mul", "n scale", "g")
            .node("Add", "g shift", "y");
    try (InstrumentedModel<?, ?> model = model(graph, "normalisation");
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray x = manager.randomNormal(new Shape(3, 5, 4));
      InstrumentedModel.Run run = model.run(new NDList(x));
      assertEquals(1, run.captures().size());
      Capture capture = run.captures().get(0);
      assertEquals("layer_norm", capture.site().kind().word());
      assertEquals(new Shape(5, 4), capture.site().shape());
      assertRows(x, capture.pre(), 1);
      assertRows(run.outputs().head(), capture.post(), 1);
    }
  }

  @Test
  void meanIsOfWhatWasThereBeforePadding() throws IOException {
    TestGraph graph =
        graph(11, -1, 2, 4, 4)
            .integers("pads", 0, 0, 1, 1, 0, 0, 1, 1)
            .node("Pad", "x pads", "p")
            .named("/pool/Pad")
            .node("AveragePool", "p", "y", "kernel_shape", new long[] {3, 3})
            .named("/pool/AveragePool");
    try (InstrumentedModel<?, ?> model = model(graph, "pooling", "module:pool");
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray x = manager.randomNormal(new Shape(3, 2, 4, 4));
      InstrumentedModel.Run run = model.run(new NDList(x));
      assertEquals(
          List.of("pool (average_pool)", "pool (module)"),
          run.captures().stream().map(c -> c.site().label()).toList());
      for (Capture capture : run.captures()) {
        assertRows(x, capture.pre(), 3, 2);
        assertRows(run.outputs().head(), capture.post(), 3, 2);
      }
    }
  }

  @Test
  void softmaxOfAClassifierIsNoAttention() throws IOException {
    TestGraph known = graph(13, -1, 4).node("Relu", "x", "r").node("Softmax", "r", "y");
    try (InstrumentedModel<?, ?> model = model(known, "activations", "attention")) {
      assertEquals(1, model.plannedSites().size());
    }
    // Only when it runs is it seen how many axes there are.
    TestGraph unknown =
        graph(13, -1, 4)
            .integers("shape", 0, 4)
            .node("Relu", "x", "r")
            .node("Concat", "shape", "s", "axis", 0)
            .node("Reshape", "r s", "t")
            .node("Softmax", "t", "y");
    try (InstrumentedModel<?, ?> model = model(unknown, "activations", "attention");
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      InstrumentedModel.Run run = model.run(new NDList(manager.randomNormal(new Shape(3, 4))));
      assertEquals(1, run.captures().size());
    }
  }

  @Test
  void normsAndAttentionInsideFusedOperatorsAreReported() throws IOException {
    TestGraph graph =
        graph(17, -1, 5, 4)
            .filled("w", 0.1f, 4, 12)
            .floats("b", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
            .floats("one", 1, 1, 1, 1)
            .node("Relu", "x", "r")
            .node("com.microsoft.Attention", "r w b", "a", "num_heads", 2)
            .node("com.microsoft.SkipLayerNormalization", "a r one", "y");
    try (InstrumentedModel<?, ?> model =
        model(graph, "activations", "attention", "normalisation")) {
      assertEquals(
          List.of("softmax", "layer_norm"),
          model.hiddenSites().stream().map(SkippedSite::activation).toList());
      assertTrue(model.hiddenSites().get(0).reason().contains("com.microsoft.Attention"));
    }
    try (InstrumentedModel<?, ?> model = model(graph)) {
      assertEquals(List.of(), model.hiddenSites());
    }
  }

  @Test
  void moduleWithSeveralInputsIsReported() throws IOException {
    TestGraph graph =
        graph(13, -1, 4)
            .node("Relu", "x", "r")
            .named("/act/Relu")
            .node("Tanh", "r", "t")
            .named("/two/act/Tanh")
            .node("Add", "t x", "y")
            .named("/two/Add");
    try (InstrumentedModel<?, ?> model = model(graph, "module:**");
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      assertEquals("two", model.hiddenSites().get(0).path());
      assertTrue(model.hiddenSites().get(0).reason().contains("2 go into"));
      assertEquals(
          List.of("act", "two.act"),
          model.run(new NDList(manager.ones(new Shape(2, 4)))).captures().stream()
              .map(c -> c.site().path())
              .toList());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"PyTorch", "OnnxRuntime"})
  void headsThatShareTheFirstAxisWithSamplesAreToldApart(String engine) throws IOException {
    TestGraph graph =
        graph(13, -1, 3, 2, 2)
            .integers("heads", -1, 2, 2)
            .node("Reshape", "x heads", "h")
            .node("Softmax", "h", "y");
    float[] values = new float[2 * 3 * 2 * 2];
    for (int i = 0; i < values.length; i++) {
      values[i] = i * i % 7 * 0.3f;
    }
    try (InstrumentedModel<?, ?> model = model(graph, "attention");
        NDManager manager = NDManager.newBaseManager(engine)) {
      NDArray x = manager.create(values, new Shape(2, 3, 2, 2));
      InstrumentedModel.Run run = model.run(new NDList(x));
      Capture capture = run.captures().get(0);
      assertEquals(new Shape(3, 2, 2), capture.site().shape());
      assertEquals(new Shape(2, 2), capture.post().getShape());
      float[] weights = run.outputs().head().toFloatArray();
      float[] expected = new float[4];
      for (int i = 0; i < weights.length; i++) {
        expected[i / 12 * 2 + i % 2] += weights[i] / 6;
      }
      assertArrayEquals(expected, capture.post().toFloatArray(), 1e-6f);
    }
  }

  @Test
  void withReferencePoolingTheColumnsOfSharedAttentionAreTheHeads() throws IOException {
    TestGraph graph =
        graph(13, -1, 3, 2, 4)
            .integers("heads", -1, 2, 4)
            .node("Reshape", "x heads", "h")
            .node("Softmax", "h", "y");
    try (InstrumentedModel<?, ?> model =
            InstrumentedModel.builder()
                .setModelPath(graph.write(folder))
                .optSites(SiteFilter.of(List.of("attention")))
                .optPooling(Pooling.REFERENCE)
                .build();
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray x = manager.randomNormal(new Shape(2, 3, 2, 4));
      Capture capture = model.run(new NDList(x)).captures().get(0);
      assertEquals(new Shape(3, 2, 4), capture.site().shape());
      assertEquals(3, capture.site().dimension());
      assertEquals(new Shape(2, 3), capture.post().getShape());
      assertRows(x, capture.pre(), 3, 2);
    }
  }

  @Test
  void moduleWithOneTokenHasNoPatches() throws IOException {
    TestGraph graph =
        graph(13, -1, 5, 4)
            .integers("zero", 0)
            .integers("one", 1)
            .node("Slice", "x zero one one", "t")
            .node("Concat", "t t t t t", "e", "axis", 1)
            .named("/widen/Concat")
            .node("Relu", "x", "r")
            .node("Add", "e r", "y");
    for (TokenPolicy tokens : List.of(TokenPolicy.ALL, TokenPolicy.CLASS, TokenPolicy.PATCHES)) {
      try (InstrumentedModel<?, ?> model =
              InstrumentedModel.builder()
                  .setModelPath(graph.write(folder))
                  .optSites(SiteFilter.of(List.of("activations", "module:widen")))
                  .optTokens(tokens)
                  .optLayout(Layout.CHANNELS_LAST)
                  .build();
          NDManager manager = NDManager.newBaseManager("PyTorch")) {
        InstrumentedModel.Run run = model.run(new NDList(manager.ones(new Shape(3, 5, 4))));
        boolean isThere = !tokens.equals(TokenPolicy.PATCHES);
        assertEquals(isThere ? 2 : 1, run.captures().size());
        assertEquals(isThere ? 0 : 1, run.skipped().size());
      }
    }
  }
}
