package dev.affinis.instrument.torchscript;

import java.util.List;

/**
 * A function or method of an archive's source. Positions are indices into its file's tokens.
 *
 * @param file name of the file it stands in
 * @param owner qualified name of its class, or {@code null} for a free function
 * @param name its simple name
 * @param parameters its parameters; of a method at least one, {@code self}
 * @param returnType its declared return type
 * @param open position of the parenthesis that opens the parameter list
 * @param close position of the parenthesis that closes it
 * @param bodyStart position of the first token of the body
 * @param bodyEnd position after the last token of the body
 * @param statements the body's statements, nested blocks flattened; at least one
 * @param calls the outermost calls in the body, in order
 */
record ScriptFunction(
    String file,
    String owner,
    String name,
    List<Parameter> parameters,
    String returnType,
    int open,
    int close,
    int bodyStart,
    int bodyEnd,
    List<Statement> statements,
    List<Call> calls) {

  /** Functions are the same if they stand in the same place. */
  @Override
  public boolean equals(Object other) {
    return other instanceof ScriptFunction that && file.equals(that.file) && open == that.open;
  }

  @Override
  public int hashCode() {
    return 31 * file.hashCode() + open;
  }

  boolean isMethod() {
    return owner != null;
  }

  /** The name of the parameter that holds the instance; not always {@code self}. */
  String selfName() {
    return parameters.get(0).name();
  }

  /** The name for messages. */
  String label() {
    return isMethod() ? owner + "." + name : file + ":" + name;
  }

  /** Whether a token stands inside an if, for or while block. */
  boolean isConditional(int token) {
    int low = 0;
    int high = statements.size();
    while (high - low > 1) {
      int middle = (low + high) >>> 1;
      if (statements.get(middle).from() <= token) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return statements.get(low).column() > statements.get(0).column();
  }

  /** A parameter; {@code end} is the position after its type and default value. */
  record Parameter(String name, String type, int end) {}

  /** A statement; {@code target} is the name it binds when it is a plain assignment. */
  record Statement(int from, int to, int column, String target) {
    /** Position of the first token of the assigned expression. */
    int valueFrom() {
      return from + 2;
    }
  }

  /**
   * A call in an expression.
   *
   * @param callee the called name: dotted ({@code torch.relu_}) for a function, the bare method
   *     name for {@code (x).forward(...)}
   * @param receiverFrom first position inside the receiver's parentheses, or -1
   * @param receiverTo position after the receiver
   * @param from position of the first token of the call
   * @param open position of the parenthesis that opens the arguments
   * @param close position of the parenthesis that closes them
   * @param arguments the arguments
   * @param inner calls inside the receiver and the arguments, in order
   */
  record Call(
      String callee,
      int receiverFrom,
      int receiverTo,
      int from,
      int open,
      int close,
      List<Range> arguments,
      List<Call> inner) {

    boolean isMethodCall() {
      return receiverFrom >= 0;
    }

    /**
     * The operator's name if this calls one, or null: {@code relu_} for {@code torch.relu_}, the
     * whole of {@code ops.quantized.add_relu}.
     */
    String operator() {
      if (!isMethodCall() && callee.startsWith("ops.")) {
        return callee;
      }
      return !isMethodCall() && callee.startsWith("torch.") && callee.indexOf('.', 6) < 0
          ? callee.substring(6)
          : null;
    }
  }

  /** Positions from (inclusive) to (exclusive). */
  record Range(int from, int to) {}
}
