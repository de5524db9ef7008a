package dev.affinis.instrument.torchscript;

import dev.affinis.instrument.pattern.OperatorGraph;
import dev.affinis.instrument.torchscript.ScriptFunction.Call;
import dev.affinis.instrument.torchscript.ScriptFunction.Parameter;
import dev.affinis.instrument.torchscript.ScriptFunction.Range;
import dev.affinis.instrument.torchscript.ScriptFunction.Statement;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The body of a function as the search for activations sees it: its calls are the operators, in the
 * order in which they run, what they make are the tensors.
 *
 * <p>A variable that is assigned once stands for what is assigned. One that is assigned more often
 * (in both branches of a condition, in a loop) is a tensor of its own in every statement that reads
 * it, so that no expression reaches across.
 */
final class ScriptBody implements OperatorGraph {
  /** Operators that programs call on plain numbers, too: {@code sqrt(2 / pi)}. */
  private static final Set<String> ON_NUMBERS = Set.of("Sqrt", "Neg", "Mul", "Div");

  private static final Pattern NUMBER = Pattern.compile("-?\\d+(\\.\\d*)?(e[-+]?\\d+)?");
  private static final Pattern CONSTANT = Pattern.compile("CONSTANTS\\.c\\d{1,9}");

  private final CallGraph graph;
  private final ScriptFile file;
  private final List<Double> constants;
  private final List<Node> nodes = new ArrayList<>();
  private final Map<Integer, Integer> starts = new HashMap<>();
  private final Map<String, Integer> assignments = new HashMap<>();
  private final Map<String, String> variables = new HashMap<>();
  private final Map<String, Integer> producers = new HashMap<>();
  private final Map<String, List<Integer>> consumers = new HashMap<>();

  /** How often a tensor is mentioned by name, less the times that is an operator's input. */
  private final Map<String, Integer> otherUses = new HashMap<>();

  /** Results that an operator takes or a variable stands for; others are used in unknown ways. */
  private final Set<Integer> claimed = new HashSet<>();

  /** Results that are numbers. */
  private final Map<String, Double> numbers = new HashMap<>();

  /** Variables that are what a list has in it. */
  private final Map<String, Unpacked> unpacked = new HashMap<>();

  /**
   * What a list has in it.
   *
   * @param list the tensor that stands for the list, {@code null} if it is not known
   * @param size how many variables it is assigned to
   */
  private record Unpacked(String list, int size) {}

  /** What is returned, one for each statement that does. */
  private final List<String> returned = new ArrayList<>();

  /** Tensors that are used in another block than the one that makes them. */
  private final Set<String> crossing = new HashSet<>();

  /**
   * A call.
   *
   * @param call where it stands
   * @param block the block of statements it stands in
   * @param written its arguments as written
   * @param operation what it computes
   * @param results what it makes
   */
  private record Node(
      Call call,
      int block,
      List<String> written,
      ScriptOperation operation,
      List<String> results) {}

  /**
   * Reads a body.
   *
   * @param graph the program
   * @param function the function
   * @param constants values of the program's constants, null for those that are no numbers
   */
  ScriptBody(CallGraph graph, ScriptFunction function, List<Double> constants) {
    this.graph = graph;
    this.file = graph.file(function);
    this.constants = constants;
    for (Parameter parameter : function.parameters()) {
      assignments.merge(parameter.name(), 1, Integer::sum);
    }
    for (Statement statement : function.statements()) {
      targets(statement).forEach(name -> assignments.merge(name, 1, Integer::sum));
    }
    Deque<Integer> columns = new ArrayDeque<>();
    Deque<Integer> blocks = new ArrayDeque<>();
    int opened = 0;
    int next = 0;
    for (Statement statement : function.statements()) {
      while (!columns.isEmpty() && columns.peek() > statement.column()) {
        columns.pop();
        blocks.pop();
      }
      if (columns.isEmpty() || columns.peek() < statement.column()) {
        columns.push(statement.column());
        blocks.push(opened++);
      }
      while (next < function.calls().size() && function.calls().get(next).from() < statement.to()) {
        addCall(function.calls().get(next++), statement, blocks.peek());
      }
      define(statement);
      countMentions(statement);
      noteReturned(statement);
    }
  }

  /** Notes what a statement returns, if it is one call or one variable. */
  private void noteReturned(Statement statement) {
    int from = statement.from() + 1;
    if (!file.tokens().get(statement.from()).is("return")) {
      return;
    }
    Integer call = starts.get(from);
    if (call != null && nodes.get(call).call().close() + 1 == statement.to()) {
      returned.add(nodes.get(call).results().get(0));
    } else {
      String text = file.text(from, statement.to());
      boolean isOnce = assignments.getOrDefault(text, 0) == 1;
      returned.add(isOnce ? variables.getOrDefault(text, text) : "expression " + from);
    }
  }

