package dev.affinis.instrument.block;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** Rows of few tokens: of one, of none, of those that a mask leaves. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RowPoolingTest {
  private final NDManager manager = NDManager.newBaseManager("PyTorch");

  @AfterAll
  void close() {
    manager.close();
  }

  private NDArray mask(int tokens, int... values) {
    return manager.create(values, new Shape(values.length / tokens, tokens)).neq(0);
  }

  private static void assertRows(float[] expected, NDArray rows) {
    assertArrayEquals(expected, rows.toFloatArray());
  }

  @Test
  void theRowOfOneTokenIsThatToken() {
    NDArray tokens = manager.create(new float[] {1, 2, 3, 4, 5, 6}, new Shape(2, 1, 3));
    NDArray rows = RowPooling.rows(tokens, 2, manager);
    assertEquals(new Shape(2, 3), rows.getShape());
    assertRows(new float[] {1, 2, 3, 4, 5, 6}, rows);
    // Another array, also where it has the same numbers.
    tokens.muli(2);
    assertRows(new float[] {1, 2, 3, 4, 5, 6}, rows);
    NDArray channelsFirst = tokens.reshape(2, 3, 1);
    assertRows(tokens.toFloatArray(), RowPooling.rows(channelsFirst, 1, manager));
  }

  @Test
  void theRowOfNoTokensIsNotANumber() {
    NDArray rows = RowPooling.rows(manager.zeros(new Shape(2, 0, 3)), 2, manager);
    assertEquals(new Shape(2, 3), rows.getShape());
    for (float value : rows.toFloatArray()) {
      assertTrue(Float.isNaN(value), () -> "got " + value);
    }
  }

  @Test
  void aMaskOfOneTokenLeavesThatToken() {
    NDArray tokens = manager.arange(12f).reshape(2, 3, 2);
    NDArray mask = mask(3, 0, 1, 0, 1, 0, 0);
    assertRows(new float[] {2, 3, 6, 7}, RowPooling.rows(tokens, 2, mask, manager));
    NDArray first = tokens.transpose(0, 2, 1);
    assertRows(new float[] {2, 3, 6, 7}, RowPooling.rows(first, 1, mask, manager));
    NDArray single = manager.create(new float[] {7, 8}, new Shape(1, 1, 2));
    assertRows(new float[] {7, 8}, RowPooling.rows(single, 2, mask(1, 1), manager));
  }

  @Test
  void whatAMaskHidesMayBeAnything() {
    NDArray tokens =
        manager.create(new float[] {1, Float.NaN, 3, Float.POSITIVE_INFINITY}, new Shape(2, 2, 1));
    assertRows(new float[] {1, 3}, RowPooling.rows(tokens, 2, mask(2, 1, 0, 1, 0), manager));
  }

  @Test
  void aSampleOfPaddingAloneIsNotANumber() {
    NDArray tokens = manager.ones(new Shape(2, 3, 2));
    float[] rows = RowPooling.rows(tokens, 2, mask(3, 0, 0, 0, 1, 1, 0), manager).toFloatArray();
    assertTrue(Float.isNaN(rows[0]) && Float.isNaN(rows[1]));
    assertEquals(1, rows[2]);
  }

  @Test
  void aMaskForOtherPositionsIsLeftAside() {
    NDArray tokens = manager.arange(12f).reshape(2, 3, 2);
    NDArray all = RowPooling.rows(tokens, 2, manager);
    NDArray other = mask(4, IntStream.range(0, 8).map(i -> i % 2).toArray());
    assertRows(all.toFloatArray(), RowPooling.rows(tokens, 2, other, manager));
  }

  @Test
  void maskedRowsAreFloat32OrMore() {
    NDArray half = manager.full(new Shape(1, 2, 1), 3f).toType(DataType.FLOAT16, false);
    NDArray rows = RowPooling.rows(half, 2, mask(2, 1, 1), manager);
    assertEquals(DataType.FLOAT32, rows.getDataType());
    NDArray exact = half.toType(DataType.FLOAT64, true);
    NDArray wide = RowPooling.rows(exact, 2, mask(2, 1, 1), manager);
    assertEquals(DataType.FLOAT64, wide.getDataType());
  }
}
