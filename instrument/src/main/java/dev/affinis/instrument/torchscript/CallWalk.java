package dev.affinis.instrument.torchscript;

import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.torchscript.ScriptFunction.Call;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Follows a program's calls as they would run, each with the path of the module that it is made
 * for; one that is part of another's arguments or body comes before it.
 *
 * <p>A function is walked for every call of it, so that a short program can have any number of
 * calls: more than {@value #MOST_CALLS}, or calls in each other deeper than {@value #DEEPEST}, are
 * refused.
 */
final class CallWalk {
  private static final int MOST_CALLS = 1_000_000;
  private static final int DEEPEST = 200;

  private final CallGraph graph;
  private final Predicate<Call> entered;
  private final Visitor visitor;
  private final Set<ScriptFunction> active = new HashSet<>();
  private int calls;
  private int depth;

  /** Is told of the calls. */
  interface Visitor {
    /**
     * A call.
     *
     * @param path scope of the module that makes it
     * @param call the call
     * @param conditional whether it stands behind a condition
     */
    void visit(String path, Call call, boolean conditional);
  }

  private CallWalk(CallGraph graph, Predicate<Call> entered, Visitor visitor) {
    this.graph = graph;
    this.entered = entered;
    this.visitor = visitor;
  }

  /**
   * Walks from a function.
   *
   * @param graph the program
   * @param start the function
   * @param entered whether the function that a call is resolved to is walked, too
   * @param visitor is told of every call
   */
  static void walk(
      CallGraph graph, ScriptFunction start, Predicate<Call> entered, Visitor visitor) {
    new CallWalk(graph, entered, visitor).walk(start, start.calls(), "", false);
  }

  private void walk(ScriptFunction function, List<Call> list, String path, boolean conditional) {
    if (++depth > DEEPEST) {
      throw tooMuch("calls are nested deeper than " + DEEPEST);
    }
    for (Call call : list) {
      if (++calls > MOST_CALLS) {
        throw tooMuch("it makes more than " + MOST_CALLS + " calls");
      }
      walk(function, call.inner(), path, conditional);
      boolean here = conditional || function.isConditional(call.from());
      CallGraph.Target target = graph.target(call);
      if (target != null && entered.test(call) && active.add(target.function())) {
        walk(target.function(), target.function().calls(), path + target.scope(), here);
        active.remove(target.function());
      }
      visitor.visit(path, call, here);
    }
    depth--;
  }

  private static InvalidInputException tooMuch(String what) {
    return new InvalidInputException(
        "model cannot be instrumented: "
            + what
            + ": no network needs as many, export the parts of it by themselves");
  }
}
