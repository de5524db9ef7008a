package dev.affinis.instrument.onnx;

import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Tells which tensors (n, c, height, width...) have the same height, width and so on, whatever the
 * sizes of the inputs are. Each tensor gets a key that says how its sizes follow from others';
 * tensors with the same key have the same sizes. A tensor of which nothing can be told has a key of
 * its own.
 */
final class SpatialSizes {
  /** The sizes are all 1. */
  private static final String ONES = "1";

  private static final Set<String> KEEPING =
      TensorFacts.union(
          TensorFacts.ELEMENTWISE,
          "BatchNormalization",
          "InstanceNormalization",
          "GroupNormalization",
          "LRN");

  private static final Set<String> BROADCASTING = Set.of("Add", "Sub", "Mul", "Div", "Sum");

  private final GraphView graph;
  private final Map<String, String> keys = new HashMap<>();

  /** Long keys by number: each window would otherwise repeat all that come before it. */
  private final Map<String, String> numbers = new HashMap<>();

  SpatialSizes(GraphView graph) {
    this.graph = graph;
    for (int i = 0; i < graph.nodes().size(); i++) {
      if (graph.node(i).getOutputCount() > 0) {
        String key = ofNode(i);
        if (key != null) {
          keys.put(graph.output(i), key);
        }
      }
    }
  }

  /** The key of a tensor. */
  String key(String tensor) {
    return keys.getOrDefault(tensor, "of " + tensor);
  }

  private String ofNode(int node) {
    String operator = graph.operator(node);
    if (KEEPING.contains(operator)) {
      return key(graph.input(node, 0));
    }
    if (BROADCASTING.contains(operator)) {
      return broadcast(node);
    }
    return switch (operator) {
      case "Conv" -> window(node, kernel(node));
      case "MaxPool", "AveragePool" ->
          window(node, GraphView.integerList(graph.node(node), "kernel_shape"));
      case "GlobalAveragePool", "GlobalMaxPool" -> ONES;
      case "Concat" ->
          GraphView.attribute(graph.node(node), "axis", 0L) == 1
              ? common(graph.node(node).getInputList())
              : null;
      default -> null;
    };
  }

  private String common(List<String> tensors) {
    String key = tensors.isEmpty() ? null : key(tensors.get(0));
    return tensors.stream().allMatch(tensor -> key(tensor).equals(key)) ? key : null;
  }

  /** Constants that are one number, or one per channel, change no size; neither do ones. */
  private String broadcast(int node) {
    String result = ONES;
    for (String input : graph.node(node).getInputList()) {
      TensorProto constant = graph.constant(input);
      String key = constant == null ? key(input) : ofConstant(constant);
      if (result.equals(ONES)) {
        result = key;
      } else if (key == null || !(key.equals(ONES) || key.equals(result))) {
        return null;
      }
      if (result == null) {
        return null;
      }
    }
    return result;
  }

  private static String ofConstant(TensorProto constant) {
    int rank = constant.getDimsCount();
    boolean perChannel = rank >= 3;
    for (int axis = 2 - (4 - rank); perChannel && axis < rank; axis++) {
      perChannel = constant.getDims(axis) == 1;
    }
    return Constants.size(constant) == 1 || perChannel ? ONES : null;
  }

  private long[] kernel(int conv) {
    long[] attribute = GraphView.integerList(graph.node(conv), "kernel_shape");
    TensorProto weight = graph.constant(graph.input(conv, 1));
    if (attribute != null || weight == null || weight.getDimsCount() < 3) {
      return attribute;
    }
    return weight.getDimsList().stream().skip(2).mapToLong(Long::longValue).toArray();
  }

  /** A window of some size moves along each axis. */
  private String window(int index, long[] kernel) {
    if (kernel == null) {
      return null;
    }
    NodeProto node = graph.node(index);
    int axes = kernel.length;
    long[] strides = orElse(GraphView.integerList(node, "strides"), axes, 1);
    long[] dilations = orElse(GraphView.integerList(node, "dilations"), axes, 1);
    long[] pads = orElse(GraphView.integerList(node, "pads"), 2 * axes, 0);
    String padding = GraphView.attribute(node, "auto_pad", "NOTSET");
    boolean roundsUp = GraphView.attribute(node, "ceil_mode", 0L) == 1;
    String source = key(graph.input(index, 0));
    if (roundsUp) {
      return numbered(
          String.join(
              " ",
              source,
              "up",
              Arrays.toString(kernel),
              Arrays.toString(strides),
              Arrays.toString(dilations),
              Arrays.toString(pads),
              padding));
    }
    boolean isSame = padding.startsWith("SAME");
    boolean keeps = true;
    StringBuilder key = new StringBuilder(source).append(isSame ? " same" : " window");
    for (int axis = 0; axis < axes; axis++) {
      // Without padding to the same size: (size + grows) / stride, rounded down, plus 1.
      long grows = pads[axis] + pads[axis + axes] - dilations[axis] * (kernel[axis] - 1) - 1;
      keeps &= strides[axis] == 1 && (isSame || grows == -1);
      key.append(' ').append(isSame ? 0 : grows).append('/').append(strides[axis]);
    }
    return keeps ? source : numbered(key.toString());
  }

  private String numbered(String key) {
    return numbers.computeIfAbsent(key, k -> "window " + numbers.size());
  }

  private static long[] orElse(long[] values, int count, long otherwise) {
    if (values != null && values.length == count) {
      return values;
    }
    long[] filled = new long[count];
    Arrays.fill(filled, otherwise);
    return filled;
  }
}
