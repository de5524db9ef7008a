package dev.affinis.instrument.block;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.List;

/**
 * How a function's inputs become the tensor that its activation acts on.
 *
 * @param rule what is done to the inputs
 * @param axis the axis of a {@link Rule#CONCAT}, otherwise 0
 */
record Combination(Rule rule, int axis) {
  /** What is done to the inputs. */
  enum Rule {
    /** There is one, and it is taken as it is. */
    SINGLE,
    /** They are added up. */
    SUM,
    /** They are multiplied. */
    PRODUCT,
    /** They are joined along an axis. */
    CONCAT
  }

  /** One input as it is. */
  static final Combination SINGLE = new Combination(Rule.SINGLE, 0);

  /**
   * The combinations that could have given an output.
   *
   * @param inputs number of inputs
   * @param input shape of each of them
   * @param output shape of the function's output
   * @return the possible ones, the most usual first
   */
  static List<Combination> possible(int inputs, Shape input, Shape output) {
    List<Combination> all = new ArrayList<>();
    if (input.equals(output)) {
      all.add(inputs == 1 ? SINGLE : new Combination(Rule.SUM, 0));
      if (inputs > 1) {
        all.add(new Combination(Rule.PRODUCT, 0));
      }
    } else if (inputs > 1) {
      for (int axis = 0; axis < input.dimension(); axis++) {
        if (Shape.update(input, axis, input.get(axis) * inputs).equals(output)) {
          all.add(new Combination(Rule.CONCAT, axis));
        }
      }
    }
    return all;
  }

  /**
   * Whether a call with so many inputs can be combined in this way.
   *
   * @param inputs number of inputs
   * @return whether it is a single one for {@link Rule#SINGLE}
   */
  boolean fits(int inputs) {
    return rule == Rule.SINGLE ? inputs == 1 : inputs > 0;
  }

  /**
   * Whether {@link #apply} makes a new array.
   *
   * @param inputs number of inputs
   * @return whether what it gives is to be closed
   */
  boolean makesNew(int inputs) {
    return inputs > 1;
  }

  /**
   * Combines inputs.
   *
   * @param inputs the inputs
   * @return the first input itself if there is nothing to combine, otherwise a new array
   */
  NDArray apply(List<NDArray> inputs) {
    NDArray first = inputs.get(0);
    if (inputs.size() == 1) {
      return first;
    }
    return switch (rule) {
      case SINGLE -> first;
      case CONCAT -> NDArrays.concat(new NDList(inputs), axis);
      case SUM, PRODUCT -> {
        NDArray result = combined(first, inputs.get(1));
        for (NDArray next : inputs.subList(2, inputs.size())) {
          try (NDArray partial = result) {
            result = combined(partial, next);
          }
        }
        yield result;
      }
    };
  }

  private NDArray combined(NDArray a, NDArray b) {
    return rule == Rule.SUM ? a.add(b) : a.mul(b);
  }
}
