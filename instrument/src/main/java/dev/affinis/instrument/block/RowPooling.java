package dev.affinis.instrument.block;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.affinis.signature.Pooling;
import java.util.List;

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
   * Takes the mean over tokens, where there are as many positions as the mask has; over all
   * positions otherwise.
   *
   * @param tensor samples on the first axis; float64 is kept, everything else becomes float32
   * @param axis the axis with the channels, as {@link #axis} gives it
   * @param mask where there are tokens (samples x tokens, truth values)
   * @param manager what the rows are attached to
   * @return samples x channels, a new array
   */
  static NDArray rows(NDArray tensor, int axis, NDArray mask, NDManager manager) {
    Shape shape = tensor.getShape();
    boolean fits =
        shape.dimension() == 3
            && new Shape(shape.get(0), shape.get(3 - axis)).equals(mask.getShape());
    if (!fits) {
      return rows(tensor, axis, manager);
    }
    DataType type = tensor.getDataType() == DataType.FLOAT64 ? DataType.FLOAT64 : DataType.FLOAT32;
    try (NDManager scratch = manager.newSubManager()) {
      NDArray values = tensor.toType(type, true);
      NDArray tokens = mask.expandDims(axis);
      NDArray wide = tokens.broadcast(shape);
      NDArray zeros = values.zerosLike();
      NDArray numbers = mask.toType(type, true);
      NDArray counts = numbers.sum(new int[] {1}, true);
      NDArray kept = NDArrays.where(wide, values, zeros);
      NDArray total = kept.sum(new int[] {3 - axis});
      for (NDArray array : List.of(values, tokens, wide, zeros, numbers, counts, kept, total)) {
        array.attach(scratch);
      }
      NDArray rows = total.div(counts);
      rows.attach(manager);
      return rows;
    }
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
