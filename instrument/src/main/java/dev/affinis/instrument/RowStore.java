package dev.affinis.instrument;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;

/** Keeps matrices that come in by rows, each at a place of its own, until they are taken out. */
interface RowStore extends AutoCloseable {
  /**
   * Keeps a copy of rows.
   *
   * @param place number of the matrix
   * @param rows some rows of it, of its width and type, of any engine and device
   * @param at number of the first of them in the matrix
   */
  void put(int place, NDArray rows, long at);

  /**
   * Takes a matrix out; safe for use by several threads, each with its own matrix.
   *
   * @param place number of the matrix
   * @param count how many rows it has
   * @param target manager that owns the result
   * @return the rows (count x width)
   */
  NDArray take(int place, long count, NDManager target);

  @Override
  void close();
}
