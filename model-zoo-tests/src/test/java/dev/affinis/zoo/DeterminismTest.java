package dev.affinis.zoo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDList;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.repository.zoo.Criteria;
import dev.affinis.instrument.Measurement;
import dev.affinis.instrument.ModelSource;
import dev.affinis.instrument.data.Preprocessing;
import dev.affinis.instrument.data.SampleSource;
import dev.affinis.instrument.data.Selection;
import dev.affinis.signature.LayerScores;
import dev.affinis.signature.Signature;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToIntFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What a signature depends on besides model, data and settings: nothing if all is the same, the
 * number of scoring threads included; the last digits of the engine's kernels if the batch size or
 * the number of the engine's threads is another. {@code affinis.determinism.models} says how many
 * of the bundled models are tried; if all are, the largest differences are printed as
 * docs/reliability.md has them.
 */
class DeterminismTest {
  private static final Path ZOO = Path.of("zoo");

  private static final List<String> NAMES =
      List.of(
          "alexnet", "vit", "resnet", "convnext", "densenet", "googlenet", "mobilenetv3", "vgg");

  private static final int MODELS = Integer.getInteger("affinis.determinism.models", 2);
  private static final boolean ALL = MODELS >= NAMES.size();
  private static final int SAMPLES = ALL ? 512 : 64;
  private static final List<Integer> BATCHES = ALL ? List.of(1, 7, 32, 128) : List.of(7, 32);

  /** Rounding of features in float32, amplified by the covariances that come of them. */
  private static final double KERNELS = 1e-4;

  private int engineThreads;

  @BeforeEach
  void noteThreads() {
    Engine.getEngine("PyTorch"); // which loads the native library
    engineThreads = JniUtils.getNumThreads();
  }

  @AfterEach
  void setThreadsBack() {
    JniUtils.setNumThreads(engineThreads);
  }

  /** How a model is run. */
  private record Way(int batchSize, int engineThreads, int scoringThreads) {}

  private static List<String> models() {
    return NAMES.subList(0, Math.min(MODELS, NAMES.size()));
  }

  private static List<String> forms(String name) {
    List<String> forms = new ArrayList<>(List.of("traced.pt", "onnx"));
    if (RebuiltModels.names().contains(name)) {
      forms.add("djl");
    }
    return forms;
  }

  private static Signature measure(String name, String form, Way way)
      throws IOException, MalformedModelException {
    JniUtils.setNumThreads(way.engineThreads());
    if (form.equals("djl")) {
      try (Model model = RebuiltModels.load(name);
          ModelSource<?, ?> source = ModelSource.of(model)) {
        return measure(source, way);
      }
    }
    Criteria.Builder<NDList, NDList> criteria =
        Criteria.builder()
            .setTypes(NDList.class, NDList.class)
            .optModelPath(ZOO.resolve("models").resolve(name + "." + form));
    if (form.equals("onnx")) {
      criteria
          .optEngine("OnnxRuntime")
          .optOption("intraOpNumThreads", Integer.toString(way.engineThreads()));
    }
    try (ModelSource<?, ?> source = ModelSource.of(criteria.build())) {
      return measure(source, way);
    }
  }

  private static Signature measure(ModelSource<?, ?> model, Way way) throws IOException {
    Selection selection = Selection.first(SAMPLES);
    String images = ZOO.resolve("images.npz").toString();
    try (SampleSource source =
        SampleSource.open(images, Preprocessing.builder().build(), selection)) {
      return Measurement.builder()
          .setModel(model)
          .setSource(source)
          .optSelection(selection)
          .optBatchSize(way.batchSize())
          .optScoringThreads(way.scoringThreads())
          .build()
          .run();
    }
  }

  private static double difference(Signature one, Signature other) {
    assertEquals(one.layers().size(), other.layers().size());
    double largest = 0;
    for (int i = 0; i < one.layers().size(); i++) {
      LayerScores a = one.layers().get(i);
      LayerScores b = other.layers().get(i);
      assertEquals(a.label(), b.label());
      largest = Math.max(largest, Math.abs(affinity(a) - affinity(b)));
    }
    return largest;
  }

  private static double affinity(LayerScores layer) {
    return layer.scores().get("affinity").number().orElseThrow();
  }

  /** Largest difference over ways that differ in one thing only, among all of them. */
  private static double spread(
      List<Way> ways, List<Signature> signatures, ToIntFunction<Way> same) {
    double largest = 0;
    for (int i = 0; i < ways.size(); i++) {
      for (int j = 0; j < i; j++) {
        if (same.applyAsInt(ways.get(i)) == same.applyAsInt(ways.get(j))) {
          largest = Math.max(largest, difference(signatures.get(i), signatures.get(j)));
        }
      }
    }
    return largest;
  }

  @Test
  void sameSettingsGiveTheSameBitsWhateverTheScoringThreads()
      throws IOException, MalformedModelException {
    for (String name : models()) {
      for (String form : forms(name)) {
        Signature first = measure(name, form, new Way(32, 2, 1));
        for (int scoring : new int[] {1, 2, 4}) {
          Signature again = measure(name, form, new Way(32, 2, scoring));
          assertEquals(first.layers(), again.layers(), name + " " + form + " " + scoring);
        }
      }
    }
  }

  @Test
  void batchSizesAndEngineThreadsChangeTheLastDigitsAtMost()
      throws IOException, MalformedModelException {
    for (String name : models()) {
      for (String form : forms(name)) {
        List<Way> ways = new ArrayList<>();
        List<Signature> signatures = new ArrayList<>();
        for (int batch : BATCHES) {
          for (int engine : new int[] {1, 2}) {
            ways.add(new Way(batch, engine, 2));
            signatures.add(measure(name, form, ways.get(ways.size() - 1)));
          }
        }
        double overBatches = spread(ways, signatures, Way::engineThreads);
        double overThreads = spread(ways, signatures, Way::batchSize);
        String what =
            String.format(
                Locale.ROOT,
                "| %s | %s | %d | %.1e | %.1e |",
                name,
                form,
                signatures.get(0).layers().size(),
                overBatches,
                overThreads);
        if (ALL) {
          System.out.println(what);
        }
        assertTrue(overBatches <= KERNELS && overThreads <= KERNELS, what);
      }
    }
  }
}
