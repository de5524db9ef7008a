package dev.affinis.signature.linalg;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.util.Optional;

/** What every score does first with a sample matrix: bring it to float64, look for NaN. */
public final class SampleRows {
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
}
