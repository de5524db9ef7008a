package dev.affinis.instrument.onnx;

import ai.onnx.proto.OnnxMl.NodeProto;
import dev.affinis.instrument.ActivationKind;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Finds the activations of a graph: single nodes, and the sub-graphs that exporters write for
 * functions that have no operator.
 *
 * <p>Such a sub-graph has one non-linear node (the <em>core</em>: Erf, Tanh, Sigmoid, Clip, ...)
 * among additions and multiplications with constants. With x the activation's input and s the
 * core's result, the core's argument is a polynomial in x, and the final result one in x and s. The
 * core and these two {@link Polynomial}s decide which activation it is; in what order an exporter
 * adds and multiplies does not matter.
 *
 * <p>Results within a sub-graph must be used by it alone. If something else uses one, too, the
 * sub-graph is no activation as a whole, and a core that is one by itself is a site of its own.
 */
final class ActivationPatterns {
  private static final int LONGEST_CHAIN = 6;
  private static final int DEEPEST_ARGUMENT = 6;
  private static final double INFINITY = Double.POSITIVE_INFINITY;
  private static final String CLIP = "Clip";
  private static final double SQRT_HALF = Math.sqrt(0.5);
  private static final double TANH_GELU = Math.sqrt(2 / Math.PI);
  private static final double CUBIC_GELU = 0.044715 * TANH_GELU;
  private static final double SIXTH = 1.0 / 6;

  /** Keras and the ONNX default have another slope than PyTorch. */
  private static final double[] HARD_SIGMOID_SLOPES = {SIXTH, 0.2};

  /** Where the sub-graph's parts are modules of their own, they remain sites of their own. */
  private static final Set<ActivationKind> WITHIN_ONE_MODULE =
      Set.of(
          ActivationKind.SILU,
          ActivationKind.SWISH,
          ActivationKind.TANHSHRINK,
          ActivationKind.LOG_SIGMOID);

  private static final Set<String> ARITHMETIC =
      Set.of("Add", "Sub", "Mul", "Div", "Neg", "Pow", "Identity", "Cast");

  private static final Map<String, ActivationKind> OPERATORS =
      Map.ofEntries(
          Map.entry("LeakyRelu", ActivationKind.LEAKY_RELU),
          Map.entry("Elu", ActivationKind.ELU),
          Map.entry("Selu", ActivationKind.SELU),
          Map.entry("Celu", ActivationKind.CELU),
          Map.entry("Sigmoid", ActivationKind.SIGMOID),
          Map.entry("HardSigmoid", ActivationKind.HARDSIGMOID),
          Map.entry("Tanh", ActivationKind.TANH),
          Map.entry("Softplus", ActivationKind.SOFTPLUS),
          Map.entry("Softsign", ActivationKind.SOFTSIGN),
          Map.entry("ThresholdedRelu", ActivationKind.THRESHOLD),
          Map.entry("HardSwish", ActivationKind.HARDSWISH),
          Map.entry("Mish", ActivationKind.MISH),
          Map.entry("Gelu", ActivationKind.GELU),
          Map.entry("com.microsoft.Gelu", ActivationKind.GELU),
          Map.entry("com.microsoft.FastGelu", ActivationKind.GELU),
          Map.entry("com.microsoft.BiasGelu", ActivationKind.GELU));

  private final GraphView graph;
  private final NodePaths paths;
  private final BitSet live;
  private final BitSet parts = new BitSet();
  private final List<Match> matches = new ArrayList<>();

  /**
   * An activation in the graph.
   *
   * @param kind the function
   * @param pre the tensor it acts on
   * @param bias a tensor that is added to {@code pre} first, or empty
   * @param post its result
   * @param last position of the node that makes the result
   */
  record Match(ActivationKind kind, String pre, String bias, String post, int last) {}

  /** A value bounded by constants; infinite where there is no bound. */
  private record Bounded(String input, double low, double high, List<Integer> nodes) {}

