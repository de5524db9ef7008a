package dev.affinis.instrument.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import ai.onnx.proto.OnnxMl.FunctionProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataLocation;
import dev.affinis.instrument.CaptureForm;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.Layout;
import dev.affinis.instrument.ModelSource;
import dev.affinis.instrument.PlannedSite;
import dev.affinis.instrument.Site;
import dev.affinis.instrument.SiteFilter;
import dev.affinis.instrument.SiteKind;
import dev.affinis.instrument.SkippedSite;
import dev.affinis.instrument.Tap;
import dev.affinis.instrument.TapOptions;
import dev.affinis.instrument.TappedModel;
import dev.affinis.signature.Pooling;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is captured from small graphs, and what is said about those that cannot be instrumented. */
class OnnxInstrumenterTest {
  private static final TensorProto.DataType FLOAT = TensorProto.DataType.FLOAT;
  private static final float TOLERANCE = 1e-5f;
  private static final long[] TWO = {2, 2};

  @TempDir Path folder;
  private NDManager manager;

  @BeforeEach
  void open() {
    manager = NDManager.newBaseManager("PyTorch");
  }

  @AfterEach
  void close() {
    manager.close();
  }

  private static TapOptions options(CaptureForm form, Pooling pooling, Layout layout) {
    return new TapOptions(form, pooling, layout, SiteFilter.ALL);
  }

  private static final TapOptions ROWS = options(CaptureForm.POOLED, Pooling.CHANNEL, Layout.AUTO);

  private TappedModel.Pass run(TestGraph graph, TapOptions options, NDArray... inputs)
      throws IOException {
    Path file = graph.write(folder);
    try (TappedModel model = instrumenter(file).load(Device.cpu(), options)) {
      return forward(model, inputs);
    }
  }

  private static TappedModel.Pass forward(TappedModel model, NDArray... inputs) {
    return model.forward(
        new ParameterStore(model.model().getNDManager(), false), new NDList(inputs));
  }

  private static OnnxInstrumenter instrumenter(Path file) throws IOException {
    return new OnnxInstrumenter(file, Map.of());
  }

  /** Ascending values around 0. */
  private NDArray ramp(long... shape) {
    Shape sizes = new Shape(shape);
    return manager.arange((float) sizes.size()).sub(sizes.size() / 2f).mul(0.1f).reshape(sizes);
  }

  private static void assertClose(NDArray expected, NDArray found) {
    assertEquals(expected.getShape(), found.getShape());
    assertArrayEquals(expected.toFloatArray(), found.toFloatArray(), TOLERANCE);
  }

  private static TestGraph relu(int opset, long... inputShape) {
    return new TestGraph(opset).input("x", FLOAT, inputShape).output("y").node("Relu", "x", "y");
  }

  // Pooling

  static Stream<Arguments> pooledAxes() {
    List<Arguments> cases = new ArrayList<>();
    for (long[] shape :
        new long[][] {{4}, {4, 3}, {4, 3, 5}, {4, 3, 5, 2}, {4, 3, 2, 2, 2}, {2, 3, 1, 2, 2, 2}}) {
      for (Layout layout : Layout.values()) {
        for (Pooling pooling : Pooling.values()) {
          cases.add(Arguments.of(new Shape(shape), layout, pooling));
        }
      }
    }
    return cases.stream();
  }

  @ParameterizedTest
  @MethodSource("pooledAxes")
  void poolsEveryRank(Shape shape, Layout layout, Pooling pooling) throws IOException {
    NDArray x = ramp(shape.getShape());
    boolean isLast =
        pooling == Pooling.CHANNEL
            && (layout == Layout.CHANNELS_LAST
                || (layout == Layout.AUTO && shape.dimension() == 3));
    NDArray expected = rows(x, isLast);
    // Once with the number of axes known from the input, once with the engine finding it out.
    TestGraph known = relu(17, shape.getShape());
    TestGraph unknown =
        new TestGraph(17)
            .input("x", FLOAT, shape.getShape())
            .input("sizes", TensorProto.DataType.INT64, -1)
            .output("y")
            .node("Reshape", "x sizes", "r")
            .node("Relu", "r", "y");
    NDArray sizes = manager.create(shape.getShape());
    for (TappedModel.Pass pass :
        List.of(
            run(known, options(CaptureForm.POOLED, pooling, layout), x),
            run(unknown, options(CaptureForm.POOLED, pooling, layout), x, sizes))) {
      Tap tap = pass.taps().get(0);
      assertEquals(shape, tap.shape());
      assertEquals(expected.getShape().get(1), tap.dimension());
      assertClose(expected, tap.pre());
      assertClose(rows(x.maximum(0), isLast), tap.post());
    }
  }

  private static NDArray rows(NDArray x, boolean channelsLast) {
    int rank = x.getShape().dimension();
    if (rank == 1) {
      return x.expandDims(1);
    }
    if (rank == 2) {
      return x;
    }
    long samples = x.getShape().get(0);
    return channelsLast
        ? x.reshape(samples, -1, x.getShape().get(rank - 1)).mean(new int[] {1})
        : x.reshape(samples, x.getShape().get(1), -1).mean(new int[] {2});
  }

