package dev.affinis.signature.transport;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import java.util.function.BiFunction;

/**
 * Matrix products that skip what is known: the upper triangle of a symmetric result that only its
 * lower triangle is read of, and the zeros of a triangular factor. Done in blocks of columns, at
 * half the operations of the full product (a sixth for {@link #lowerGramOfLower}).
 *
 * <p>Results of the symmetric products are meaningful in the lower triangle only. All results
 * belong to the manager of the first argument.
 */
final class TriangularProducts {
  /** Narrow enough to skip nearly all that can be skipped, wide enough for full speed. */
  private static final long BLOCK = 512;

  private TriangularProducts() {}

  /**
   * Computes A'A.
   *
   * @param a a matrix (n x d)
   * @return its lower triangle (d x d)
   */
  static NDArray lowerGram(NDArray a) {
    return symmetric(a, (from, to) -> product(a, columnRange(from, to), columnRange(0, to)));
  }

  /**
   * Computes L'L.
   *
   * @param lower a lower triangular matrix (d x d)
   * @return the lower triangle of the product (d x d)
   */
  static NDArray lowerGramOfLower(NDArray lower) {
    return symmetric(
        lower,
        (from, to) ->
            product(
                lower,
                new NDIndex("{}:, {}:{}", from, from, to),
                new NDIndex("{}:, :{}", from, to)));
  }

  /** The columns from (inclusive) to (exclusive). */
  private static NDIndex columnRange(long from, long to) {
    return new NDIndex(":, {}:{}", from, to);
  }

  /** The transpose of one part of a matrix times another part. */
  private static NDArray product(NDArray a, NDIndex left, NDIndex right) {
    try (NDArray l = a.get(left);
        NDArray transposed = l.transpose();
        NDArray r = a.get(right)) {
      return transposed.matMul(r);
    }
  }

  private static NDArray symmetric(NDArray a, BiFunction<Long, Long, NDArray> blockRow) {
    long d = a.getShape().get(1);
    if (d <= BLOCK) {
      return blockRow.apply(0L, d);
    }
    NDArray result = a.getManager().zeros(new Shape(d, d), a.getDataType());
    for (long from = 0; from < d; from += BLOCK) {
      long to = Math.min(d, from + BLOCK);
      try (NDArray block = blockRow.apply(from, to)) {
        result.set(new NDIndex("{}:{}, :{}", from, to, to), block);
      }
    }
    return result;
  }

  /**
   * Computes X L.
   *
   * @param x a matrix (n x d)
   * @param lower a lower triangular matrix (d x d)
   * @return the product (n x d)
   */
  static NDArray timesLower(NDArray x, NDArray lower) {
    return byColumnBlocks(
        x,
        (from, to) -> {
          try (NDArray left = x.get(new NDIndex(":, {}:", from));
              NDArray right = lower.get(new NDIndex("{}:, {}:{}", from, from, to))) {
            return left.matMul(right);
          }
        });
  }

  /**
   * Computes X L'.
   *
   * @param x a matrix (n x d)
   * @param lower a lower triangular matrix (d x d)
   * @return the product (n x d)
   */
  static NDArray timesLowerTransposed(NDArray x, NDArray lower) {
    return byColumnBlocks(
        x,
        (from, to) -> {
          try (NDArray left = x.get(columnRange(0, to));
              NDArray rows = lower.get(new NDIndex("{}:{}, :{}", from, to, to));
              NDArray right = rows.transpose()) {
            return left.matMul(right);
          }
        });
  }

  private static NDArray byColumnBlocks(NDArray x, BiFunction<Long, Long, NDArray> block) {
    long d = x.getShape().get(1);
    if (d <= BLOCK) {
      return block.apply(0L, d);
    }
    try (NDManager scratch = x.getManager().newSubManager()) {
      NDList blocks = new NDList();
      for (long from = 0; from < d; from += BLOCK) {
        NDArray part = block.apply(from, Math.min(d, from + BLOCK));
        part.attach(scratch);
        blocks.add(part);
      }
      NDArray result = NDArrays.concat(blocks, 1);
      result.attach(x.getManager());
      return result;
    }
  }
}