  /** The tensor that the function returns, {@code null} if it may return several. */
  String returned() {
    return returned.size() == 1 ? returned.get(0) : null;
  }

  /**
   * The call that makes two tensors, one of which a variable is.
   *
   * @return its number, -1 if the tensor is none of exactly two
   */
  int producerOfPair(String tensor) {
    Unpacked variable = unpacked.get(tensor);
    if (variable != null) {
      return variable.size() == 2 && variable.list() != null ? producer(variable.list()) : -1;
    }
    int node = producer(tensor);
    return node >= 0 && outputs(node).size() == 2 ? node : -1;
  }

  /** Names that a statement assigns; of a loop its variable, too. */
  private List<String> targets(Statement statement) {
    List<Token> tokens = file.tokens();
    if (statement.target() != null) {
      return List.of(statement.target());
    }
    List<String> names = new ArrayList<>();
    int i = statement.from();
    if (tokens.get(i).is("for")) {
      return List.of(tokens.get(i + 1).text());
    }
    while (i + 1 < statement.to() && tokens.get(i).isName() && tokens.get(i + 1).is(",")) {
      names.add(tokens.get(i).text());
      i += 2;
    }
    if (!names.isEmpty() && tokens.get(i).isName()) {
      names.add(tokens.get(i++).text());
    }
    return i < statement.to() && tokens.get(i).is("=") ? names : List.of();
  }

  private void addCall(Call call, Statement statement, int block) {
    for (Call inner : call.inner()) {
      addCall(inner, statement, block);
    }
    int number = nodes.size();
    List<String> written = new ArrayList<>();
    for (Range argument : call.arguments()) {
      String tensor = resolve(argument.from(), argument.to(), statement);
      written.add(tensor);
      consumers.computeIfAbsent(tensor, name -> new ArrayList<>()).add(number);
      boolean isName = argument.to() - argument.from() == 1;
      if (isName) {
        otherUses.merge(tensor, -1, Integer::sum);
      }
      int producer = producers.getOrDefault(tensor, -1);
      if (producer >= 0 && nodes.get(producer).block() != block) {
        crossing.add(tensor);
      }
    }
    String result = "%" + number;
    nodes.add(
        new Node(call, block, written, ScriptOperation.of(name(call), written), List.of(result)));
    starts.put(call.from(), number);
    producers.put(result, number);
    Double value = number(number);
    if (value != null) {
      numbers.put(result, value);
    }
  }

  /** The operator that a call is, without the mark of one in place; empty if it is none. */
  private String name(Call call) {
    String name = call.operator();
    CallGraph.Target target = graph.target(call);
    if (target != null && isFunctional(target.function())) {
      name = target.function().name();
    }
    if (name == null) {
      return "";
    }
    return name.endsWith("_") && !name.startsWith("_")
        ? name.substring(0, name.length() - 1)
        : name;
  }

  /** The functions of PyTorch's own that scripted programs call in place of operators. */
  private static boolean isFunctional(ScriptFunction function) {
    return !function.isMethod() && function.file().startsWith("__torch__/torch/nn/functional");
  }

  /** The tensor that an expression is; a constant is its value behind an equals sign. */
  private String resolve(int from, int to, Statement statement) {
    List<Token> tokens = file.tokens();
    if (tokens.get(from).is("alpha") && to - from > 2 && tokens.get(from + 1).is("=")) {
      return resolve(from + 2, to, statement);
    }
    Token first = tokens.get(from);
    String text = file.text(from, to);
    if (NUMBER.matcher(text).matches()) {
      return "=" + text;
    }
    if (CONSTANT.matcher(text).matches()) {
      int index = Integer.parseInt(text.substring(text.indexOf('c') + 1));
      Double value = index < constants.size() ? constants.get(index) : null;
      return value == null ? text : "=" + value;
    }
    Integer call = starts.get(from);
    if (call != null && nodes.get(call).call().close() + 1 == to) {
      claimed.add(call);
      return nodes.get(call).results().get(0);
    }
    if (to - from != 1 || !first.isName()) {
      return "expression " + from;
    }
    if (text.equals("None")) {
      return "";
    }
    return assignments.getOrDefault(text, 0) > 1
        ? text + " in " + statement.from()
        : variables.getOrDefault(text, text);
  }