  @ParameterizedTest
  @ValueSource(ints = {7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21})
  void poolsInEveryOpset(int opset) throws IOException {
    NDArray x = ramp(2, 3, 4, 5);
    NDArray sizes = manager.create(new long[] {2, 3, 4, 5});
    TestGraph graph =
        new TestGraph(opset)
            .input("x", FLOAT, -1, 3, -1, -1)
            .input("sizes", TensorProto.DataType.INT64, -1)
            .output("y")
            .node("Relu", "x", "a")
            .node("Transpose", "a", "t", "perm", new long[] {0, 2, 3, 1})
            .node("Tanh", "t", "b")
            .node("Reshape", "b sizes", "c")
            .node("Sigmoid", "c", "y");
    List<Tap> taps = run(graph, ROWS, x, sizes).taps();
    NDArray relu = x.maximum(0);
    assertClose(rows(relu, false), taps.get(0).post());
    NDArray last = relu.transpose(0, 2, 3, 1);
    assertClose(rows(last, true), taps.get(1).pre());
    assertClose(rows(last.tanh(), true), taps.get(1).post());
    assertEquals(new Shape(2, 4, 5, 3), taps.get(1).shape());
    assertClose(rows(last.tanh().reshape(2, 3, 4, 5), true), taps.get(2).pre());
  }

  @Test
  void aSingleNumberIsPooledToItself() throws IOException {
    for (Layout layout : Layout.values()) {
      TestGraph graph =
          new TestGraph(17)
              .input("x", FLOAT, -1, 2)
              .output("y")
              .node("ReduceSum", "x", "s", "keepdims", 0)
              .node("Relu", "s", "y");
      Tap tap =
          run(graph, options(CaptureForm.POOLED, Pooling.CHANNEL, layout), ramp(2, 2).add(1))
              .taps()
              .get(0);
      assertEquals(new Shape(), tap.shape());
      assertEquals(1, tap.post().size());
    }
  }

  @Test
  void handsOutTheTensorsThemselves() throws IOException {
    NDArray x = ramp(2, 3, 4, 5);
    TapOptions raw = options(CaptureForm.RAW, Pooling.CHANNEL, Layout.AUTO);
    Tap tap = run(relu(17, -1, 3, 4, 5), raw, x).taps().get(0);
    assertClose(x, tap.pre());
    assertClose(x.maximum(0), tap.post());
    assertEquals(3, tap.dimension());
    assertEquals(manager, tap.post().getManager());
  }

  /** Activations after everything that changes heights and widths, or may seem to. */
  private static TestGraph sizes() {
    TestGraph graph =
        new TestGraph(17)
            .input("x", FLOAT, -1, 4, -1, -1)
            .output("z")
            .filled("w1", 0.1f, 4, 4, 1, 1)
            .filled("w3", 0.1f, 4, 4, 3, 3)
            .filled("row", 1f, 1, 1, 1, 13)
            .filled("channel", 1f, 4, 1, 1)
            .floats("line", 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)
            .node("Conv", "x w3", "same", "pads", new long[] {1, 1, 1, 1})
            .node("Conv", "x w3", "inner")
            .node("Conv", "x w3", "half", "pads", new long[] {1, 1, 1, 1}, "strides", TWO)
            .node("Conv", "x w1", "skip", "strides", TWO)
            .node("Add", "half skip", "sum")
            .node("Conv", "x w3", "less", "strides", TWO)
            .node("Conv", "x w3", "wide", "dilations", TWO, "pads", new long[] {2, 2, 2, 2})
            .node("Conv", "x w3", "even", "auto_pad", "SAME_UPPER", "strides", TWO)
            .node("Conv", "x w3", "odd", "pads", new long[] {0, 2, 1, 0})
            .node("MaxPool", "x", "up", "kernel_shape", TWO, "strides", TWO, "ceil_mode", 1)
            .node("MaxPool", "x", "down", "kernel_shape", TWO, "strides", TWO)
            .node("AveragePool", "up", "twice", "kernel_shape", TWO, "strides", TWO)
            .node("GlobalAveragePool", "x", "mean")
            .node("Conv", "mean w1", "squeezed")
            .node("Sigmoid", "squeezed", "scale")
            .node("Mul", "scale half", "gated")
            .node("Mul", "channel half", "scaled")
            .node("ReduceMax", "same", "column", "axes", new long[] {3})
            .node("Add", "column row", "wider")
            .node("Add", "column line", "wider2")
            .node("Concat", "half sum", "both", "axis", 1)
            .node("Concat", "half half", "tall", "axis", 2)
            .node("Transpose", "inner", "turned", "perm", new long[] {0, 1, 3, 2});
    String last = "mean";
    for (String tensor :
        List.of(
            "x",
            "same",
            "inner",
            "half",
            "skip",
            "sum",
            "less",
            "wide",
            "even",
            "odd",
            "up",
            "down",
            "twice",
            "squeezed",
            "gated",
            "scaled",
            "column",
            "wider",
            "wider2",
            "both",
            "tall",
            "turned")) {
      graph.node("Relu", tensor, "relu_" + tensor);
      graph.node("ReduceMean", "relu_" + tensor, "mean_" + tensor, "axes", new long[] {1, 2, 3});
      graph.node("Add", last + " mean_" + tensor, "upto_" + tensor);
      last = "upto_" + tensor;
    }
    return graph.node("Identity", last, "z");
  }