  /** The one non-linear node, or two that act as one; a clipping acts on a line in its input. */
  private record Core(String operator, Bounded bounded, Polynomial line, String result) {
    static Core smooth(String operator, String argument, String result, int node) {
      Bounded free = new Bounded(argument, -INFINITY, INFINITY, List.of(node));
      return new Core(operator, free, Polynomial.X, result);
    }

    String argument() {
      return bounded.input();
    }

    List<Integer> nodes() {
      return bounded.nodes();
    }
  }

  private ActivationPatterns(GraphView graph, NodePaths paths) {
    this.graph = graph;
    this.paths = paths;
    live = graph.live();
  }

  /** The activations among the nodes that the graph's outputs depend on, in the order of nodes. */
  static List<Match> find(GraphView graph, NodePaths paths, TensorFacts facts) {
    ActivationPatterns patterns = new ActivationPatterns(graph, paths);
    for (int i = patterns.live.nextSetBit(0); i >= 0; i = patterns.live.nextSetBit(i + 1)) {
      if (!patterns.parts.get(i)) {
        patterns.matchSubGraph(i);
      }
    }
    for (int i = patterns.live.length() - 1; i >= 0; i--) {
      if (patterns.live.get(i) && !patterns.parts.get(i)) {
        patterns.matchNode(i);
      }
    }
    patterns.matches.removeIf(match -> facts.isInteger(match.pre()));
    patterns.matches.sort(Comparator.comparingInt(Match::last));
    return List.copyOf(patterns.matches);
  }

  private void add(ActivationKind kind, String pre, int last, List<Integer> nodes) {
    matches.add(new Match(kind, pre, "", graph.output(last), last));
    nodes.forEach(parts::set);
    parts.set(last);
  }

  private void matchNode(int node) {
    Bounded bounded = bounded(node);
    if (bounded != null) {
      ActivationKind kind = clipKind(bounded);
      if (kind != null) {
        add(kind, bounded.input(), node, bounded.nodes());
      }
      return;
    }
    ActivationKind kind = single(node);
    if (kind == null) {
      return;
    }
    boolean hasBias = graph.operator(node).startsWith("com.microsoft.");
    String bias = hasBias ? graph.input(node, 1) : "";
    matches.add(new Match(kind, graph.input(node, 0), bias, graph.output(node), node));
  }

  private ActivationKind single(int node) {
    NodeProto proto = graph.node(node);
    return switch (graph.operator(node)) {
      case "PRelu" -> {
        int slope = graph.producer(graph.input(node, 1));
        boolean random = slope >= 0 && graph.operator(slope).startsWith("RandomUniform");
        yield random ? ActivationKind.RRELU : ActivationKind.PRELU;
      }
      case "Shrink" ->
          GraphView.attribute(proto, "bias", 0f) == 0
              ? ActivationKind.HARDSHRINK
              : ActivationKind.SOFTSHRINK;
      case "com.microsoft.QuickGelu" -> swish(GraphView.attribute(proto, "alpha", 1.702f));
      case "Swish" -> swish(GraphView.attribute(proto, "alpha", 1f));
      default -> OPERATORS.get(graph.operator(node));
    };
  }

  private static ActivationKind swish(double beta) {
    return Polynomial.near(beta, 1) ? ActivationKind.SILU : ActivationKind.SWISH;
  }

  private static ActivationKind clipKind(Bounded bounded) {
    if (bounded.low() == 0 && bounded.high() == INFINITY) {
      return ActivationKind.RELU;
    }
    if (bounded.low() == 0 && bounded.high() == 6) {
      return ActivationKind.RELU6;
    }
    boolean isInterval = bounded.low() < bounded.high() && bounded.high() - bounded.low() < 1e30;
    return isInterval ? ActivationKind.HARDTANH : null;
  }

