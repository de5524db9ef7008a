package dev.affinis.instrument.torchscript;

import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.PlannedSite;
import dev.affinis.instrument.SiteFilter;
import dev.affinis.instrument.SiteKind;
import dev.affinis.instrument.SiteType;
import dev.affinis.instrument.SkippedSite;
import dev.affinis.instrument.torchscript.Composites.Composite;
import dev.affinis.instrument.torchscript.ScriptFunction.Call;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Decides what is observed: which calls are sites, which tell the layout of their result, and which
 * functions can reach one of them and so must be handed the taps.
 *
 * <p>Activations that are written as an expression are found by {@link Composites}; the calls that
 * are their parts are then no sites of their own.
 */
final class TapPlan {
  /** Called by the unpickler or by constructors, with a signature that is not ours to change. */
  private static final Set<String> FIXED_SIGNATURES =
      Set.of("__init__", "__setstate__", "__getstate__", "__new__");

  private final CallGraph graph;
  private final ScriptFunction forward;
  private final SiteFilter filter;
  private final OperatorRoles operators;
  private final ModuleCalls modules;
  private final IdentityHashMap<Call, List<Role>> roles = new IdentityHashMap<>();
  private final IdentityHashMap<Call, String> hiding = new IdentityHashMap<>();
  private final IdentityHashMap<Call, Composite> parts = new IdentityHashMap<>();
  private final IdentityHashMap<Call, List<Begin>> begins = new IdentityHashMap<>();
  private int places;
  private final Set<ScriptFunction> tapped = new HashSet<>();

  /**
   * An expression that is an activation begins: one of the arguments of a call is its input.
   *
   * @param argument index of that argument
   * @param what what is passed to the taps before the value, as source
   */
  record Begin(int argument, String what) {}

  /**
   * Makes the plan.
   *
   * @param graph the program
   * @param constants values of the program's constants, null for those that are no numbers
   * @param forward the root module's forward
   * @param filter chooses the types of sites, and modules
   */
  TapPlan(CallGraph graph, List<Double> constants, ScriptFunction forward, SiteFilter filter) {
    this.graph = graph;
    this.forward = forward;
    this.filter = filter;
    operators = new OperatorRoles(graph, filter);
    modules = new ModuleCalls(graph, forward, filter);
    Composites composites = new Composites(graph, constants);
    Gates gates = new Gates(graph, constants);
    for (ScriptFunction function : graph.functions()) {
      if (!FIXED_SIGNATURES.contains(function.name())) {
        if (filter.chooses(SiteType.ACTIVATION)) {
          composites.find(function).forEach(this::add);
        }
        assignRoles(function, function.calls());
        if (filter.chooses(SiteType.GATE)) {
          gates.find(function).forEach(this::add);
        }
      }
    }
    spread();
    Set<String> names =
        tapped.stream()
            .filter(ScriptFunction::isMethod)
            .map(ScriptFunction::name)
            .collect(Collectors.toSet());
    graph.functions().forEach(f -> requireFollowed(f, f.calls(), names));
  }

  /** What is done with the result of a call, the first step first; empty if nothing is. */
  List<Role> roles(Call call) {
    return roles.getOrDefault(call, List.of());
  }

  /** The expressions that begin with an argument of a call. */
  List<Begin> begins(Call call) {
    return begins.getOrDefault(call, List.of());
  }

  /** Whether a function's own activations are no sites in this call, since it is a mere part. */
  boolean isMuted(Call call) {
    return parts.containsKey(call) && graph.target(call) != null;
  }

  private void add(Composite composite) {
    String place = "\"#" + places++ + "\"";
    String what = '"' + composite.kind().word() + "\", " + place;
    composite.parts().forEach(part -> parts.put(part, composite));
    begins
        .computeIfAbsent(composite.first(), call -> new ArrayList<>())
        .add(new Begin(composite.argument(), what));
    roles.put(
        composite.last(), List.of(Role.end(composite.kind(), what, composite.mayActOnIntegers())));
  }

