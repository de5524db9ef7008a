package dev.affinis.instrument;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.affinis.signature.TokenPolicy;
import java.util.ArrayList;
import java.util.List;

/** What the input of a model that tells tokens from padding says of a batch. */
public final class TokenMask {
  /** No mask: all positions count. */
  static final TokenMask NONE = new TokenMask(List.of(), 0);

  private final List<Integer> counts;
  private final long length;

  private TokenMask(List<Integer> counts, long length) {
    this.counts = List.copyOf(counts);
    this.length = length;
  }

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
   * Reads and checks a mask.
   *
   * @param mask batch x tokens, 1 for a token and 0 for padding
   * @param batch number of samples
   * @return what it says
   * @throws InvalidInputException if it is no mask, or a sample has no token
   */
  static TokenMask read(NDArray mask, long batch) {
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
      int count = count(values, sample * length, length);
      if (count == 0) {
        throw new InvalidInputException(
            "sample "
                + sample
                + " of a batch has no token, its mask is 0 throughout: leave it out, or correct"
                + " its mask");
      }
      counts.add(count);
    }
    return new TokenMask(counts, length);
  }

  private static int count(float[] values, int from, int length) {
    int count = 0;
    for (int i = from; i < from + length; i++) {
      if (values[i] != 0 && values[i] != 1) {
        throw new InvalidInputException(
            "mask has a value of "
                + values[i]
                + ", expected 1 for tokens and 0 for padding: name the input that has these");
      }
      count += (int) values[i];
    }
    return count;
  }

  /** Whether it tells the positions of a site apart: there are as many, on one axis. */
  boolean applies(Site site) {
    return !counts.isEmpty()
        && site.kind().type() != SiteType.ATTENTION
        && site.shape().dimension() == 2
        && site.shape().size() == site.dimension() * length;
  }

  /** Whether a site has positions that it does not tell apart. */
  boolean misses(Site site) {
    return !counts.isEmpty() && !applies(site) && site.shape().size() > site.dimension();
  }

  /** What was counted at a site, with the tokens that it was counted over. */
  TapCounts counted(Site site, TapCounts found) {
    return applies(site) ? found.withTokens(counts) : found;
  }
}
