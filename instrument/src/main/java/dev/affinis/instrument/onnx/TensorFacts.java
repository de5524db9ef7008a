package dev.affinis.instrument.onnx;

import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import dev.affinis.instrument.Layout;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What can be told about the tensors of a graph without running it: type of the elements, number of
 * axes, and which axis holds the channels by the rule of {@link Layout#AUTO}.
 */
final class TensorFacts {
  static final int UNKNOWN = -1;

  /** More axes than any engine's tensors have: what says so is not to be believed. */
  private static final int MOST_AXES = 64;

  private static final Set<String> CHANNELS_FIRST =
      Set.of(
          "Conv",
          "ConvTranspose",
          "BatchNormalization",
          "InstanceNormalization",
          "GroupNormalization",
          "LRN",
          "MaxPool",
          "AveragePool",
          "LpPool",
          "GlobalAveragePool",
          "GlobalMaxPool",
          "GlobalLpPool",
          "Resize",
          "Upsample",
          "DepthToSpace",
          "SpaceToDepth",
          "GridSample",
          "com.microsoft.GroupNorm");

  private static final Set<String> CHANNELS_LAST =
      Set.of(
          "LayerNormalization",
          "RMSNormalization",
          "SimplifiedLayerNormalization",
          "com.microsoft.SkipLayerNormalization",
          "com.microsoft.SimplifiedLayerNormalization",
          "com.microsoft.SkipSimplifiedLayerNormalization",
          "com.microsoft.EmbedLayerNormalization",
          "com.microsoft.Attention",
          "com.microsoft.MultiHeadAttention",
          "com.microsoft.MatMulNBits",
          "Attention");

  /** Operators that compute each value from the value in the same place alone. */
  static final Set<String> ELEMENTWISE =
      Set.of(
          "Dropout",
          "Identity",
          "Cast",
          "Neg",
          "Abs",
          "Sqrt",
          "Exp",
          "Log",
          "Erf",
          "Clip",
          "Relu",
          "LeakyRelu",
          "PRelu",
          "Elu",
          "Selu",
          "Celu",
          "Sigmoid",
          "HardSigmoid",
          "Tanh",
          "Softplus",
          "Softsign",
          "ThresholdedRelu",
          "HardSwish",
          "Mish",
          "Gelu",
          "Shrink");

  private static final Set<String> KEEPS_SHAPE =
      union(
          ELEMENTWISE,
          "CastLike",
          "Reciprocal",
          "Softmax",
          "LogSoftmax",
          "Swish",
          "Slice",
          "Pad",
          "Split",
          "LpNormalization",
          "MeanVarianceNormalization",
          "CumSum",
          "Floor",
          "Ceil",
          "Round",
          "Sign",
          "Not",
          "Trilu",
          "ScatterND",
          "ScatterElements",
          "DequantizeLinear",
          "com.microsoft.Gelu",
          "com.microsoft.FastGelu",
          "com.microsoft.BiasGelu",
          "com.microsoft.QuickGelu");

  private static final Set<String> BROADCASTS =
      Set.of(
          "Add",
          "Sub",
          "Mul",
          "Div",
          "Pow",
          "Min",
          "Max",
          "Mean",
          "Sum",
          "Where",
          "Mod",
          "Equal",
          "Greater",
          "GreaterOrEqual",
          "Less",
          "LessOrEqual",
          "And",
          "Or",
          "Xor",
          "Expand",
          "Concat");

  private static final Set<String> LOGICAL =
      Set.of(
          "Equal",
          "Greater",
          "GreaterOrEqual",
          "Less",
          "LessOrEqual",
          "And",
          "Or",
          "Xor",
          "Not",
          "IsNaN",
          "IsInf");

  /** Operators whose result is of the type of the first input, integers too. */
  private static final Set<String> KEEPS_TYPE =
      Set.of("GatherElements", "GatherND", "Tile", "Compress", "ReverseSequence", "TopK", "Unique");

  private static final Set<String> INTEGER = Set.of("Shape", "Size", "NonZero", "ArgMax", "ArgMin");

  private final GraphView graph;
  private final Map<String, Fact> facts = new HashMap<>();
  private final Map<String, Integer> lengths = new HashMap<>();
  private final int mainType;
  private Layout recent;

  /**
   * One tensor.
   *
   * @param type type of its elements, as numbered in ONNX, or {@link #UNKNOWN}
   * @param rank number of its axes, or {@link #UNKNOWN}
   * @param layout where its channels are, or {@code null}
   */
  record Fact(int type, int rank, Layout layout) {
    private static final Fact NONE = new Fact(UNKNOWN, UNKNOWN, null);

    Fact {
      rank = rank < 0 || rank > MOST_AXES ? UNKNOWN : rank;
    }
  }

  TensorFacts(GraphView graph) {
    this.graph = graph;
    int halves = 0;
    int doubles = 0;
    int floats = 0;
    for (TensorProto tensor : graph.initializers()) {
      facts.put(tensor.getName(), new Fact(tensor.getDataType(), tensor.getDimsCount(), null));
      floats += tensor.getDataType() == DataType.FLOAT.getNumber() ? 1 : 0;
      doubles += tensor.getDataType() == DataType.DOUBLE.getNumber() ? 1 : 0;
      halves += tensor.getDataType() == DataType.FLOAT16.getNumber() ? 1 : 0;
    }
    DataType main = halves > floats ? DataType.FLOAT16 : DataType.FLOAT;
    mainType = (doubles > Math.max(floats, halves) ? DataType.DOUBLE : main).getNumber();
    graph.inputs().forEach(input -> facts.put(input.getName(), ofInput(input)));
    for (int i = 0; i < graph.nodes().size(); i++) {
      Fact fact = ofNode(i);
      if (fact.layout() != null && isProducer(i)) {
        recent = fact.layout();
      }
      for (String output : graph.node(i).getOutputList()) {
        facts.put(output, fact);
      }
      lengths.put(graph.output(i), lengthOf(i));
    }
  }

  private boolean isProducer(int node) {
    String operator = graph.operator(node);
    return CHANNELS_FIRST.contains(operator)
        || CHANNELS_LAST.contains(operator)
        || Set.of("Gemm", "MatMul", "Einsum", "Transpose").contains(operator);
  }

  private static Fact ofInput(ValueInfoProto input) {
    TypeProto.Tensor tensor = input.getType().getTensorType();
    int rank = tensor.hasShape() ? tensor.getShape().getDimCount() : UNKNOWN;
    Layout layout = null;
    if (rank >= 4) {
      layout = Layout.CHANNELS_FIRST;
    } else if (rank == 3) {
      layout = Layout.CHANNELS_LAST;
    }
    return new Fact(tensor.getElemType(), rank, layout);
  }

  private Fact fact(String tensor) {
    return facts.getOrDefault(tensor, Fact.NONE);
  }

  /** Whether a tensor certainly holds no floating-point numbers. */
  boolean isInteger(String tensor) {
    int type = fact(tensor).type();
    return type != UNKNOWN && !isFloating(type);
  }

  private static boolean isFloating(int type) {
    return type == DataType.FLOAT.getNumber()
        || type == DataType.DOUBLE.getNumber()
        || type == DataType.FLOAT16.getNumber()
        || type == DataType.BFLOAT16.getNumber();
  }

  /** Type of a floating-point tensor; that of most weights if nothing says otherwise. */
  DataType type(String tensor) {
    int type = fact(tensor).type();
    return DataType.forNumber(type == UNKNOWN ? mainType : type);
  }

  /** Number of axes, or {@link #UNKNOWN}. */
  int rank(String tensor) {
    return fact(tensor).rank();
  }

  /** Where the channels are. */
  Layout layout(String tensor) {
    Layout layout = fact(tensor).layout();
    return layout == null ? Layout.CHANNELS_FIRST : layout;
  }

  private Fact ofNode(int index) {
    NodeProto node = graph.node(index);
    String operator = graph.operator(index);
    Fact first = fact(graph.input(index, 0));
    if (INTEGER.contains(operator)) {
      return new Fact(DataType.INT64.getNumber(), operator.equals("Shape") ? 1 : UNKNOWN, null);
    }
    if (CHANNELS_FIRST.contains(operator)) {
      int rank = Math.max(first.rank(), operator.startsWith("Conv") ? weightRank(index) : UNKNOWN);
      return new Fact(floating(first.type()), rank, Layout.CHANNELS_FIRST);
    }
    if (CHANNELS_LAST.contains(operator)) {
      return new Fact(floating(first.type()), first.rank(), Layout.CHANNELS_LAST);
    }
    if (BROADCASTS.contains(operator)) {
      return broadcast(index, operator);
    }
    if (KEEPS_SHAPE.contains(operator)) {
      int type =
          switch (operator) {
            case "Cast" -> (int) GraphView.attribute(node, "to", 1L);
            case "CastLike", "DequantizeLinear" -> fact(graph.input(index, 1)).type();
            default -> first.type();
          };
      int logical = LOGICAL.contains(operator) ? DataType.BOOL.getNumber() : type;
      return new Fact(logical, first.rank(), known(first.layout()));
    }
    return ofShaping(index, operator, first);
  }

  private int weightRank(int conv) {
    return fact(graph.input(conv, 1)).rank();
  }

  /** An operation that is not known to make a layout keeps that of the most recent that did. */
  private Layout known(Layout layout) {
    return layout == null ? recent : layout;
  }

  private Fact broadcast(int index, String operator) {
    int rank = 0;
    int type = UNKNOWN;
    Fact leading = Fact.NONE;
    boolean isKnown = true;
    for (String input : graph.node(index).getInputList()) {
      Fact fact = fact(input);
      isKnown &= fact.rank() != UNKNOWN;
      rank = Math.max(rank, fact.rank());
      boolean isCondition = operator.equals("Where") && fact.type() == DataType.BOOL.getNumber();
      type = type == UNKNOWN && !isCondition ? fact.type() : type;
      if (fact.layout() != null && (leading.layout() == null || fact.rank() > leading.rank())) {
        leading = fact;
      }
    }
    if (operator.equals("Concat")) {
      isKnown = rank > 0;
    } else if (operator.equals("Expand")) {
      isKnown = false;
    }
    Layout layout = beginsNormalisation(index) ? Layout.CHANNELS_LAST : leading.layout();
    int result = LOGICAL.contains(operator) ? DataType.BOOL.getNumber() : type;
    return new Fact(result, isKnown ? rank : UNKNOWN, known(layout));
  }

  /** Whether a node is x minus its mean over the last axis: a layer normalisation in steps. */
  boolean beginsNormalisation(int index) {
    if (!graph.operator(index).equals("Sub")) {
      return false;
    }
    int mean = graph.producer(graph.input(index, 1));
    if (mean < 0
        || !graph.operator(mean).equals("ReduceMean")
        || !graph.input(mean, 0).equals(graph.input(index, 0))) {
      return false;
    }
    long[] axes = axes(mean);
    int rank = fact(graph.input(index, 0)).rank();
    return axes != null && Arrays.stream(axes).anyMatch(axis -> axis == -1 || axis == rank - 1);
  }

  /** Axes of a node: an attribute, later an input. */
  private long[] axes(int node) {
    long[] attribute = GraphView.integerList(graph.node(node), "axes");
    return attribute == null ? graph.integers(graph.input(node, 1)) : attribute;
  }

  private Fact ofShaping(int index, String operator, Fact first) {
    NodeProto node = graph.node(index);
    int rank = first.rank();
    Layout kept = known(first.layout());
    switch (operator) {
      case "Constant" -> {
        TensorProto value = graph.constant(graph.output(index));
        return value == null
            ? Fact.NONE
            : new Fact(value.getDataType(), value.getDimsCount(), null);
      }
      case "Gemm" -> {
        return new Fact(first.type(), 2, Layout.CHANNELS_LAST);
      }
      case "MatMul" -> {
        int other = fact(graph.input(index, 1)).rank();
        boolean isKnown = rank >= 2 && other >= 2;
        return new Fact(
            first.type(), isKnown ? Math.max(rank, other) : UNKNOWN, Layout.CHANNELS_LAST);
      }
      case "Einsum" -> {
        String equation = GraphView.attribute(node, "equation", "");
        int arrow = equation.indexOf("->");
        boolean isKnown = arrow >= 0 && !equation.contains("...");
        int length = isKnown ? equation.substring(arrow + 2).strip().length() : UNKNOWN;
        return new Fact(first.type(), length, Layout.CHANNELS_LAST);
      }
      case "Gather" -> {
        boolean isEmbedding = graph.constant(graph.input(index, 0)) != null;
        int indices = fact(graph.input(index, 1)).rank();
        return new Fact(
            first.type(),
            rank == UNKNOWN || indices == UNKNOWN ? UNKNOWN : rank - 1 + indices,
            isEmbedding ? Layout.CHANNELS_LAST : kept);
      }
      case "Transpose" -> {
        return transposed(node, first);
      }
      case "Flatten" -> {
        return new Fact(first.type(), 2, kept);
      }
      case "Reshape" -> {
        return new Fact(first.type(), length(graph.input(index, 1)), kept);
      }
      case "Unsqueeze", "Squeeze" -> {
        long[] axes = axes(index);
        int change = axes == null ? 0 : axes.length * (operator.equals("Squeeze") ? -1 : 1);
        return new Fact(
            first.type(), rank == UNKNOWN || axes == null ? UNKNOWN : rank + change, kept);
      }
      case "LSTM", "GRU", "RNN" -> {
        return new Fact(first.type(), UNKNOWN, Layout.CHANNELS_LAST);
      }
      case "Range", "ConstantOfShape" -> {
        return Fact.NONE;
      }
      default -> {
        boolean keepsType = operator.startsWith("Reduce") || KEEPS_TYPE.contains(operator);
        int type = keepsType ? first.type() : floating(first.type());
        return new Fact(type, ofReduction(index, operator, rank), kept);
      }
    }
  }

  /**
   * The type of the result if it is the input's. Of a condition, a number of steps or a list of
   * tokens that is not certain.
   */
  private static int floating(int type) {
    return type != UNKNOWN && isFloating(type) ? type : UNKNOWN;
  }

  private int ofReduction(int index, String operator, int rank) {
    if (!operator.startsWith("Reduce") || rank == UNKNOWN) {
      return UNKNOWN;
    }
    if (GraphView.attribute(graph.node(index), "keepdims", 1L) == 1) {
      return rank;
    }
    long[] axes = axes(index);
    return axes == null ? UNKNOWN : rank - axes.length;
  }

  private Fact transposed(NodeProto node, Fact first) {
    long[] axes = GraphView.integerList(node, "perm");
    Layout kept = known(first.layout());
    int rank = axes == null ? first.rank() : axes.length;
    Layout layout =
        switch (Arrays.toString(axes)) {
          case "[0, 3, 1, 2]", "[0, 4, 1, 2, 3]" -> Layout.CHANNELS_FIRST;
          case "[0, 2, 3, 1]", "[0, 2, 3, 4, 1]" -> Layout.CHANNELS_LAST;
          case "[0, 2, 1]" ->
              kept == Layout.CHANNELS_LAST ? Layout.CHANNELS_FIRST : Layout.CHANNELS_LAST;
          default -> kept;
        };
    return new Fact(first.type(), rank, layout);
  }

  /** Number of elements of a list of integers, or {@link #UNKNOWN}. */
  private int length(String tensor) {
    TensorProto constant = graph.constant(tensor);
    return constant == null
        ? lengths.getOrDefault(tensor, UNKNOWN)
        : (int) Math.min(Constants.size(constant), MOST_AXES + 1L);
  }

  /** That of what a node makes, of whose inputs it is known. */
  private int lengthOf(int node) {
    return switch (graph.operator(node)) {
      case "Shape" -> fact(graph.input(node, 0)).rank();
      case "Cast", "Identity" -> length(graph.input(node, 0));
      case "Unsqueeze" -> 1;
      case "Concat" -> sum(graph.node(node).getInputList());
      default -> UNKNOWN;
    };
  }

  private int sum(List<String> tensors) {
    int total = 0;
    for (String tensor : tensors) {
      int length = length(tensor);
      total += length;
      if (length == UNKNOWN || total > MOST_AXES) {
        return UNKNOWN;
      }
    }
    return total;
  }

  static Set<String> union(Set<String> operators, String... more) {
    return Stream.concat(operators.stream(), Stream.of(more))
        .collect(Collectors.toUnmodifiableSet());
  }
}
