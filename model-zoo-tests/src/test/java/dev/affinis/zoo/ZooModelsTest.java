package dev.affinis.zoo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.MalformedModelException;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ModelNotFoundException;
import ai.djl.repository.zoo.ZooModel;
import ai.djl.translate.NoopTranslator;
import ai.djl.translate.TranslateException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The bundled files do what {@code zoo.json} says about them, in both runtimes. */
class ZooModelsTest {
  private static final Path ZOO = Path.of("zoo");
  private static final long MOST_BYTES = 12_000_000;

  /** Kernels differ between the runtimes; logits are about 1 to 10. */
  private static final float LOGIT_TOLERANCE = 1e-3f;

  private static NDManager manager;
  private static NDArray inputs;
  private static long[] labels;

  @BeforeAll
  static void loadImages() throws IOException {
    manager = NDManager.newBaseManager("PyTorch");
    try (InputStream in = Files.newInputStream(ZOO.resolve("images.npz"))) {
      NDList arrays = NDList.decode(manager, in);
      labels = arrays.get("labels").toLongArray();
      NDArray mean = manager.create(new float[] {0.485f, 0.456f, 0.406f});
      NDArray deviation = manager.create(new float[] {0.229f, 0.224f, 0.225f});
      NDArray images = arrays.get("images").toType(DataType.FLOAT32, false).div(255);
      inputs = images.sub(mean).div(deviation).transpose(0, 3, 1, 2);
    }
  }

  @AfterAll
  static void close() {
    manager.close();
  }

  static Stream<JsonNode> models() throws IOException {
    return StreamSupport.stream(zoo().get("models").spliterator(), false);
  }

  private static JsonNode zoo() throws IOException {
    return new ObjectMapper().readTree(ZOO.resolve("zoo.json").toFile());
  }

  @ParameterizedTest
  @MethodSource("models")
  void theThreeFormsAgreeAndReachTheStatedAccuracy(JsonNode model) throws Exception {
    String name = model.get("name").asText();
    float[] traced = logits(name + ".traced.pt", "PyTorch");
    assertEquals(
        model.get("bundled_accuracy").asDouble(), accuracy(traced), 2.0 / labels.length, name);
    assertAgrees(traced, logits(name + ".scripted.pt", "PyTorch"), name + ".scripted.pt");
    assertAgrees(traced, logits(name + ".onnx", "OnnxRuntime"), name + ".onnx");
  }

  @Test
  void theZooIsComplete() throws IOException {
    List<String> expected = new ArrayList<>();
    for (JsonNode model : zoo().get("models")) {
      for (String ending : List.of(".onnx", ".scripted.pt", ".traced.pt")) {
        expected.add(model.get("name").asText() + ending);
      }
    }
    long bytes = Files.size(ZOO.resolve("images.npz"));
    List<String> found = new ArrayList<>();
    try (Stream<Path> files = Files.list(ZOO.resolve("models"))) {
      for (Path file : (Iterable<Path>) files::iterator) {
        found.add(file.getFileName().toString());
        bytes += Files.size(file);
      }
    }
    assertEquals(expected.stream().sorted().toList(), found.stream().sorted().toList());
    assertEquals(8, zoo().get("models").size());
    assertTrue(bytes < MOST_BYTES, "the zoo has " + bytes + " bytes");
  }

  /** Runs a model over all images, in batches of two sizes: no export may insist on one. */
  private static float[] logits(String file, String engine)
      throws IOException, ModelNotFoundException, MalformedModelException, TranslateException {
    Criteria<NDList, NDList> criteria =
        Criteria.builder()
            .setTypes(NDList.class, NDList.class)
            .optModelPath(ZOO.resolve("models").resolve(file))
            .optEngine(engine)
            .optTranslator(new NoopTranslator())
            .build();
    try (ZooModel<NDList, NDList> model = criteria.loadModel();
        Predictor<NDList, NDList> predictor = model.newPredictor();
        NDManager batchManager = manager.newSubManager()) {
      float[] first = run(predictor, batchManager, "0:100");
      float[] rest = run(predictor, batchManager, "100:");
      float[] all = new float[first.length + rest.length];
      System.arraycopy(first, 0, all, 0, first.length);
      System.arraycopy(rest, 0, all, first.length, rest.length);
      return all;
    }
  }

  private static float[] run(
      Predictor<NDList, NDList> predictor, NDManager batchManager, String rows)
      throws TranslateException {
    NDArray batch = inputs.get(rows);
    batch.attach(batchManager);
    NDList result = predictor.predict(new NDList(batch));
    result.attach(batchManager);
    return result.singletonOrThrow().toFloatArray();
  }

  private static double accuracy(float[] logits) {
    int classes = logits.length / labels.length;
    int right = 0;
    for (int i = 0; i < labels.length; i++) {
      int best = 0;
      for (int c = 1; c < classes; c++) {
        if (logits[i * classes + c] > logits[i * classes + best]) {
          best = c;
        }
      }
      right += best == labels[i] ? 1 : 0;
    }
    return (double) right / labels.length;
  }

  private static void assertAgrees(float[] expected, float[] actual, String file) {
    assertEquals(expected.length, actual.length, file);
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], actual[i], LOGIT_TOLERANCE, file);
    }
  }
}
