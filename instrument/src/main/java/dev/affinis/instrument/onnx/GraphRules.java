package dev.affinis.instrument.onnx;

import ai.onnx.proto.OnnxMl.FunctionProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import dev.affinis.instrument.InvalidInputException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What every ONNX model keeps to, checked once, so that whoever reads a graph can rely on it: each
 * tensor is made once and only from tensors that are there, no node needs its own result, constants
 * hold as many values as they say, functions end and stay within bounds when they are written out.
 *
 * <p>Nodes need not be in an order in which they can run: engines sort them.
 */
final class GraphRules {
  /** Nodes of a model whose functions are written out in place of each call. */
  static final int MOST_NODES = 1_000_000;

  /** How deeply sub-graphs and functions are within each other. */
  static final int DEEPEST = 100;

  private static final Extent NOTHING = new Extent(0, 0);

  private final Path path;
  private final Map<String, FunctionProto> functions = new HashMap<>();
  private final Map<String, Extent> extents = new HashMap<>();
  private final Set<String> open = new HashSet<>();

  /**
   * How much there is when functions are written out.
   *
   * @param nodes number of nodes
   * @param height how many graphs and functions are within each other
   */
  private record Extent(long nodes, int height) {}

  /**
   * Names that can be used in a graph.
   *
   * @param names its own
   * @param outer the graph around it, or {@code null}
   */
  private record Scope(Set<String> names, Scope outer) {
    boolean has(String name) {
      for (Scope scope = this; scope != null; scope = scope.outer) {
        if (scope.names.contains(name)) {
          return true;
        }
      }
      return false;
    }
  }

  private GraphRules(Path path) {
    this.path = path;
  }

  /**
   * Checks a model.
   *
   * @param path its file, for messages
   * @param model what is in it
   * @throws InvalidInputException if it breaks a rule; the message says which, and where
   */
  static void check(Path path, ModelProto model) {
    GraphRules rules = new GraphRules(path);
    rules.checkOpsets(model.getOpsetImportList());
    TensorSizes.forEach(model, rules::check);
    for (FunctionProto function : model.getFunctionsList()) {
      rules.add(function);
    }
    rules.extent(model.getGraph().getNodeList(), 0);
    rules.check(model.getGraph(), null);
    for (FunctionProto function : model.getFunctionsList()) {
      rules.checkOpsets(function.getOpsetImportList());
      rules.extent(function.getNodeList(), 0);
      Set<String> names = new HashSet<>(function.getInputList());
      rules.check(function.getNodeList(), names, function.getOutputList(), null);
    }
  }

  private InvalidInputException broken(String what) {
    return new InvalidInputException(
        "model " + path + " is damaged: " + what + "; export it again");
  }

  private void check(TensorProto tensor) {
    String fault = TensorSizes.fault(tensor);
    if (fault != null) {
      throw broken("its constant " + shown(tensor.getName()) + " " + fault);
    }
  }

  private void checkOpsets(List<OperatorSetIdProto> imports) {
    Map<String, Long> versions = new HashMap<>();
    for (OperatorSetIdProto opset : imports) {
      String domain = GraphView.domain(opset.getDomain());
      Long other = versions.put(domain, opset.getVersion());
      boolean isNumber = opset.getVersion() >= 1 && opset.getVersion() <= Integer.MAX_VALUE;
      if (!isNumber || (other != null && other != opset.getVersion())) {
        throw broken(
            "its operators of the domain "
                + shown(domain)
                + " are of version "
                + opset.getVersion()
                + (other == null ? "" : " and of " + other));
      }
    }
  }

  private void add(FunctionProto function) {
    if (GraphView.domain(function.getDomain()).isEmpty()) {
      throw broken("it makes a function of the standard operator " + shown(function.getName()));
    }
    String name = function.getDomain() + '.' + function.getName();
    // ONNX Runtime (1.21.1) runs the last of them, whatever the overload that a node asks for.
    if (functions.put(name, function) != null) {
      throw new InvalidInputException(
          "model "
              + path
              + " has several functions "
              + shown(name)
              + ", which ONNX Runtime does not tell apart by their overload: inline the model's"
              + " functions (onnx.inliner.inline_local_functions) and give that model");
    }
  }

