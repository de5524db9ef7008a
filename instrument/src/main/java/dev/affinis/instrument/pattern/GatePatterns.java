package dev.affinis.instrument.pattern;

import dev.affinis.instrument.SiteKind;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * Finds gated linear units that are written as products: f(g) v, with g and v linear maps of one
 * tensor (Shazeer, "GLU Variants Improve Transformer", arXiv 2002.05202).
 *
 * <p>What makes a product a gate is where its factors come from: both are results of linear maps
 * (dense layers, convolutions) of the same tensor, or both halves of one such result. So {@code x
 * sigmoid(x)} is none (one tensor, not two maps of it), nor is a scaling by squeeze and excitation
 * (its weights are a map of something else, and broadcast), nor the product of two activations.
 */
public final class GatePatterns {
  private static final Map<SiteKind, SiteKind> GATES =
      Map.of(
          SiteKind.SILU, SiteKind.SWIGLU,
          SiteKind.SWISH, SiteKind.SWIGLU,
          SiteKind.GELU, SiteKind.GEGLU,
          SiteKind.RELU, SiteKind.REGLU,
          SiteKind.SIGMOID, SiteKind.SIGMOID_GLU);

  private static final int LONGEST_CHAIN = 16;

  private static final Set<String> PASSING = Set.of("Cast", "Identity", "Dropout");

  private GatePatterns() {}

  /**
   * An activation that may open a gate.
   *
   * @param kind the function
   * @param input the tensor it acts on
   */
  public record Activated(SiteKind kind, String input) {}

  /**
   * Where a tensor comes from.
   *
   * @param map number of the operator that is the linear map
   * @param input the tensor that it maps
   * @param part empty for all of its result, otherwise which half
   * @param size what tells the size of the result; results of the same map's halves are of one
   *     size, results of two maps if these texts are equal
   */
  public record Origin(int map, String input, String part, String size) {}

  /**
   * A gate.
   *
   * @param kind how it opens
   * @param gate the linear map that it opens by, before its activation
   * @param value the linear map that goes through it
   * @param product the operator that multiplies
   * @param factor which input of that operator is the value: 0 or 1
   */
  public record Gate(SiteKind kind, String gate, String value, int product, int factor) {}

  /**
   * Searches a graph.
   *
   * @param graph the graph
   * @param activations the activations in it, by their results
   * @param taken the operators that make the result of an activation, which are no gates
   * @param origins tells of which linear map a tensor is the result; {@code null} if of none
   * @return the gates, in the order of the products
   */
  public static List<Gate> find(
      OperatorGraph graph,
      Map<String, Activated> activations,
      Set<Integer> taken,
      Function<String, Origin> origins) {
    List<Gate> found = new ArrayList<>();
    BitSet live = graph.live();
    for (int node = live.nextSetBit(0); node >= 0; node = live.nextSetBit(node + 1)) {
      if (graph.operator(node).equals("Mul")
          && graph.inputCount(node) == 2
          && !taken.contains(node)) {
        Gate gate = gate(graph, node, activations, origins);
        if (gate != null) {
          found.add(gate);
        }
      }
    }
    return found;
  }

  private static Gate gate(
      OperatorGraph graph,
      int node,
      Map<String, Activated> activations,
      Function<String, Origin> origins) {
    for (int factor = 1; factor >= 0; factor--) {
      Activated opening = activations.get(passed(graph, graph.input(node, 1 - factor)));
      SiteKind kind = opening == null ? null : GATES.get(opening.kind());
      String value = graph.input(node, factor);
      if (kind != null && isPair(origins.apply(opening.input()), origins.apply(value))) {
        return new Gate(kind, opening.input(), value, node, factor);
      }
    }
    String gate = graph.input(node, 0);
    String value = graph.input(node, 1);
    return isPair(origins.apply(gate), origins.apply(value))
        ? new Gate(SiteKind.BILINEAR, gate, value, node, 1)
        : null;
  }

  /**
   * Follows a tensor back through what changes no value.
   *
   * @param graph the graph
   * @param tensor a tensor
   * @return the tensor that it is a copy of, or itself
   */
  public static String passed(OperatorGraph graph, String tensor) {
    String origin = tensor;
    int node = graph.producer(origin);
    for (int i = 0; node >= 0 && PASSING.contains(graph.operator(node)) && i < LONGEST_CHAIN; i++) {
      origin = graph.input(node, 0);
      node = graph.producer(origin);
    }
    return origin;
  }

  /** Two maps of one tensor to the same size, or the two halves of one. */
  private static boolean isPair(Origin first, Origin second) {
    if (first == null || second == null || !first.input().equals(second.input())) {
      return false;
    }
    return first.map() == second.map()
        ? !first.part().equals(second.part())
        : first.part().isEmpty() && second.part().isEmpty() && first.size().equals(second.size());
  }
}