  private void define(Statement statement) {
    List<String> names = targets(statement);
    // What is used before it is made would make a circle.
    boolean isOnce =
        names.stream().allMatch(name -> assignments.get(name) == 1 && !consumers.containsKey(name));
    if (names.isEmpty() || !isOnce || file.tokens().get(statement.from()).is("for")) {
      return;
    }
    int from = statement.from();
    while (!file.tokens().get(from).is("=")) {
      from++;
    }
    if (names.size() == 1) {
      String tensor = resolve(from + 1, statement.to(), statement);
      if (!tensor.startsWith("expression")) {
        variables.put(names.get(0), tensor);
      }
      return;
    }
    Integer call = starts.get(from + 1);
    if (call == null || nodes.get(call).call().close() + 1 != statement.to()) {
      String list = file.text(from + 1, statement.to());
      names.forEach(name -> unpacked.put(name, new Unpacked(variables.get(list), names.size())));
      return;
    }
    claimed.add(call);
    List<String> results = new ArrayList<>();
    for (String name : names) {
      results.add(name);
      producers.put(name, call);
    }
    Node node = nodes.get(call);
    nodes.set(call, new Node(node.call(), node.block(), node.written(), node.operation(), results));
  }

  private void countMentions(Statement statement) {
    List<Token> tokens = file.tokens();
    int from = statement.from();
    if (!targets(statement).isEmpty() && !tokens.get(from).is("for")) {
      while (!tokens.get(from).is("=")) {
        from++;
      }
    }
    for (int i = from; i < statement.to(); i++) {
      if (tokens.get(i).isName() && !tokens.get(i - 1).is(".")) {
        otherUses.merge(resolve(i, i + 1, statement), 1, Integer::sum);
      }
    }
  }

  Call call(int node) {
    return nodes.get(node).call();
  }

  /** The operator that a call is, without the mark of one in place; empty if it is none. */
  String name(int node) {
    return name(call(node));
  }

  int block(int node) {
    return nodes.get(node).block();
  }

  /** The tensors that a call has as arguments, as they are written. */
  List<String> arguments(int node) {
    return nodes.get(node).written();
  }

  /** Whether a call of one of PyTorch's own functions is told to work in place, or may be. */
  boolean asksForInPlace(int node) {
    Call call = call(node);
    if (graph.target(call) == null || call.arguments().size() < 2) {
      return false;
    }
    Range last = call.arguments().get(call.arguments().size() - 1);
    return !file.text(last.from(), last.to()).equals("False");
  }

  @Override
  public BitSet live() {
    BitSet all = new BitSet();
    all.set(0, nodes.size());
    return all;
  }

  @Override
  public String operator(int node) {
    return nodes.get(node).operation().name();
  }

  @Override
  public int inputCount(int node) {
    return nodes.get(node).operation().inputs().size();
  }

  @Override
  public String input(int node, int index) {
    List<String> inputs = nodes.get(node).operation().inputs();
    return index < inputs.size() ? inputs.get(index) : "";
  }

  @Override
  public List<String> outputs(int node) {
    return nodes.get(node).results();
  }

  @Override
  public double number(int node, String attribute, double otherwise) {
    return nodes.get(node).operation().attributes().getOrDefault(attribute, otherwise);
  }

  @Override
  public int producer(String tensor) {
    return producers.getOrDefault(tensor, -1);
  }

  @Override
  public List<Integer> consumers(String tensor) {
    return consumers.getOrDefault(tensor, List.of());
  }

  @Override
  public boolean isOutput(String tensor) {
    int producer = producer(tensor);
    return (producer >= 0 && !claimed.contains(producer))
        || crossing.contains(tensor)
        || otherUses.getOrDefault(tensor, 0) > 0;
  }

  @Override
  public boolean isConstant(String tensor) {
    return scalar(tensor) != null;
  }

  @Override
  public Double scalar(String tensor) {
    return tensor.startsWith("=") ? Double.valueOf(tensor.substring(1)) : numbers.get(tensor);
  }

  /** What an operator on numbers makes, null if it is not known. */
  private Double number(int node) {
    String operator = operator(node);
    if (!ON_NUMBERS.contains(operator)) {
      return null;
    }
    Double first = scalar(input(node, 0));
    Double second = first == null || inputCount(node) == 1 ? first : scalar(input(node, 1));
    if (second == null) {
      return null;
    }
    return switch (operator) {
      case "Sqrt" -> Math.sqrt(first);
      case "Neg" -> -first;
      case "Mul" -> first * second;
      default -> first / second;
    };
  }

  /** Types are not known before the model runs: the taps look at them. */
  @Override
  public boolean isInteger(String tensor) {
    return false;
  }

  @Override
  public boolean isSameModule(int first, int second) {
    return true;
  }
}