  /** Counts nodes as if functions were written out; deep or endless ones are an error. */
  private Extent extent(List<NodeProto> nodes, int depth) {
    if (depth > DEEPEST) {
      throw broken("its sub-graphs and functions are more than " + DEEPEST + " within each other");
    }
    long count = nodes.size();
    int height = 0;
    for (NodeProto node : nodes) {
      for (GraphProto held : GraphView.graphs(node)) {
        Extent inner = extent(held.getNodeList(), depth + 1);
        count += inner.nodes();
        height = Math.max(height, inner.height());
      }
      Extent called = called(GraphView.operator(node), depth);
      count += called.nodes();
      height = Math.max(height, called.height());
      if (count > MOST_NODES) {
        throw broken(
            "it has more than " + MOST_NODES + " nodes when its functions are written out");
      }
    }
    if (depth + height > DEEPEST) {
      throw broken("its sub-graphs and functions are more than " + DEEPEST + " within each other");
    }
    return new Extent(count, height + 1);
  }

  private Extent called(String operator, int depth) {
    FunctionProto function = functions.get(operator);
    if (function == null) {
      return NOTHING;
    }
    Extent known = extents.get(operator);
    if (known == null) {
      if (!open.add(operator)) {
        throw broken("its function " + shown(operator) + " calls itself");
      }
      known = extent(function.getNodeList(), depth + 1);
      open.remove(operator);
      extents.put(operator, known);
    }
    return known;
  }

  private void check(GraphProto graph, Scope outer) {
    Set<String> names = new HashSet<>();
    graph.getInputList().forEach(input -> names.add(input.getName()));
    graph.getInitializerList().forEach(tensor -> names.add(tensor.getName()));
    graph.getSparseInitializerList().forEach(t -> names.add(t.getValues().getName()));
    List<String> outputs = graph.getOutputList().stream().map(ValueInfoProto::getName).toList();
    check(graph.getNodeList(), names, outputs, outer);
  }

  private void check(
      List<NodeProto> nodes, Set<String> names, Collection<String> outputs, Scope outer) {
    Scope scope = new Scope(names, outer);
    Map<String, Integer> producers = new HashMap<>();
    for (int i = 0; i < nodes.size(); i++) {
      for (String output : nodes.get(i).getOutputList()) {
        if (!output.isEmpty()) {
          producers.put(output, i);
          if (!names.add(output)) {
            throw broken("its tensor " + shown(output) + " is made or given twice");
          }
        }
      }
    }
    for (NodeProto node : nodes) {
      for (String input : node.getInputList()) {
        if (!input.isEmpty() && !scope.has(input)) {
          throw broken(
              "its node "
                  + shown(node.getName())
                  + " ("
                  + shown(node.getOpType())
                  + ") needs the tensor "
                  + shown(input)
                  + ", which nothing makes");
        }
      }
      GraphView.graphs(node).forEach(held -> check(held, scope));
    }
    for (String output : outputs) {
      if (!scope.has(output)) {
        throw broken("nothing makes its output " + shown(output));
      }
    }
    requireNoCycle(nodes, producers);
  }

  /** Takes away nodes all of whose inputs are there, until none is left. */
  private void requireNoCycle(List<NodeProto> nodes, Map<String, Integer> producers) {
    List<List<Integer>> followers = new ArrayList<>();
    nodes.forEach(node -> followers.add(new ArrayList<>()));
    int[] missing = new int[nodes.size()];
    for (int i = 0; i < missing.length; i++) {
      for (String input : GraphView.reads(nodes.get(i))) {
        Integer producer = producers.get(input);
        if (producer != null) {
          followers.get(producer).add(i);
          missing[i]++;
        }
      }
    }
    Deque<Integer> ready = new ArrayDeque<>();
    for (int i = 0; i < missing.length; i++) {
      if (missing[i] == 0) {
        ready.add(i);
      }
    }
    int done = 0;
    for (; !ready.isEmpty(); done++) {
      for (int follower : followers.get(ready.remove())) {
        if (--missing[follower] == 0) {
          ready.add(follower);
        }
      }
    }
    if (done < missing.length) {
      int first = 0;
      while (missing[first] == 0) {
        first++;
      }
      NodeProto node = nodes.get(first);
      throw broken(
          "its nodes form a cycle, at or before the node "
              + shown(node.getName())
              + " ("
              + shown(node.getOpType())
              + ")");
    }
  }

  /** Names are anyone's: an error must stay readable. */
  private static String shown(String name) {
    return name.length() <= 100 ? name : name.substring(0, 100) + "...";
  }
}
