package dev.affinis.instrument.onnx;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.Layout;

/**
 * Tells samples from heads (or windows) where attention keeps both on the first axis, samples
 * first.
 */
final class AttentionRows {
  private AttentionRows() {}

  private static boolean isShared(Shape shape, long samples) {
    return shape.dimension() > 2 && shape.get(0) > samples && shape.get(0) % samples == 0;
  }

  /**
   * The shape with an axis for samples alone.
   *
   * @param shape shape of the weights
   * @param samples how many samples ran through the model
   * @return the shape, with one axis more if samples shared theirs
   */
  static Shape shapeBySample(Shape shape, long samples) {
    return isShared(shape, samples)
        ? new Shape(samples, shape.get(0) / samples).addAll(shape.slice(1))
        : shape;
  }

  /**
   * What was captured, by sample.
   *
   * @param captured rows or the whole tensor, the first axis as in {@code shape}; closed if it is
   *     not returned itself; may be {@code null}
   * @param shape shape of the weights
   * @param samples how many samples ran through the model
   * @param layout where the channels of what was captured are
   * @return one row for each sample: with channels last (keys) the mean of its heads; with channels
   *     first, which the heads are, a value for each. A tensor with one axis more
   */
  static NDArray bySample(NDArray captured, Shape shape, long samples, Layout layout) {
    if (captured == null || !isShared(shape, samples)) {
      return captured;
    }
    boolean isTensor = captured.getShape().equals(shape);
    Shape split = shapeBySample(captured.getShape(), samples);
    if (!isTensor) {
      split = new Shape(samples, shape.get(0) / samples, captured.getShape().get(1));
    }
    try (captured;
        NDArray view = captured.reshape(split)) {
      return isTensor
          ? view.duplicate()
          : view.mean(new int[] {layout == Layout.CHANNELS_FIRST ? 2 : 1});
    }
  }
}
