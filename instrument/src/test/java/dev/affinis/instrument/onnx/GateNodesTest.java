package dev.affinis.instrument.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.onnx.proto.OnnxMl.TensorProto;
import dev.affinis.instrument.Capture;
import dev.affinis.instrument.CaptureForm;
import dev.affinis.instrument.InstrumentedModel;
import dev.affinis.instrument.SiteFilter;
import dev.affinis.instrument.TapCounts;
import dev.affinis.signature.TokenPolicy;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Gates written as products, in small graphs. */
class GateNodesTest {
  private static final TensorProto.DataType FLOAT = TensorProto.DataType.FLOAT;

  @TempDir Path folder;

  /** Two linear maps of x, to g and v with 4 channels each, and u, a map to one channel. */
  private static TestGraph maps() {
    float[] first = new float[12];
    float[] second = new float[12];
    for (int i = 0; i < 12; i++) {
      first[i] = (float) Math.sin(i + 1);
      second[i] = (float) Math.cos(3 * i);
    }
    return new TestGraph(18)
        .input("x", FLOAT, -1, 5, 3)
        .output("y")
        .initializer(matrix("a", 3, 4, first))
        .initializer(matrix("b", 3, 4, second))
        .initializer(matrix("narrow", 3, 1, 1, 2, 3))
        .floats("bias", 0.5f, -0.5f, 0, 1)
        .node("MatMul", "x a", "ga")
        .node("Add", "bias ga", "g")
        .node("MatMul", "x b", "v")
        .node("MatMul", "x narrow", "u");
  }

  private static TensorProto matrix(String name, long rows, long columns, float... values) {
    TensorProto.Builder tensor = TestGraph.tensor(name, FLOAT, rows, columns);
    for (float value : values) {
      tensor.addFloatData(value);
    }
    return tensor.build();
  }

  private InstrumentedModel.Builder<NDList, NDList> builder(TestGraph graph, String... sites)
      throws IOException {
    return InstrumentedModel.builder()
        .setModelPath(graph.write(folder))
        .optSites(SiteFilter.of(List.of(sites)))
        .optCounts(1e-3);
  }

  private static List<String> kinds(InstrumentedModel.Run run) {
    return run.captures().stream().map(capture -> capture.site().kind().word()).toList();
  }

  private static TestGraph gated(String opening) {
    TestGraph graph = maps();
    switch (opening) {
      case "SiLU" -> graph.node("Sigmoid", "g", "s").node("Mul", "g s", "f");
      case "Gelu" ->
          graph
              .scalar("root", Math.sqrt(2))
              .scalar("one", 1)
              .scalar("half", 0.5)
              .node("Div", "g root", "d")
              .node("Erf", "d", "e")
              .node("Add", "e one", "p")
              .node("Mul", "g p", "q")
              .node("Mul", "q half", "f");
      case "" -> graph.node("Identity", "g", "f");
      default -> graph.node(opening, "g", "f");
    }
    return graph;
  }

  @ParameterizedTest
  @CsvSource({
    "SiLU, f v, silu, swiglu",
    "SiLU, v f, silu, swiglu",
    "Gelu, f v, gelu, geglu",
    "Relu, v f, relu, reglu",
    "Sigmoid, f v, sigmoid, sigmoid_glu",
    "'', f v, '', bilinear"
  })
  void inputIsBothMapsAndOutputTheirProduct(
      String opening, String factors, String activation, String kind) throws IOException {
    TestGraph graph = gated(opening).node("Mul", factors, "y");
    try (InstrumentedModel<?, ?> model = builder(graph, "gates").build();
        InstrumentedModel<?, ?> both = builder(graph, "gates", "activations").build();
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray x = manager.randomNormal(new Shape(6, 5, 3));
      InstrumentedModel.Run run = model.run(new NDList(x));
      assertEquals(List.of(kind), kinds(run));
      assertEquals(
          activation.isEmpty() ? List.of(kind) : List.of(activation, kind),
          kinds(both.run(new NDList(x))));
      Capture capture = run.captures().get(0);
      assertEquals(4, capture.site().dimension());
      float[] g = new float[12];
      float[] v = new float[12];
      for (int i = 0; i < 12; i++) {
        g[i] = (float) Math.sin(i + 1);
        v[i] = (float) Math.cos(3 * i);
      }
      NDArray bias = manager.create(new float[] {0.5f, -0.5f, 0, 1});
      NDArray gate = x.matMul(manager.create(g, new Shape(3, 4))).add(bias);
      NDArray value = x.matMul(manager.create(v, new Shape(3, 4)));
      NDArray pre = gate.concat(value, 2).mean(new int[] {1});
      assertArrayEquals(pre.toFloatArray(), capture.pre().toFloatArray(), 1e-5f);
      NDArray y = run.outputs().head();
      assertArrayEquals(y.mean(new int[] {1}).toFloatArray(), capture.post().toFloatArray(), 1e-5f);
      TapCounts counts = capture.counts().orElseThrow();
      assertEquals(new Shape(6, 8), counts.smallPre().getShape());
      assertArrayEquals(small(y).toFloatArray(), counts.smallPost().toFloatArray(), 1e-6f);
    }
  }

