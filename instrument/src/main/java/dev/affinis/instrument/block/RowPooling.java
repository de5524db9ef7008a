package dev.affinis.instrument.block;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.affinis.signature.Pooling;

/** Turns an activation into rows, one for each sample, on its device. */
final class RowPooling {
  private RowPooling() {}

  /**
   * Takes the mean over positions, as a sum and a division.
   *
   * @param tensor samples on the first axis; float64 is kept, everything else becomes float32
   * @param axis the axis with the channels, as {@link #axis} gives it
   * @param manager what the rows are attached to
   * @return samples x channels, a new array
   */
  static NDArray rows(NDArray tensor, int axis, NDManager manager) {
    DataType type = tensor.getDataType();
    if (type != DataType.FLOAT32 && type != DataType.FLOAT64) {
      try (NDArray wide = tensor.toType(DataType.FLOAT32, true)) {
        return rows(wide, axis, manager);
      }
    }
    Shape shape = tensor.getShape();
    NDArray rows;
    if (shape.dimension() < 3) {
      // Zero axes are one value, one axis one value for each sample.
      Shape matrix =
          shape.dimension() == 2 ? shape : new Shape(shape.dimension() == 0 ? 1 : shape.get(0), 1);
      try (NDArray view = tensor.reshape(matrix)) {
        rows = view.duplicate();
      }
    } else {
      // None of no tokens, so that their mean is NaN.
      long positions = shape.size() / Math.max(1, shape.get(0) * shape.get(axis));
      boolean isLast = axis == shape.dimension() - 1;
      Shape flat =
          isLast && axis > 1
              ? new Shape(shape.get(0), positions, shape.get(axis))
              : new Shape(shape.get(0), shape.get(1), positions);
      try (NDArray view = tensor.reshape(flat)) {
        rows = view.sum(new int[] {isLast && axis > 1 ? 1 : 2});
      }
      rows.divi(positions);
    }
    rows.attach(manager);
    return rows;
  }

  /**
   * Finds the channels.
   *
   * @param shape shape of an activation
   * @param isLast whether channels are on the last axis if there are positions
   * @param pooling the pooling; the reference takes axis 1 whatever the layout
   * @return an axis; 1 for a shape without positions
   */
  static int axis(Shape shape, boolean isLast, Pooling pooling) {
    return isLast && pooling == Pooling.CHANNEL && shape.dimension() > 2
        ? shape.dimension() - 1
        : 1;
  }

  /**
   * Counts channels.
   *
   * @param shape shape of an activation
   * @param axis the axis with the channels
   * @return values per sample after pooling
   */
  static int channels(Shape shape, int axis) {
    return shape.dimension() < 2 ? 1 : Math.toIntExact(shape.get(axis));
  }
}