  /** What a node bounds, together with the node before if that bounds the other side. */
  private Bounded bounded(int node) {
    Bounded outer = boundedHere(node);
    if (outer == null || (outer.low() > -1e30 && outer.high() < 1e30)) {
      return outer;
    }
    int before = graph.producer(outer.input());
    if (before < 0 || !graph.isUsedOnce(outer.input())) {
      return outer;
    }
    Bounded inner = boundedHere(before);
    boolean complete =
        inner != null
            && Math.max(inner.low(), outer.low()) > -1e30
            && Math.min(inner.high(), outer.high()) < 1e30;
    return complete
        ? new Bounded(
            inner.input(),
            Math.max(inner.low(), outer.low()),
            Math.min(inner.high(), outer.high()),
            List.of(before, node))
        : outer;
  }

  private Bounded boundedHere(int node) {
    return switch (graph.operator(node)) {
      case "Relu" -> new Bounded(graph.input(node, 0), 0, INFINITY, List.of(node));
      case "Clip" -> clip(node);
      case "Max", "Min" -> {
        if (graph.node(node).getInputCount() != 2) {
          yield null;
        }
        Double first = graph.scalar(graph.input(node, 0));
        Double second = graph.scalar(graph.input(node, 1));
        if ((first == null) == (second == null)) {
          yield null;
        }
        String input = graph.input(node, first == null ? 0 : 1);
        double bound = first == null ? second : first;
        yield graph.operator(node).equals("Max")
            ? new Bounded(input, bound, INFINITY, List.of(node))
            : new Bounded(input, -INFINITY, bound, List.of(node));
      }
      default -> null;
    };
  }

  /** Bounds are attributes up to opset 10, inputs from 11 on. */
  private Bounded clip(int node) {
    NodeProto proto = graph.node(node);
    Double low = bound(node, 1, GraphView.attribute(proto, "min", -Float.MAX_VALUE));
    Double high = bound(node, 2, GraphView.attribute(proto, "max", Float.MAX_VALUE));
    if (low == null || high == null) {
      return null;
    }
    return new Bounded(
        graph.input(node, 0),
        low <= -1e30 ? -INFINITY : low,
        high >= 1e30 ? INFINITY : high,
        List.of(node));
  }

  private Double bound(int node, int input, double otherwise) {
    String tensor = graph.input(node, input);
    return tensor.isEmpty() ? Double.valueOf(otherwise) : graph.scalar(tensor);
  }

  private void matchSubGraph(int node) {
    if (matchSoftsign(node) || matchLogSigmoid(node) || matchGlu(node) || matchLeaky(node)) {
      return;
    }
    Core core = core(node);
    if (core == null || matchMish(core)) {
      return;
    }
    Set<String> candidates = new LinkedHashSet<>();
    addOrigins(core.argument(), candidates, DEEPEST_ARGUMENT);
    List<Integer> chain = new ArrayList<>(core.nodes());
    String result = core.result();
    int last = node;
    Match best = null;
    for (int step = 0; step <= LONGEST_CHAIN; step++) {
      boolean follows = false;
      for (String x : candidates) {
        Polynomial value = polynomial(result, x, core.result(), LONGEST_CHAIN);
        Polynomial argument = polynomial(core.argument(), x, "", DEEPEST_ARGUMENT);
        follows |= value != null;
        ActivationKind kind =
            value == null || argument == null ? null : recognise(core, argument, value);
        if (kind != null && isOneModule(kind, node, last)) {
          best = new Match(kind, x, "", result, last);
          chain.forEach(parts::set);
          break;
        }
      }
      if (!follows || !graph.isUsedOnce(result)) {
        break;
      }
      last = graph.consumers(result).get(0);
      if (!ARITHMETIC.contains(graph.operator(last))) {
        break;
      }
      result = graph.output(last);
      chain.add(last);
    }
    if (best != null) {
      matches.add(best);
    }
  }

  private boolean isOneModule(ActivationKind kind, int core, int last) {
    return !WITHIN_ONE_MODULE.contains(kind)
        || !paths.isKnown(core)
        || !paths.isKnown(last)
        || paths.path(core).equals(paths.path(last));
  }

