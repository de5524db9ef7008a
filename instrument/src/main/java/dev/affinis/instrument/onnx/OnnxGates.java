package dev.affinis.instrument.onnx;

import ai.onnx.proto.OnnxMl.TensorProto;
import dev.affinis.instrument.Layout;
import dev.affinis.instrument.onnx.OnnxSites.Found;
import dev.affinis.instrument.pattern.ActivationPatterns.Match;
import dev.affinis.instrument.pattern.GatePatterns;
import dev.affinis.instrument.pattern.GatePatterns.Activated;
import dev.affinis.instrument.pattern.GatePatterns.Gate;
import dev.affinis.instrument.pattern.GatePatterns.Origin;
import dev.affinis.instrument.pattern.OperatorGraph;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Finds gates in a graph. Linear maps are MatMul and Gemm with constant weights and Conv, with or
 * without a constant that is added; halves are those of a Split, or of two Slices that meet.
 */
final class OnnxGates {
  private final GraphView graph;
  private final NodePaths paths;
  private final OperatorGraph operators;
  private final SpatialSizes sizes;

  OnnxGates(GraphView graph, NodePaths paths, TensorFacts facts) {
    this.graph = graph;
    this.paths = paths;
    operators = new OnnxOperators(graph, paths, facts);
    sizes = new SpatialSizes(graph);
  }

  /**
   * Finds the gates.
   *
   * @param activations all activations of the graph
   */
  List<Found> find(List<Match> activations) {
    Map<String, Activated> opening = new HashMap<>();
    Set<Integer> taken = new HashSet<>();
    for (Match match : activations) {
      taken.add(match.last());
      if (match.bias().isEmpty()) {
        opening.put(match.post(), new Activated(match.kind(), match.pre()));
      }
    }
    List<Found> found = new ArrayList<>();
    for (Gate gate : GatePatterns.find(operators, opening, taken, this::origin)) {
      int node = gate.product();
      Match match =
          new Match(gate.kind(), gate.gate(), "", graph.output(node), node, List.of(node));
      found.add(new Found(paths.path(node), match, gate.value(), Layout.AUTO, false));
    }
    return found;
  }

  private Origin origin(String tensor) {
    String result = GatePatterns.passed(operators, tensor);
    Origin whole = whole(result);
    if (whole != null) {
      return whole;
    }
    int node = graph.producer(result);
    String operator = node < 0 ? "" : graph.operator(node);
    if (operator.equals("Split") || operator.equals("Slice")) {
      Origin halved = whole(GatePatterns.passed(operators, graph.input(node, 0)));
      return halved == null || !isHalf(node)
          ? null
          : new Origin(halved.map(), halved.input(), result, halved.size());
    }
    return null;
  }

  private boolean isHalf(int node) {
    String whole = graph.input(node, 0);
    if (graph.operator(node).equals("Split")) {
      return graph.node(node).getOutputCount() == 2 && isEven(node);
    }
    List<Integer> slices =
        graph.consumers(whole).stream()
            .filter(consumer -> graph.operator(consumer).equals("Slice"))
            .limit(3)
            .toList();
    return slices.size() == 2 && graph.opset() >= 10 && meet(slices.get(0), slices.get(1));
  }

  /** Whether a split into two parts makes halves, as it does unless it says otherwise. */
  private boolean isEven(int split) {
    long[] lengths = GraphView.integerList(graph.node(split), "split");
    if (lengths == null && !graph.input(split, 1).isEmpty()) {
      TensorProto given = graph.constant(graph.input(split, 1));
      lengths = given == null ? null : Constants.integers(given);
      if (lengths == null) {
        return false;
      }
    }
    return lengths == null || (lengths.length == 2 && lengths[0] == lengths[1]);
  }

  /** Whether two slices begin at 0 and where the other ends, along one axis. */
  private boolean meet(int one, int two) {
    Double first = graph.scalar(graph.input(one, 1));
    int low = first != null && first == 0 ? one : two;
    int high = low == one ? two : one;
    Double start = graph.scalar(graph.input(low, 1));
    return start != null
        && start == 0
        && isSame(graph.input(low, 2), graph.input(high, 1))
        && isSame(graph.input(low, 3), graph.input(high, 3));
  }

  private boolean isSame(String first, String second) {
    Double number = graph.scalar(first);
    return first.equals(second) || (number != null && number.equals(graph.scalar(second)));
  }

  /** The linear map whose result a tensor is as a whole, or {@code null}. */
  private Origin whole(String tensor) {
    int node = graph.producer(tensor);
    if (node >= 0 && graph.operator(node).equals("Add")) {
      boolean isFirst = graph.constant(graph.input(node, 1)) != null;
      boolean isBias = isFirst || graph.constant(graph.input(node, 0)) != null;
      node = isBias ? graph.producer(graph.input(node, isFirst ? 0 : 1)) : -1;
    }
    TensorProto weight = node < 0 ? null : graph.constant(graph.input(node, 1));
    if (weight == null) {
      return null;
    }
    int axes = weight.getDimsCount();
    int rows = GraphView.attribute(graph.node(node), "transB", 0L) == 1 ? 0 : 1;
    String size =
        switch (graph.operator(node)) {
          case "MatMul" -> axes == 2 ? "to " + weight.getDims(1) : null;
          case "Gemm" -> axes == 2 ? "to " + weight.getDims(rows) : null;
          case "Conv" ->
              axes > 2 ? "to " + weight.getDims(0) + " by " + sizes.key(graph.output(node)) : null;
          default -> null;
        };
    return size == null ? null : new Origin(node, graph.input(node, 0), "", size);
  }
}
