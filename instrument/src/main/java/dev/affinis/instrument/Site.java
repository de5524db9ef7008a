package dev.affinis.instrument;

import ai.djl.ndarray.types.Shape;
import dev.affinis.signature.LayerScores;
import java.util.Arrays;
import java.util.List;

/**
 * One call in a model that is observed: of an activation, or of what else was asked for.
 *
 * @param path the module that makes the call, as the model's own code names it ({@code
 *     layer1.0.relu}); {@value #ROOT} if the model itself calls a functional activation
 * @param call 1 for the first call of its {@link SiteType} made under this path in one forward
 *     pass, 2 for the second, and so on
 * @param kind what is called
 * @param shape shape of its output for one sample, without the batch axis
 * @param dimension number of values per sample of the output after pooling
 */
public record Site(String path, int call, SiteKind kind, Shape shape, int dimension) {
  /** The path of calls that the model makes itself, outside all its modules. */
  public static final String ROOT = "(root)";

  /**
   * Returns a name for messages.
   *
   * @return the path, followed by the kind if it is no activation, and by the call number if it is
   *     not the first, see {@link LayerScores#label()}
   */
  public String label() {
    return label(path, call, kind);
  }

  /**
   * Returns the shape as a list.
   *
   * @return sizes of the axes of {@link #shape}
   */
  public List<Long> shapeList() {
    return Arrays.stream(shape.getShape()).boxed().toList();
  }

  /**
   * Returns whether the activation is made of tokens, to which a {@link
   * dev.affinis.signature.TokenPolicy} applies.
   *
   * @return whether its shape is tokens x channels
   */
  public boolean hasTokens() {
    return kind.type() != SiteType.ATTENTION && shape.dimension() == 2 && shape.get(1) == dimension;
  }

  static String label(String path, int call, SiteKind kind) {
    return LayerScores.label(path, kind.type().word(), kind.word(), call);
  }
}
