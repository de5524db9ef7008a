package dev.affinis.instrument.torchscript;

import dev.affinis.instrument.SiteFilter;
import dev.affinis.instrument.SiteKind;
import dev.affinis.instrument.SiteType;
import dev.affinis.instrument.torchscript.ScriptFunction.Call;
import dev.affinis.instrument.torchscript.ScriptFunction.Parameter;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;

/**
 * The calls of modules that are sites as a whole: {@code (self.layer1).forward(x)} from one of the
 * paths that the filter asks for. One call may stand for several modules, as a class is shared by
 * those that are alike; which of them are meant is told by the path at run time.
 */
final class ModuleCalls {
  private final CallGraph graph;
  private final SiteFilter filter;
  private final IdentityHashMap<Call, Role> roles = new IdentityHashMap<>();
  private final IdentityHashMap<Call, String> obstacles = new IdentityHashMap<>();

  /**
   * Walks a program.
   *
   * @param graph the program
   * @param forward the root module's forward
   * @param filter says which modules are meant
   */
  ModuleCalls(CallGraph graph, ScriptFunction forward, SiteFilter filter) {
    this.graph = graph;
    this.filter = filter;
    if (filter.chooses(SiteType.MODULE)) {
      CallWalk.walk(graph, forward, call -> true, (path, call, conditional) -> look(path, call));
    }
  }

  /** The calls that are sites, and what is done with them. */
  IdentityHashMap<Call, Role> roles() {
    return roles;
  }

  /** The calls that cannot be sites, and why. */
  IdentityHashMap<Call, String> obstacles() {
    return obstacles;
  }

  private void look(String path, Call call) {
    CallGraph.Target target = graph.target(call);
    if (target != null
        && isModule(call, target)
        && filter.observes(TapKey.modulePath(path + target.scope()), SiteKind.MODULE)) {
      add(call, target);
    }
  }

  /** Traced modules that are called again have forward1, forward2 and so on. */
  private static boolean isModule(Call call, CallGraph.Target target) {
    return call.isMethodCall() && !target.scope().isEmpty() && call.callee().matches("forward\\d*");
  }

  private void add(Call call, CallGraph.Target target) {
    if (roles.containsKey(call) || obstacles.containsKey(call)) {
      return;
    }
    List<Parameter> parameters = target.function().parameters();
    List<Integer> tensors = new ArrayList<>();
    for (int i = 1; i < parameters.size(); i++) {
      String type = parameters.get(i).type();
      if (type.contains("Tensor") && !type.startsWith("Optional[")) {
        tensors.add(i - 1);
      }
    }
    String returned = target.function().returnType();
    if (tensors.size() != 1
        || !parameters.get(tensors.get(0) + 1).type().equals("Tensor")
        || tensors.get(0) >= call.arguments().size()) {
      obstacles.put(
          call,
          "a module as a whole needs one tensor as its input, but this one takes "
              + (tensors.isEmpty() ? "none" : types(parameters, tensors))
              + ": ask for a module inside or around it");
    } else if (!returned.equals("Tensor")) {
      obstacles.put(
          call,
          "a module as a whole needs one tensor as its result, but this one returns "
              + returned
              + ": ask for a module inside or around it");
    } else {
      roles.put(call, Role.module(target.scope(), tensors.get(0), "#m" + roles.size()));
    }
  }

  private static String types(List<Parameter> parameters, List<Integer> which) {
    return String.join(", ", which.stream().map(i -> parameters.get(i + 1).type()).toList());
  }
}
