package dev.affinis.instrument.pattern;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Operators written as text, separated by semicolons: {@code y = Clip x 0 6; z = Celu y alpha:2}.
 *
 * <p>A number among the inputs is a constant with one element, a name that begins with {@code #}
 * one with more, {@code _} an input that is left out; names that begin with {@code int} are of
 * integers. {@code @m} behind an operator says that it belongs to module m. {@code return a b}
 * makes tensors results of the model; those of the last operator always are.
 */
final class TextGraph implements OperatorGraph {
  private final List<Node> nodes = new ArrayList<>();
  private final List<String> results = new ArrayList<>();

  private record Node(
      String operator,
      List<String> inputs,
      List<String> outputs,
      Map<String, Double> attributes,
      String module) {}

  TextGraph(String text) {
    for (String line : text.split(";", -1)) {
      List<String> words = List.of(line.strip().split(" +", -1));
      if (words.get(0).equals("return")) {
        results.addAll(words.subList(1, words.size()));
      } else {
        nodes.add(node(words));
      }
    }
    results.addAll(nodes.get(nodes.size() - 1).outputs());
  }

  private static Node node(List<String> words) {
    int equals = words.indexOf("=");
    List<String> inputs = new ArrayList<>();
    Map<String, Double> attributes = new HashMap<>();
    String module = "";
    for (String word : words.subList(equals + 2, words.size())) {
      int colon = word.indexOf(':');
      if (colon > 0) {
        attributes.put(word.substring(0, colon), Double.valueOf(word.substring(colon + 1)));
      } else if (word.startsWith("@")) {
        module = word;
      } else {
        inputs.add(word.equals("_") ? "" : word);
      }
    }
    return new Node(words.get(equals + 1), inputs, words.subList(0, equals), attributes, module);
  }

  @Override
  public BitSet live() {
    BitSet all = new BitSet();
    all.set(0, nodes.size());
    return all;
  }

  @Override
  public String operator(int node) {
    return nodes.get(node).operator();
  }

  @Override
  public int inputCount(int node) {
    return nodes.get(node).inputs().size();
  }

  @Override
  public String input(int node, int index) {
    List<String> inputs = nodes.get(node).inputs();
    return index < inputs.size() ? inputs.get(index) : "";
  }

  @Override
  public List<String> outputs(int node) {
    return nodes.get(node).outputs();
  }

  @Override
  public double number(int node, String attribute, double otherwise) {
    return nodes.get(node).attributes().getOrDefault(attribute, otherwise);
  }

  @Override
  public int producer(String tensor) {
    return IntStream.range(0, nodes.size())
        .filter(node -> nodes.get(node).outputs().contains(tensor))
        .findFirst()
        .orElse(-1);
  }

  @Override
  public List<Integer> consumers(String tensor) {
    List<Integer> uses = new ArrayList<>();
    for (int node = 0; node < nodes.size(); node++) {
      for (String input : nodes.get(node).inputs()) {
        if (input.equals(tensor)) {
          uses.add(node);
        }
      }
    }
    return uses;
  }

  @Override
  public boolean isOutput(String tensor) {
    return results.contains(tensor);
  }

  @Override
  public boolean isConstant(String tensor) {
    return tensor.startsWith("#") || scalar(tensor) != null;
  }

  @Override
  public Double scalar(String tensor) {
    return tensor.matches("-?[0-9].*") ? Double.valueOf(tensor) : null;
  }

  @Override
  public boolean isInteger(String tensor) {
    return tensor.startsWith("int");
  }

  @Override
  public boolean isSameModule(int first, int second) {
    return nodes.get(first).module().equals(nodes.get(second).module());
  }
}