  @ParameterizedTest
  @ValueSource(ints = {7, 8, 13})
  void shapesAreTheSameWhetherAskedForOrConcluded(int size) throws IOException {
    NDArray x = ramp(2, 4, size, size + 3);
    TapOptions raw = options(CaptureForm.RAW, Pooling.CHANNEL, Layout.AUTO);
    List<Shape> expected =
        run(sizes(), raw, x).taps().stream().map(tap -> tap.post().getShape()).toList();
    assertEquals(23, expected.size());
    assertEquals(expected, run(sizes(), ROWS, x).taps().stream().map(Tap::shape).toList());
    SiteFilter none = SiteFilter.ALL.kinds(SiteKind.GELU);
    TapOptions leftOut = new TapOptions(CaptureForm.POOLED, Pooling.CHANNEL, Layout.AUTO, none);
    assertEquals(expected, run(sizes(), leftOut, x).taps().stream().map(Tap::shape).toList());
  }

  // Layout

  @Test
  void layoutIsThatOfTheProducer() throws IOException {
    TestGraph graph =
        new TestGraph(17)
            .input("x", FLOAT, -1, 2, 4, 4)
            .output("y")
            .filled("w", 0.1f, 3, 2, 1, 1)
            .filled("v", 0.1f, 3, 5)
            .integers("sequence", 0, 3, -1)
            .node("Conv", "x w", "c")
            .node("Relu", "c", "r")
            .node("Reshape", "r sequence", "s")
            .node("Transpose", "s", "t", "perm", new long[] {0, 2, 1})
            .node("Tanh", "t", "u")
            .node("MatMul", "u v", "m")
            .node("Sigmoid", "m", "g")
            .node("Transpose", "g", "back", "perm", new long[] {0, 2, 1})
            .node("Relu", "back", "y");
    List<Tap> taps = run(graph, ROWS, ramp(2, 2, 4, 4)).taps();
    assertEquals(List.of(3, 3, 5, 5), taps.stream().map(Tap::dimension).toList());
    assertEquals(new Shape(2, 16, 5), taps.get(2).shape());
    assertEquals(new Shape(2, 5, 16), taps.get(3).shape());
  }

  @Test
  void aLayerNormalisationInStepsPutsChannelsLast() throws IOException {
    TestGraph graph =
        new TestGraph(13)
            .input("x", FLOAT, -1, 6, 4, 3)
            .output("y")
            .node("ReduceMean", "x", "m", "axes", new long[] {-1})
            .node("Sub", "x m", "d")
            .node("Relu", "d", "y");
    assertEquals(3, run(graph, ROWS, ramp(2, 6, 4, 3)).taps().get(0).dimension());
  }

  // Types

  @Test
  void halfPrecisionIsPooledInSingle() throws IOException {
    TestGraph graph =
        new TestGraph(17)
            .input("x", TensorProto.DataType.FLOAT16, -1, 2, 64, 64)
            .output("y")
            .node("Relu", "x", "y");
    NDArray x = manager.ones(new Shape(1, 2, 64, 64)).mul(0.3f);
    TappedModel.Pass pass = run(graph, ROWS, x);
    Tap tap = pass.taps().get(0);
    assertEquals(DataType.FLOAT32, tap.post().getDataType());
    // 0.3 in half precision; a sum of 4096 of them would not even be in its range of integers.
    assertEquals(0.30004883f, tap.post().toFloatArray()[0], 1e-6f);
    assertEquals(DataType.FLOAT16, pass.outputs().head().getDataType());
  }

  @Test
  void doublePrecisionIsKept() throws IOException {
    TestGraph graph =
        new TestGraph(17)
            .input("x", TensorProto.DataType.DOUBLE, -1, 2, 3, 3)
            .output("y")
            .node("Relu", "x", "y");
    NDArray x = manager.ones(new Shape(1, 2, 3, 3), DataType.FLOAT64).div(3);
    Tap tap = run(graph, ROWS, x).taps().get(0);
    assertEquals(DataType.FLOAT64, tap.pre().getDataType());
    assertEquals(1.0 / 3, tap.pre().toDoubleArray()[0], 1e-15);
  }

  // Names

  @Test
  void namesMayBeMissingOrTaken() throws IOException {
    TestGraph graph =
        new TestGraph(17)
            .input("affinis_0", FLOAT, -1, 2)
            .output("affinis_2")
            .node("Relu", "affinis_0", "affinis_1")
            .named("affinis_3")
            .node("Tanh", "affinis_1", "affinis_4")
            .named("affinis_5")
            .node("Sigmoid", "affinis_4", "affinis_2");
    NDArray x = ramp(3, 2);
    TappedModel.Pass pass = run(graph, ROWS, x);
    NDArray relu = x.maximum(0);
    NDArray sigmoid = relu.tanh().getNDArrayInternal().sigmoid();
    assertEquals(1, pass.outputs().size());
    assertClose(sigmoid, pass.outputs().head());
    assertClose(x, pass.taps().get(0).pre());
    // One tensor, two roles: each is an array of its own.
    assertClose(relu, pass.taps().get(0).post());
    pass.taps().get(0).post().close();
    assertClose(relu, pass.taps().get(1).pre());
    assertClose(sigmoid, pass.taps().get(2).post());
    pass.taps().get(2).post().close();
    assertClose(sigmoid, pass.outputs().head());
  }

