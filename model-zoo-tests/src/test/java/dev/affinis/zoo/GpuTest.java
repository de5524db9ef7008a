package dev.affinis.zoo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.Capture;
import dev.affinis.instrument.InstrumentedModel;
import dev.affinis.instrument.Measurement;
import dev.affinis.instrument.ModelSource;
import dev.affinis.instrument.data.Preprocessing;
import dev.affinis.instrument.data.SampleSource;
import dev.affinis.instrument.data.Selection;
import dev.affinis.signature.Signature;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs where the engine sees a GPU: the same signature, computed there. */
class GpuTest {
  private static final Path ZOO = Path.of("zoo");
  private static final Selection FEW = Selection.first(256);

  /** GPUs add in another order, and may convolve in reduced precision. */
  private static final double OTHER_KERNELS = 2e-3;

  @BeforeAll
  static void requireGpu() {
    assumeTrue(Engine.getEngine("PyTorch").getGpuCount() > 0, "the engine sees no GPU");
  }

  @ParameterizedTest
  @ValueSource(strings = {"alexnet", "mobilenetv3", "vit"})
  void signatureIsTheOneOfTheCpu(String name) throws IOException {
    Signature cpu = measure(name, Device.cpu());
    Signature gpu = measure(name, Device.gpu(0));
    assertEquals("cpu", cpu.settings().device());
    assertEquals("gpu:0", gpu.settings().device());
    assertEquals(cpu.layers().size(), gpu.layers().size());
    for (int i = 0; i < cpu.layers().size(); i++) {
      assertEquals(
          cpu.layers().get(i).scores().get("affinity").number().orElseThrow(),
          gpu.layers().get(i).scores().get("affinity").number().orElseThrow(),
          OTHER_KERNELS,
          name + " " + cpu.layers().get(i).path());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"alexnet", "vit"})
  void capturesStayOnTheGpu(String name) throws IOException {
    try (InstrumentedModel<?, ?> model =
            InstrumentedModel.builder()
                .setModelPath(ZOO.resolve("models").resolve(name + ".traced.pt"))
                .optDevice(Device.gpu(0))
                .build();
        NDManager manager = model.newManager()) {
      Shape images = new Shape(2, 3, ZooImages.SIZE, ZooImages.SIZE);
      for (Capture capture : model.run(new NDList(manager.ones(images))).captures()) {
        assertTrue(capture.pre().getDevice().isGpu());
        assertTrue(capture.post().getDevice().isGpu());
      }
    }
  }

  private static Signature measure(String name, Device device) throws IOException {
    String images = ZOO.resolve("images.npz").toString();
    try (ModelSource<?, ?> model =
            ModelSource.of(ZOO.resolve("models").resolve(name + ".traced.pt"));
        SampleSource source = SampleSource.open(images, Preprocessing.builder().build(), FEW)) {
      return Measurement.builder()
          .setModel(model)
          .setSource(source)
          .optSelection(FEW)
          .optDevice(device)
          .build()
          .run();
    }
  }
}
