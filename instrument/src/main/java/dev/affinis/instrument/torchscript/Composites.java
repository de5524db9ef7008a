package dev.affinis.instrument.torchscript;

import dev.affinis.instrument.SiteKind;
import dev.affinis.instrument.pattern.ActivationPatterns;
import dev.affinis.instrument.pattern.ActivationPatterns.Match;
import dev.affinis.instrument.torchscript.ScriptFunction.Call;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * Finds the activations that a function computes by several operators, and those that only the
 * arguments of an operator make one ({@code clamp} between 0 and 6).
 *
 * <p>Input and result are looked at where the first of these operators takes the one, and where the
 * last gives the other. An expression is left in its parts if anything in between may change a
 * tensor in place: then what was seen first would not be what is computed with.
 */
final class Composites {
  private static final Set<SiteKind> ON_INTEGERS_TOO =
      EnumSet.of(SiteKind.RELU, SiteKind.RELU6, SiteKind.HARDTANH);

  private final CallGraph graph;
  private final List<Double> constants;
  private final Set<ScriptFunction> mutating;

  /**
   * An activation.
   *
   * @param kind the function
   * @param first the call that is first to use the input
   * @param argument index of the input among its arguments
   * @param last the call whose result is the activation's
   * @param parts all calls that compute it, the two among them
   */
  record Composite(SiteKind kind, Call first, int argument, Call last, List<Call> parts) {
    /** Whether the same expression may act on integers, which are no activations. */
    boolean mayActOnIntegers() {
      return ON_INTEGERS_TOO.contains(kind);
    }
  }

  /**
   * Reads a program.
   *
   * @param graph the program
   * @param constants values of the program's constants, null for those that are no numbers
   */
  Composites(CallGraph graph, List<Double> constants) {
    this.graph = graph;
    this.constants = constants;
    mutating =
        graph.reaching(
            call -> graph.target(call) == null && (call.isMethodCall() || isInPlace(call)));
  }

  /** Whether a call may change a tensor that others see. */
  private boolean mutates(Call call) {
    CallGraph.Target target = graph.target(call);
    if (target != null) {
      return mutating.contains(target.function());
    }
    return call.isMethodCall() || isInPlace(call);
  }

  private static boolean isInPlace(Call call) {
    return call.callee().endsWith("_") && !call.callee().endsWith("__");
  }

  /** Finds the activations of a function. */
  List<Composite> find(ScriptFunction function) {
    ScriptBody body = new ScriptBody(graph, function, constants);
    List<Composite> found = new ArrayList<>();
    for (Match match : ActivationPatterns.find(body)) {
      List<Integer> nodes = match.nodes();
      int argument = body.arguments(nodes.get(0)).indexOf(match.pre());
      if (nodes.size() == 1 || argument < 0 || !isUndisturbed(body, match)) {
        nodes.forEach(node -> addAlone(body, node, found));
      } else {
        List<Call> parts = nodes.stream().map(body::call).toList();
        Call last = body.call(match.last());
        found.add(new Composite(match.kind(), parts.get(0), argument, last, parts));
      }
    }
    return found;
  }

  /** Adds a clamp; operators that are activations by name need no expression. */
  private void addAlone(ScriptBody body, int node, List<Composite> found) {
    Call call = body.call(node);
    String operator = call.operator();
    if (operator != null && ScriptOperators.activation(operator) == null) {
      SiteKind kind = ActivationPatterns.clipping(body, node);
      // max(0, x) has its bound in front.
      String input = body.input(node, body.isConstant(body.input(node, 0)) ? 1 : 0);
      int argument = body.arguments(node).indexOf(input);
      if (kind != null && argument >= 0) {
        found.add(new Composite(kind, call, argument, call, List.of(call)));
      }
    }
  }

  private boolean isUndisturbed(ScriptBody body, Match match) {
    List<Integer> nodes = match.nodes();
    for (int i = nodes.get(0); i <= match.last(); i++) {
      boolean isPart = nodes.contains(i);
      if (isPart ? !isSafe(body, match, i) : mutates(body.call(i))) {
        return false;
      }
    }
    return true;
  }

  private boolean isSafe(ScriptBody body, Match match, int node) {
    Call call = body.call(node);
    if (body.block(node) != body.block(match.last())
        || (graph.target(call) != null && !isPlain(call))) {
      return false;
    }
    boolean inPlace = isInPlace(call) || body.asksForInPlace(node);
    if (!inPlace || node == match.last()) {
      return true;
    }
    String changed = body.arguments(node).get(0);
    if (changed.equals(match.pre())) {
      return match.nodes().stream()
          .noneMatch(later -> later > node && body.arguments(later).contains(changed));
    }
    int producer = body.producer(changed);
    return producer >= 0
        && body.isUsedOnce(changed)
        && !Set.of("Cast", "Split", "").contains(body.operator(producer));
  }

  /** A function can only be a part if the arguments after the first call nothing. */
  private static boolean isPlain(Call call) {
    int end = call.arguments().get(0).to();
    return call.inner().stream().allMatch(inner -> inner.close() < end);
  }
}