  @Test
  void aNodeNameGivenTwiceIsRefusedByTheEngineNotByUs() throws IOException {
    Path file =
        new TestGraph(17)
            .input("x", FLOAT, -1, 2)
            .output("y")
            .node("Relu", "x", "r")
            .named("twice")
            .node("Tanh", "r", "y")
            .named("twice")
            .write(folder);
    OnnxInstrumenter instrumenter = instrumenter(file);
    assertEquals(2, instrumenter.sites().size());
    for (String side : List.of("plain", "tapped")) {
      String message =
          assertThrows(
                  InvalidInputException.class,
                  () -> {
                    if (side.equals("plain")) {
                      instrumenter.runPlain(new NDList(ramp(2, 2)));
                    } else {
                      instrumenter.load(Device.cpu(), ROWS);
                    }
                  })
              .getMessage();
      assertTrue(message.contains("same node name (twice)"), message);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "/features/features.1/Relu, features.1",
    "/layer1/layer1.0/relu/Relu, layer1.0.relu",
    "/features/features.0/features.0.2/Relu, features.0.2",
    "/encoder/layers/encoder_layer_0/mlp/mlp.1/Relu, encoder.layers.encoder_layer_0.mlp.1",
    "/Relu, (root)",
    "/Relu_3, (root)",
    "Relu_12, (root)",
    "'', (root)",
    "node_Relu_4, (root)",
    "model/block1_conv1/Relu, model.block1_conv1",
    "stage1_unit1_relu, stage1_unit1_relu",
  })
  void pathsAreTheModulesInNodeNames(String name, String path) throws IOException {
    Path file = relu(17, -1, 2).named(name).write(folder);
    assertEquals(path, instrumenter(file).sites().get(0).path());
  }

  @Test
  void laterCallsOfAModuleHaveItsPath() throws IOException {
    TestGraph graph = new TestGraph(17).input("x", FLOAT, -1, 2).output("y");
    String[] names = {
      "/a/relu/Relu", "/a/relu_1/Relu", "/a/relu_2/Relu", "/a/gate_2/Relu", "/b/act_1/Relu",
      "/b/act/Relu", "/c/c.1/Relu", "/c/c.1_1/Relu", "/d/e/Relu", "/d_1/e/Relu"
    };
    String tensor = "x";
    for (int i = 0; i < names.length; i++) {
      String next = i == names.length - 1 ? "y" : "t" + i;
      graph.node("Relu", tensor, next).named(names[i]);
      tensor = next;
    }
    // A module that has a parameter is one of its own.
    graph.floats("b.act_1.weight", 1);
    assertEquals(
        List.of(
            "a.relu",
            "a.relu",
            "a.relu",
            "a.gate_2",
            "b.act_1",
            "b.act",
            "c.1",
            "c.1",
            "d.e",
            "d.e"),
        instrumenter(graph.write(folder)).sites().stream().map(PlannedSite::path).toList());
  }

  @Test
  void pathsAreFoundInMetadata() throws IOException {
    TestGraph graph =
        relu(20, -1, 2)
            .named("node_relu_1")
            .noted("pkg.torch.onnx.name_scopes", "['', 'features', 'features.1', 'relu_1']");
    assertEquals("features.1", instrumenter(graph.write(folder)).sites().get(0).path());
    TestGraph older =
        relu(20, -1, 2)
            .noted(
                "namespace", ": Net/features: Sequential/features.3: ReLU/relu: aten.relu.default");
    assertEquals("features.3", instrumenter(older.write(folder)).sites().get(0).path());
  }

  // What is left out, what is out of reach

  @Test
  void sitesThatAreNotMeantAreListedWithoutTensors() throws IOException {
    TestGraph graph =
        new TestGraph(17)
            .input("x", FLOAT, -1, 3, 2, 2)
            .output("y")
            .node("Relu", "x", "r")
            .named("/a/Relu")
            .node("Tanh", "r", "y")
            .named("/b/Tanh");
    SiteFilter filter = SiteFilter.ALL.kinds(SiteKind.TANH);
    List<Tap> taps =
        run(
                graph,
                new TapOptions(CaptureForm.POOLED, Pooling.CHANNEL, Layout.AUTO, filter),
                ramp(2, 3, 2, 2))
            .taps();
    assertNull(taps.get(0).pre());
    assertNull(taps.get(0).post());
    assertEquals(new Shape(2, 3, 2, 2), taps.get(0).shape());
    assertEquals(3, taps.get(0).dimension());
    assertEquals(new Shape(2, 3), taps.get(1).post().getShape());
  }

  private static GraphProto branch(String operator) {
    return GraphProto.newBuilder(
            new TestGraph(17)
                .output("b")
                .node(operator, "x", "b")
                .named("/then/" + operator)
                .graph())
        .build();
  }

  @Test
  void activationsInBranchesAreReported() throws IOException {
    TestGraph graph =
        new TestGraph(17)
            .input("x", FLOAT, -1, 2)
            .input("c", TensorProto.DataType.BOOL)
            .output("y")
            .node("Relu", "x", "r")
            .node("If", "c", "z", "then_branch", branch("Tanh"), "else_branch", branch("Identity"))
            .node("Relu", "z", "after")
            .node("Add", "after r", "y");
    OnnxInstrumenter instrumenter = instrumenter(graph.write(folder));
    // What the condition's type is says nothing of the type of what comes out.
    assertEquals(2, instrumenter.sites().size());
    SkippedSite hidden = instrumenter.hiddenSites().get(0);
    assertEquals("then", hidden.path());
    assertEquals("tanh", hidden.activation());
    assertTrue(hidden.reason().contains("sub-graph of the operator If"), hidden.reason());
    NDArray x = ramp(2, 2);
    TappedModel.Pass pass = run(graph, ROWS, x, manager.create(true));
    assertClose(x.tanh().maximum(0).add(x.maximum(0)), pass.outputs().head());
  }

