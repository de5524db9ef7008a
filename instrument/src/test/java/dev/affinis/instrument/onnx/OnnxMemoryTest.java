package dev.affinis.instrument.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import dev.affinis.instrument.InstrumentedModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Activations are pooled as they come, not kept until the model is through. */
class OnnxMemoryTest {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final Path RESET_PEAK = Path.of("/proc/self/clear_refs");
  private static final int LAYERS = 40;
  private static final Shape IMAGES = new Shape(4, 16, 256, 256);
  private static final long MEBIBYTE = 1 << 20;

  @TempDir private Path folder;

  @Test
  void fewActivationsAreInMemoryAtATime() throws IOException {
    assumeTrue(Files.isWritable(RESET_PEAK), "only Linux tells the peak of resident memory");
    TestGraph graph = new TestGraph(17).input("t0", DataType.FLOAT, -1, 16, 256, 256);
    for (int i = 0; i < LAYERS; i++) {
      graph.node("Tanh", "t" + i, "t" + (i + 1));
    }
    Path file = graph.output("t" + LAYERS).write(folder);
    try (InstrumentedModel<?, ?> model = InstrumentedModel.builder().setModelPath(file).build();
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDList images = new NDList(manager.zeros(IMAGES));
      Files.writeString(RESET_PEAK, "5");
      long before = kibibytes("VmRSS:");
      assertEquals(LAYERS, model.run(images).captures().size());
      long grown = (kibibytes("VmHWM:") - before) / 1024;
      long all = LAYERS * IMAGES.size() * 4 / MEBIBYTE;
      assertTrue(grown < all / 2, grown + " MiB more, all activations are " + all);
    }
  }

  private static long kibibytes(String key) throws IOException {
    return Files.readAllLines(STATUS).stream()
        .filter(line -> line.startsWith(key))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
        .sum();
  }
}
