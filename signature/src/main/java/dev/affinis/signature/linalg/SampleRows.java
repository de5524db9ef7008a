package dev.affinis.signature.linalg;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What scores do first with a sample matrix: bring it to float64, look for NaN and equal rows. */
public final class SampleRows {
  /** Values looked at at a time, to bound memory. */
  private static final int BLOCK_VALUES = 1 << 23;

  private SampleRows() {}

  /**
   * Copies rows of any float type, and of any engine, to float64.
   *
   * @param rows samples (n x d), not modified, not closed
   * @param manager where the copy lives
   * @return a new array (n x d, float64)
   */
  public static NDArray doubles(NDArray rows, NDManager manager) {
    NDArray own = manager.from(rows);
    // toType does not copy where the type stays.
    NDArray copy =
        own.getDataType() == DataType.FLOAT64
            ? own.duplicate()
            : own.toType(DataType.FLOAT64, true);
    copy.attach(manager);
    if (own != rows) {
      own.close();
    }
    return copy;
  }

  /**
   * Says how many values are not finite, if any, and the first row that has one.
   *
   * @param side what the samples are, such as {@code pre}; the reason begins with it
   * @param values samples (n x d, any float type), not modified
   * @return the reason not to compute with them, or nothing
   */
  public static Optional<String> nonFinite(String side, NDArray values) {
    try (NDManager scratch = values.getManager().newSubManager()) {
      NDArray magnitudes = values.abs();
      magnitudes.attach(scratch);
      // Comparisons with NaN are false.
      NDArray bad =
          magnitudes.lt(Double.POSITIVE_INFINITY).logicalNot().toType(DataType.INT64, false);
      long count = bad.sum().getLong();
      if (count == 0) {
        return Optional.empty();
      }
      NDArray badRows = bad.max(new int[] {1});
      return Optional.of(
          "%s has %s NaN or infinite values in %s of %s rows, the first of them row %s (counted from 0)"
              .formatted(
                  side,
                  count,
                  badRows.sum().getLong(),
                  values.getShape().get(0),
                  badRows.argMax().getLong()));
    }
  }

  /**
   * Finds equal rows.
   *
   * @param rows samples (n x d, float64), not modified
   * @return for each row the number of the first that equals it, 0 and -0 being equal; its own,
   *     too, where a third row of the same hash hides the first
   */
  public static int[] firstEqual(NDArray rows) {
    int n = Math.toIntExact(rows.getShape().get(0));
    int d = Math.toIntExact(rows.getShape().get(1));
    int[] first = new int[n];
    int step = Math.max(1, BLOCK_VALUES / d);
    Map<Long, Integer> seen = new HashMap<>();
    List<Integer> supposed = new ArrayList<>();
    for (int start = 0; start < n; start += step) {
      int end = Math.min(n, start + step);
      try (NDArray block = rows.get(start + ":" + end)) {
        double[] values = block.toDoubleArray();
        for (int i = start; i < end; i++) {
          Integer twin = seen.putIfAbsent(hash(values, (i - start) * d, d), i);
          first[i] = twin == null ? i : twin;
          if (twin != null) {
            supposed.add(i);
          }
        }
      }
    }
    int part = Math.max(1, step / 4); // of both sides, and of what comes of comparing them
    for (int start = 0; start < supposed.size(); start += part) {
      keepEqual(rows, supposed.subList(start, Math.min(supposed.size(), start + part)), first);
    }
    return first;
  }

  private static long hash(double[] values, int offset, int length) {
    long hash = 1;
    for (int k = offset; k < offset + length; k++) {
      // Adding 0 makes a negative 0 positive.
      hash = (hash ^ Double.doubleToLongBits(values[k] + 0.0)) * 0x9E3779B97F4A7C15L;
      hash ^= hash >>> 29;
    }
    return hash;
  }

  /** Rows that differ from those that they are supposed to equal stand for themselves. */
  private static void keepEqual(NDArray rows, List<Integer> supposed, int[] first) {
    try (NDManager scratch = rows.getManager().newSubManager()) {
      // Of indices of other types a converted copy would be kept.
      long[] numbers = supposed.stream().mapToLong(i -> i).toArray();
      long[] twins = supposed.stream().mapToLong(i -> first[i]).toArray();
      NDArray left = rows.get(scratch.create(numbers));
      left.attach(scratch);
      NDArray right = rows.get(scratch.create(twins));
      right.attach(scratch);
      long[] different =
          left.neq(right).toType(DataType.INT64, false).sum(new int[] {1}).toLongArray();
      for (int q = 0; q < different.length; q++) {
        int row = supposed.get(q);
        first[row] = different[q] == 0 ? first[row] : row;
      }
    }
  }
}
