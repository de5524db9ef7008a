package dev.affinis.instrument.torchscript;

import dev.affinis.instrument.ActivationKind;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.PlannedSite;
import dev.affinis.instrument.SkippedSite;
import dev.affinis.instrument.torchscript.ScriptFunction.Call;
import dev.affinis.instrument.torchscript.ScriptFunction.Range;
import dev.affinis.instrument.torchscript.ScriptFunction.Statement;
import dev.affinis.instrument.torchscript.ScriptOperators.Permutation;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

/**
 * Decides what is observed: which calls are activations, which tell the layout of their result, and
 * which functions can reach one of them and so must be handed the taps.
 *
 * <p>Some activations have no operator of their own and are printed as an expression of their input
 * V: {@code torch.div(V, torch.add(torch.abs(V), 1))} is softsign (so it is for another constant c:
 * a softsign of V / c), {@code torch.sub(V, torch.tanh(V))} tanhshrink, {@code torch.mul(V,
 * torch.sigmoid(V))} SiLU, {@code torch.clamp(V, 0, 6)} ReLU6. The inner part may stand in a local
 * variable of its own; it is then no site, unless something else uses it too.
 */
final class TapPlan {
  /** Called by the unpickler or by constructors, with a signature that is not ours to change. */
  private static final Set<String> FIXED_SIGNATURES =
      Set.of("__init__", "__setstate__", "__getstate__", "__new__");

  private final CallGraph graph;
  private final IdentityHashMap<Call, Role> roles = new IdentityHashMap<>();
  private final Set<Call> parts = java.util.Collections.newSetFromMap(new IdentityHashMap<>());
  private final Set<ScriptFunction> tapped = new HashSet<>();

  /**
   * What is done with the result of a call.
   *
   * @param method the method of the taps that observes it, or {@code null} if none can
   * @param argument what is passed to that method before the value, as source
   * @param input for an activation the index of the argument that is its input, otherwise -1
   * @param kind the activation, or {@code null}
   */
  record Role(String method, String argument, int input, ActivationKind kind) {
    boolean isActivation() {
      return kind != null;
    }

    /** Whether nothing can be done but to report it. */
    boolean isHidden() {
      return method == null;
    }

    static Role hidden(String operator) {
      return new Role(null, operator, -1, null);
    }

    static Role activation(ActivationKind kind, String word, int input) {
      return new Role("post", word, input, kind);
    }

    static Role activation(ActivationKind kind, int input) {
      return activation(kind, '"' + kind.word() + '"', input);
    }

    static Role produced(int layout) {
      return new Role("produced", layout + ", ", -1, null);
    }

    static Role swapped() {
      return new Role("swapped", "", -1, null);
    }
  }

  TapPlan(CallGraph graph) {
    this.graph = graph;
    for (ScriptFunction function : graph.functions()) {
      if (!FIXED_SIGNATURES.contains(function.name())) {
        findComposites(function, function.calls());
        assignRoles(function, function.calls());
      }
    }
    spread();
    graph.functions().forEach(f -> requireFollowed(f, f.calls()));
  }

  /** What is done with the result of a call, or {@code null} if nothing is. */
  Role role(Call call) {
    return roles.get(call);
  }

  /** Whether a function is handed the taps. */
  boolean isTapped(ScriptFunction function) {
    return tapped.contains(function);
  }

  private void assignRoles(ScriptFunction function, List<Call> calls) {
    for (Call call : calls) {
      String operator = call.operator();
      if (operator != null && !roles.containsKey(call) && !parts.contains(call)) {
        Role role = roleOf(function, call, operator);
        if (role != null) {
          roles.put(call, role);
        }
      }
      assignRoles(function, call.inner());
    }
  }

  private Role roleOf(ScriptFunction function, Call call, String operator) {
    if (call.arguments().isEmpty()) {
      return null;
    }
    ActivationKind kind = ScriptOperators.activation(operator);
    if (kind != null) {
      return kind == ActivationKind.HARDTANH ? clip(function, call) : Role.activation(kind, 0);
    }
    if (isClipToSix(function, call, operator)) {
      return Role.activation(ActivationKind.RELU6, 0);
    }
    if (ScriptOperators.hidesActivations(operator)) {
      return Role.hidden(operator);
    }
    if (ScriptOperators.producesChannelsFirst(operator)) {
      return Role.produced(0);
    }
    if (ScriptOperators.producesChannelsLast(operator)) {
      return Role.produced(1);
    }
    Permutation permutation = permutation(function, call, operator);
    if (permutation == null) {
      return null;
    }
    return permutation == Permutation.SWAP
        ? Role.swapped()
        : Role.produced(permutation == Permutation.TO_CHANNELS_LAST ? 1 : 0);
  }

