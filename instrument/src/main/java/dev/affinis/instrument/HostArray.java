package dev.affinis.instrument;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.List;
import java.util.Optional;

/** A copy of a model's output in Java memory, kept while the model itself is exchanged. */
final class HostArray {
  /**
   * Allowed difference of outputs, relative to their largest magnitude: engines may fuse other
   * kernels when more is asked of them.
   */
  private static final float TOLERANCE = 1e-4f;

  /** The same for 16 bits, a rounding unit of which is 1e-3 or, for bfloat16, 8e-3. */
  private static final float HALF_TOLERANCE = 2e-2f;

  private final String name;
  private final Shape shape;
  private final float[] values;
  private final float tolerance;

  private HostArray(NDArray array, float[] values) {
    name = array.getName();
    shape = array.getShape();
    boolean half =
        array.getDataType() == DataType.FLOAT16 || array.getDataType() == DataType.BFLOAT16;
    tolerance = half ? HALF_TOLERANCE : TOLERANCE;
    this.values = values;
  }

  static HostArray of(NDArray array) {
    return new HostArray(array, floats(array));
  }

  /** The values of an array of any type, in float32. */
  static float[] floats(NDArray array) {
    if (array.getDataType() == DataType.FLOAT32) {
      return array.toFloatArray();
    }
    try (NDArray floats = array.toType(DataType.FLOAT32, true)) {
      return floats.toFloatArray();
    }
  }

  /**
   * Compares what an instrumented model gives with what the plain one gave.
   *
   * @param expected outputs of the plain model
   * @param outputs outputs of the instrumented model
   * @return the first difference that is more than rounding
   */
  static Optional<String> difference(List<HostArray> expected, NDList outputs) {
    if (expected.size() != outputs.size()) {
      return Optional.of("number of outputs is " + outputs.size() + ", was " + expected.size());
    }
    for (int i = 0; i < expected.size(); i++) {
      HostArray plain = expected.get(i);
      NDArray output =
          plain.name == null || outputs.get(plain.name) == null
              ? outputs.get(i)
              : outputs.get(plain.name);
      Optional<String> difference = plain.difference(i, of(output));
      if (difference.isPresent()) {
        return difference;
      }
    }
    return Optional.empty();
  }

  private Optional<String> difference(int index, HostArray other) {
    if (!shape.equals(other.shape)) {
      return Optional.of("output " + index + " has shape " + other.shape + ", was " + shape);
    }
    float scale = 0;
    for (float value : values) {
      scale = Float.isFinite(value) ? Math.max(scale, Math.abs(value)) : scale;
    }
    for (int i = 0; i < values.length; i++) {
      boolean same = Float.compare(values[i], other.values[i]) == 0;
      if (!same && !(Math.abs(values[i] - other.values[i]) <= tolerance * scale)) {
        return Optional.of(
            "value " + i + " of output " + index + " is " + other.values[i] + ", was " + values[i]);
      }
    }
    return Optional.empty();
  }
}
