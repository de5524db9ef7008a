package dev.affinis.instrument;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.affinis.signature.TokenPolicy;
import java.util.ArrayList;
import java.util.List;

/** Finds the input of a model that tells tokens from padding, and what it says. */
public final class TokenMask {
  private TokenMask() {}

  /**
   * Finds the mask among a model's inputs.
   *
   * @param tokens a policy of {@link TokenPolicy.Choice#MASKED}
   * @param inputs names of the inputs, in the order in which the model takes them
   * @return its position
   * @throws InvalidInputException if it is not there, or the only input
   */
  public static int index(TokenPolicy tokens, List<String> inputs) {
    if (inputs.size() < 2) {
      throw new InvalidInputException(
          "tokens "
              + tokens.word()
              + " need a model that takes a mask as one of its inputs, but this one takes "
              + (inputs.isEmpty() ? "none" : inputs.get(0) + " alone")
              + ": choose other tokens");
    }
    int index = inputs.indexOf(tokens.input());
    if (index < 0 && tokens.input().matches("\\d{1,9}")) {
      index = Integer.parseInt(tokens.input());
    }
    if (index < 0 || index >= inputs.size()) {
      throw new InvalidInputException(
          "tokens "
              + tokens.word()
              + " name no input of the model, which takes "
              + String.join(", ", inputs)
              + ": give one of these names, or a number from 0 to "
              + (inputs.size() - 1));
    }
    return index;
  }

  /**
   * Finds the mask among what a model is called with.
   *
   * @param tokens a policy of {@link TokenPolicy.Choice#MASKED}
   * @param names names of the model's inputs, as far as they are known
   * @param inputs the arrays
   * @return one of them
   * @throws InvalidInputException if it is not there, or the only input
   */
  public static NDArray find(TokenPolicy tokens, List<String> names, NDList inputs) {
    List<String> known = new ArrayList<>();
    for (int i = 0; i < inputs.size(); i++) {
      String own = inputs.get(i).getName();
      String given = own == null ? String.valueOf(i) : own;
      known.add(i < names.size() ? names.get(i) : given);
    }
    int index = index(tokens, known);
    // Engines that know inputs by name take them in any order.
    NDArray named = inputs.get(known.get(index));
    return named == null ? inputs.get(index) : named;
  }

  /**
   * Counts tokens.
   *
   * @param mask batch x tokens, 1 for a token and 0 for padding
   * @param batch number of samples
   * @return how many tokens each sample has, at least 1
   * @throws InvalidInputException if it is no mask, or a sample has no token
   */
  static List<Integer> counts(NDArray mask, long batch) {
    Shape shape = mask.getShape();
    if (shape.dimension() != 2 || shape.get(0) != batch) {
      throw new InvalidInputException(
          "mask has shape "
              + shape
              + ", expected samples x tokens with "
              + batch
              + " samples: name the input that is 1 for tokens and 0 for padding");
    }
    int length = Math.toIntExact(shape.get(1));
    float[] values;
    try (NDArray floats = mask.toType(DataType.FLOAT32, true)) {
      values = floats.toFloatArray();
    }
    List<Integer> counts = new ArrayList<>();
    for (int sample = 0; sample < batch; sample++) {
      int count = 0;
      for (int i = sample * length; i < (sample + 1) * length; i++) {
        if (values[i] != 0 && values[i] != 1) {
          throw new InvalidInputException(
              "mask has a value of "
                  + values[i]
                  + ", expected 1 for tokens and 0 for padding: name the input that has these");
        }
        count += (int) values[i];
      }
      if (count == 0) {
        throw new InvalidInputException(
            "sample "
                + sample
                + " of a batch has no token, its mask is 0 throughout: leave it out, or correct"
                + " its mask");
      }
      counts.add(count);
    }
    return List.copyOf(counts);
  }

  /**
   * Whether a policy's mask tells the positions of an activation apart.
   *
   * @param kind what is called
   * @param shape shape of its result for one sample
   * @param dimension number of its channels
   * @param length number of tokens that the mask has for each sample
   * @return whether it has that many positions, on one axis
   */
  static boolean applies(SiteKind kind, Shape shape, int dimension, long length) {
    return kind.type() != SiteType.ATTENTION
        && shape.dimension() == 2
        && shape.size() == dimension * length;
  }
}
