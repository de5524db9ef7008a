package dev.affinis.instrument;

import ai.djl.ndarray.NDArray;
import dev.affinis.instrument.pattern.ActivationFunctions;
import java.util.List;
import java.util.function.DoubleUnaryOperator;

/**
 * Checks that output rows of an activation are the function of its input rows, where nothing is
 * pooled away: where a row has all values that the site has for a sample. A tap at another tensor,
 * a tensor that was overwritten before it was captured, or rows of another site or sample do not
 * pass. (But where a function leaves its own results as they are, as ReLU does: there an input that
 * was overwritten by the output looks right.)
 *
 * <p>Applies to activations alone, and of these to the functions of {@link ActivationFunctions}.
 * Not to gates, which have two inputs; normalisation, whose statistics are the model's; softmax and
 * pools, whose values depend on several inputs; and modules, which compute anything. Values that
 * are not finite are passed over: scores say that they are there.
 *
 * <p><b>Tolerance.</b> Both sides are as the engine had them, so the difference is what the engine
 * rounds in the function alone: a few units in the last place of the input's magnitude (a GELU
 * written as 0.5 x (1 + erf(...)) cancels), and the 1e-7 to 1e-6 of the polynomials that stand for
 * erf and exp. {@value #SINGLE} (1 + |x|) is about a hundred times that. Rows of a half precision
 * model are float32, too, but have no more bits than it: then it is about ten of its units, as a
 * function written as several operations rounds each.
 */
final class ActivationCheck {
  private static final double SINGLE = 1e-5;
  private static final double HALF = 1e-2;
  private static final double BRAIN = 5e-2;

  /** The bits of a float32 that float16 and bfloat16 do not have. */
  private static final int BELOW_HALF = (1 << 13) - 1;

  private static final int BELOW_BRAIN = (1 << 16) - 1;

  private ActivationCheck() {}

  /** Whether rows of a site have all of its values, and its function is known. */
  static boolean applies(Site site) {
    return site.shape().size() == site.dimension() && ActivationFunctions.isKnown(site.kind());
  }

  /**
   * Checks rows of a site.
   *
   * @param site a site that this {@linkplain #applies applies to}
   * @param pre input values, of any shape
   * @param post output values of the same shape
   * @throws SelfCheckException if the outputs are not the function of the inputs
   */
  static void require(Site site, NDArray pre, NDArray post) {
    float[] x = HostArray.floats(pre);
    float[] y = HostArray.floats(post);
    if (x.length != y.length) {
      throw new SelfCheckException(
          "site %s (%s) has %s values going in and %s coming out"
              .formatted(site.label(), site.kind().word(), x.length, y.length));
    }
    double tolerance = tolerance(y);
    List<DoubleUnaryOperator> functions = ActivationFunctions.of(site.kind(), x, y);
    int wrong = -1;
    for (DoubleUnaryOperator function : functions) {
      wrong = firstWrong(function, x, y, tolerance);
      if (wrong < 0) {
        return;
      }
    }
    throw new SelfCheckException(
        "site %s (%s) gives %s for %s, expected %s: its captures are not its input and output"
            .formatted(
                site.label(),
                site.kind().word(),
                y[wrong],
                x[wrong],
                functions.get(functions.size() - 1).applyAsDouble(x[wrong])));
  }

  /** Position of a value that is not the function of its input; negative if there is none. */
  private static int firstWrong(
      DoubleUnaryOperator function, float[] x, float[] y, double tolerance) {
    for (int i = 0; i < x.length; i++) {
      if (Float.isFinite(x[i]) && Float.isFinite(y[i])) {
        // NaN where the function is not known.
        double difference = Math.abs(function.applyAsDouble(x[i]) - y[i]);
        if (difference > tolerance * (1 + Math.abs(x[i]))) {
          return i;
        }
      }
    }
    return -1;
  }

  private static double tolerance(float[] values) {
    int bits = 0;
    for (float value : values) {
      bits |= Float.isFinite(value) ? Float.floatToRawIntBits(value) : 0;
    }
    if ((bits & BELOW_BRAIN) == 0) {
      return BRAIN;
    }
    return (bits & BELOW_HALF) == 0 ? HALF : SINGLE;
  }
}
