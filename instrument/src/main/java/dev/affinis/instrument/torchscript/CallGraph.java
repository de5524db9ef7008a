package dev.affinis.instrument.torchscript;

import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.torchscript.ScriptFile.ScriptClass;
import dev.affinis.instrument.torchscript.ScriptFunction.Call;
import dev.affinis.instrument.torchscript.ScriptFunction.Parameter;
import dev.affinis.instrument.torchscript.ScriptFunction.Statement;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Who calls whom in an archive. A call's receiver is followed through local variables and declared
 * attribute types, which the printed source always names; a callee's name through local aliases of
 * functions.
 */
final class CallGraph {
  private static final int LONGEST_PATH = 2000;

  private final Map<String, ScriptFile> files = new LinkedHashMap<>();
  private final Map<String, ScriptClass> classes = new HashMap<>();
  private final Map<String, ScriptFunction> freeFunctions = new HashMap<>();
  private final IdentityHashMap<Call, Target> targets = new IdentityHashMap<>();
  private final List<ScriptFunction> functions = new ArrayList<>();

  /**
   * What a call resolves to.
   *
   * @param function the callee
   * @param scope what the callee's module path adds to the caller's, such as {@code .features.0};
   *     empty for a free function or a call on {@code self}
   */
  record Target(ScriptFunction function, String scope) {}

  /** A value whose class is known: an instance, or a function when {@code function} is set. */
  private record Value(ScriptClass type, String scope, ScriptFunction function) {}

  CallGraph(Collection<ScriptFile> parsed) {
    for (ScriptFile file : parsed) {
      files.put(file.name(), file);
      String module = file.name().substring(0, file.name().length() - 3).replace('/', '.');
      file.classes().forEach(c -> classes.put(c.name(), c));
      for (ScriptFunction function : file.functions()) {
        functions.add(function);
        if (!function.isMethod()) {
          freeFunctions.put(module + "." + function.name(), function);
        }
      }
    }
    functions.forEach(f -> new Resolver(f).resolveAll(f.calls()));
  }

  ScriptFile file(ScriptFunction function) {
    return files.get(function.file());
  }

  List<ScriptFunction> functions() {
    return functions;
  }

  ScriptClass type(String qualifiedName) {
    return classes.get(qualifiedName);
  }

  /** What a call resolves to, or {@code null} if it is an operator or cannot be followed. */
  Target target(Call call) {
    return targets.get(call);
  }

  /**
   * The functions that can reach what is looked for: those that have it among their own calls, and
   * those that call one of these.
   *
   * @param sought whether a call is looked for
   */
  Set<ScriptFunction> reaching(Predicate<Call> sought) {
    Map<ScriptFunction, List<ScriptFunction>> callers = new HashMap<>();
    Set<ScriptFunction> found = new HashSet<>();
    for (ScriptFunction function : functions) {
      if (note(function, function.calls(), sought, callers)) {
        found.add(function);
      }
    }
    Deque<ScriptFunction> next = new ArrayDeque<>(found);
    while (!next.isEmpty()) {
      for (ScriptFunction caller : callers.getOrDefault(next.pop(), List.of())) {
        if (found.add(caller)) {
          next.push(caller);
        }
      }
    }
    return found;
  }

  private boolean note(
      ScriptFunction function,
      List<Call> calls,
      Predicate<Call> sought,
      Map<ScriptFunction, List<ScriptFunction>> callers) {
    boolean isFound = false;
    for (Call call : calls) {
      Target target = targets.get(call);
      if (target != null) {
        callers.computeIfAbsent(target.function(), f -> new ArrayList<>()).add(function);
      }
      isFound |= sought.test(call);
      isFound |= note(function, call.inner(), sought, callers);
    }
    return isFound;
  }

  /** Resolves the calls of one function. */
  private final class Resolver {
    private final ScriptFunction function;
    private final List<Token> tokens;
    private final Map<String, Value> locals = new HashMap<>();

    Resolver(ScriptFunction function) {
      this.function = function;
      this.tokens = file(function).tokens();
      for (Parameter parameter : function.parameters()) {
        bind(parameter.name(), instance(parameter.type(), ""));
      }
      for (Statement statement : function.statements()) {
        if (statement.target() != null) {
          bind(statement.target(), value(statement.valueFrom(), statement.to()));
        }
      }
    }

    private void bind(String name, Value value) {
      if (value != null) {
        locals.put(name, value);
      }
    }

    private void resolveAll(List<Call> calls) {
      for (Call call : calls) {
        Target target = resolve(call);
        if (target != null) {
          targets.put(call, target);
        }
        resolveAll(call.inner());
      }
    }

    private Target resolve(Call call) {
      if (call.isMethodCall()) {
        Value receiver = value(call.receiverFrom(), call.receiverTo());
        if (receiver == null || receiver.type() == null) {
          return null;
        }
        ScriptFunction method = receiver.type().methods().get(call.callee());
        return method == null ? null : new Target(method, receiver.scope());
      }
      Value local = locals.get(call.callee());
      ScriptFunction callee =
          local != null && local.function() != null
              ? local.function()
              : freeFunctions.get(call.callee());
      return callee == null ? null : new Target(callee, "");
    }

    /** What an expression stands for, if it is a module, an object or a function. */
    private Value value(int from, int to) {
      Token first = tokens.get(from);
      if (first.is("(") && tokens.get(to - 1).is(")")) {
        return value(from + 1, to - 1);
      }
      if (first.is("getattr") && tokens.get(from + 1).is("(") && tokens.get(to - 1).is(")")) {
        // getattr(EXPRESSION, "name")
        Token name = tokens.get(to - 2);
        return name.kind() == Token.Kind.STRING
            ? attribute(value(from + 2, to - 3), ScriptParser.unquote(name.text()))
            : null;
      }
      if (!first.isName()) {
        return null;
      }
      if (first.is("__torch__")) {
        return global(from, to);
      }
      Value value = locals.get(first.text());
      for (int i = from + 1; i < to; i += 2) {
        if (!tokens.get(i).is(".") || i + 1 >= to) {
          return null;
        }
        value = attribute(value, tokens.get(i + 1).text());
      }
      return value;
    }

    /** A function's name, or {@code __torch__.X.__new__(__torch__.X)}. */
    private Value global(int from, int to) {
      int end = from + 1;
      while (end + 1 < to && tokens.get(end).is(".") && tokens.get(end + 1).isName()) {
        end += 2;
      }
      String name = file(function).text(from, end);
      if (name.endsWith(".__new__")) {
        return instance(name.substring(0, name.length() - ".__new__".length()), "");
      }
      ScriptFunction callee = end == to ? freeFunctions.get(name) : null;
      return callee == null ? null : new Value(null, "", callee);
    }

    private Value attribute(Value object, String name) {
      if (object == null || object.type() == null) {
        return null;
      }
      String type = object.type().attributes().get(name);
      if (type != null && object.scope().length() + name.length() > LONGEST_PATH) {
        throw new InvalidInputException(
            "it cannot be instrumented: a module's path in "
                + function.label()
                + " has more than "
                + LONGEST_PATH
                + " characters: give modules shorter names and export the model again");
      }
      return type == null ? null : instance(type, object.scope() + "." + name);
    }

    /** Only modules have a place in the module tree; other objects belong to who uses them. */
    private Value instance(String typeName, String scope) {
      ScriptClass type = classes.get(typeName);
      return type == null ? null : new Value(type, type.isModule() ? scope : "", null);
    }
  }
}
