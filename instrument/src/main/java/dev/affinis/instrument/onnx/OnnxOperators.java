package dev.affinis.instrument.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import dev.affinis.instrument.pattern.ActivationPatterns;
import dev.affinis.instrument.pattern.ActivationPatterns.Match;
import dev.affinis.instrument.pattern.OperatorGraph;
import java.util.BitSet;
import java.util.List;

/** An ONNX graph as the search for activations sees it. */
final class OnnxOperators implements OperatorGraph {
  private final GraphView graph;
  private final NodePaths paths;
  private final TensorFacts facts;

  OnnxOperators(GraphView graph, NodePaths paths, TensorFacts facts) {
    this.graph = graph;
    this.paths = paths;
    this.facts = facts;
  }

  /** The activations among the nodes that the graph's outputs depend on, in the order of nodes. */
  static List<Match> activations(GraphView graph, NodePaths paths, TensorFacts facts) {
    return ActivationPatterns.find(new OnnxOperators(graph, paths, facts));
  }

  @Override
  public BitSet live() {
    return graph.live();
  }

  @Override
  public String operator(int node) {
    return graph.operator(node);
  }

  @Override
  public int inputCount(int node) {
    return graph.node(node).getInputCount();
  }

  @Override
  public String input(int node, int index) {
    return graph.input(node, index);
  }

  @Override
  public List<String> outputs(int node) {
    return graph.node(node).getOutputList();
  }

  @Override
  public String output(int node) {
    return graph.output(node);
  }

  @Override
  public double number(int node, String attribute, double otherwise) {
    AttributeProto found = GraphView.attribute(graph.node(node), attribute);
    return found == null ? otherwise : found.getF();
  }

  @Override
  public int producer(String tensor) {
    return graph.producer(tensor);
  }

  @Override
  public List<Integer> consumers(String tensor) {
    return graph.consumers(tensor);
  }

  @Override
  public boolean isOutput(String tensor) {
    return graph.isOutput(tensor);
  }

  @Override
  public boolean isConstant(String tensor) {
    return graph.constant(tensor) != null;
  }

  @Override
  public Double scalar(String tensor) {
    return graph.scalar(tensor);
  }

  @Override
  public boolean isInteger(String tensor) {
    return facts.isInteger(tensor);
  }

  @Override
  public boolean isSameModule(int first, int second) {
    return !paths.isKnown(first)
        || !paths.isKnown(second)
        || paths.path(first).equals(paths.path(second));
  }
}
