package dev.affinis.instrument.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import dev.affinis.instrument.CaptureForm;
import dev.affinis.instrument.Layout;
import dev.affinis.instrument.PlannedSite;
import dev.affinis.instrument.SiteFilter;
import dev.affinis.instrument.Tap;
import dev.affinis.instrument.TapOptions;
import dev.affinis.instrument.TappedModel;
import dev.affinis.signature.Pooling;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every form of every activation, as exporters write them, run by the engine: what is captured must
 * be the activation's input and the function of it. And forms that only look like one.
 */
class ActivationPatternsTest {
  private static final int ROWS = 3;
  private static final int COLUMNS = 8;

  /** Values of the engine's kernels are within a few units of float32 of these functions. */
  private static final float TOLERANCE = 2e-5f;

  private static final double SCALE = 1.0507009873554805;
  private static final double ALPHA = 1.6732632423543772;

  @TempDir Path folder;

  /** A graph from {@code x} to {@code y}, and the activations that are to be found in it. */
  private record Case(
      String name,
      int opset,
      Consumer<TestGraph> body,
      List<String> sites,
      DoubleUnaryOperator function) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static Case one(
      String kind, String name, DoubleUnaryOperator function, Consumer<TestGraph> body) {
    return new Case(kind + ": " + name, 17, body, List.of(kind), function);
  }