  private Permutation permutation(ScriptFunction function, Call call, String operator) {
    if (operator.equals("permute") && call.arguments().size() == 2) {
      return ScriptOperators.permutation(text(function, call, 1).replaceAll("[\\[\\] ]", ""));
    }
    if (operator.equals("transpose") && call.arguments().size() == 3) {
      String axes = text(function, call, 1) + "," + text(function, call, 2);
      return Set.of("1,2", "2,1", "-1,-2", "-2,-1").contains(axes) ? Permutation.SWAP : null;
    }
    return null;
  }

  /**
   * A hardtanh between 0 and 6 is ReLU6; where the bounds are variables, that is told at run time.
   */
  private Role clip(ScriptFunction function, Call call) {
    if (call.arguments().size() < 3) {
      return Role.activation(ActivationKind.HARDTANH, 0);
    }
    String low = text(function, call, 1);
    String high = text(function, call, 2);
    if (isNumber(low) && isNumber(high)) {
      boolean six = Double.parseDouble(low) == 0 && Double.parseDouble(high) == 6;
      return Role.activation(six ? ActivationKind.RELU6 : ActivationKind.HARDTANH, 0);
    }
    boolean names = low.matches("\\w+") && high.matches("\\w+");
    String word = "(" + TapPass.TAPS + ").clip(" + low + ", " + high + ", )";
    return names
        ? Role.activation(ActivationKind.HARDTANH, word, 0)
        : Role.activation(ActivationKind.HARDTANH, 0);
  }

  private boolean isClipToSix(ScriptFunction function, Call call, String operator) {
    if (!(operator.equals("clamp") || operator.equals("clamp_")) || call.arguments().size() != 3) {
      return false;
    }
    String low = text(function, call, 1);
    String high = text(function, call, 2);
    return isNumber(low)
        && isNumber(high)
        && Double.parseDouble(low) == 0
        && Double.parseDouble(high) == 6;
  }

  private static boolean isNumber(String text) {
    return text.matches("-?\\d+(\\.\\d*)?(e[-+]?\\d+)?");
  }

  private void findComposites(ScriptFunction function, List<Call> calls) {
    for (Call call : calls) {
      if (call.operator() != null && call.arguments().size() == 2) {
        matchComposite(function, call);
      }
      findComposites(function, call.inner());
    }
  }

  private void matchComposite(ScriptFunction function, Call call) {
    switch (call.operator()) {
      case "div" -> match(function, call, ActivationKind.SOFTSIGN, 0, "add", "abs");
      case "sub" -> match(function, call, ActivationKind.TANHSHRINK, 0, "tanh", null);
      case "mul", "mul_" -> {
        if (!match(function, call, ActivationKind.SILU, 0, "sigmoid", null)) {
          match(function, call, ActivationKind.SILU, 1, "sigmoid", null);
        }
      }
      default -> {}
    }
  }

  /**
   * Matches {@code outer(V, part(V))}, or {@code outer(V, part(nested(V), ...))} if nested is set.
   */
  private boolean match(
      ScriptFunction function,
      Call outer,
      ActivationKind kind,
      int input,
      String part,
      String nested) {
    String variable = text(function, outer, input);
    Call inner = callIn(function, outer, outer.arguments().get(1 - input));
    if (!variable.matches("\\w+") || inner == null || !part.equals(inner.operator())) {
      return false;
    }
    Call innermost = inner;
    if (nested != null) {
      innermost = callIn(function, inner, inner.arguments().get(0));
      if (innermost == null || !nested.equals(innermost.operator())) {
        return false;
      }
    }
    if (!text(function, innermost, 0).equals(variable)) {
      return false;
    }
    roles.put(outer, Role.activation(kind, input));
    parts.add(inner);
    return true;
  }

  /** The call that is the whole of an argument, directly or through a variable used only there. */
  private Call callIn(ScriptFunction function, Call outer, Range argument) {
    List<Token> tokens = graph.file(function).tokens();
    Token first = tokens.get(argument.from());
    if (argument.to() - argument.from() == 1 && first.isName()) {
      Statement definition = CallGraph.definition(function, first.text());
      if (definition == null || uses(function, tokens, first.text()) != 2) {
        return null;
      }
      return whole(function.calls(), definition.valueFrom(), definition.to());
    }
    return whole(outer.inner(), argument.from(), argument.to());
  }

