package dev.affinis.instrument.torchscript;

import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.Site;
import dev.affinis.instrument.SiteKind;
import java.util.Arrays;
import java.util.Locale;

/**
 * The name under which an instrumented model returns one side of one observed call.
 *
 * @param order position of the call in the order of execution, from 0
 * @param side what it is
 * @param kind what is called
 * @param shape shape of the tensor before pooling, with the batch axis
 * @param channels number of channels of the tensor
 * @param path module path, or {@link Site#ROOT}
 */
record TapKey(int order, Side side, SiteKind kind, Shape shape, int channels, String path) {
  /** What an output of an instrumented model has of an observed call. */
  enum Side {
    PRE,
    POST,
    SMALL_PRE,
    SMALL_POST,
    BOUNDED
  }

  private static final String PREFIX = "affinis|";

  /**
   * Whether a name is such a key, not the name of one of the model's own outputs.
   *
   * @param name name of an output, may be {@code null}
   * @return whether {@link #parse} accepts it
   */
  static boolean isKey(String name) {
    return name != null && name.startsWith(PREFIX);
  }

  /**
   * Reads a key, written as {@code affinis|order|side|kind|[sizes]|channels|.path}.
   *
   * @param name the name of an output
   * @return its parts
   */
  static TapKey parse(String name) {
    String[] parts = name.split("\\|", 7);
    String sizes = parts[4].substring(1, parts[4].length() - 1);
    long[] shape =
        sizes.isEmpty()
            ? new long[0]
            : Arrays.stream(sizes.split(", ")).mapToLong(Long::parseLong).toArray();
    return new TapKey(
        Integer.parseInt(parts[1]),
        Side.valueOf(parts[2].toUpperCase(Locale.ROOT)),
        SiteKind.ofWord(parts[3]),
        new Shape(shape),
        Integer.parseInt(parts[5]),
        modulePath(parts[6]));
  }

  /** The scope that the taps know a path by: the inverse of {@link #modulePath}. */
  static String scope(String path) {
    return path.equals(Site.ROOT) ? "" : "." + path;
  }

  /** The path for people: no leading dot, and a word for the root. */
  static String modulePath(String scope) {
    return scope.isEmpty() ? Site.ROOT : scope.substring(1);
  }
}
