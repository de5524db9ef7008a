package dev.affinis.instrument.torchscript;

import dev.affinis.instrument.torchscript.ScriptFunction.Call;
import dev.affinis.instrument.torchscript.ScriptFunction.Parameter;
import dev.affinis.instrument.torchscript.ScriptFunction.Range;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Prints a program's source with its sites observed.
 *
 * <p>Every function that can reach a site gets two more parameters in front: the taps, an object
 * that collects what is seen, and the path of the module on whose behalf it runs. An activation
 * {@code torch.relu_(E)} becomes {@code (taps).post(scope, "relu", torch.relu_((taps) .pre(scope,
 * "relu", E)))}: both methods pool what they are given, note it and hand the tensor on, before an
 * operator in place can overwrite it. An activation that is an expression of several calls is
 * enclosed in the same way: {@code begin} around its input where that is first used, {@code end}
 * around the last call; a whole module by {@code enter} and {@code leave}. Everything else is
 * copied character by character.
 */
final class TapPass {
  static final String TAPS = "affinis_taps";
  static final String SCOPE = "affinis_scope";
  static final String TAPS_TYPE = "__torch__.affinis.Taps";
  static final String FORWARD = "affinis_forward";

  private final CallGraph graph;
  private final TapPlan plan;
  private final ScriptFunction forward;

  /**
   * Creates a pass.
   *
   * @param graph the program
   * @param plan what is observed in it
   * @param forward the root module's forward
   */
  TapPass(CallGraph graph, TapPlan plan, ScriptFunction forward) {
    this.graph = graph;
    this.plan = plan;
    this.forward = forward;
  }

  /**
   * Prints all files.
   *
   * @param files the program's files
   * @param newForward source of the method that takes the place of the root's forward; the old one
   *     is renamed to {@value #FORWARD}
   * @return the new source of each file, by its name
   */
  Map<String, String> print(List<ScriptFile> files, String newForward) {
    Map<String, String> sources = new LinkedHashMap<>();
    for (ScriptFile file : files) {
      StringBuilder out = new StringBuilder(file.source().length() * 5 / 4);
      int done = 0;
      for (ScriptFunction function : file.functions()) {
        int start = file.tokens().get(function.open()).start();
        out.append(file.source(), done, start);
        if (function.equals(forward)) {
          // The token before the parenthesis is the name.
          out.setLength(out.length() - function.name().length());
          out.append(FORWARD);
        }
        printHeader(out, file, function);
        printBody(out, file, function);
        done = file.tokens().get(function.bodyEnd() - 1).end();
        if (function.equals(forward)) {
          out.append('\n').append(newForward);
        }
      }
      out.append(file.source(), done, file.source().length());
      sources.put(file.name(), out.toString());
    }
    return sources;
  }

  private void printHeader(StringBuilder out, ScriptFile file, ScriptFunction function) {
    List<Token> tokens = file.tokens();
    int open = tokens.get(function.open()).start();
    int bodyStart = tokens.get(function.bodyStart()).start();
    if (!plan.isTapped(function)) {
      out.append(file.source(), open, bodyStart);
      return;
    }
    String extra = TAPS + ": " + TAPS_TYPE + ", " + SCOPE + ": str";
    if (function.isMethod()) {
      Parameter self = function.parameters().get(0);
      int after = tokens.get(self.end() - 1).end();
      out.append(file.source(), open, after).append(", ").append(extra);
      out.append(file.source(), after, bodyStart);
    } else {
      out.append('(').append(extra).append(function.parameters().isEmpty() ? "" : ", ");
      out.append(file.source(), open + 1, bodyStart);
    }
  }

  private void printBody(StringBuilder out, ScriptFile file, ScriptFunction function) {
    int end = file.tokens().get(function.bodyEnd() - 1).end();
    if (plan.isTapped(function)) {
      printRange(out, file, function.calls(), file.tokens().get(function.bodyStart()).start(), end);
    } else {
      out.append(file.source(), file.tokens().get(function.bodyStart()).start(), end);
    }
  }

  /** Copies the source between two offsets with the given calls, all inside it, rewritten. */
  private void printRange(StringBuilder out, ScriptFile file, List<Call> calls, int from, int to) {
    int done = from;
    for (int i = firstAt(file, calls, from); i < calls.size(); i++) {
      Call call = calls.get(i);
      int end = file.tokens().get(call.close()).end();
      if (end > to) {
        break;
      }
      out.append(file.source(), done, file.tokens().get(call.from()).start());
      printCall(out, file, call);
      done = end;
    }
    out.append(file.source(), done, to);
  }

  /** Index of the first of the calls, which are in order, that starts at an offset or behind it. */
  private static int firstAt(ScriptFile file, List<Call> calls, int offset) {
    int low = 0;
    int high = calls.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (file.tokens().get(calls.get(middle).from()).start() < offset) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private void printCall(StringBuilder out, ScriptFile file, Call call) {
    List<Role> roles = plan.roles(call);
    for (int i = roles.size() - 1; i >= 0; i--) {
      out.append('(').append(TAPS).append(").").append(roles.get(i).after());
    }
    boolean isMuted = plan.isMuted(call);
    if (isMuted) {
      out.append('(').append(TAPS).append(").unmute(");
    }
    printPlainCall(out, file, call, isMuted);
    out.append(isMuted ? ", )" : "").append(", )".repeat(roles.size()));
  }

  private void printPlainCall(StringBuilder out, ScriptFile file, Call call, boolean isMuted) {
    List<Token> tokens = file.tokens();
    CallGraph.Target target = graph.target(call);
    boolean tapped = target != null && plan.isTapped(target.function());
    int done = tokens.get(call.open()).end();
    printRange(out, file, call.inner(), tokens.get(call.from()).start(), done);
    if (tapped) {
      if (target.function().equals(forward)) {
        out.setLength(out.length() - call.callee().length() - 1);
        out.append(FORWARD).append('(');
      }
      out.append(TAPS).append(", ").append(scope(target.scope())).append(", ");
    }
    for (int i = 0; i < call.arguments().size(); i++) {
      Range argument = call.arguments().get(i);
      int start = tokens.get(argument.from()).start();
      int end = tokens.get(argument.to() - 1).end();
      List<String> around = around(call, i, isMuted && i == 0);
      printRange(out, file, call.inner(), done, start);
      around.forEach(method -> out.append('(').append(TAPS).append(").").append(method));
      printRange(out, file, call.inner(), start, end);
      out.append(", )".repeat(around.size()));
      done = end;
    }
    printRange(out, file, call.inner(), done, tokens.get(call.close()).end());
  }

  /** The methods of the taps that an argument is handed through, the last one first. */
  private List<String> around(Call call, int argument, boolean isMuted) {
    List<String> methods = new ArrayList<>();
    if (isMuted) {
      methods.add("mute(");
    }
    for (TapPlan.Begin begin : plan.begins(call)) {
      if (begin.argument() == argument) {
        methods.add("begin(" + SCOPE + ", " + begin.what() + ", ");
      }
    }
    for (Role role : plan.roles(call)) {
      if (role.input() == argument) {
        methods.add(role.before());
      }
    }
    return methods;
  }

  /** The path of a module below the one that a function runs for, as source. */
  static String scope(String added) {
    return added.isEmpty() ? SCOPE : "torch.add(" + SCOPE + ", " + quote(added) + ")";
  }

  /** A string literal. */
  static String quote(String text) {
    return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }
}