  private static Call whole(List<Call> calls, int from, int to) {
    for (Call call : calls) {
      if (call.from() == from && call.close() + 1 == to) {
        return call;
      }
    }
    return null;
  }

  private static int uses(ScriptFunction function, List<Token> tokens, String name) {
    int count = 0;
    for (int i = function.bodyStart(); i < function.bodyEnd(); i++) {
      if (tokens.get(i).isName() && tokens.get(i).is(name) && !tokens.get(i - 1).is(".")) {
        count++;
      }
    }
    return count;
  }

  /** Marks every function that can reach a call with a role. */
  private void spread() {
    boolean changed = true;
    while (changed) {
      changed = false;
      for (ScriptFunction function : graph.functions()) {
        if (!tapped.contains(function) && reaches(function.calls())) {
          if (FIXED_SIGNATURES.contains(function.name())) {
            throw new InvalidInputException(
                "model cannot be instrumented: "
                    + function.label()
                    + " calls code that runs activations, but its signature must stay as it is:"
                    + " move that call into forward and export the model again");
          }
          changed = tapped.add(function);
        }
      }
    }
  }

  private boolean reaches(List<Call> calls) {
    for (Call call : calls) {
      CallGraph.Target target = graph.target(call);
      if (roles.containsKey(call)
          || (target != null && tapped.contains(target.function()))
          || reaches(call.inner())) {
        return true;
      }
    }
    return false;
  }

  /** A call that cannot be followed must not lead to code that expects taps. */
  private void requireFollowed(ScriptFunction function, List<Call> calls) {
    for (Call call : calls) {
      if (call.isMethodCall() && graph.target(call) == null) {
        for (ScriptFunction candidate : tapped) {
          if (candidate.isMethod() && candidate.name().equals(call.callee())) {
            throw new InvalidInputException(
                "model cannot be instrumented: in "
                    + function.label()
                    + " the call ("
                    + graph.file(function).text(call.receiverFrom(), call.receiverTo())
                    + ")."
                    + call.callee()
                    + "(...) is made through a value whose module is not known (a module"
                    + " interface?): call the module by its attribute and export the model again");
          }
        }
      }
      requireFollowed(function, call.inner());
    }
  }

  private String text(ScriptFunction function, Call call, int argument) {
    Range range = call.arguments().get(argument);
    return graph.file(function).text(range.from(), range.to());
  }

  /** Every activation call that can be reached from a forward, in the order of the source. */
  List<PlannedSite> sites(ScriptFunction forward) {
    List<PlannedSite> found = new ArrayList<>();
    walk(
        forward,
        (path, role, conditional) -> {
          if (role.isActivation()) {
            found.add(new PlannedSite(path, role.kind(), conditional));
          }
        });
    return found;
  }

  /** Every call of an operator that hides activations, in the order of the source. */
  List<SkippedSite> hiddenSites(ScriptFunction forward) {
    List<SkippedSite> found = new ArrayList<>();
    walk(
        forward,
        (path, role, conditional) -> {
          if (role.isHidden()) {
            found.add(
                new SkippedSite(
                    path,
                    1,
                    role.argument(),
                    "runs inside the fused operator "
                        + role.argument()
                        + ", where it cannot be captured: export the model without it"));
          }
        });
    return found;
  }

  private void walk(ScriptFunction forward, Visitor visitor) {
    walk(forward, forward.calls(), "", false, new HashSet<>(), visitor);
  }

  /** Is told of every call with a role that can be reached. */
  private interface Visitor {
    void visit(String path, Role role, boolean conditional);
  }

  private void walk(
      ScriptFunction function,
      List<Call> calls,
      String path,
      boolean conditional,
      Set<ScriptFunction> active,
      Visitor visitor) {
    for (Call call : calls) {
      walk(function, call.inner(), path, conditional, active, visitor);
      boolean here = conditional || function.isConditional(call.from());
      Role role = roles.get(call);
      if (role != null) {
        visitor.visit(TapKey.modulePath(path), role, here);
      }
      CallGraph.Target target = graph.target(call);
      if (target != null && tapped.contains(target.function()) && active.add(target.function())) {
        walk(
            target.function(),
            target.function().calls(),
            path + target.scope(),
            here,
            active,
            visitor);
        active.remove(target.function());
      }
    }
  }
}