  private static Case node(
      int opset, String kind, String operator, DoubleUnaryOperator f, Object... attributes) {
    return new Case(
        kind + ": node " + operator + " of opset " + opset,
        opset,
        g -> g.node(operator, "x", "y", attributes),
        List.of(kind),
        f);
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  private static double softplus(double x) {
    return Math.log1p(Math.exp(x));
  }

  private static double clip(double x, double low, double high) {
    return Math.min(Math.max(x, low), high);
  }

  private static double hardSwish(double x) {
    return x * clip(x + 3, 0, 6) / 6;
  }

  private static double hardSigmoid(double x) {
    return clip(x + 3, 0, 6) / 6;
  }

  private static double gelu(double x) {
    return 0.5 * x * (1 + erf(x / Math.sqrt(2)));
  }

  private static double tanhGelu(double x) {
    return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
  }

  /** By its power series, exact enough for the arguments here. */
  private static double erf(double x) {
    double term = x;
    double sum = x;
    for (int n = 1; n < 200; n++) {
      term *= -x * x / n;
      sum += term / (2 * n + 1);
    }
    return 2 / Math.sqrt(Math.PI) * sum;
  }

  private static DoubleUnaryOperator elu(double alpha) {
    return x -> x > 0 ? x : alpha * Math.expm1(x);
  }

  static Stream<Case> nodes() {
    return Stream.of(
        node(7, "relu", "Relu", x -> Math.max(0, x)),
        node(17, "leaky_relu", "LeakyRelu", x -> x > 0 ? x : 0.2 * x, "alpha", 0.2),
        one(
            "prelu",
            "node",
            x -> x > 0 ? x : 0.3 * x,
            g -> g.floats("slope", 0.3f).node("PRelu", "x slope", "y")),
        node(17, "elu", "Elu", elu(0.7), "alpha", 0.7),
        node(17, "selu", "Selu", x -> SCALE * elu(ALPHA).applyAsDouble(x)),
        node(
            17,
            "celu",
            "Celu",
            x -> Math.max(0, x) + Math.min(0, 2 * Math.expm1(x / 2)),
            "alpha",
            2.0),
        node(17, "sigmoid", "Sigmoid", ActivationPatternsTest::sigmoid),
        node(17, "hardsigmoid", "HardSigmoid", x -> clip(0.2 * x + 0.5, 0, 1)),
        node(
            17,
            "hardsigmoid",
            "HardSigmoid",
            ActivationPatternsTest::hardSigmoid,
            "alpha",
            1.0 / 6),
        node(17, "tanh", "Tanh", Math::tanh),
        node(17, "softplus", "Softplus", ActivationPatternsTest::softplus),
        node(17, "softsign", "Softsign", x -> x / (1 + Math.abs(x))),
        node(17, "threshold", "ThresholdedRelu", x -> x > 0.5 ? x : 0, "alpha", 0.5),
        node(17, "hardswish", "HardSwish", ActivationPatternsTest::hardSwish),
        node(18, "mish", "Mish", x -> x * Math.tanh(softplus(x))),
        node(20, "gelu", "Gelu", ActivationPatternsTest::gelu),
        node(20, "gelu", "Gelu", ActivationPatternsTest::tanhGelu, "approximate", "tanh"),
        node(17, "gelu", "com.microsoft.Gelu", ActivationPatternsTest::gelu),
        node(17, "gelu", "com.microsoft.FastGelu", ActivationPatternsTest::tanhGelu),
        node(17, "swish", "com.microsoft.QuickGelu", x -> x * sigmoid(1.702 * x)),
        node(17, "silu", "com.microsoft.QuickGelu", x -> x * sigmoid(x), "alpha", 1.0),
        node(17, "hardshrink", "Shrink", x -> Math.abs(x) > 0.5 ? x : 0, "lambd", 0.5, "bias", 0.0),
        node(
            17,
            "softshrink",
            "Shrink",
            x -> Math.abs(x) > 0.5 ? x - Math.signum(x) * 0.5 : 0,
            "lambd",
            0.5,
            "bias",
            0.5));
  }

  /** What PyTorch writes for the modules that have no operator in ONNX. */
  static Stream<Case> choices() {
    DoubleUnaryOperator softshrink = x -> Math.signum(x) * Math.max(0, Math.abs(x) - 0.5);
    return Stream.of(
        one(
            "hardshrink",
            "Where(x > 1/2 or x < -1/2, x, 0)",
            x -> Math.abs(x) > 0.5 ? x : 0,
            g ->
                bounds(g)
                    .node("Greater", "x high", "g")
                    .node("Less", "x low", "l")
                    .node("Cast", "g", "gb", "to", 9)
                    .node("Cast", "l", "lb", "to", 9)
                    .node("Or", "gb lb", "o")
                    .node("Where", "o x zero", "y")),
        one(
            "hardshrink",
            "Where(-1/2 <= x <= 1/2, 0, x)",
            x -> Math.abs(x) > 0.5 ? x : 0,
            g ->
                bounds(g)
                    .node("LessOrEqual", "x high", "l")
                    .node("GreaterOrEqual", "x low", "g")
                    .node("And", "l g", "a")
                    .node("Where", "a zero x", "y")),
        one(
            "softshrink",
            "a sum of two choices",
            softshrink,
            g ->
                bounds(g)
                    .node("Greater", "x high", "g")
                    .node("Sub", "x high", "d")
                    .node("Where", "g d zero", "w1")
                    .node("Less", "x low", "l")
                    .node("Add", "x high", "u")
                    .node("Where", "l u zero", "w2")
                    .node("Add", "w1 w2", "y")),
        one(
            "threshold",
            "Where(x <= 1/2, -1/2, x)",
            x -> x > 0.5 ? x : -0.5,
            g -> bounds(g).node("LessOrEqual", "x high", "l").node("Where", "l low x", "y")),
        one(
            "relu",
            "Where(x > 0, x, 0)",
            x -> Math.max(x, 0),
            g -> bounds(g).node("Greater", "x zero", "g").node("Where", "g x zero", "y")),
        one(
            "hardtanh",
            "a choice within a choice",
            x -> clip(x, -0.5, 0.5),
            g ->
                bounds(g)
                    .node("Less", "x low", "l")
                    .node("Where", "l low x", "w")
                    .node("Greater", "x high", "g")
                    .node("Where", "g high w", "y")),
        one(
            "leaky_relu",
            "Where(x < 0, 0.2 x, x)",
            x -> x > 0 ? x : 0.2 * x,
            g ->
                bounds(g)
                    .scalar("slope", 0.2)
                    .node("Less", "x zero", "l")
                    .node("Mul", "slope x", "m")
                    .node("Where", "l m x", "y")),
        one("elu", "Where(x > 0, x, Exp(x) - 1)", elu(1), g -> eluByChoice(g, "x", "y")),
        one(
            "celu",
            "Where(x > 0, x, 2 (Exp(x / 2) - 1))",
            x -> x > 0 ? x : 2 * Math.expm1(x / 2),
            g ->
                bounds(g)
                    .scalar("one", 1)
                    .scalar("two", 2)
                    .node("Div", "x two", "h")
                    .node("Exp", "h", "e")
                    .node("Sub", "e one", "s")
                    .node("Mul", "two s", "m")
                    .node("Greater", "x zero", "g")
                    .node("Where", "g x m", "y")),
        one(
            "selu",
            "scaled",
            x -> SCALE * elu(ALPHA).applyAsDouble(x),
            g ->
                bounds(g)
                    .scalar("one", 1)
                    .scalar("alpha", ALPHA)
                    .scalar("scale", SCALE)
                    .node("Exp", "x", "e")
                    .node("Sub", "e one", "s")
                    .node("Mul", "alpha s", "m")
                    .node("Greater", "x zero", "g")
                    .node("Where", "g x m", "w")
                    .node("Mul", "scale w", "y")),
        one(
            "softplus",
            "with a threshold above which it is x",
            ActivationPatternsTest::softplus,
            g ->
                g.scalar("twenty", 20)
                    .node("Softplus", "x", "p")
                    .node("Greater", "x twenty", "g")
                    .node("Where", "g x p", "y")),
        node(17, "rrelu", "LeakyRelu", x -> x > 0 ? x : 11.0 / 48 * x, "alpha", 11.0 / 48));
  }

  private static TestGraph bounds(TestGraph graph) {
    return graph.scalar("low", -0.5).scalar("high", 0.5).scalar("zero", 0);
  }

  private static TestGraph eluByChoice(TestGraph graph, String x, String y) {
    return bounds(graph)
        .scalar("one", 1)
        .node("Exp", x, "e")
        .node("Sub", "e one", "s")
        .node("Greater", x + " zero", "g")
        .node("Where", "g " + x + " s", y);
  }

  static Stream<Case> clips() {
    DoubleUnaryOperator six = x -> clip(x, 0, 6);
    return Stream.of(
        node(6 + 1, "relu6", "Clip", six, "min", 0.0, "max", 6.0),
        node(10, "hardtanh", "Clip", x -> clip(x, -1, 1), "min", -1.0, "max", 1.0),
        node(10, "relu", "Clip", x -> Math.max(x, 0), "min", 0.0),
        one(
            "relu6",
            "bounds are initializers",
            six,
            g -> g.scalar("low", 0).scalar("high", 6).node("Clip", "x low high", "y")),
        one(
            "relu6",
            "bounds are constants",
            six,
            g -> constant(constant(g, "low", 0), "high", 6).node("Clip", "x low high", "y")),
        one(
            "hardtanh",
            "other bounds",
            x -> clip(x, -0.5, 2),
            g -> g.scalar("low", -0.5).scalar("high", 2).node("Clip", "x low high", "y")),
        one(
            "relu",
            "no upper bound",
            x -> Math.max(x, 0),
            g -> g.scalar("low", 0).node("Clip", "x low", "y")),
        one(
            "relu",
            "Max with 0",
            x -> Math.max(x, 0),
            g -> g.scalar("zero", 0).node("Max", "zero x", "y")),
        one(
            "relu6",
            "Min of Relu",
            six,
            g -> g.scalar("six", 6).node("Relu", "x", "r").node("Min", "r six", "y")),
        one(
            "relu6",
            "PyTorch: Clip of Relu",
            six,
            g ->
                g.scalar("zero", 0)
                    .scalar("six", 6)
                    .node("Relu", "x", "r")
                    .node("Clip", "r zero six", "y")),
        one(
            "relu6",
            "Max of Min",
            six,
            g ->
                g.scalar("six", 6)
                    .scalar("zero", 0)
                    .node("Min", "six x", "m")
                    .node("Max", "m zero", "y")),
        one(
            "leaky_relu",
            "Max of x and a part of it",
            x -> Math.max(x, 0.2 * x),
            g -> g.scalar("part", 0.2).node("Mul", "part x", "p").node("Max", "p x", "y")));
  }

  private static TestGraph constant(TestGraph graph, String name, double value) {
    return graph.node(
        "Constant",
        "",
        name,
        "value",
        TestGraph.tensor("", DataType.FLOAT).addFloatData((float) value).build());
  }

  static Stream<Case> gates() {
    return Stream.of(
        one(
            "silu",
            "x Sigmoid(x)",
            x -> x * sigmoid(x),
            g -> g.node("Sigmoid", "x", "s").node("Mul", "x s", "y")),
        one(
            "silu",
            "Sigmoid(x) x",
            x -> x * sigmoid(x),
            g -> g.node("Sigmoid", "x", "s").node("Mul", "s x", "y")),
        one(
            "swish",
            "with a factor",
            x -> x * sigmoid(1.5 * x),
            g ->
                g.scalar("beta", 1.5)
                    .node("Mul", "beta x", "b")
                    .node("Sigmoid", "b", "s")
                    .node("Mul", "x s", "y")),
        one(
            "gelu",
            "by a sigmoid of a cubic",
            ActivationPatternsTest::tanhGelu,
            g ->
                cube(g, "x x2", "x3")
                    .scalar("c", 0.044715)
                    .scalar("k", 2 * Math.sqrt(2 / Math.PI))
                    .node("Mul", "c x3", "cx3")
                    .node("Add", "x cx3", "p")
                    .node("Mul", "p k", "a")
                    .node("Sigmoid", "a", "s")
                    .node("Mul", "x s", "y")),
        one(
            "hardswish",
            "x HardSigmoid(x)",
            ActivationPatternsTest::hardSwish,
            g -> g.node("HardSigmoid", "x", "s", "alpha", 1.0 / 6).node("Mul", "x s", "y")),
        one(
            "hardswish",
            "x Clip(x + 3) / 6",
            ActivationPatternsTest::hardSwish,
            g -> shifted(g).node("Mul", "x c", "m").node("Div", "m six", "y")),
        one(
            "hardswish",
            "x (Clip(x + 3) / 6)",
            ActivationPatternsTest::hardSwish,
            g -> shifted(g).node("Div", "c six", "d").node("Mul", "d x", "y")),
        one(
            "hardswish",
            "(x / 6) Clip(3 + x), times a sixth",
            ActivationPatternsTest::hardSwish,
            g ->
                shifted(g)
                    .scalar("sixth", 1 / 6.0)
                    .node("Mul", "sixth x", "d")
                    .node("Mul", "d c", "y")),
        one(
            "hardsigmoid",
            "Clip(x + 3) / 6",
            ActivationPatternsTest::hardSigmoid,
            g -> shifted(g).node("Div", "c six", "y")),
        one(
            "hardsigmoid",
            "Clip(x / 6 + 1/2)",
            ActivationPatternsTest::hardSigmoid,
            g ->
                g.scalar("sixth", 1 / 6.0)
                    .scalar("half", 0.5)
                    .scalar("zero", 0)
                    .scalar("one", 1)
                    .node("Mul", "x sixth", "m")
                    .node("Add", "half m", "a")
                    .node("Clip", "a zero one", "y")),
        one(
            "mish",
            "x Tanh(Softplus(x))",
            x -> x * Math.tanh(softplus(x)),
            g -> g.node("Softplus", "x", "p").node("Tanh", "p", "t").node("Mul", "x t", "y")),
        one(
            "mish",
            "x Tanh(Log(1 + Exp(x)))",
            x -> x * Math.tanh(softplus(x)),
            g -> logOfExp(g, "p").node("Tanh", "p", "t").node("Mul", "t x", "y")),
        one(
            "hardswish",
            "PyTorch: x relu6(x + 3) / 6",
            ActivationPatternsTest::hardSwish,
            g ->
                g.scalar("three", 3)
                    .scalar("zero", 0)
                    .scalar("six", 6)
                    .node("Add", "x three", "a")
                    .node("Relu", "a", "r")
                    .node("Clip", "r zero six", "c")
                    .node("Mul", "x c", "m")
                    .node("Div", "m six", "y")),
        one("softplus", "Log(1 + Exp(x))", ActivationPatternsTest::softplus, g -> logOfExp(g, "y")),
        one(
            "softplus",
            "with a factor",
            x -> softplus(2 * x) / 2,
            g ->
                g.scalar("two", 2)
                    .node("Mul", "x two", "m")
                    .node("Softplus", "m", "p")
                    .node("Div", "p two", "y")),
        one(
            "log_sigmoid",
            "Log(Sigmoid(x))",
            x -> Math.log(sigmoid(x)),
            g -> g.node("Sigmoid", "x", "s").node("Log", "s", "y")),
        one(
            "log_sigmoid",
            "-Softplus(-x)",
            x -> Math.log(sigmoid(x)),
            g -> g.node("Neg", "x", "n").node("Softplus", "n", "p").node("Neg", "p", "y")),
        one(
            "tanhshrink",
            "x - Tanh(x)",
            x -> x - Math.tanh(x),
            g -> g.node("Tanh", "x", "t").node("Sub", "x t", "y")),
        one(
            "softsign",
            "x / (1 + Abs(x))",
            x -> x / (1 + Math.abs(x)),
            g ->
                g.scalar("one", 1)
                    .node("Abs", "x", "a")
                    .node("Add", "one a", "d")
                    .node("Div", "x d", "y")));
  }

  private static TestGraph shifted(TestGraph graph) {
    return graph
        .scalar("three", 3)
        .scalar("zero", 0)
        .scalar("six", 6)
        .node("Add", "x three", "a")
        .node("Clip", "a zero six", "c");
  }

  private static TestGraph logOfExp(TestGraph graph, String result) {
    return graph
        .scalar("one", 1)
        .node("Exp", "x", "e")
        .node("Add", "e one", "e1")
        .node("Log", "e1", result);
  }

  private static TestGraph cube(TestGraph graph, String names, String result) {
    String square = names.substring(names.indexOf(' ') + 1);
    return graph.node("Mul", "x x", square).node("Mul", square + " x", result);
  }

  static Stream<Case> gelus() {
    DoubleUnaryOperator exact = ActivationPatternsTest::gelu;
    DoubleUnaryOperator tanh = ActivationPatternsTest::tanhGelu;
    return Stream.of(
        one(
            "gelu",
            "PyTorch: x (1 + Erf(x / sqrt 2)) / 2",
            exact,
            g ->
                gelu(g)
                    .node("Div", "x root", "d")
                    .node("Erf", "d", "e")
                    .node("Add", "e one", "a")
                    .node("Mul", "x a", "m")
                    .node("Mul", "m half", "y")),
        one(
            "gelu",
            "PyTorch with Sqrt of a constant",
            exact,
            g ->
                gelu(g)
                    .scalar("two", 2)
                    .node("Sqrt", "two", "r")
                    .node("Div", "x r", "d")
                    .node("Erf", "d", "e")
                    .node("Add", "e one", "a")
                    .node("Mul", "half a", "h")
                    .node("Mul", "x h", "y")),
        one(
            "gelu",
            "TensorFlow: (x / 2) (1 + Erf(x sqrt 1/2))",
            exact,
            g ->
                gelu(g)
                    .scalar("inverse", Math.sqrt(0.5))
                    .node("Mul", "half x", "h")
                    .node("Mul", "inverse x", "d")
                    .node("Erf", "d", "e")
                    .node("Add", "one e", "a")
                    .node("Mul", "h a", "y")),
        one(
            "gelu",
            "JAX: (x / 2) Erfc(-x / sqrt 2)",
            exact,
            g ->
                gelu(g)
                    .node("Neg", "x", "n")
                    .node("Div", "n root", "d")
                    .node("Erf", "d", "e")
                    .node("Sub", "one e", "a")
                    .node("Mul", "x half", "h")
                    .node("Mul", "h a", "y")),
        one(
            "gelu",
            "multiplied out: x/2 + x/2 Erf",
            exact,
            g ->
                gelu(g)
                    .node("Mul", "x half", "h")
                    .node("Div", "x root", "d")
                    .node("Erf", "d", "e")
                    .node("Mul", "e h", "m")
                    .node("Add", "m h", "y")),
        one(
            "gelu",
            "PyTorch by Tanh, x^3 by Mul",
            tanh,
            g ->
                tanhGelu(cube(g, "x x2", "x3"))
                    .node("Mul", "x3 c", "cx3")
                    .node("Add", "cx3 x", "p")
                    .node("Mul", "p k", "a")
                    .node("Tanh", "a", "t")
                    .node("Add", "t one", "g")
                    .node("Mul", "half x", "h")
                    .node("Mul", "h g", "y")),
        one(
            "gelu",
            "TensorFlow by Tanh, x^3 by Pow",
            tanh,
            g ->
                tanhGelu(g)
                    .scalar("three", 3)
                    .node("Pow", "x three", "x3")
                    .node("Mul", "c x3", "cx3")
                    .node("Add", "x cx3", "p")
                    .node("Mul", "k p", "a")
                    .node("Tanh", "a", "t")
                    .node("Add", "one t", "g")
                    .node("Mul", "half g", "h")
                    .node("Mul", "x h", "y")),
        one(
            "gelu",
            "JAX by Tanh, k x (1 + c x^2)",
            tanh,
            g ->
                tanhGelu(g)
                    .node("Mul", "x x", "x2")
                    .node("Mul", "x2 c", "cx2")
                    .node("Add", "cx2 one", "p")
                    .node("Mul", "x k", "kx")
                    .node("Mul", "kx p", "a")
                    .node("Tanh", "a", "t")
                    .node("Add", "one t", "g")
                    .node("Mul", "x g", "m")
                    .node("Mul", "m half", "y")));
  }

  private static TestGraph gelu(TestGraph graph) {
    return graph.scalar("root", Math.sqrt(2)).scalar("one", 1).scalar("half", 0.5);
  }

  private static TestGraph tanhGelu(TestGraph graph) {
    return graph
        .scalar("one", 1)
        .scalar("half", 0.5)
        .scalar("c", 0.044715)
        .scalar("k", Math.sqrt(2 / Math.PI));
  }

  @ParameterizedTest
  @MethodSource({"nodes", "clips", "choices", "gates", "gelus"})
  void capturesTheFunctionOfTheInput(Case example) throws IOException {
    TestGraph graph = new TestGraph(example.opset());
    graph.input("x", DataType.FLOAT, -1, COLUMNS).output("y");
    example.body().accept(graph);
    Path file = graph.write(folder);
    assertEquals(example.sites(), kinds(file));
    float[] values = values();
    try (NDManager manager = NDManager.newBaseManager("PyTorch");
        TappedModel model = load(file)) {
      NDArray x = manager.create(values, new Shape(ROWS, COLUMNS));
      Tap tap = run(model, new NDList(x)).get(0);
      assertArrayEquals(values, tap.pre().toFloatArray());
      assertArrayEquals(expected(values, example.function()), tap.post().toFloatArray(), TOLERANCE);
    }
  }

  private static float[] values() {
    float[] values = new float[ROWS * COLUMNS];
    for (int i = 0; i < values.length; i++) {
      values[i] = (i - values.length / 2) * 0.37f + 0.05f;
    }
    return values;
  }

  private static float[] expected(float[] values, DoubleUnaryOperator function) {
    float[] expected = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      expected[i] = (float) function.applyAsDouble(values[i]);
    }
    return expected;
  }