  /** Both factors are noted before anything may change them, and put side by side at the end. */
  private void add(Gates.Found gate) {
    String place = "#g" + places++;
    begin(gate.opening(), gate.gate(), gate.kind(), place + "-gate");
    begin(gate.product(), gate.value(), gate.kind(), place + "-value");
    roles
        .computeIfAbsent(gate.product(), call -> new ArrayList<>())
        .add(Role.gate(gate.kind(), '"' + place + '"'));
  }

  private void begin(Call call, int argument, SiteKind kind, String place) {
    begins
        .computeIfAbsent(call, c -> new ArrayList<>())
        .add(new Begin(argument, '"' + kind.word() + "\", \"" + place + '"'));
  }

  /** Whether a function is handed the taps. */
  boolean isTapped(ScriptFunction function) {
    return tapped.contains(function);
  }

  private void assignRoles(ScriptFunction function, List<Call> calls) {
    for (Call call : calls) {
      if (!roles.containsKey(call) && !parts.containsKey(call)) {
        List<Role> found = operators.of(function, call);
        Role module = modules.roles().get(call);
        if (module != null) {
          found.add(module);
        }
        if (!found.isEmpty()) {
          roles.put(call, found);
        }
        String operator = operators.hiding(call);
        if (operator != null) {
          hiding.put(call, operator);
        }
      }
      assignRoles(function, call.inner());
    }
  }

  /** Marks every function that can reach a call with a role. */
  private void spread() {
    Set<ScriptFunction> reaching =
        graph.reaching(
            call ->
                roles.containsKey(call)
                    || hiding.containsKey(call)
                    || modules.obstacles().containsKey(call));
    for (ScriptFunction function : reaching) {
      if (FIXED_SIGNATURES.contains(function.name())) {
        throw new InvalidInputException(
            "it cannot be instrumented: "
                + function.label()
                + " calls code that runs activations, but its signature must stay as it is:"
                + " move that call into forward and export the model again");
      }
    }
    tapped.addAll(reaching);
  }

  /** A call that cannot be followed must not lead to code that expects taps. */
  private void requireFollowed(ScriptFunction function, List<Call> calls, Set<String> names) {
    for (Call call : calls) {
      if (call.isMethodCall() && graph.target(call) == null && names.contains(call.callee())) {
        throw new InvalidInputException(
            "it cannot be instrumented: in "
                + function.label()
                + " the call ("
                + graph.file(function).text(call.receiverFrom(), call.receiverTo())
                + ")."
                + call.callee()
                + "(...) is made through a value whose module is not known (a module"
                + " interface?): call the module by its attribute and export the model again");
      }
      requireFollowed(function, call.inner(), names);
    }
  }

  /** Every site that can be reached from the forward, in the order of the source. */
  List<PlannedSite> sites() {
    List<PlannedSite> found = new ArrayList<>();
    walk(
        (path, call, conditional) -> {
          for (Role role : roles(call)) {
            if (role.isSite()) {
              found.add(
                  new PlannedSite(
                      TapKey.modulePath(path + role.scope()),
                      role.kind(),
                      conditional || role.mayBeNone()));
            }
          }
        });
    return found;
  }

  /** Every call that hides sites or cannot be one, in the order of the source. */
  List<SkippedSite> hiddenSites() {
    List<SkippedSite> found = new ArrayList<>();
    walk(
        (path, call, conditional) -> {
          String operator = hiding.get(call);
          if (operator != null) {
            found.add(
                new SkippedSite(
                    TapKey.modulePath(path),
                    1,
                    operator,
                    "runs inside the fused operator "
                        + operator
                        + ", where it cannot be captured: export the model without it"));
          }
          String obstacle = modules.obstacles().get(call);
          if (obstacle != null) {
            String module = TapKey.modulePath(path + graph.target(call).scope());
            if (filter.observes(module, SiteKind.MODULE)) {
              found.add(new SkippedSite(module, 1, SiteKind.MODULE.word(), obstacle));
            }
          }
        });
    return found;
  }

  private void walk(CallWalk.Visitor visitor) {
    CallWalk.walk(
        graph,
        forward,
        call -> !isMuted(call) && tapped.contains(graph.target(call).function()),
        visitor);
  }
}