  private Core core(int node) {
    String operator = graph.operator(node);
    switch (operator) {
      case "Erf", "Tanh", "Sigmoid", "Softplus" -> {
        return Core.smooth(operator, graph.input(node, 0), graph.output(node), node);
      }
      case "HardSigmoid" -> {
        NodeProto proto = graph.node(node);
        Polynomial line =
            Polynomial.of(
                GraphView.attribute(proto, "beta", 0.5f),
                GraphView.attribute(proto, "alpha", 0.2f));
        Bounded bounded = new Bounded(graph.input(node, 0), 0, 1, List.of(node));
        return new Core(CLIP, bounded, line, graph.output(node));
      }
      case "Log" -> {
        String x = exponent(node);
        return x == null ? null : Core.smooth("Softplus", x, graph.output(node), node);
      }
      default -> {
        Bounded bounded = bounded(node);
        return bounded == null || clipKind(bounded) == null || isFirstOfTwo(node)
            ? null
            : new Core(CLIP, bounded, Polynomial.X, graph.output(node));
      }
    }
  }

  private boolean isFirstOfTwo(int node) {
    String result = graph.output(node);
    if (!graph.isUsedOnce(result)) {
      return false;
    }
    Bounded next = bounded(graph.consumers(result).get(0));
    return next != null && next.nodes().contains(node);
  }

  /** For log(1 + exp(x)) the tensor x, otherwise {@code null}. */
  private String exponent(int log) {
    String sum = graph.input(log, 0);
    int add = graph.producer(sum);
    if (add < 0 || !graph.operator(add).equals("Add") || !graph.isUsedOnce(sum)) {
      return null;
    }
    for (int i = 0; i < 2; i++) {
      int exp = graph.producer(graph.input(add, i));
      Double one = graph.scalar(graph.input(add, 1 - i));
      if (exp >= 0 && graph.operator(exp).equals("Exp") && one != null && one == 1) {
        return graph.isUsedOnce(graph.output(exp)) ? graph.input(exp, 0) : null;
      }
    }
    return null;
  }

  /** x tanh(softplus(x)): two non-linear nodes, one after the other. */
  private boolean matchMish(Core core) {
    if (!core.operator().equals("Softplus") || !graph.isUsedOnce(core.result())) {
      return false;
    }
    int tanh = graph.consumers(core.result()).get(0);
    if (!graph.operator(tanh).equals("Tanh") || !graph.isUsedOnce(graph.output(tanh))) {
      return false;
    }
    int mul = graph.consumers(graph.output(tanh)).get(0);
    Polynomial value =
        polynomial(graph.output(mul), core.argument(), graph.output(tanh), LONGEST_CHAIN);
    if (value == null || !value.is(Polynomial.product(1, 1))) {
      return false;
    }
    add(ActivationKind.MISH, core.argument(), mul, core.nodes());
    parts.set(tanh);
    return true;
  }

  private static ActivationKind recognise(Core core, Polynomial argument, Polynomial value) {
    return switch (core.operator()) {
      case "Erf" -> {
        boolean plus = isGated(value, 0.5) && argument.is(Polynomial.of(0, SQRT_HALF));
        boolean minus = isGated(value, -0.5) && argument.is(Polynomial.of(0, -SQRT_HALF));
        yield plus || minus ? ActivationKind.GELU : null;
      }
      case "Tanh" -> {
        if (isGated(value, 0.5) && argument.is(Polynomial.of(0, TANH_GELU, 0, CUBIC_GELU))) {
          yield ActivationKind.GELU;
        }
        boolean shrinks = value.is(Polynomial.X.plus(Polynomial.S, -1));
        yield shrinks && argument.is(Polynomial.X) ? ActivationKind.TANHSHRINK : null;
      }
      case "Sigmoid" -> ofSigmoid(argument, value);
      case "Softplus" -> ofSoftplus(argument, value);
      default -> ofClip(core, argument, value);
    };
  }

