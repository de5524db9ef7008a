package dev.affinis.instrument.pattern;

import dev.affinis.instrument.SiteKind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

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
public final class ActivationPatterns {
  private static final int LONGEST_CHAIN = 6;
  private static final int DEEPEST_ARGUMENT = 6;

  /** Exporters write a random slope as the mean of its bounds, by default 1/8 and 1/3. */
  private static final double MEAN_RANDOM_SLOPE = 11.0 / 48;

  private static final Set<String> ARITHMETIC =
      Set.of("Add", "Sub", "Mul", "Div", "Neg", "Pow", "Identity", "Cast");

  private static final Map<String, SiteKind> OPERATORS =
      Map.ofEntries(
          Map.entry("Elu", SiteKind.ELU),
          Map.entry("Selu", SiteKind.SELU),
          Map.entry("Celu", SiteKind.CELU),
          Map.entry("Sigmoid", SiteKind.SIGMOID),
          Map.entry("HardSigmoid", SiteKind.HARDSIGMOID),
          Map.entry("Tanh", SiteKind.TANH),
          Map.entry("Softplus", SiteKind.SOFTPLUS),
          Map.entry("Softsign", SiteKind.SOFTSIGN),
          Map.entry("ThresholdedRelu", SiteKind.THRESHOLD),
          Map.entry("HardSwish", SiteKind.HARDSWISH),
          Map.entry("Mish", SiteKind.MISH),
          Map.entry("Gelu", SiteKind.GELU),
          Map.entry("com.microsoft.Gelu", SiteKind.GELU),
          Map.entry("com.microsoft.FastGelu", SiteKind.GELU),
          Map.entry("com.microsoft.BiasGelu", SiteKind.GELU));

  private final OperatorGraph graph;
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
   * @param last the operator that makes the result
   * @param nodes all operators that compute it, {@code last} among them, in ascending order
   */
  public record Match(
      SiteKind kind, String pre, String bias, String post, int last, List<Integer> nodes) {}

  private ActivationPatterns(OperatorGraph graph) {
    this.graph = graph;
    live = graph.live();
  }

  /**
   * Searches a graph.
   *
   * @param graph the graph
   * @return the activations among its live operators, in the order of their last ones
   */
  public static List<Match> find(OperatorGraph graph) {
    ActivationPatterns patterns = new ActivationPatterns(graph);
    patterns.matchChoices();
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
    patterns.matches.removeIf(match -> graph.isInteger(match.pre()));
    patterns.matches.sort(Comparator.comparingInt(Match::last));
    return List.copyOf(patterns.matches);
  }

  /**
   * Returns what an operator is whose arguments alone decide it, without regard to others.
   *
   * @param graph the graph
   * @param node number of the operator
   * @return the activation if it clips to constants that make it one, otherwise {@code null}
   */
  public static SiteKind clipping(OperatorGraph graph, int node) {
    Clipping clipping = Clipping.alone(graph, node);
    return clipping == null ? null : clipping.kind();
  }

  private void add(SiteKind kind, String pre, int last, List<Integer> nodes) {
    nodes.forEach(parts::set);
    parts.set(last);
    matches.add(match(kind, pre, last));
  }

  private Match match(SiteKind kind, String pre, int last) {
    Set<Integer> nodes = new TreeSet<>();
    addNodes(last, pre, nodes);
    return new Match(kind, pre, "", graph.output(last), last, List.copyOf(nodes));
  }

  /** All operators between a tensor and the result of one of them. */
  private void addNodes(int last, String pre, Set<Integer> nodes) {
    Deque<Integer> open = new ArrayDeque<>(List.of(last));
    while (!open.isEmpty()) {
      int node = open.pop();
      if (nodes.add(node)) {
        for (int i = 0; i < graph.inputCount(node); i++) {
          String input = graph.input(node, i);
          int producer = graph.producer(input);
          if (producer >= 0 && !input.equals(pre) && !graph.isConstant(input)) {
            open.push(producer);
          }
        }
      }
    }
  }

  private void matchNode(int node) {
    Clipping bounded = Clipping.of(graph, node);
    if (bounded != null) {
      SiteKind kind = bounded.kind();
      if (kind != null) {
        add(kind, bounded.input(), node, bounded.nodes());
      }
      return;
    }
    SiteKind kind = single(node);
    if (kind == null) {
      return;
    }
    boolean hasBias = graph.operator(node).startsWith("com.microsoft.");
    String bias = hasBias ? graph.input(node, 1) : "";
    matches.add(
        new Match(kind, graph.input(node, 0), bias, graph.output(node), node, List.of(node)));
  }