  private static NDArray small(NDArray tensor) {
    return tensor.abs().lte(1e-3).toType(DataType.FLOAT32, true).mean(new int[] {1});
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void halvesOfOneMapAreAGate(boolean isSplit) throws IOException {
    TestGraph graph =
        maps().integers("zero", 0).integers("two", 2).integers("end", 99).integers("last", 2);
    if (isSplit) {
      graph.node("Split", "g", "h k", "axis", -1, "num_outputs", 2);
    } else {
      graph.node("Slice", "g zero two last", "h").node("Slice", "g two end last", "k");
    }
    graph.node("Relu", "k", "f").node("Mul", "h f", "y");
    try (InstrumentedModel<?, ?> model = builder(graph, "gates").optForm(CaptureForm.RAW).build();
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray x = manager.randomNormal(new Shape(2, 5, 3));
      Capture capture = model.run(new NDList(x)).captures().get(0);
      assertEquals("reglu", capture.site().kind().word());
      // The map that opens stands first.
      assertEquals(new Shape(2, 5, 4), capture.pre().getShape());
      NDArray opened = capture.pre().get(":, :, 0:2").maximum(0);
      assertArrayEquals(
          opened.mul(capture.pre().get(":, :, 2:")).toFloatArray(),
          capture.post().toFloatArray(),
          1e-6f);
    }
  }

  @Test
  void convolutionsGate() throws IOException {
    TestGraph graph =
        new TestGraph(18)
            .input("x", FLOAT, -1, 3, 6, 6)
            .output("y")
            .filled("a", 0.1f, 4, 3, 3, 3)
            .filled("b", -0.2f, 4, 3, 3, 3)
            .node("Conv", "x a", "g")
            .node("Conv", "x b", "v")
            .node("Sigmoid", "g", "f")
            .node("Mul", "v f", "y");
    try (InstrumentedModel<?, ?> model = builder(graph, "gates").build();
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray x = manager.randomNormal(new Shape(2, 3, 6, 6));
      InstrumentedModel.Run run = model.run(new NDList(x));
      assertEquals(List.of("sigmoid_glu"), kinds(run));
      assertEquals(new Shape(2, 8), run.captures().get(0).pre().getShape());
      assertEquals(new Shape(4, 4, 4), run.captures().get(0).site().shape());
    }
  }

  /** A gate beside each, so that the model has one. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "itself",
        "narrow",
        "activations",
        "other",
        "excite",
        "uneven",
        "three",
        "constant"
      })
  void otherProductsAreNoGates(String product) throws IOException {
    TestGraph graph = maps().node("Relu", "g", "r").node("Mul", "r v", "gate");
    switch (product) {
      case "itself" -> graph.node("Sigmoid", "v", "s").node("Mul", "v s", "p");
      case "narrow" -> graph.node("Sigmoid", "u", "s").node("Mul", "v s", "p");
      case "activations" ->
          graph.node("Sigmoid", "g", "s").node("Tanh", "v", "t").node("Mul", "t s", "p");
      case "other" ->
          graph
              .initializer(matrix("c", 4, 4, new float[16]))
              .node("MatMul", "v c", "w")
              .node("Sigmoid", "w", "s")
              .node("Mul", "v s", "p");
      case "excite" ->
          graph
              .initializer(matrix("c", 4, 4, new float[16]))
              .integers("tokens", 1)
              .node("ReduceMean", "v tokens", "m")
              .node("MatMul", "m c", "w")
              .node("Sigmoid", "w", "s")
              .node("Mul", "v s", "p");
      case "uneven" ->
          graph
              .integers("sizes", 1, 3)
              .node("Split", "g sizes", "h k", "axis", -1)
              .node("Sigmoid", "h", "s")
              .node("Mul", "k s", "p");
      case "three" ->
          graph
              .initializer(matrix("c", 3, 6, new float[18]))
              .node("MatMul", "x c", "w")
              .node("Split", "w", "h k l", "axis", -1, "num_outputs", 3)
              .node("Sigmoid", "h", "s")
              .node("Mul", "k s", "p");
      default -> graph.node("Mul", "v bias", "p");
    }
    graph.output("p").node("Identity", "gate", "y");
    try (InstrumentedModel<?, ?> model = builder(graph, "gates").build();
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      InstrumentedModel.Run run = model.run(new NDList(manager.ones(new Shape(2, 5, 3))));
      assertEquals(List.of("reglu"), kinds(run));
    }
  }

  @Test
  void defaultsKnowNoGates() throws IOException {
    TestGraph graph = gated("SiLU").node("Mul", "f v", "y");
    try (InstrumentedModel<?, ?> model =
            InstrumentedModel.builder().setModelPath(graph.write(folder)).build();
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      InstrumentedModel.Run run = model.run(new NDList(manager.ones(new Shape(2, 5, 3))));
      assertEquals(List.of("silu"), kinds(run));
    }
  }

  @Test
  void gatesLeavePaddingOut() throws IOException {
    TestGraph graph = gated("SiLU").input("mask", TensorProto.DataType.INT64, -1, 5);
    graph.node("Cast", "mask", "m", "to", FLOAT.getNumber()).output("m").node("Mul", "f v", "y");
    try (InstrumentedModel<?, ?> model =
            builder(graph, "gates").optTokens(TokenPolicy.masked("mask")).build();
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray x = manager.randomNormal(new Shape(2, 5, 3));
      long[] present = {1, 1, 0, 0, 0, 1, 1, 0, 0, 0};
      NDArray mask = manager.create(present, new Shape(2, 5));
      Capture capture = model.run(new NDList(x, mask)).captures().get(0);
      NDArray changed = x.get(":, :2").concat(x.get(":, 2:").mul(50), 1);
      Capture other = model.run(new NDList(changed, mask)).captures().get(0);
      assertArrayEquals(capture.pre().toFloatArray(), other.pre().toFloatArray(), 1e-6f);
      assertArrayEquals(capture.post().toFloatArray(), other.post().toFloatArray(), 1e-6f);
    }
  }
}