  /** A line clipped to [0, 1], perhaps times x; bounds and line may be scaled by a factor. */
  private static ActivationKind ofClip(Core core, Polynomial argument, Polynomial value) {
    Polynomial line =
        Polynomial.of(core.line().coefficient(0)).plus(argument, core.line().coefficient(1));
    double factor = value.coefficientOfS(0);
    if (factor != 0 && value.is(Polynomial.product(0, factor))) {
      boolean isUnit = isUnit(core, factor);
      for (double slope : HARD_SIGMOID_SLOPES) {
        if (isUnit && isLine(line, factor, slope)) {
          return ActivationKind.HARDSIGMOID;
        }
      }
      return null;
    }
    factor = value.coefficientOfS(1);
    boolean isHardSwish =
        factor != 0
            && value.is(Polynomial.product(1, factor))
            && isUnit(core, factor)
            && isLine(line, factor, SIXTH);
    return isHardSwish ? ActivationKind.HARDSWISH : null;
  }

  private static boolean isUnit(Core core, double factor) {
    return core.bounded().low() == 0 && Polynomial.near(factor * core.bounded().high(), 1);
  }

  private static boolean isLine(Polynomial line, double factor, double slope) {
    return Polynomial.of(0).plus(line, factor).is(Polynomial.of(0.5, slope));
  }

  /** Whether a value is x/2 + c x s. */
  private static boolean isGated(Polynomial value, double factor) {
    return value.is(Polynomial.of(0, 0.5).plus(Polynomial.product(1, factor), 1));
  }

  private static ActivationKind ofSigmoid(Polynomial argument, Polynomial value) {
    if (!value.is(Polynomial.product(1, 1))) {
      return null;
    }
    if (argument.is(Polynomial.of(0, 2 * TANH_GELU, 0, 2 * CUBIC_GELU))) {
      return ActivationKind.GELU;
    }
    double beta = argument.coefficient(1);
    return beta != 0 && argument.is(Polynomial.of(0, beta)) ? swish(beta) : null;
  }

  private static ActivationKind ofSoftplus(Polynomial argument, Polynomial value) {
    double beta = argument.coefficient(1);
    if (beta == 0 || !argument.is(Polynomial.of(0, beta))) {
      return null;
    }
    if (Polynomial.near(beta, -1) && value.is(Polynomial.product(0, -1))) {
      return ActivationKind.LOG_SIGMOID;
    }
    boolean scaled = beta > 0 && value.is(Polynomial.product(0, 1 / beta));
    return scaled ? ActivationKind.SOFTPLUS : null;
  }

  /** x / (c + |x|). */
  private boolean matchSoftsign(int node) {
    if (!graph.operator(node).equals("Div")) {
      return false;
    }
    String sum = graph.input(node, 1);
    int add = graph.producer(sum);
    if (add < 0 || !graph.operator(add).equals("Add") || !graph.isUsedOnce(sum)) {
      return false;
    }
    for (int i = 0; i < 2; i++) {
      int abs = graph.producer(graph.input(add, i));
      Double constant = graph.scalar(graph.input(add, 1 - i));
      if (abs >= 0
          && graph.operator(abs).equals("Abs")
          && graph.input(abs, 0).equals(graph.input(node, 0))
          && constant != null
          && constant > 0) {
        add(ActivationKind.SOFTSIGN, graph.input(node, 0), node, List.of(abs, add));
        return true;
      }
    }
    return false;
  }

  private boolean matchLogSigmoid(int node) {
    if (!graph.operator(node).equals("Log")) {
      return false;
    }
    int sigmoid = graph.producer(graph.input(node, 0));
    if (sigmoid < 0
        || !graph.operator(sigmoid).equals("Sigmoid")
        || !graph.isUsedOnce(graph.output(sigmoid))
        || !isOneModule(ActivationKind.LOG_SIGMOID, sigmoid, node)) {
      return false;
    }
    add(ActivationKind.LOG_SIGMOID, graph.input(sigmoid, 0), node, List.of(sigmoid));
    return true;
  }

