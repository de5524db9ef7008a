package dev.affinis.instrument.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TensorSourceTest {
  @Test
  void inputsComeBackWithShapesTypesAndNames() {
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray ids = manager.create(new long[] {1, 2, 3, 4, 5, 1 << 24}, new Shape(3, 2));
      ids.setName("ids");
      NDArray x = manager.arange(12f).reshape(3, 2, 2).div(7);
      NDArray mask = manager.create(new boolean[] {true, false, false, false, true, true});
      NDList inputs = new NDList(ids, x, mask.reshape(3, 2));
      TensorSource source = new TensorSource(inputs);
      assertEquals(3, source.size());
      assertEquals(new Shape(8), source.sampleShape());
      FloatBuffer buffer = FloatBuffer.allocate(16);
      source.read(2, buffer);
      source.read(0, buffer);
      NDList batch = source.inputs(manager.create(buffer.array(), new Shape(2, 8)));
      assertEquals(
          List.of(DataType.INT64, DataType.FLOAT32, DataType.BOOLEAN),
          batch.stream().map(NDArray::getDataType).toList());
      assertEquals("ids", batch.get(0).getName());
      assertArrayEquals(new long[] {5, 1 << 24, 1, 2}, batch.get(0).toLongArray());
      assertEquals(new Shape(2, 2, 2), batch.get(1).getShape());
      assertArrayEquals(
          x.get("2").toFloatArray(), batch.get(1).get("0").toFloatArray(), "not the same bits");
      assertArrayEquals(new boolean[] {true, true, true, false}, batch.get(2).toBooleanArray());
      Object first = ((List<?>) source.preprocess().get("inputs")).get(0);
      assertEquals(Map.of("name", "ids", "shape", List.of(2L), "type", "int64"), first);
    }
  }

  private static void assertRefused(String part, NDArray... arrays) {
    Exception e =
        assertThrows(IllegalArgumentException.class, () -> new TensorSource(new NDList(arrays)));
    assertTrue(e.getMessage().contains(part), e.getMessage());
  }

  @Test
  void whatFloat32DoesNotHoldIsRefused() {
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      assertRefused("got 0");
      assertRefused("same number", manager.ones(new Shape(2, 3)), manager.ones(new Shape(3, 3)));
      assertRefused("float64", manager.ones(new Shape(2, 3), DataType.FLOAT64));
      assertRefused("2^24", manager.create(new long[] {1 << 24, (1L << 24) + 2}));
    }
  }
}
