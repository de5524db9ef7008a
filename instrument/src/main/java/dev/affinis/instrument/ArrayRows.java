package dev.affinis.instrument;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import java.util.List;

/** Rows in memory, on the device of a manager. */
final class ArrayRows implements RowStore {
  private final NDManager manager;
  private final List<NDArray> matrices;

  /**
   * Allocates the matrices.
   *
   * @param parent manager of the device on which rows are kept
   * @param examples some rows of each matrix
   * @param capacity most rows of each
   */
  ArrayRows(NDManager parent, List<NDArray> examples, long capacity) {
    manager = parent.newSubManager();
    matrices =
        examples.stream()
            .map(
                rows ->
                    manager.zeros(new Shape(capacity, rows.getShape().get(1)), rows.getDataType()))
            .toList();
  }

  @Override
  public void put(int place, NDArray rows, long at) {
    // Rows of another engine are copied to this one's device first.
    NDArray here = manager.from(rows);
    long end = at + rows.getShape().get(0);
    matrices.get(place).set(new NDIndex(at + ":" + end), here);
    if (here != rows) {
      here.close();
    }
  }

  @Override
  public NDArray take(int place, long count, NDManager target) {
    NDArray rows = matrices.get(place);
    rows.attach(target);
    return count == rows.getShape().get(0) ? rows : rows.get(new NDIndex("0:" + count));
  }

  @Override
  public void close() {
    manager.close();
  }
}
