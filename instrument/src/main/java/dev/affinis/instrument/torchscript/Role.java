package dev.affinis.instrument.torchscript;

import dev.affinis.instrument.SiteKind;

/**
 * What is done with the input and the result of a call.
 *
 * @param kind what the call is as a site, {@code null} if it only tells the layout of its result
 * @param after call of the method of the taps that the result is handed to, as source up to the
 *     value
 * @param input index of the argument that is the site's input, -1 if none is tapped here
 * @param before the same as {@code after} for that argument
 * @param scope what is added to the caller's path to get the site's
 * @param mayBeNone whether the call may turn out at run time to be no site
 */
record Role(
    SiteKind kind, String after, int input, String before, String scope, boolean mayBeNone) {

  boolean isSite() {
    return kind != null;
  }

  /** A call whose channels are where the taps know them to be. */
  static Role activation(SiteKind kind, String word) {
    return site(kind, "pre", word, "post", word, false);
  }

  static Role activation(SiteKind kind) {
    return activation(kind, quoted(kind));
  }

  /**
   * A call that says where its channels are.
   *
   * @param layout number of the layout as source, negative if the taps know better
   */
  static Role laidOut(SiteKind kind, String layout) {
    return site(kind, "pre_as", quoted(kind) + ", " + layout, "post", quoted(kind), false);
  }

  /** The same for a call that returns a second tensor after its result. */
  static Role pair(SiteKind kind, String layout) {
    return site(kind, "pre_as", quoted(kind) + ", " + layout, "post_pair", quoted(kind), false);
  }

  /**
   * A softmax, which is a site if it is attention's.
   *
   * @param axis the axis that it is taken over, as source
   */
  static Role attention(SiteKind kind, String axis) {
    String what = quoted(kind) + ", " + axis;
    return site(kind, "pre_softmax", what, "post_softmax", what, true);
  }

  private static Role site(
      SiteKind kind, String pre, String before, String post, String after, boolean mayBeNone) {
    return new Role(
        kind, tap(post, TapPass.SCOPE, after), 0, tap(pre, TapPass.SCOPE, before), "", mayBeNone);
  }

  /** A call that is the last of an expression. */
  static Role end(SiteKind kind, String what, boolean mayBeNone) {
    return new Role(kind, tap("end", TapPass.SCOPE, what), -1, null, "", mayBeNone);
  }

  /**
   * A product that is a gate if both its factors have the same shape.
   *
   * @param place tells it from the others, as source
   */
  static Role gate(SiteKind kind, String place) {
    return new Role(
        kind, tap("end_gate", TapPass.SCOPE, quoted(kind) + ", " + place), -1, null, "", true);
  }

  /**
   * A call of a module.
   *
   * @param scope what its path adds to the caller's
   * @param input index of its input among the arguments
   * @param place tells it from the other calls
   */
  static Role module(String scope, int input, String place) {
    String path = TapPass.scope(scope);
    String what = quoted(SiteKind.MODULE) + ", \"" + place + '"';
    return new Role(
        SiteKind.MODULE, tap("leave", path, what), input, tap("enter", path, what), scope, false);
  }

  /** A call whose result has a known layout, by number. */
  static Role produced(int layout) {
    return new Role(null, "produced(" + layout + ", ", -1, null, "", false);
  }

  /** A call that swaps the last two of three axes. */
  static Role swapped() {
    return new Role(null, "swapped(", -1, null, "", false);
  }

  private static String tap(String method, String scope, String what) {
    return method + '(' + scope + ", " + what + ", ";
  }

  private static String quoted(SiteKind kind) {
    return '"' + kind.word() + '"';
  }
}
