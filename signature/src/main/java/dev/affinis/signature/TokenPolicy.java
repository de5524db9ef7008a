package dev.affinis.signature;

import java.util.List;

/**
 * Which tokens of a transformer's activation (batch x tokens x channels) its row is the mean of.
 * Activations without tokens are not concerned: images, also those with channels last, and vectors.
 *
 * @param choice how tokens are chosen
 * @param input for {@link Choice#MASKED} the model's input that tells tokens (1) from padding (0),
 *     batch x tokens: its name, or its number from 0; otherwise empty
 */
public record TokenPolicy(Choice choice, String input) {
  /** How tokens are chosen. */
  public enum Choice {
    /** All tokens. */
    ALL("all"),
    /** By position: the first. */
    CLASS("class"),
    /** By position: all but the first. */
    PATCHES("patches"),
    /** By an input of the model: those that are no padding. */
    MASKED("masked");

    private final String word;

    Choice(String word) {
      this.word = word;
    }
  }

  /** All tokens, padding among them. */
  public static final TokenPolicy ALL = new TokenPolicy(Choice.ALL, "");

  /** The first token alone, which is where vision transformers and BERT keep their class token. */
  public static final TokenPolicy CLASS = new TokenPolicy(Choice.CLASS, "");

  /** All tokens but the first. */
  public static final TokenPolicy PATCHES = new TokenPolicy(Choice.PATCHES, "");

  private static final String MASKED = Choice.MASKED.word + ":";

  /** Checks that a mask is named, and nothing else. */
  public TokenPolicy {
    if ((choice == Choice.MASKED) == input.isBlank()) {
      throw new IllegalArgumentException(
          choice == Choice.MASKED
              ? "tokens masked need the model's input that has the mask: masked:attention_mask by"
                  + " its name, masked:1 by its number"
              : "tokens " + choice.word + " take no input, got " + input);
    }
  }

  /**
   * Those tokens that an input of the model says are none of padding. An activation has tokens, for
   * this policy, if it has three axes, one of them its channels and the other as long as the mask;
   * of all others the mean is over all positions.
   *
   * @param input name of the model's input: as the model file has it, or as the array that is
   *     handed to it is called
   * @return the policy
   */
  public static TokenPolicy masked(String input) {
    return new TokenPolicy(Choice.MASKED, input);
  }

  /**
   * As {@link #masked(String)}, by number.
   *
   * @param input number of the model's input, from 0
   * @return the policy
   */
  public static TokenPolicy masked(int input) {
    if (input < 0) {
      throw new IllegalArgumentException("number of the input must be 0 or more, got " + input);
    }
    return masked(String.valueOf(input));
  }

  /**
   * Returns the name used in files and on the command line.
   *
   * @return {@code all}, {@code class}, {@code patches} or {@code masked:INPUT}
   */
  public String word() {
    return choice == Choice.MASKED ? MASKED + input : choice.word;
  }

  /**
   * Reads a policy.
   *
   * @param word as {@link #word()} gives it
   * @return the policy
   * @throws IllegalArgumentException if there is none of that name
   */
  public static TokenPolicy parse(String word) {
    if (word.startsWith(MASKED)) {
      return masked(word.substring(MASKED.length()));
    }
    return List.of(ALL, CLASS, PATCHES).stream()
        .filter(policy -> policy.word().equals(word))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "expected one of all, class, patches, masked:INPUT, got " + word));
  }
}
