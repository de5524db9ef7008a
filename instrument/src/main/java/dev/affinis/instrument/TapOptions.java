package dev.affinis.instrument;

import dev.affinis.signature.Pooling;
import dev.affinis.signature.TokenPolicy;
import java.util.OptionalDouble;

/**
 * What an instrumented model hands out.
 *
 * @param form rows or whole tensors
 * @param pooling how an activation becomes a row
 * @param layout where the channels are
 * @param sites which sites are captured; the others run without being observed
 * @param tokens which tokens become a row where an activation has tokens; all of them unless pooled
 *     by channel
 * @param threshold largest magnitude that is counted as small; empty if nothing is counted
 */
public record TapOptions(
    CaptureForm form,
    Pooling pooling,
    Layout layout,
    SiteFilter sites,
    TokenPolicy tokens,
    OptionalDouble threshold) {
  /** Checks that the pooling knows tokens. */
  public TapOptions {
    if (!tokens.equals(TokenPolicy.ALL) && pooling != Pooling.CHANNEL) {
      throw new IllegalArgumentException(
          "tokens "
              + tokens.word()
              + " need pooling channel, got "
              + pooling.word()
              + ", which keeps tokens apart: leave --tokens or --pooling out");
    }
  }

  /**
   * Options for taps that take all tokens and count nothing.
   *
   * @param form rows or whole tensors
   * @param pooling how an activation becomes a row
   * @param layout where the channels are
   * @param sites which sites are captured
   */
  public TapOptions(CaptureForm form, Pooling pooling, Layout layout, SiteFilter sites) {
    this(form, pooling, layout, sites, TokenPolicy.ALL, OptionalDouble.empty());
  }
}