  private SiteKind single(int node) {
    return switch (graph.operator(node)) {
      case "PRelu" -> {
        int slope = graph.producer(graph.input(node, 1));
        boolean random = slope >= 0 && graph.operator(slope).startsWith("RandomUniform");
        yield random ? SiteKind.RRELU : SiteKind.PRELU;
      }
      case "Shrink" ->
          graph.number(node, "bias", 0f) == 0 ? SiteKind.HARDSHRINK : SiteKind.SOFTSHRINK;
      case "LeakyRelu" ->
          Math.abs(graph.number(node, "alpha", 0.01) - MEAN_RANDOM_SLOPE) < 1e-6
              ? SiteKind.RRELU
              : SiteKind.LEAKY_RELU;
      case "com.microsoft.QuickGelu" -> Core.swish(graph.number(node, "alpha", 1.702f));
      case "Swish" -> Core.swish(graph.number(node, "alpha", 1f));
      default -> OPERATORS.get(graph.operator(node));
    };
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
    candidates.removeIf(x -> polynomial(core.argument(), x, "", DEEPEST_ARGUMENT) == null);
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
        SiteKind kind = value == null || argument == null ? null : core.recognise(argument, value);
        if (kind != null && isOneModule(chain, last)) {
          best = match(kind, x, last);
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

  /** Where parts are modules of their own, they remain sites of their own. */
  private boolean isOneModule(Collection<Integer> nodes, int last) {
    return nodes.stream().allMatch(node -> graph.isSameModule(node, last));
  }

  private Core core(int node) {
    String operator = graph.operator(node);
    switch (operator) {
      case "Erf", "Tanh", "Sigmoid", "Softplus" -> {
        return Core.smooth(operator, graph.input(node, 0), graph.output(node), node);
      }
      case "HardSigmoid" -> {
        Polynomial line =
            Polynomial.of(graph.number(node, "beta", 0.5f), graph.number(node, "alpha", 0.2f));
        Clipping bounded = new Clipping(graph.input(node, 0), 0, 1, List.of(node));
        return new Core(Core.CLIP, bounded, line, graph.output(node));
      }
      case "Log", "Log1p" -> {
        String x = exponent(node);
        return x == null ? null : Core.smooth("Softplus", x, graph.output(node), node);
      }
      default -> {
        Clipping bounded = Clipping.of(graph, node);
        return bounded == null || bounded.kind() == null || isFirstOfTwo(node)
            ? null
            : new Core(Core.CLIP, bounded, Polynomial.X, graph.output(node));
      }
    }
  }

  /**
   * Functions that are one thing here and another there: a choice between expressions of one
   * tensor. Which function it is, its values tell.
   */
  private void matchChoices() {
    for (int i = live.nextSetBit(0); i >= 0; i = live.nextSetBit(i + 1)) {
      if (graph.operator(i).equals("Where") && !parts.get(i)) {
        matchChoice(i);
      }
    }
  }

  private void matchChoice(int where) {
    int last = where;
    Match best = null;
    for (int step = 0; step <= LONGEST_CHAIN; step++) {
      Match found = choice(last);
      best = found == null ? best : found;
      if (!graph.isUsedOnce(graph.output(last))) {
        break;
      }
      last = graph.consumers(graph.output(last)).get(0);
      if (!PointwiseFunction.isKnown(graph.operator(last))) {
        break;
      }
    }
    if (best != null) {
      best.nodes().forEach(parts::set);
      matches.add(best);
    }
  }

  /** The activation that an operator's result is as a function of one tensor, or null. */
  private Match choice(int last) {
    for (String x : PointwiseFunction.arguments(graph, last)) {
      SiteKind kind = new PointwiseFunction(graph, x).kind(graph.output(last));
      Match match = kind == null ? null : match(kind, x, last);
      if (match != null && isOneModule(match.nodes(), last) && isClosed(match)) {
        return match;
      }
    }
    return null;
  }

  /** Whether nothing else uses what is computed between input and result. */
  private boolean isClosed(Match match) {
    Set<Integer> nodes = Set.copyOf(match.nodes());
    return nodes.stream()
        .filter(node -> node != match.last())
        .map(graph::output)
        .allMatch(tensor -> !graph.isOutput(tensor) && nodes.containsAll(graph.consumers(tensor)));
  }

  private boolean isFirstOfTwo(int node) {
    String result = graph.output(node);
    if (!graph.isUsedOnce(result)) {
      return false;
    }
    Clipping next = Clipping.of(graph, graph.consumers(result).get(0));
    return next != null && next.nodes().contains(node);
  }

  /** For log(1 + exp(x)) the tensor x, otherwise {@code null}. */
  private String exponent(int log) {
    String sum = graph.input(log, 0);
    int add = graph.producer(sum);
    if (graph.operator(log).equals("Log1p")) {
      boolean isExp = add >= 0 && graph.operator(add).equals("Exp") && graph.isUsedOnce(sum);
      return isExp ? graph.input(add, 0) : null;
    }
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
    if (!isOneModule(core.nodes(), mul) || !graph.isSameModule(tanh, mul)) {
      return false;
    }
    Polynomial value =
        polynomial(graph.output(mul), core.argument(), graph.output(tanh), LONGEST_CHAIN);
    if (value == null || !value.is(Polynomial.product(1, 1))) {
      return false;
    }
    add(SiteKind.MISH, core.argument(), mul, core.nodes());
    parts.set(tanh);
    return true;
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
        add(SiteKind.SOFTSIGN, graph.input(node, 0), node, List.of(abs, add));
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
        || !graph.isSameModule(sigmoid, node)) {
      return false;
    }
    add(SiteKind.LOG_SIGMOID, graph.input(sigmoid, 0), node, List.of(sigmoid));
    return true;
  }

  /** One half of a tensor times the sigmoid of the other. */
  private boolean matchGlu(int node) {
    if (!graph.operator(node).equals("Mul")) {
      return false;
    }
    for (int i = 0; i < 2; i++) {
      int sigmoid = graph.producer(graph.input(node, i));
      if (sigmoid < 0
          || !graph.operator(sigmoid).equals("Sigmoid")
          || !graph.isUsedOnce(graph.output(sigmoid))
          || !graph.isSameModule(sigmoid, node)) {
        continue;
      }
      String whole = halved(graph.input(node, 1 - i), graph.input(sigmoid, 0));
      if (whole != null) {
        add(SiteKind.GLU, whole, node, List.of(sigmoid));
        return true;
      }
    }
    return false;
  }

  /** The tensor whose first and second half two tensors are, or {@code null}. */
  private String halved(String first, String second) {
    int one = graph.producer(first);
    int two = graph.producer(second);
    if (one < 0 || two < 0) {
      return null;
    }
    String whole = graph.input(one, 0);
    if (one == two) {
      boolean isSplit = graph.operator(one).equals("Split");
      return isSplit && graph.outputs(one).equals(List.of(first, second)) ? whole : null;
    }
    // PyTorch writes chunk as slices with bounds that are computed.
    Double start = graph.scalar(graph.input(one, 1));
    String middle = graph.input(one, 2);
    boolean areAdjacent =
        start != null
            && start == 0
            && middle.equals(graph.input(two, 1))
            && graph.scalar(middle) == null
            && graph.input(one, 3).equals(graph.input(two, 3));
    boolean areAll =
        graph.consumers(whole).stream()
            .filter(consumer -> graph.operator(consumer).equals("Slice"))
            .allMatch(consumer -> consumer == one || consumer == two);
    boolean areSlices =
        graph.operator(one).equals("Slice")
            && graph.operator(two).equals("Slice")
            && whole.equals(graph.input(two, 0));
    return areSlices && areAdjacent && areAll ? whole : null;
  }

  /** max(x, a x) with a between 0 and 1. */
  private boolean matchLeaky(int node) {
    if (!graph.operator(node).equals("Max") || graph.inputCount(node) != 2) {
      return false;
    }
    for (int i = 0; i < 2; i++) {
      String x = graph.input(node, i);
      Polynomial other = polynomial(graph.input(node, 1 - i), x, "", 2);
      if (other != null) {
        double slope = other.coefficient(1);
        if (slope > 0 && slope < 1 && other.is(Polynomial.of(0, slope))) {
          add(SiteKind.LEAKY_RELU, x, node, List.of());
          return true;
        }
      }
    }
    return false;
  }

  /** Every tensor that the argument may be a polynomial in, nearest first. */
  private void addOrigins(String tensor, Set<String> origins, int depth) {
    if (tensor.isEmpty() || graph.isConstant(tensor)) {
      return;
    }
    origins.add(tensor);
    int node = graph.producer(tensor);
    if (node >= 0 && depth > 0 && ARITHMETIC.contains(graph.operator(node))) {
      // No more than two: that is what arithmetic has.
      for (int i = 0; i < Math.min(2, graph.inputCount(node)); i++) {
        addOrigins(graph.input(node, i), origins, depth - 1);
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
    if (first == null || graph.inputCount(node) == 1) {
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
