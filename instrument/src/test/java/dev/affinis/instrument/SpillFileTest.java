package dev.affinis.instrument;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SpillFileTest {
  @TempDir Path folder;

  @Test
  void matricesComeBackAsTheyWereWritten() throws IOException {
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      // The second is larger than a block, the third of another type.
      List<NDArray> matrices =
          List.of(
              manager.randomNormal(new Shape(1000, 3)),
              manager.randomNormal(new Shape(1000, 1700)),
              manager.randomNormal(new Shape(1000, 5)).toType(DataType.FLOAT64, true),
              manager.randomNormal(new Shape(1000, 1)).toType(DataType.FLOAT16, true));
      List<NDArray> examples = matrices.stream().map(m -> m.get("0:2")).toList();
      try (SpillFile spill = new SpillFile(folder, examples, 1200)) {
        for (int from = 0; from < 1000; from += 37) {
          NDIndex range = new NDIndex(from + ":" + Math.min(1000, from + 37));
          for (int i = 0; i < matrices.size(); i++) {
            spill.put(i, matrices.get(i).get(range), from);
          }
        }
        List<NDArray> back =
            IntStream.range(0, matrices.size())
                .parallel()
                .mapToObj(i -> spill.take(i, 1000, manager))
                .toList();
        for (int i = 0; i < matrices.size(); i++) {
          assertEquals(matrices.get(i).getDataType(), back.get(i).getDataType());
          assertArrayEquals(
              matrices.get(i).toByteBuffer().array(), back.get(i).toByteBuffer().array());
        }
      }
    }
  }

  @Test
  void nothingIsLeft() throws IOException {
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      SpillFile spill = new SpillFile(folder, List.of(manager.ones(new Shape(2, 3))), 10);
      spill.put(0, manager.ones(new Shape(2, 3)), 0);
      if (File.separatorChar == '/') {
        // On Unix not even if the process is killed now.
        assertEquals(List.of(), files());
      }
      spill.close();
      assertEquals(List.of(), files());
    }
  }

  private List<Path> files() throws IOException {
    try (var files = Files.list(folder)) {
      return files.toList();
    }
  }

  @Test
  void diskThatIsTooSmallIsToldBeforeAnythingIsWritten() throws IOException {
    try (NDManager manager = NDManager.newBaseManager("PyTorch");
        SmallDisk disk = new SmallDisk(1 << 20)) {
      List<NDArray> example = List.of(manager.ones(new Shape(2, 1024)));
      InvalidInputException e =
          assertThrows(
              InvalidInputException.class, () -> new SpillFile(disk.directory(), example, 1024));
      assertTrue(e.getMessage().contains("they take 4.0 MiB, 0 bytes are written"), e.getMessage());
      assertEquals(List.of(), disk.spilled());
    }
  }

  @Test
  void diskThatGetsFullIsToldAndTheFileRemoved() throws IOException {
    try (NDManager manager = NDManager.newBaseManager("PyTorch");
        SmallDisk disk = new SmallDisk(1 << 20)) {
      NDArray rows = manager.ones(new Shape(16, 256));
      try (SpillFile spill = new SpillFile(disk.directory(), List.of(rows), 256)) {
        spill.put(0, rows, 0);
        disk.fillUpTo(40_000);
        spill.put(0, rows, 16);
        InvalidInputException e =
            assertThrows(
                InvalidInputException.class,
                () -> {
                  spill.put(0, rows, 32);
                  spill.put(0, rows, 48);
                });
        for (String words :
            List.of(
                "spill directory /spill",
                "they take 256.0 KiB",
                "are written",
                "free (out of disk space)",
                "--spill-dir",
                "--memory")) {
          assertTrue(e.getMessage().contains(words), words + " in: " + e.getMessage());
        }
      }
      assertEquals(List.of(), disk.spilled());
    }
  }

  @Test
  void directoryThatIsGoneIsTold() {
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      List<NDArray> example = List.of(manager.ones(new Shape(2, 3)));
      Path gone = folder.resolve("gone");
      InvalidInputException e =
          assertThrows(InvalidInputException.class, () -> new SpillFile(gone, example, 10));
      assertTrue(e.getMessage().contains("spill directory " + gone), e.getMessage());
    }
  }
}
