package dev.affinis.instrument.pattern;

import dev.affinis.instrument.SiteKind;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.Set;

/** A function of one tensor, element by element, as operators compute it: evaluated on numbers. */
final class PointwiseFunction {
  private static final int MOST_OPERATORS = 32;

  private static final Set<String> OPERATORS =
      Set.of(
          "Where",
          "Greater",
          "GreaterOrEqual",
          "Less",
          "LessOrEqual",
          "And",
          "Or",
          "Not",
          "Cast",
          "Identity",
          "Add",
          "Sub",
          "Mul",
          "Div",
          "Neg",
          "Pow",
          "Abs",
          "Exp",
          "Expm1",
          "Log",
          "Log1p",
          "Max",
          "Min",
          "Relu",
          "Sigmoid",
          "Tanh",
          "Softplus",
          "Elu");

  private final OperatorGraph graph;
  private final String argument;
  private int steps;

  /**
   * Starts with the function's argument.
   *
   * @param graph the graph
   * @param argument name of the tensor that is the argument
   */
  PointwiseFunction(OperatorGraph graph, String argument) {
    this.graph = graph;
    this.argument = argument;
  }

  /** Whether an operator can be evaluated. */
  static boolean isKnown(String operator) {
    return OPERATORS.contains(operator);
  }

  /** Every tensor that an operator's result may be a function of, nearest first. */
  static Collection<String> arguments(OperatorGraph graph, int node) {
    Set<String> found = new LinkedHashSet<>();
    Deque<Integer> open = new ArrayDeque<>();
    open.add(node);
    while (!open.isEmpty() && found.size() < MOST_OPERATORS) {
      int next = open.remove();
      for (int i = 0; i < graph.inputCount(next) && found.size() < MOST_OPERATORS; i++) {
        String input = graph.input(next, i);
        if (!input.isEmpty() && !graph.isConstant(input) && found.add(input)) {
          int producer = graph.producer(input);
          if (producer >= 0 && isKnown(graph.operator(producer))) {
            open.add(producer);
          }
        }
      }
    }
    return found;
  }

  /** The activation that a tensor is as a function of the argument, or {@code null}. */
  SiteKind kind(String tensor) {
    float[] points = ActivationFit.points();
    double[] values = new double[points.length];
    for (int i = 0; i < points.length; i++) {
      steps = 0;
      Double value = value(tensor, points[i]);
      if (value == null) {
        return null;
      }
      values[i] = value;
    }
    ActivationFit fit = new ActivationFit(values);
    return fit.isAffine() || isBoundFromBelow(points, values) ? null : fit.kind().orElse(null);
  }

  /** max(x, c) keeps a number away from zero; it is an activation for c = 0 only. */
  private static boolean isBoundFromBelow(float[] points, double[] values) {
    double low = values[0];
    for (int i = 0; i < points.length; i++) {
      if (Math.abs(values[i] - Math.max(points[i], low)) > 1e-6 * (1 + Math.abs(points[i]))) {
        return false;
      }
    }
    return low != 0;
  }

  /** The value at a point; true is 1 and false is 0; null if something else is needed. */
  private Double value(String tensor, double x) {
    if (tensor.equals(argument)) {
      return x;
    }
    Double constant = graph.scalar(tensor);
    int node = graph.producer(tensor);
    if (constant != null || node < 0 || !isKnown(graph.operator(node)) || ++steps > 256) {
      return constant;
    }
    Double first = value(graph.input(node, 0), x);
    if (first == null || graph.inputCount(node) == 1) {
      return first == null ? null : unary(node, first);
    }
    Double second = value(graph.input(node, 1), x);
    if (second == null || graph.inputCount(node) == 2) {
      return second == null ? null : binary(graph.operator(node), first, second);
    }
    Double third = value(graph.input(node, 2), x);
    if (third == null || !graph.operator(node).equals("Where")) {
      return null;
    }
    return first != 0 ? second : third;
  }

  private Double unary(int node, double a) {
    return switch (graph.operator(node)) {
      case "Cast", "Identity" -> a;
      case "Not" -> a == 0 ? 1.0 : 0.0;
      case "Neg" -> -a;
      case "Abs" -> Math.abs(a);
      case "Exp" -> Math.exp(a);
      case "Expm1" -> Math.expm1(a);
      case "Log" -> Math.log(a);
      case "Log1p" -> Math.log1p(a);
      case "Relu" -> Math.max(0, a);
      case "Sigmoid" -> 1 / (1 + Math.exp(-a));
      case "Tanh" -> Math.tanh(a);
      case "Softplus" -> Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a)));
      case "Elu" -> a > 0 ? a : graph.number(node, "alpha", 1) * Math.expm1(a);
      default -> null;
    };
  }

  private static Double binary(String operator, double a, double b) {
    return switch (operator) {
      case "Greater" -> a > b ? 1.0 : 0.0;
      case "GreaterOrEqual" -> a >= b ? 1.0 : 0.0;
      case "Less" -> a < b ? 1.0 : 0.0;
      case "LessOrEqual" -> a <= b ? 1.0 : 0.0;
      case "And" -> a != 0 && b != 0 ? 1.0 : 0.0;
      case "Or" -> a != 0 || b != 0 ? 1.0 : 0.0;
      case "Add" -> a + b;
      case "Sub" -> a - b;
      case "Mul" -> a * b;
      case "Div" -> a / b;
      case "Pow" -> Math.pow(a, b);
      case "Max" -> Math.max(a, b);
      case "Min" -> Math.min(a, b);
      default -> null;
    };
  }
}
