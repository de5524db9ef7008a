package dev.affinis.instrument.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.AttributeProto.AttributeType;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Nodes that are added to a graph, or that stand in a branch of one of them; opset 7 and later. */
final class AddedNodes {
  private static final int SLICE_BY_INPUTS = 10;
  private static final int SUM_BY_INPUTS = 13;
  private static final int MEAN_BY_INPUTS = 18;

  private final int opset;
  private final Set<String> taken;
  private final List<NodeProto> nodes = new ArrayList<>();

  /**
   * Begins without nodes.
   *
   * @param graph what they are added to
   */
  AddedNodes(GraphView graph) {
    this(graph.opset(), new HashSet<>(graph.names()));
  }

  private AddedNodes(int opset, Set<String> taken) {
    this.opset = opset;
    this.taken = taken;
  }

  /** Begins a branch, whose nodes see all tensors and have names of their own. */
  AddedNodes branch() {
    return new AddedNodes(opset, taken);
  }

  /** The nodes, in the order in which they were added. */
  List<NodeProto> nodes() {
    return List.copyOf(nodes);
  }

  /** Adds a node; returns the name of its result. */
  String add(String operator, List<String> inputs, AttributeProto... attributes) {
    int number = nodes.size();
    while (!taken.add("affinis_" + number)) {
      number++;
    }
    String name = "affinis_" + number;
    nodes.add(
        NodeProto.newBuilder()
            .setName(name)
            .setOpType(operator)
            .addAllInput(inputs)
            .addOutput(name)
            .addAllAttribute(Arrays.asList(attributes))
            .build());
    return name;
  }

  /** Adds a choice: the result of one of two branches, which must be made by a node in each. */
  String choose(
      String condition, AddedNodes then, String thenResult, AddedNodes other, String otherResult) {
    return add(
        "If",
        List.of(condition),
        branch("then_branch", then, thenResult),
        branch("else_branch", other, otherResult));
  }

  private static AttributeProto branch(String name, AddedNodes branch, String result) {
    GraphProto graph =
        GraphProto.newBuilder()
            .setName(name)
            .addAllNode(branch.nodes)
            .addOutput(ValueInfoProto.newBuilder().setName(result))
            .build();
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeType.GRAPH)
        .setG(graph)
        .build();
  }

  /** Converts to a type. */
  String cast(String tensor, DataType type) {
    return add("Cast", List.of(tensor), integer("to", type.getNumber()));
  }

  /** A part of a tensor along one axis. */
  String slice(String tensor, long from, long to, long axis) {
    return opset < SLICE_BY_INPUTS
        ? add(
            "Slice",
            List.of(tensor),
            integers("starts", from),
            integers("ends", to),
            integers("axes", axis))
        : add("Slice", List.of(tensor, constant(from), constant(to), constant(axis)));
  }

  /** Joins lists. */
  String concat(String... lists) {
    return add("Concat", Arrays.asList(lists), integer("axis", 0));
  }

  /** The mean over axes, which are gone then. */
  String mean(String tensor, long... axes) {
    return overAxes("ReduceMean", MEAN_BY_INPUTS, tensor, axes, integer("keepdims", 0));
  }

  /** The sum over one axis. */
  String sum(String tensor, long axis, boolean keepsAxis) {
    return overAxes(
        "ReduceSum",
        SUM_BY_INPUTS,
        tensor,
        new long[] {axis},
        integer("keepdims", keepsAxis ? 1 : 0));
  }

  /** A new axis of size 1. */
  String unsqueeze(String tensor, long axis) {
    return overAxes("Unsqueeze", SUM_BY_INPUTS, tensor, new long[] {axis});
  }

  /** Operators were given their axes as an attribute first, and as an input later. */
  private String overAxes(
      String operator, int byInputs, String tensor, long[] axes, AttributeProto... more) {
    if (opset >= byInputs) {
      return add(operator, List.of(tensor, constant(axes)), more);
    }
    List<AttributeProto> attributes = new ArrayList<>(List.of(more));
    attributes.add(integers("axes", axes));
    return add(operator, List.of(tensor), attributes.toArray(AttributeProto[]::new));
  }

  /** A list of whole numbers. */
  String constant(long... values) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder().setDataType(DataType.INT64.getNumber()).addDims(values.length);
    Arrays.stream(values).forEach(tensor::addInt64Data);
    return constant(tensor);
  }

  /** A single number. */
  String number(double value, DataType type) {
    TensorProto.Builder tensor = TensorProto.newBuilder().setDataType(type.getNumber());
    if (type == DataType.DOUBLE) {
      tensor.addDoubleData(value);
    } else {
      tensor.addFloatData((float) value);
    }
    return constant(tensor);
  }

  private String constant(TensorProto.Builder tensor) {
    AttributeProto value =
        AttributeProto.newBuilder()
            .setName("value")
            .setType(AttributeType.TENSOR)
            .setT(tensor)
            .build();
    return add("Constant", List.of(), value);
  }

  static AttributeProto integer(String name, long value) {
    return AttributeProto.newBuilder().setName(name).setType(AttributeType.INT).setI(value).build();
  }

  private static AttributeProto integers(String name, long... values) {
    AttributeProto.Builder attribute =
        AttributeProto.newBuilder().setName(name).setType(AttributeType.INTS);
    Arrays.stream(values).forEach(attribute::addInts);
    return attribute.build();
  }
}
