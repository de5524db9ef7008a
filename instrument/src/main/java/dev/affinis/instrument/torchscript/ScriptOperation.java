package dev.affinis.instrument.torchscript;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * An operator of TorchScript in the terms of the ONNX standard.
 *
 * @param name its name there, or empty if it is none of those that make up activations
 * @param inputs its inputs in the order of the standard
 * @param attributes numbers that are given by name
 */
record ScriptOperation(String name, List<String> inputs, Map<String, Double> attributes) {
  private static final Map<String, String> SAME =
      Map.ofEntries(
          Map.entry("relu", "Relu"),
          Map.entry("sigmoid", "Sigmoid"),
          Map.entry("special_expit", "Sigmoid"),
          Map.entry("tanh", "Tanh"),
          Map.entry("erf", "Erf"),
          Map.entry("special_erf", "Erf"),
          Map.entry("exp", "Exp"),
          Map.entry("expm1", "Expm1"),
          Map.entry("special_expm1", "Expm1"),
          Map.entry("log", "Log"),
          Map.entry("log1p", "Log1p"),
          Map.entry("special_log1p", "Log1p"),
          Map.entry("abs", "Abs"),
          Map.entry("absolute", "Abs"),
          Map.entry("neg", "Neg"),
          Map.entry("negative", "Neg"),
          Map.entry("sqrt", "Sqrt"),
          Map.entry("logical_not", "Not"),
          Map.entry("bitwise_not", "Not"),
          Map.entry("mul", "Mul"),
          Map.entry("multiply", "Mul"),
          Map.entry("div", "Div"),
          Map.entry("divide", "Div"),
          Map.entry("true_divide", "Div"),
          Map.entry("pow", "Pow"),
          Map.entry("gt", "Greater"),
          Map.entry("greater", "Greater"),
          Map.entry("ge", "GreaterOrEqual"),
          Map.entry("greater_equal", "GreaterOrEqual"),
          Map.entry("lt", "Less"),
          Map.entry("less", "Less"),
          Map.entry("le", "LessOrEqual"),
          Map.entry("less_equal", "LessOrEqual"),
          Map.entry("logical_and", "And"),
          Map.entry("bitwise_and", "And"),
          Map.entry("__and__", "And"),
          Map.entry("logical_or", "Or"),
          Map.entry("bitwise_or", "Or"),
          Map.entry("__or__", "Or"),
          Map.entry("maximum", "Max"),
          Map.entry("minimum", "Min"),
          Map.entry("where", "Where"));

  private static final Map<String, Integer> ARITY = arity();

  /** Numbers of the floating-point types in PyTorch: half, float, double, bfloat16. */
  private static final Set<String> FLOATING = Set.of("=5", "=6", "=7", "=15");

  private static Map<String, Integer> arity() {
    Map<String, Integer> arity = new java.util.HashMap<>();
    for (String name : SAME.values()) {
      boolean isUnary =
          Set.of(
                  "Relu", "Sigmoid", "Tanh", "Erf", "Exp", "Expm1", "Log", "Log1p", "Abs", "Neg",
                  "Sqrt", "Not")
              .contains(name);
      arity.put(name, name.equals("Where") ? 3 : isUnary ? 1 : 2);
    }
    return arity;
  }

  /**
   * Translates an operator.
   *
   * @param operator its name in TorchScript
   * @param arguments its arguments; constants begin with an equals sign
   */
  static ScriptOperation of(String operator, List<String> arguments) {
    ScriptOperation unknown = new ScriptOperation("", arguments, Map.of());
    if (arguments.isEmpty()) {
      return unknown;
    }
    String x = arguments.get(0);
    String name = SAME.get(operator);
    if (name != null) {
      // PyTorch's own functions have a last argument that says whether they work in place.
      int arity = ARITY.get(name);
      boolean fits = arguments.size() == arity || (name.equals("Relu") && arguments.size() == 2);
      return fits ? new ScriptOperation(name, arguments.subList(0, arity), Map.of()) : unknown;
    }
    int size = arguments.size();
    String second = size > 1 ? arguments.get(1) : "";
    String third = size > 2 ? arguments.get(2) : "";
    return switch (operator) {
      case "add", "sub", "subtract" ->
          isPlainSum(arguments)
              ? standard(operator.equals("add") ? "Add" : "Sub", x, second)
              : unknown;
      case "rsub" -> isPlainSum(arguments) ? standard("Sub", second, x) : unknown;
      case "square" -> standard("Pow", x, "=2");
      case "relu6" -> standard("Clip", x, "=0", "=6");
      case "hardtanh" ->
          size == 1 ? standard("Clip", x, "=-1", "=1") : standard("Clip", x, second, third);
      case "clamp", "clip" -> size <= 3 ? standard("Clip", x, second, third) : unknown;
      case "clamp_min" -> standard("Clip", x, second, "");
      case "clamp_max" -> standard("Clip", x, "", second);
      case "hardsigmoid" ->
          new ScriptOperation("HardSigmoid", List.of(x), Map.of("alpha", 1.0 / 6));
      case "softplus" -> {
        boolean isUsual = (size < 2 || isNumber(second, 1)) && (size < 3 || isNumber(third, 20));
        yield isUsual ? standard("Softplus", x) : unknown;
      }
      // With a number in second place these two look for the largest along an axis.
      case "max", "min" ->
          size == 2 && !second.startsWith("=")
              ? standard(operator.equals("max") ? "Max" : "Min", x, second)
              : unknown;
      case "to" -> FLOATING.contains(second) ? standard("Cast", x) : unknown;
      case "chunk", "split", "tensor_split" -> standard("Split", x);
      default -> unknown;
    };
  }

  private static ScriptOperation standard(String name, String... inputs) {
    return new ScriptOperation(name, new ArrayList<>(List.of(inputs)), Map.of());
  }

  /** The second operand may have a factor, which is 1 unless given. */
  private static boolean isPlainSum(List<String> arguments) {
    return arguments.size() == 2 || (arguments.size() == 3 && isNumber(arguments.get(2), 1));
  }

  private static boolean isNumber(String argument, double value) {
    return argument.startsWith("=") && Double.parseDouble(argument.substring(1)) == value;
  }
}
