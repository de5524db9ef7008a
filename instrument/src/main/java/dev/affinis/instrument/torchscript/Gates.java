package dev.affinis.instrument.torchscript;

import dev.affinis.instrument.SiteKind;
import dev.affinis.instrument.pattern.ActivationPatterns;
import dev.affinis.instrument.pattern.ActivationPatterns.Match;
import dev.affinis.instrument.pattern.GatePatterns;
import dev.affinis.instrument.pattern.GatePatterns.Activated;
import dev.affinis.instrument.pattern.GatePatterns.Gate;
import dev.affinis.instrument.pattern.GatePatterns.Origin;
import dev.affinis.instrument.torchscript.ScriptFunction.Call;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Finds gates in the body of a function. Its linear maps and activations may be operators or
 * modules: a called function stands for the operator whose result it returns. Whether both factors
 * have the same shape, the taps see.
 */
final class Gates {
  private static final Set<String> LINEAR =
      Set.of("linear", "addmm", "_convolution", "convolution", "conv1d", "conv2d", "conv3d");

  private final CallGraph graph;
  private final List<Double> constants;
  private final Map<ScriptFunction, ScriptBody> bodies = new HashMap<>();
  private final Map<ScriptFunction, Optional<Applied>> endings = new HashMap<>();

  /**
   * A gate.
   *
   * @param kind how it opens
   * @param opening the call that first uses the map that it opens by
   * @param gate index of that map among its arguments
   * @param product the call that multiplies
   * @param value index of the other map among its arguments
   */
  record Found(SiteKind kind, Call opening, int gate, Call product, int value) {}

  /**
   * An operator that acts on one of a call's arguments.
   *
   * @param name its name in TorchScript
   * @param argument index of the argument
   */
  private record Applied(String name, int argument) {}

  /** Where an activation takes its input. */
  private record Place(int node, int argument) {}

  /**
   * Reads a program.
   *
   * @param graph the program
   * @param constants values of the program's constants, null for those that are no numbers
   */
  Gates(CallGraph graph, List<Double> constants) {
    this.graph = graph;
    this.constants = constants;
  }

  private ScriptBody body(ScriptFunction function) {
    return bodies.computeIfAbsent(function, f -> new ScriptBody(graph, f, constants));
  }

  /** Finds the gates of a function. */
  List<Found> find(ScriptFunction function) {
    ScriptBody body = body(function);
    Map<String, Activated> opening = new HashMap<>();
    Map<String, Place> places = new HashMap<>();
    Set<Integer> taken = new HashSet<>();
    for (int node = 0; node < body.live().length(); node++) {
      Applied applied = applied(body, node);
      SiteKind kind = applied == null ? null : ScriptOperators.activation(applied.name());
      if (kind != null) {
        String input = body.arguments(node).get(applied.argument());
        opening.put(body.output(node), new Activated(kind, input));
        places.put(body.output(node), new Place(node, applied.argument()));
      }
    }
    for (Match match : ActivationPatterns.find(body)) {
      int first = match.nodes().get(0);
      int argument = body.arguments(first).indexOf(match.pre());
      taken.add(match.last());
      if (argument >= 0) {
        opening.put(match.post(), new Activated(match.kind(), match.pre()));
        places.put(match.post(), new Place(first, argument));
      }
    }
    List<Found> found = new ArrayList<>();
    for (Gate gate : GatePatterns.find(body, opening, taken, tensor -> origin(body, tensor))) {
      int node = gate.product();
      String factor = GatePatterns.passed(body, body.input(node, 1 - gate.factor()));
      Place place =
          gate.kind() == SiteKind.BILINEAR
              ? new Place(node, 1 - gate.factor())
              : places.get(factor);
      // Blocks of statements may run one without the other.
      if (body.block(place.node()) == body.block(node)) {
        found.add(
            new Found(
                gate.kind(),
                body.call(place.node()),
                place.argument(),
                body.call(node),
                gate.factor()));
      }
    }
    return found;
  }

  private Origin origin(ScriptBody body, String tensor) {
    String result = GatePatterns.passed(body, tensor);
    int node = body.producerOfPair(result);
    if (node >= 0 && body.operator(node).equals("Split")) {
      Origin whole = whole(body, GatePatterns.passed(body, body.input(node, 0)));
      return whole == null ? null : new Origin(whole.map(), whole.input(), result, "");
    }
    return whole(body, result);
  }

  private Origin whole(ScriptBody body, String tensor) {
    int node = body.producer(tensor);
    Applied applied = node < 0 ? null : applied(body, node);
    return applied == null || !LINEAR.contains(applied.name())
        ? null
        : new Origin(node, body.arguments(node).get(applied.argument()), "", "");
  }

  /** The operator that a call is, or that the function it calls ends with; null if not known. */
  private Applied applied(ScriptBody body, int node) {
    String name = body.name(node);
    int arguments = body.arguments(node).size();
    if (!name.isEmpty()) {
      // A bias stands in front of what addmm multiplies.
      int argument = name.equals("addmm") ? 1 : 0;
      return argument < arguments ? new Applied(name, argument) : null;
    }
    CallGraph.Target target = graph.target(body.call(node));
    Applied inner = target == null ? null : ending(target.function()).orElse(null);
    return inner != null && inner.argument() < arguments ? inner : null;
  }

  /** What a function ends with, applied to one of its own arguments. */
  private Optional<Applied> ending(ScriptFunction function) {
    // A function ends with what the one ends with whose result it returns: the chain is followed to
    // its end, and back, so that an answer depends neither on a depth nor on what was asked before.
    Deque<ScriptFunction> open = new ArrayDeque<>();
    ScriptFunction next = function;
    while (next != null && !endings.containsKey(next)) {
      endings.put(next, Optional.empty()); // one that calls itself ends with nothing
      open.push(next);
      next = lastCalled(next);
    }
    while (!open.isEmpty()) {
      ScriptFunction last = open.pop();
      endings.put(last, Optional.ofNullable(findEnding(last)));
    }
    return endings.get(function);
  }

  /** The function whose result a function returns; null if that is none of the program's. */
  private ScriptFunction lastCalled(ScriptFunction function) {
    ScriptBody body = body(function);
    String result = body.returned();
    int last = result == null ? -1 : body.producer(result);
    CallGraph.Target target =
        last < 0 || !body.name(last).isEmpty() ? null : graph.target(body.call(last));
    return target == null ? null : target.function();
  }

  private Applied findEnding(ScriptFunction function) {
    ScriptBody body = body(function);
    String result = body.returned();
    for (Match match : ActivationPatterns.find(body)) {
      if (match.post().equals(result)) {
        return toArgument(function, match.pre(), match.kind().word());
      }
    }
    int last = result == null ? -1 : body.producer(result);
    Applied inner = last < 0 ? null : applied(body, last);
    return inner == null
        ? null
        : toArgument(function, body.arguments(last).get(inner.argument()), inner.name());
  }

  /** An operator that acts on a parameter, as its callers see it, who do not pass the module. */
  private static Applied toArgument(ScriptFunction function, String parameter, String name) {
    int first = function.isMethod() ? 1 : 0;
    for (int i = first; i < function.parameters().size(); i++) {
      if (function.parameters().get(i).name().equals(parameter)) {
        return new Applied(name, i - first);
      }
    }
    return null;
  }
}
