package dev.affinis.instrument.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.FunctionProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The nodes of a graph, a sub-graph or a function, with who makes and who uses each tensor. Nodes
 * are named by their position, since names may be missing or given twice.
 */
final class GraphView {
  /** Nodes that hand a constant on unchanged, or nearly so. */
  private static final Set<String> FORWARDS_CONSTANTS =
      Set.of("Identity", "Cast", "CastLike", "Unsqueeze", "Squeeze", "Reshape", "Dropout");

  private static final int DEEPEST_CONSTANT = 8;

  private final List<NodeProto> nodes;
  private final List<ValueInfoProto> inputs;
  private final Set<String> outputs;
  private final Map<String, TensorProto> initializers = new HashMap<>();
  private final Map<String, Integer> producers = new HashMap<>();
  private final Map<String, List<Integer>> consumers = new HashMap<>();
  private final Map<String, Integer> opsets = new HashMap<>();
  private final GraphView outer;

  private GraphView(
      List<NodeProto> nodes,
      List<ValueInfoProto> inputs,
      Collection<String> outputs,
      List<TensorProto> initializers,
      GraphView outer) {
    this.nodes = nodes;
    this.inputs = inputs;
    this.outputs = new HashSet<>(outputs);
    this.outer = outer;
    initializers.forEach(tensor -> this.initializers.put(tensor.getName(), tensor));
    for (int i = 0; i < nodes.size(); i++) {
      for (String output : nodes.get(i).getOutputList()) {
        if (!output.isEmpty()) {
          producers.put(output, i);
        }
      }
      for (String input : reads(nodes.get(i))) {
        consumers.computeIfAbsent(input, name -> new ArrayList<>()).add(i);
      }
    }
  }

  /** The main graph of a model. */
  static GraphView of(ModelProto model) {
    GraphView view = of(model.getGraph(), null);
    view.putOpsets(model.getOpsetImportList());
    return view;
  }

  private static GraphView of(GraphProto graph, GraphView outer) {
    return new GraphView(
        graph.getNodeList(),
        graph.getInputList(),
        graph.getOutputList().stream().map(ValueInfoProto::getName).toList(),
        graph.getInitializerList(),
        outer);
  }

  /** A graph that a node of this one holds: a branch of If, the body of Loop or Scan. */
  GraphView inner(GraphProto graph) {
    GraphView view = of(graph, this);
    view.opsets.putAll(opsets);
    return view;
  }

  /** The body of a model-local function. */
  static GraphView of(FunctionProto function) {
    GraphView view =
        new GraphView(function.getNodeList(), List.of(), function.getOutputList(), List.of(), null);
    view.putOpsets(function.getOpsetImportList());
    return view;
  }

  private void putOpsets(List<OperatorSetIdProto> imports) {
    for (OperatorSetIdProto set : imports) {
      opsets.put(domain(set.getDomain()), (int) set.getVersion());
    }
  }

  /** The standard operators have two names for their domain. */
  static String domain(String name) {
    return name.equals("ai.onnx") ? "" : name;
  }

  /** Version of the standard operators. */
  int opset() {
    return opsets.getOrDefault("", 1);
  }

  List<NodeProto> nodes() {
    return nodes;
  }

  NodeProto node(int index) {
    return nodes.get(index);
  }

  /** Operator of a node: its type, with the domain in front if it is none of the standard. */
  String operator(int index) {
    return operator(nodes.get(index));
  }

  static String operator(NodeProto node) {
    String domain = domain(node.getDomain());
    return domain.isEmpty() ? node.getOpType() : domain + "." + node.getOpType();
  }

  /** Inputs that are not initializers, in the order in which they are given. */
  List<ValueInfoProto> inputs() {
    return inputs.stream().filter(input -> !initializers.containsKey(input.getName())).toList();
  }

  boolean isOutput(String tensor) {
    return outputs.contains(tensor);
  }

  Collection<TensorProto> initializers() {
    return initializers.values();
  }

  TensorProto initializer(String tensor) {
    TensorProto found = initializers.get(tensor);
    return found == null && outer != null && !producers.containsKey(tensor)
        ? outer.initializer(tensor)
        : found;
  }

  /** Position of the node that makes a tensor, or -1 if none of this graph does. */
  int producer(String tensor) {
    return producers.getOrDefault(tensor, -1);
  }

  /** Positions of the nodes that use a tensor, one for each use. */
  List<Integer> consumers(String tensor) {
    return consumers.getOrDefault(tensor, List.of());
  }

  /** Whether exactly one input of one node is this tensor, and nothing else needs it. */
  boolean isUsedOnce(String tensor) {
    return !isOutput(tensor) && consumers(tensor).size() == 1;
  }

  String input(int node, int index) {
    NodeProto proto = nodes.get(node);
    return index < proto.getInputCount() ? proto.getInput(index) : "";
  }

  /** The first result of a node; empty if it is left out or there is none. */
  String output(int node) {
    NodeProto proto = nodes.get(node);
    return proto.getOutputCount() == 0 ? "" : proto.getOutput(0);
  }

  /** The graphs that a node holds. */
  static List<GraphProto> graphs(NodeProto node) {
    List<GraphProto> graphs = new ArrayList<>();
    for (AttributeProto attribute : node.getAttributeList()) {
      if (attribute.hasG()) {
        graphs.add(attribute.getG());
      }
      graphs.addAll(attribute.getGraphsList());
    }
    return graphs;
  }

