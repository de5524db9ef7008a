package dev.affinis.zoo;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import dev.affinis.instrument.Measurement;
import dev.affinis.instrument.ModelSource;
import dev.affinis.instrument.data.Preprocessing;
import dev.affinis.instrument.data.SampleSource;
import dev.affinis.instrument.data.Selection;
import dev.affinis.signature.LayerScores;
import dev.affinis.signature.Signature;
import dev.affinis.signature.Signature.ModelRuntime;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The same network has the same signature, whatever runs it. */
class SameSignatureTest {
  private static final Path ZOO = Path.of("zoo");
  private static final Selection ALL = Selection.first(512);

  /** The same features from other kernels, amplified by ill-conditioned covariances. */
  private static final double SAME_FEATURES = 2e-4;

  static Stream<String> models() {
    return Stream.of(
        "alexnet", "convnext", "densenet", "googlenet", "mobilenetv3", "resnet", "vgg", "vit");
  }

  @ParameterizedTest
  @MethodSource("models")
  void everyRuntimeGivesTheSameSignature(String name) throws IOException, MalformedModelException {
    Signature traced = measureFile(name + ".traced.pt", ModelRuntime.TORCHSCRIPT);
    requireSame(traced, measureFile(name + ".scripted.pt", ModelRuntime.TORCHSCRIPT));
    requireSame(traced, measureFile(name + ".onnx", ModelRuntime.ONNX));
    if (RebuiltModels.names().contains(name)) {
      try (Model model = RebuiltModels.load(name);
          ModelSource<?, ?> source = ModelSource.of(model)) {
        requireSame(traced, measure(source, ModelRuntime.DJL));
      }
    }
  }

  private static Signature measureFile(String file, ModelRuntime runtime) throws IOException {
    try (ModelSource<?, ?> source = ModelSource.of(ZOO.resolve("models").resolve(file))) {
      return measure(source, runtime);
    }
  }

  private static Signature measure(ModelSource<?, ?> model, ModelRuntime runtime)
      throws IOException {
    String images = ZOO.resolve("images.npz").toString();
    try (SampleSource source = SampleSource.open(images, Preprocessing.builder().build(), ALL)) {
      Signature signature =
          Measurement.builder()
              .setModel(model)
              .setSource(source)
              .optSelection(ALL)
              .optBatchSize(64)
              .build()
              .run();
      assertEquals(runtime, signature.model().runtime());
      assertEquals(List.of(), signature.skipped());
      return signature;
    }
  }

  private static void requireSame(Signature expected, Signature found) {
    String name = expected.model().name() + " as " + found.model().runtime().word();
    assertEquals(sites(expected), sites(found), name);
    if (found.model().runtime() != ModelRuntime.ONNX) {
      // Exporting to ONNX folds batch normalisation into the convolution before it.
      assertEquals(expected.model().parameters(), found.model().parameters(), name);
    }
    for (int i = 0; i < expected.layers().size(); i++) {
      assertEquals(
          affinity(expected.layers().get(i)),
          affinity(found.layers().get(i)),
          SAME_FEATURES,
          name + " " + expected.layers().get(i).path());
    }
  }

  private static List<String> sites(Signature signature) {
    boolean joined = signature.model().runtime() == ModelRuntime.DJL;
    return signature.layers().stream()
        .map(l -> (joined ? inTorch(l) : path(l)) + " " + l.activation() + " " + l.shape())
        .toList();
  }

  private static String path(LayerScores layer) {
    return layer.path() + " " + layer.call() + " " + layer.dimension();
  }

  /**
   * A residual unit is a ParallelBlock: its first ReLU is in a branch, its second in the function
   * that joins the branches. In PyTorch one module makes both calls.
   */
  private static String inTorch(LayerScores layer) {
    if (layer.path().endsWith(".NamedSequence.relu")) {
      return layer.path().replace(".NamedSequence", "") + " 1 " + layer.dimension();
    }
    return layer.path().matches("layer\\d\\.\\d")
        ? layer.path() + ".relu 2 " + layer.dimension()
        : path(layer);
  }

  private static double affinity(LayerScores layer) {
    return layer.scores().get("affinity").number().orElseThrow();
  }
}