  @Test
  void activationsInTheBodyOfALoopAreReported() throws IOException {
    GraphProto body =
        new TestGraph(17)
            .input("i", TensorProto.DataType.INT64)
            .input("go", TensorProto.DataType.BOOL)
            .input("v", FLOAT, -1, 2)
            .output("go2")
            .output("w")
            .node("Identity", "go", "go2")
            .node("Sigmoid", "v", "s")
            .node("Mul", "v s", "w")
            .named("/cell/Mul")
            .graph();
    TestGraph graph =
        new TestGraph(17)
            .input("x", FLOAT, -1, 2)
            .output("y")
            .integer("n", 3)
            .node("Loop", "n _ x", "z", "body", body)
            .named("/steps/Loop")
            .node("Relu", "z", "y");
    NDArray x = ramp(2, 2);
    NDArray expected = x;
    for (int i = 0; i < 3; i++) {
      expected = expected.mul(expected.getNDArrayInternal().sigmoid());
    }
    assertHidden("cell", "silu", "Loop", graph, x, expected.maximum(0));
  }

  @Test
  void activationsInTheBodyOfAScanAreReported() throws IOException {
    GraphProto body =
        new TestGraph(17)
            .input("v", FLOAT, 2)
            .input("r", FLOAT, 2)
            .output("w")
            .output("t")
            .node("Add", "v r", "a")
            .node("Tanh", "a", "w")
            .node("Identity", "w", "t")
            .graph();
    TestGraph graph =
        new TestGraph(17)
            .input("x", FLOAT, -1, 2)
            .output("y")
            .floats("zero", 0, 0)
            .node("Scan", "zero x", "last z", "body", body, "num_scan_inputs", 1)
            .named("/steps/Scan")
            .node("Relu", "z", "y");
    NDArray x = ramp(2, 2);
    NDArray first = x.get(0).tanh();
    NDArray second = x.get(1).add(first).tanh();
    NDArray expected = first.expandDims(0).concat(second.expandDims(0), 0).maximum(0);
    assertHidden("steps", "tanh", "Scan", graph, x, expected);
  }

  /** One activation is out of reach, the ReLU after it is not, and the model still runs. */
  private void assertHidden(
      String path, String kind, String operator, TestGraph graph, NDArray x, NDArray expected)
      throws IOException {
    OnnxInstrumenter instrumenter = instrumenter(graph.write(folder));
    assertEquals(
        List.of(SiteKind.RELU), instrumenter.sites().stream().map(PlannedSite::kind).toList());
    assertEquals(1, instrumenter.hiddenSites().size());
    SkippedSite hidden = instrumenter.hiddenSites().get(0);
    assertEquals(path + " " + kind, hidden.path() + " " + hidden.activation());
    assertTrue(hidden.reason().contains("sub-graph of the operator " + operator), hidden.reason());
    TappedModel.Pass pass = run(graph, ROWS, x);
    assertEquals(1, pass.taps().size());
    assertClose(expected, pass.outputs().head());
    assertClose(expected, pass.taps().get(0).post());
  }

  @Test
  void aSigmoidThatABranchUsesToo_isNoPartOfASilu() throws IOException {
    GraphProto inner = new TestGraph(17).output("b").node("Identity", "s", "b").graph();
    TestGraph graph =
        new TestGraph(17)
            .input("x", FLOAT, -1, 2)
            .input("c", TensorProto.DataType.BOOL)
            .output("y")
            .node("Sigmoid", "x", "s")
            .node("Mul", "x s", "m")
            .node("If", "c", "z", "then_branch", inner, "else_branch", inner)
            .node("Add", "z m", "y");
    assertEquals(SiteKind.SIGMOID, instrumenter(graph.write(folder)).sites().get(0).kind());
  }