  private static TappedModel load(Path file) throws IOException {
    TapOptions options =
        new TapOptions(CaptureForm.RAW, Pooling.CHANNEL, Layout.AUTO, SiteFilter.ALL);
    return new OnnxInstrumenter(file, Map.of()).load(Device.cpu(), options);
  }

  private static List<Tap> run(TappedModel model, NDList inputs) {
    return model.forward(new ParameterStore(model.model().getNDManager(), false), inputs).taps();
  }

  private static List<String> kinds(Path file) throws IOException {
    return new OnnxInstrumenter(file, Map.of())
        .sites().stream().map(PlannedSite::kind).map(kind -> kind.word()).toList();
  }

  private static Case others(String name, List<String> sites, Consumer<TestGraph> body) {
    return new Case(name, 17, body, sites, null);
  }

  static Stream<Case> lookAlikes() {
    return Stream.of(
        others(
            "the sigmoid of another tensor gates",
            List.of("sigmoid"),
            g ->
                g.node("Neg", "x", "n")
                    .node("Sigmoid", "n", "s")
                    .node("Abs", "x", "z")
                    .node("Mul", "z s", "y")),
        others(
            "a sigmoid that is an output, too",
            List.of("sigmoid"),
            g -> g.node("Sigmoid", "x", "s").node("Mul", "x s", "y").output("s")),
        others(
            "a sigmoid that is used twice",
            List.of("sigmoid"),
            g -> g.node("Sigmoid", "x", "s").node("Mul", "x s", "m").node("Add", "m s", "y")),
        others(
            "a sigmoid squared",
            List.of("sigmoid"),
            g -> g.node("Sigmoid", "x", "s").node("Mul", "s s", "y")),
        others(
            "a silu that is scaled remains one",
            List.of("silu"),
            g ->
                g.scalar("two", 2)
                    .node("Sigmoid", "x", "s")
                    .node("Mul", "x s", "m")
                    .node("Mul", "m two", "y")),
        others(
            "the parts of a silu that are modules",
            List.of("sigmoid"),
            g ->
                g.node("Sigmoid", "x", "s")
                    .named("/block/gate/Sigmoid")
                    .node("Mul", "x s", "y")
                    .named("/block/Mul")),
        others(
            "the parts of a hard swish that are modules",
            List.of("relu6"),
            g ->
                shifted(g)
                    .named("/block/act/Clip")
                    .node("Mul", "x c", "m")
                    .named("/block/Mul")
                    .node("Div", "m six", "y")
                    .named("/block/Div")),
        others(
            "numbers kept away from zero, and a mask",
            List.of(),
            g ->
                bounds(g)
                    .node("Less", "x high", "l")
                    .node("Where", "l high x", "w")
                    .node("Neg", "x", "n")
                    .node("Greater", "n zero", "g")
                    .node("Where", "g w low", "y")),
        others(
            "a choice whose condition serves something else, too",
            List.of(),
            g -> eluByChoice(g, "x", "w").node("Cast", "g", "c", "to", 1).node("Add", "w c", "y")),
        others(
            "tanh minus x", List.of("tanh"), g -> g.node("Tanh", "x", "t").node("Sub", "t x", "y")),
        others(
            "an error function with another factor",
            List.of(),
            g ->
                gelu(g)
                    .node("Erf", "x", "e")
                    .node("Add", "e one", "a")
                    .node("Mul", "x a", "m")
                    .node("Mul", "m half", "y")),
        others(
            "a tanh GELU with another cubic",
            List.of("tanh"),
            g ->
                g.scalar("one", 1)
                    .scalar("half", 0.5)
                    .scalar("c", 0.1)
                    .scalar("k", 0.8)
                    .node("Mul", "x x", "x2")
                    .node("Mul", "x2 x", "x3")
                    .node("Mul", "x3 c", "cx3")
                    .node("Add", "cx3 x", "p")
                    .node("Mul", "p k", "a")
                    .node("Tanh", "a", "t")
                    .node("Add", "t one", "g")
                    .node("Mul", "half x", "h")
                    .node("Mul", "h g", "y")),
        others(
            "a clipping of x + 3 alone", List.of("relu6"), g -> shifted(g).node("Neg", "c", "y")),
        others(
            "a clipping of x + 3 that is used twice",
            List.of("relu6"),
            g -> shifted(g).node("Div", "c six", "d").node("Add", "d c", "y")),
        others(
            "a hard sigmoid that gates another tensor",
            List.of("hardsigmoid"),
            g ->
                shifted(g).node("Div", "c six", "d").node("Abs", "x", "z").node("Mul", "z d", "y")),
        others(
            "tanh of softplus times another tensor",
            List.of("softplus", "tanh"),
            g ->
                g.node("Softplus", "x", "p")
                    .node("Tanh", "p", "t")
                    .node("Abs", "x", "z")
                    .node("Mul", "z t", "y")),
        others(
            "one-sided clippings elsewhere than at 0",
            List.of(),
            g ->
                g.scalar("low", 1e-6)
                    .scalar("high", 5)
                    .node("Clip", "x low", "c")
                    .node("Clip", "c _ high", "d")
                    .node("Max", "d low", "m")
                    .node("Neg", "m", "y")
                    .output("c")
                    .output("d")),
        others(
            "bounds that are computed",
            List.of(),
            g ->
                g.node("ReduceMax", "x", "high", "keepdims", 0)
                    .scalar("low", 0)
                    .node("Clip", "x low high", "y")),
        others(
            "a clipping of sizes",
            List.of(),
            g ->
                g.integer("low", 0)
                    .integer("high", 6)
                    .node("Shape", "x", "n")
                    .node("Clip", "n low high", "c")
                    .node("Cast", "c", "y", "to", 1)),
        others(
            "an activation that no output needs",
            List.of("tanh"),
            g -> g.node("Relu", "x", "r").node("Tanh", "x", "y")),
        others(
            "softmax and its kin",
            List.of(),
            g -> g.node("Softmax", "x", "s").node("LogSoftmax", "s", "y")),
        others(
            "the absolute value of another tensor in a softsign",
            List.of(),
            g ->
                g.scalar("one", 1)
                    .node("Neg", "x", "n")
                    .node("Abs", "n", "a")
                    .node("Add", "one a", "d")
                    .node("Div", "x d", "y")),
        others(
            "a random slope",
            List.of("rrelu"),
            g -> g.node("RandomUniformLike", "x", "u").node("PRelu", "x u", "y")));
  }

  @ParameterizedTest
  @MethodSource("lookAlikes")
  void tellsApartWhatOnlyLooksAlike(Case example) throws IOException {
    TestGraph graph = new TestGraph(example.opset());
    graph.input("x", DataType.FLOAT, -1, COLUMNS).output("y");
    example.body().accept(graph);
    Path file = graph.write(folder);
    assertEquals(example.sites(), kinds(file));
    try (NDManager manager = NDManager.newBaseManager("PyTorch");
        TappedModel model = load(file)) {
      NDArray x = manager.create(values(), new Shape(ROWS, COLUMNS));
      assertEquals(
          example.sites(),
          run(model, new NDList(x)).stream().map(tap -> tap.kind().word()).toList());
    }
  }
}
