package dev.affinis.instrument;

import java.util.Locale;

/**
 * What family a kind of site belongs to. Activations are what is measured unless something else is
 * asked for.
 */
public enum SiteType {
  /** Functions that act on each unit, and gated linear units. */
  ACTIVATION("activations"),
  /** Maxima and means over windows of positions, or over all of them. */
  POOLING("pooling"),
  /** Batch, layer, group and instance normalisation. */
  NORMALISATION("normalisation"),
  /**
   * Gated linear units that are written as products, f(g) v: two linear maps g and v of one tensor,
   * or the halves of one, the first through an activation or none. Their input is g beside v (twice
   * as wide as their output), and the activation within is a site of its own. {@link SiteKind#GLU},
   * which is one call, is an activation.
   */
  GATE("gates"),
  /**
   * The softmax of attention: over the last axis of a tensor with three axes or more (samples x
   * heads x queries x keys). Its channels are the keys and its positions the heads and queries, so
   * that a row tells how much attention each token receives on average. Where samples and heads (or
   * windows) share the first axis, samples come first, and they are told apart.
   */
  ATTENTION("attention"),
  /**
   * A whole module that is called with one tensor and returns one: a block with its input and its
   * output. It comes after the sites inside it.
   */
  MODULE("module"),
  /** A chain of sites: the input of one and the output of another. No call in a program. */
  SPAN("span");

  private final String choice;

  SiteType(String choice) {
    this.choice = choice;
  }

  /**
   * Returns the name used in signature files.
   *
   * @return the name in lower case
   */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * Returns the name by which sites of this type are asked for.
   *
   * @return the name, such as {@code activations}
   */
  public String choice() {
    return choice;
  }
}