  /** Inputs of a node, and what the graphs it holds take from outside. */
  static List<String> reads(NodeProto node) {
    List<String> names = new ArrayList<>();
    for (String input : node.getInputList()) {
      if (!input.isEmpty()) {
        names.add(input);
      }
    }
    for (GraphProto graph : graphs(node)) {
      Set<String> own = new HashSet<>();
      graph.getInputList().forEach(input -> own.add(input.getName()));
      graph.getInitializerList().forEach(tensor -> own.add(tensor.getName()));
      graph.getNodeList().forEach(inner -> own.addAll(inner.getOutputList()));
      for (NodeProto inner : graph.getNodeList()) {
        reads(inner).stream().filter(name -> !own.contains(name)).forEach(names::add);
      }
      for (ValueInfoProto output : graph.getOutputList()) {
        if (!own.contains(output.getName())) {
          names.add(output.getName());
        }
      }
    }
    return names;
  }

  /** The nodes that an output depends on: an engine does not run others. */
  BitSet live() {
    BitSet live = new BitSet();
    Deque<String> open = new ArrayDeque<>(outputs);
    while (!open.isEmpty()) {
      int node = producer(open.pop());
      if (node >= 0 && !live.get(node)) {
        live.set(node);
        open.addAll(reads(nodes.get(node)));
      }
    }
    return live;
  }

  /** Every name of a tensor or node in this graph and in those within. */
  Set<String> names() {
    Set<String> names = new HashSet<>(initializers.keySet());
    inputs.forEach(input -> names.add(input.getName()));
    nodes.forEach(node -> addNames(node, names));
    return names;
  }

  private static void addNames(NodeProto node, Set<String> names) {
    names.add(node.getName());
    names.addAll(node.getInputList());
    names.addAll(node.getOutputList());
    for (GraphProto graph : graphs(node)) {
      graph.getInputList().forEach(input -> names.add(input.getName()));
      graph.getInitializerList().forEach(tensor -> names.add(tensor.getName()));
      graph.getNodeList().forEach(inner -> addNames(inner, names));
    }
  }

  /**
   * The constant that a tensor is.
   *
   * @return the constant, directly or handed on by nodes that do not change its values (but perhaps
   *     its type and shape), or {@code null} if the tensor is computed
   */
  TensorProto constant(String tensor) {
    return constant(tensor, DEEPEST_CONSTANT);
  }

  private TensorProto constant(String tensor, int depth) {
    TensorProto initializer = initializer(tensor);
    if (initializer != null || tensor.isEmpty()) {
      return initializer;
    }
    int node = producer(tensor);
    if (node < 0) {
      return outer == null ? null : outer.constant(tensor, depth);
    }
    NodeProto proto = nodes.get(node);
    String operator = operator(proto);
    if (operator.equals("Constant")) {
      return Constants.valueOf(proto);
    }
    return FORWARDS_CONSTANTS.contains(operator) && depth > 0
        ? constant(input(node, 0), depth - 1)
        : null;
  }

  /**
   * The number that a tensor is.
   *
   * @return the value of a constant with one element, or {@code null} if it is none
   */
  Double scalar(String tensor) {
    return scalar(tensor, DEEPEST_CONSTANT);
  }

  private Double scalar(String tensor, int depth) {
    int node = producer(tensor);
    if (node >= 0 && (operator(node).equals("Sqrt") || operator(node).equals("Neg"))) {
      Double inner = depth == 0 ? null : scalar(input(node, 0), depth - 1);
      if (inner == null) {
        return null;
      }
      return operator(node).equals("Sqrt") ? Double.valueOf(Math.sqrt(inner)) : -inner;
    }
    TensorProto constant = constant(tensor);
    return constant == null ? null : Constants.scalar(constant);
  }

  /** The integers that a tensor holds, or {@code null} if it is no constant. */
  long[] integers(String tensor) {
    TensorProto constant = constant(tensor);
    return constant == null ? null : Constants.integers(constant);
  }

  /** An attribute of a node, or {@code null}. */
  static AttributeProto attribute(NodeProto node, String name) {
    for (AttributeProto attribute : node.getAttributeList()) {
      if (attribute.getName().equals(name)) {
        return attribute;
      }
    }
    return null;
  }

  static float attribute(NodeProto node, String name, float otherwise) {
    AttributeProto attribute = attribute(node, name);
    return attribute == null ? otherwise : attribute.getF();
  }

  static long attribute(NodeProto node, String name, long otherwise) {
    AttributeProto attribute = attribute(node, name);
    return attribute == null ? otherwise : attribute.getI();
  }

  static String attribute(NodeProto node, String name, String otherwise) {
    AttributeProto attribute = attribute(node, name);
    return attribute == null ? otherwise : attribute.getS().toStringUtf8();
  }

  /** A list of integers among the attributes of a node, or {@code null}. */
  static long[] integerList(NodeProto node, String name) {
    AttributeProto attribute = attribute(node, name);
    return attribute == null
        ? null
        : attribute.getIntsList().stream().mapToLong(Long::longValue).toArray();
  }
}
