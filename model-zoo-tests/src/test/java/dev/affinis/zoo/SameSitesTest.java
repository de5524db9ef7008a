package dev.affinis.zoo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.Capture;
import dev.affinis.instrument.InstrumentedModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The same network has the same sites, and sees the same values, in every runtime. */
class SameSitesTest {
  private static final Path MODELS = Path.of("zoo", "models");
  private static final int SAMPLES = 3;

  /** Kernels differ between the runtimes; pooled activations are about 0.1 to 10. */
  private static final float TOLERANCE = 1e-4f;

  static Stream<String> models() {
    return Stream.of(
        "alexnet", "convnext", "densenet", "googlenet", "mobilenetv3", "resnet", "vgg", "vit");
  }

  @ParameterizedTest
  @MethodSource("models")
  void onnxHasTheSitesOfTorchScript(String name) throws IOException {
    try (NDManager manager = NDManager.newBaseManager("PyTorch");
        InstrumentedModel<?, ?> traced = load(name + ".traced.pt");
        InstrumentedModel<?, ?> onnx = load(name + ".onnx")) {
      manager.getEngine().setRandomSeed(0);
      NDArray images = manager.randomNormal(new Shape(SAMPLES, 3, 32, 32));
      List<Capture> expected = traced.run(new NDList(images)).captures();
      List<Capture> found = onnx.run(new NDList(images)).captures();
      assertEquals(
          expected.stream().map(Capture::site).toList(),
          found.stream().map(Capture::site).toList());
      for (int i = 0; i < found.size(); i++) {
        String label = name + " " + found.get(i).site().label();
        assertClose(expected.get(i).pre(), found.get(i).pre(), label);
        assertClose(expected.get(i).post(), found.get(i).post(), label);
      }
    }
  }

  private static InstrumentedModel<?, ?> load(String file) throws IOException {
    return InstrumentedModel.builder().setModelPath(MODELS.resolve(file)).build();
  }

  private static void assertClose(NDArray expected, NDArray found, String label) {
    assertArrayEquals(expected.toFloatArray(), found.toFloatArray(), TOLERANCE, label);
  }
}