  /** One half of a Split times the sigmoid of the other. */
  private boolean matchGlu(int node) {
    if (!graph.operator(node).equals("Mul")) {
      return false;
    }
    for (int i = 0; i < 2; i++) {
      int sigmoid = graph.producer(graph.input(node, i));
      if (sigmoid < 0
          || !graph.operator(sigmoid).equals("Sigmoid")
          || !graph.isUsedOnce(graph.output(sigmoid))) {
        continue;
      }
      String gate = graph.input(sigmoid, 0);
      String half = graph.input(node, 1 - i);
      int split = graph.producer(gate);
      if (split >= 0
          && split == graph.producer(half)
          && graph.operator(split).equals("Split")
          && graph.node(split).getOutputList().equals(List.of(half, gate))) {
        add(ActivationKind.GLU, graph.input(split, 0), node, List.of(sigmoid));
        return true;
      }
    }
    return false;
  }

  /** max(x, a x) with a between 0 and 1. */
  private boolean matchLeaky(int node) {
    if (!graph.operator(node).equals("Max") || graph.node(node).getInputCount() != 2) {
      return false;
    }
    for (int i = 0; i < 2; i++) {
      String x = graph.input(node, i);
      Polynomial other = polynomial(graph.input(node, 1 - i), x, "", 2);
      if (other != null) {
        double slope = other.coefficient(1);
        if (slope > 0 && slope < 1 && other.is(Polynomial.of(0, slope))) {
          add(ActivationKind.LEAKY_RELU, x, node, List.of());
          return true;
        }
      }
    }
    return false;
  }

  /** Every tensor that the argument may be a polynomial in, nearest first. */
  private void addOrigins(String tensor, Set<String> origins, int depth) {
    if (tensor.isEmpty() || graph.constant(tensor) != null) {
      return;
    }
    origins.add(tensor);
    int node = graph.producer(tensor);
    if (node >= 0 && depth > 0 && ARITHMETIC.contains(graph.operator(node))) {
      for (String input : graph.node(node).getInputList()) {
        addOrigins(input, origins, depth - 1);
      }
    }
  }

  /** A tensor as a polynomial in two others, or {@code null} if it is none. */
  private Polynomial polynomial(String tensor, String x, String s, int depth) {
    if (tensor.equals(s)) {
      return Polynomial.S;
    }
    if (tensor.equals(x)) {
      return Polynomial.X;
    }
    Double constant = graph.scalar(tensor);
    if (constant != null) {
      return Polynomial.of(constant);
    }
    int node = graph.producer(tensor);
    if (node < 0 || depth == 0 || !ARITHMETIC.contains(graph.operator(node))) {
      return null;
    }
    Polynomial first = polynomial(graph.input(node, 0), x, s, depth - 1);
    if (first == null || graph.node(node).getInputCount() == 1) {
      return first == null || !graph.operator(node).equals("Neg")
          ? first
          : Polynomial.of(0).plus(first, -1);
    }
    Polynomial second = polynomial(graph.input(node, 1), x, s, depth - 1);
    return second == null ? null : combine(graph.operator(node), first, second);
  }

  private static Polynomial combine(String operator, Polynomial first, Polynomial second) {
    Double constant = second.constant();
    switch (operator) {
      case "Add" -> {
        return first.plus(second, 1);
      }
      case "Sub" -> {
        return first.plus(second, -1);
      }
      case "Mul" -> {
        return first.times(second);
      }
      case "Div" -> {
        return constant == null || constant == 0
            ? null
            : Polynomial.of(0).plus(first, 1 / constant);
      }
      default -> {
        if (constant == null || !(constant == 1 || constant == 2 || constant == 3)) {
          return null;
        }
        Polynomial power = first;
        for (int i = 1; i < constant && power != null; i++) {
          power = power.times(first);
        }
        return power;
      }
    }
  }
}