  @Test
  void activationsInFunctionsAreReported() throws IOException {
    FunctionProto function =
        FunctionProto.newBuilder()
            .setName("Block")
            .setDomain("local")
            .addInput("a")
            .addOutput("b")
            .addNode(TestGraph.nodeOf("Sigmoid", "a", "s"))
            .addNode(TestGraph.nodeOf("Mul", "a s", "b"))
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(17))
            .build();
    TestGraph graph =
        new TestGraph(17)
            .input("x", FLOAT, -1, 2)
            .output("y")
            .node("local.Block", "x", "z")
            .named("/first/Block")
            .node("local.Block", "z", "w")
            .named("/second/Block")
            .node("Relu", "w", "y")
            .function(function);
    OnnxInstrumenter instrumenter = instrumenter(graph.write(folder));
    assertEquals(1, instrumenter.sites().size());
    assertEquals(
        List.of("first silu", "second silu"),
        instrumenter.hiddenSites().stream().map(s -> s.path() + " " + s.activation()).toList());
    assertTrue(instrumenter.hiddenSites().get(0).reason().contains("local.Block"));
    assertEquals(1, run(graph, ROWS, ramp(2, 2)).taps().size());
  }

  /** However long the way is on which a shape is handed on, and whatever was asked before. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void theNumberOfAxesIsKnownThroughLongWays(boolean isShortFirst) {
    TestGraph graph = new TestGraph(17).input("x", FLOAT, -1, 2, 3).output("y");
    graph.node("Shape", "x", "s0");
    for (int i = 0; i < 20; i++) {
      graph.node("Cast", "s" + i, "s" + (i + 1));
    }
    List<String> shapes = isShortFirst ? List.of("s6", "s12") : List.of("s12", "s6");
    for (String shape : shapes) {
      graph.node("Reshape", "x " + shape, "of" + shape);
    }
    graph.node("Relu", "ofs12", "y");
    TensorFacts facts = new TensorFacts(GraphView.of(graph.build()));
    assertEquals(3, facts.rank("ofs12"));
    assertEquals(3, facts.rank("ofs6"));
  }

  @Test
  void activationsInFusedOperatorsAreReported() throws IOException {
    TestGraph graph =
        new TestGraph(17)
            .input("x", FLOAT, 4, 2, 3)
            .input("i", FLOAT, 1, 2, 3, 3)
            .output("y")
            .output("z")
            .filled("w", 0.1f, 1, 12, 3)
            .filled("r", 0.1f, 1, 12, 3)
            .filled("k", 0.1f, 2, 2, 1, 1)
            .node("LSTM", "x w r", "l", "hidden_size", 3)
            .named("/rnn/LSTM")
            .node("Relu", "l", "y")
            .node("com.microsoft.FusedConv", "i k", "z", "activation", "Relu")
            .named("/conv/FusedConv");
    OnnxInstrumenter instrumenter = instrumenter(graph.write(folder));
    assertEquals(
        List.of("rnn lstm", "conv relu"),
        instrumenter.hiddenSites().stream().map(s -> s.path() + " " + s.activation()).toList());
    assertEquals(1, instrumenter.sites().size());
  }

  @Test
  void theInputOfABiasGeluIsWithTheBias() throws IOException {
    TestGraph graph =
        new TestGraph(17)
            .input("x", FLOAT, -1, 2, 3)
            .output("y")
            .floats("b", 1, 2, 3)
            .node("com.microsoft.BiasGelu", "x b", "y");
    NDArray x = ramp(2, 2, 3);
    Tap tap = run(graph, ROWS, x).taps().get(0);
    assertClose(x.add(manager.create(new float[] {1, 2, 3})).mean(new int[] {1}), tap.pre());
  }

  @Test
  void halvesOfAGatedLinearUnit() throws IOException {
    TestGraph graph =
        new TestGraph(17)
            .input("x", FLOAT, -1, 4)
            .output("y")
            .node("Split", "x", "a b", "axis", 1)
            .node("Sigmoid", "b", "s")
            .node("Mul", "a s", "y");
    NDArray x = ramp(3, 4);
    Tap tap = run(graph, ROWS, x).taps().get(0);
    assertEquals(SiteKind.GLU, tap.kind());
    assertClose(x, tap.pre());
    NDArray halves = x.get(":, :2").mul(x.get(":, 2:").getNDArrayInternal().sigmoid());
    assertClose(halves, tap.post());
    assertEquals(2, tap.dimension());
  }

  @Test
  void aGluOfComputedSlicesIsOneSite() throws IOException {
    // As PyTorch writes chunk(x, 2, 1).
    TestGraph graph =
        new TestGraph(17)
            .input("x", FLOAT, -1, 4)
            .output("y")
            .integers("axis", 1)
            .integers("none", 0)
            .integers("two", 2)
            .node("Shape", "x", "sizes")
            .node("Gather", "sizes axis", "width")
            .node("Div", "width two", "half")
            .node("Mul", "half two", "all")
            .node("Slice", "x none half axis", "a")
            .node("Slice", "x half all axis", "b")
            .node("Sigmoid", "b", "s")
            .node("Mul", "a s", "y");
    NDArray x = ramp(3, 4);
    Tap tap = run(graph, ROWS, x).taps().get(0);
    assertEquals(SiteKind.GLU, tap.kind());
    assertClose(x, tap.pre());
    assertClose(x.get(":, :2").mul(x.get(":, 2:").getNDArrayInternal().sigmoid()), tap.post());
    graph.node("Slice", "x half all axis", "c").output("c");
    assertEquals(SiteKind.SIGMOID, instrumenter(graph.write(folder)).sites().get(0).kind());
  }

  // Files

  private Path external(float... stored) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.allocate(4 + 4 * stored.length).order(ByteOrder.LITTLE_ENDIAN).putFloat(-1);
    for (float value : stored) {
      bytes.putFloat(value);
    }
    Files.write(folder.resolve("weights.bin"), bytes.array());
    TensorProto.Builder weight = TestGraph.tensor("w", FLOAT, 2, 2);
    weight.setDataLocation(DataLocation.EXTERNAL);
    Map.of("location", "weights.bin", "offset", "4", "length", "16")
        .forEach(
            (key, value) ->
                weight.addExternalData(
                    StringStringEntryProto.newBuilder().setKey(key).setValue(value)));
    return new TestGraph(17)
        .input("x", FLOAT, -1, 2)
        .output("y")
        .initializer(weight.build())
        .node("MatMul", "x w", "m")
        .node("Relu", "m", "y")
        .write(folder);
  }

  @Test
  void weightsMayStayInAnotherFile() throws IOException {
    Path file = external(1, -1, 2, 3);
    byte[] before = Files.readAllBytes(file);
    NDArray x = ramp(3, 2);
    NDArray product = x.dot(manager.create(new float[] {1, -1, 2, 3}, new Shape(2, 2)));
    OnnxInstrumenter instrumenter = instrumenter(file);
    assertClose(product.maximum(0), instrumenter.runPlain(new NDList(x)).head());
    try (TappedModel model = instrumenter.load(Device.cpu(), ROWS)) {
      TappedModel.Pass pass = forward(model, x);
      assertClose(product, pass.taps().get(0).pre());
      assertClose(product.maximum(0), pass.outputs().head());
      assertEquals(4, model.parameterCount());
    }
    assertArrayEquals(before, Files.readAllBytes(file));
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(2, files.count());
    }
  }

  private static TensorProto stored(String name, String file) {
    TensorProto.Builder weight = TestGraph.tensor(name, FLOAT, 1);
    weight.setDataLocation(DataLocation.EXTERNAL);
    return weight
        .addExternalData(StringStringEntryProto.newBuilder().setKey("location").setValue(file))
        .build();
  }

  @Test
  void theChecksumIsOfAllFilesInTheOrderOfTheirNames()
      throws IOException, NoSuchAlgorithmException {
    Files.write(folder.resolve("b.bin"), new byte[] {1, 2, 3, 4});
    Files.write(folder.resolve("a.bin"), new byte[] {5, 6, 7, 8});
    Path file =
        new TestGraph(17)
            .input("x", FLOAT, -1, 1)
            .output("y")
            .initializer(stored("first", "b.bin"))
            .initializer(stored("second", "a.bin"))
            .initializer(stored("third", "./b.bin"))
            .node("Add", "x first", "p")
            .node("Add", "p second", "q")
            .node("Add", "q third", "r")
            .node("Relu", "r", "y")
            .write(folder);
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    digest.update(Files.readAllBytes(file));
    digest.update(new byte[] {5, 6, 7, 8, 1, 2, 3, 4});
    try (ModelSource<?, ?> source = ModelSource.of(file)) {
      String before = source.sha256();
      assertEquals(HexFormat.of().formatHex(digest.digest()), before);
      Files.write(folder.resolve("a.bin"), new byte[] {5, 6, 7, 9});
      assertNotEquals(before, source.sha256());
    }
  }

  @Test
  void anExternalFileThatIsMissingOrShortIsNamed() throws IOException {
    Path file = external(1, 2, 3);
    String message =
        assertThrows(InvalidInputException.class, () -> instrumenter(file)).getMessage();
    assertTrue(message.contains("weights.bin up to byte 20, but that file has only 16"), message);
    Files.delete(folder.resolve("weights.bin"));
    message = assertThrows(InvalidInputException.class, () -> instrumenter(file)).getMessage();
    assertTrue(message.contains("keeps its weight w in " + folder.resolve("weights.bin")), message);
  }

  @Test
  void whatIsNoModelIsRefused() throws IOException {
    Path text = folder.resolve("text.onnx");
    Files.write(text, "this is no model".getBytes(StandardCharsets.UTF_8));
    Path empty = folder.resolve("empty.onnx");
    Files.write(empty, new byte[0]);
    Path cut = folder.resolve("cut.onnx");
    byte[] whole = Files.readAllBytes(relu(17, -1, 2).write(folder));
    Files.write(cut, java.util.Arrays.copyOf(whole, whole.length / 2));
    for (Path file : List.of(text, empty, cut)) {
      String message =
          assertThrows(InvalidInputException.class, () -> instrumenter(file)).getMessage();
      assertTrue(message.startsWith("model " + file + " is no ONNX"), message);
    }
    Path old = relu(6, -1, 2).write(folder);
    String message =
        assertThrows(InvalidInputException.class, () -> instrumenter(old)).getMessage();
    assertTrue(message.contains("is of opset 6, expected 7 or newer"), message);
  }

  @Test
  void whatTheEngineRefusesIsSaidInItsWords() throws IOException {
    Path file =
        new TestGraph(17)
            .input("x", FLOAT, -1, 2)
            .output("y")
            .node("Relu", "x", "r")
            .node("NoSuchOperator", "r", "y")
            .write(folder);
    OnnxInstrumenter instrumenter = instrumenter(file);
    String message =
        assertThrows(InvalidInputException.class, () -> instrumenter.load(Device.cpu(), ROWS))
            .getMessage();
    assertTrue(message.contains("NoSuchOperator"), message);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"QuantizeLinear", "DynamicQuantizeLinear", "com.microsoft.QLinearSigmoid"})
  void quantisedModelsAreRefused(String operator) throws IOException {
    Path file = relu(17, -1, 2).node(operator, "y", "q").write(folder);
    String message =
        assertThrows(InvalidInputException.class, () -> instrumenter(file)).getMessage();
    assertTrue(message.contains("is quantized (it has the operator " + operator), message);
    assertTrue(message.contains("export the float model"), message);
  }

  @Test
  void weightsAloneMayBeQuantised() throws IOException {
    TestGraph graph =
        new TestGraph(17)
            .input("x", FLOAT, -1, 2)
            .output("y")
            .scalar("scale", 0.5)
            .initializer(
                TestGraph.tensor("w", TensorProto.DataType.INT8, 2, 1)
                    .addInt32Data(2)
                    .addInt32Data(-4)
                    .build())
            .node("DequantizeLinear", "w scale", "f")
            .node("MatMul", "x f", "m")
            .node("Relu", "m", "y");
    NDArray x = ramp(3, 2);
    NDArray product = x.dot(manager.create(new float[] {1, -2}, new Shape(2, 1)));
    assertClose(product, run(graph, ROWS, x).taps().get(0).pre());
  }

  // Running

  @Test
  void aGpuThatOnnxRuntimeCannotUseIsAnError() throws IOException {
    OnnxInstrumenter instrumenter = instrumenter(relu(17, -1, 2).write(folder));
    String message =
        assertThrows(InvalidInputException.class, () -> instrumenter.load(Device.gpu(), ROWS))
            .getMessage();
    assertTrue(message.contains("cannot run on gpu:0"), message);
    assertTrue(message.contains("onnxruntime_gpu"), message);
  }

  @Test
  void inputsAreCountedAndConverted() throws IOException {
    TestGraph graph =
        new TestGraph(17)
            .input("a", TensorProto.DataType.DOUBLE, -1, 2)
            .input("b", TensorProto.DataType.DOUBLE, -1, 2)
            .input("w", TensorProto.DataType.DOUBLE, 1)
            .initializer(
                TestGraph.tensor("w", TensorProto.DataType.DOUBLE, 1).addDoubleData(2).build())
            .output("y")
            .node("Sub", "a b", "d")
            .node("Mul", "d w", "m")
            .node("Relu", "m", "y");
    NDArray a = ramp(2, 2);
    NDArray b = a.mul(3);
    Path file = graph.write(folder);
    try (TappedModel model = instrumenter(file).load(Device.cpu(), ROWS)) {
      double[] expected = a.sub(b).mul(2).toType(DataType.FLOAT64, false).toDoubleArray();
      assertArrayEquals(expected, forward(model, a, b).taps().get(0).pre().toDoubleArray(), 1e-6);
      a.setName("a");
      b.setName("b");
      assertArrayEquals(expected, forward(model, b, a).taps().get(0).pre().toDoubleArray(), 1e-6);
      String message =
          assertThrows(InvalidInputException.class, () -> forward(model, a)).getMessage();
      assertTrue(message.contains("takes 2 inputs (a, b), got 1"), message);
    }
  }

  @Test
  void severalThreadsMayRunAtOnce() throws Exception {
    Path file = relu(17, -1, 3, 4, 4).write(folder);
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try (TappedModel model = instrumenter(file).load(Device.cpu(), ROWS)) {
      List<Future<float[]>> results = new ArrayList<>();
      for (int i = 0; i < 32; i++) {
        float value = i;
        int batch = 1 + i % 3;
        results.add(
            threads.submit(
                () -> {
                  try (NDManager own = NDManager.newBaseManager("PyTorch")) {
                    NDArray x = own.ones(new Shape(batch, 3, 4, 4)).mul(value);
                    return forward(model, x).taps().get(0).post().toFloatArray();
                  }
                }));
      }
      for (int i = 0; i < results.size(); i++) {
        float[] expected = new float[3 * (1 + i % 3)];
        java.util.Arrays.fill(expected, i);
        assertArrayEquals(expected, results.get(i).get());
      }
    } finally {
      threads.shutdown();
    }
  }

  @Test
  void nothingIsLeftOfAPass() throws IOException {
    Path file = relu(17, -1, 3, 4, 4).write(folder);
    try (TappedModel model = instrumenter(file).load(Device.cpu(), ROWS)) {
      List<NDArray> before = model.model().getNDManager().getManagedArrays();
      for (int i = 0; i < 20; i++) {
        try (NDManager batch = manager.newSubManager()) {
          NDArray x = ramp(2, 3, 4, 4);
          x.attach(batch);
          TappedModel.Pass pass = forward(model, x);
          // The input, its row and that of the result, and the model's own output.
          assertEquals(4, batch.getManagedArrays().size());
          assertEquals(batch, pass.taps().get(0).pre().getManager());
        }
      }
      assertEquals(before, model.model().getNDManager().getManagedArrays());
    }
  }

  @Test
  void parametersAreWhatWasTrained() throws IOException {
    TestGraph graph =
        new TestGraph(17)
            .input("x", FLOAT, -1, 2, 4, 4)
            .output("y")
            .filled("w", 0.1f, 3, 2, 1, 1)
            .floats("scale", 1, 1, 1)
            .floats("mean", 0, 0, 0)
            .floats("variance", 1, 1, 2)
            .scalar("six", 6)
            .scalar("zero", 0)
            .integers("axes", 2, 3)
            .node("Identity", "scale", "shift")
            .node("Conv", "x w", "c")
            .node("BatchNormalization", "c scale shift mean variance", "n")
            .node("Clip", "n zero six", "y");
    try (TappedModel model = instrumenter(graph.write(folder)).load(Device.cpu(), ROWS)) {
      assertEquals(3 * 2 + 3 + 3, model.parameterCount());
    }
  }

  @Test
  void onlyAddsToTheGraph() throws IOException {
    ModelProto model = relu(17, -1, 2).build();
    GraphView view = GraphView.of(model);
    TensorFacts facts = new TensorFacts(view);
    TapWriter writer = new TapWriter(view, facts, ROWS, null);
    new OnnxSites(view, new NodePaths(view), facts, SiteFilter.ALL).sites().forEach(writer::pre);
    ModelProto merged = model.toBuilder().mergeFrom(writer.added()).build();
    assertEquals(model.getGraph().getNodeList(), merged.getGraph().getNodeList().subList(0, 1));
    assertEquals(model.getGraph().getOutput(0).getName(), merged.getGraph().getOutput(0).getName());
    assertFalse(writer.added().getGraph().getNodeList().isEmpty());
    assertEquals(Site.ROOT, new NodePaths(view).path(0));
  }
}
