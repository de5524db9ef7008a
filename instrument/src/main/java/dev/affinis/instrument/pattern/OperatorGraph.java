package dev.affinis.instrument.pattern;

import java.util.BitSet;
import java.util.List;

/**
 * A program as operators that make tensors from tensors. Operators are numbered in an order in
 * which they can run, and have the names of the ONNX standard ({@code Add}, {@code Where}, {@code
 * Clip}, ...) whatever they are called in the program; other names stand for operators that the
 * search does not know.
 */
public interface OperatorGraph {
  /**
   * Returns the operators to be looked at.
   *
   * @return their numbers
   */
  BitSet live();

  /**
   * Returns what an operator computes.
   *
   * @param node number of the operator
   * @return its name
   */
  String operator(int node);

  /**
   * Returns how many inputs an operator has.
   *
   * @param node number of the operator
   * @return the number of inputs, those that are left out between others among them
   */
  int inputCount(int node);

  /**
   * Returns an input of an operator.
   *
   * @param node number of the operator
   * @param index position of the input, may lie beyond the last
   * @return name of the tensor; empty if it is left out
   */
  String input(int node, int index);

  /**
   * Returns the results of an operator.
   *
   * @param node number of the operator
   * @return names of the tensors, at least one
   */
  List<String> outputs(int node);

  /**
   * Returns a number that the operator is given by name.
   *
   * @param node number of the operator
   * @param attribute the name
   * @param otherwise what holds if it is not given
   * @return the number
   */
  double number(int node, String attribute, double otherwise);

  /**
   * Finds who makes a tensor.
   *
   * @param tensor its name
   * @return number of the operator, or -1 if none of these does
   */
  int producer(String tensor);

  /**
   * Finds who uses a tensor.
   *
   * @param tensor its name
   * @return numbers of the operators, one for each use
   */
  List<Integer> consumers(String tensor);

  /**
   * Returns whether a tensor is used by something other than operators: it is a result, say.
   *
   * @param tensor its name
   * @return whether it is
   */
  boolean isOutput(String tensor);

  /**
   * Returns whether the model fixes all values of a tensor.
   *
   * @param tensor its name
   * @return whether it is a constant
   */
  boolean isConstant(String tensor);

  /**
   * Returns the number that a tensor is.
   *
   * @param tensor its name
   * @return the value of a constant with one element, or {@code null} if it is none
   */
  Double scalar(String tensor);

  /**
   * Returns whether a tensor is known to hold integers.
   *
   * @param tensor its name
   * @return whether it does
   */
  boolean isInteger(String tensor);

  /**
   * Returns whether two operators belong to the same module, as far as that is known.
   *
   * @param first number of one operator
   * @param second number of the other
   * @return whether nothing says that they do not
   */
  boolean isSameModule(int first, int second);

  /**
   * Returns the first result of an operator.
   *
   * @param node number of the operator
   * @return name of the tensor
   */
  default String output(int node) {
    return outputs(node).get(0);
  }

  /**
   * Returns whether exactly one input of one operator is a tensor, and nothing else needs it.
   *
   * @param tensor its name
   * @return whether it is used once
   */
  default boolean isUsedOnce(String tensor) {
    return !isOutput(tensor) && consumers(tensor).size() == 1;
  }
}
