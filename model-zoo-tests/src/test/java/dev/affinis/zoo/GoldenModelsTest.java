package dev.affinis.zoo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import com.fasterxml.jackson.databind.JsonNode;
import dev.affinis.instrument.InstrumentedModel;
import dev.affinis.instrument.Measurement;
import dev.affinis.instrument.ModelSource;
import dev.affinis.instrument.data.BatchLoader;
import dev.affinis.instrument.data.Preprocessing;
import dev.affinis.instrument.data.SampleSource;
import dev.affinis.instrument.data.Selection;
import dev.affinis.signature.LayerScores;
import dev.affinis.signature.Pooling;
import dev.affinis.signature.Signature;
import dev.affinis.signature.covariance.Covariance;
import dev.affinis.signature.covariance.Ridge;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whole models against the authors' Python code: the same sites in the same order, the same logits,
 * the same scores.
 */
class GoldenModelsTest {
  /** The same features from other kernels, amplified by ill-conditioned covariances. */
  private static final double SAME_FEATURES = 2e-4;

  /** The authors' code works in float32. */
  private static final double FLOAT32_REFERENCE = 1e-3;

  private static final double SAME_SHARE = 1e-5;

  /** The same fit in float64 by other means, on rows that are linear in each other. */
  private static final double SAME_FIT = 1e-4;

  /**
   * How much more a solver in float32 (LAPACK's sgelsd, by way of scikit-learn) loses than what the
   * directions explain that it does not see: up to 6.2 times as much. On the rows captured at
   * layer3.1.relu of cifar_resnet20, scikit-learn 1.2.1 gives 0.7229 in float32, and ours, 0.7453,
   * in float64.
   */
  private static final double MISLED = 8;

  /** At how many sites R2 depends on directions that float32 does not see, in any runtime. */
  private static final Map<String, Integer> BLIND_SITES =
      Map.of(
          "alexnet_w8", 1,
          "cifar_resnet20", 5,
          "cifar_resnet56", 8,
          "efficientnet_b0_w4", 14,
          "mobilenet_v2_w4", 11,
          "resnet50_w8", 3,
          "squeezenet1_1_imagenet", 10);

  /**
   * Values so near to the threshold that another kernel moves them across it. There were 8 at most,
   * of up to millions, but each is more than 1e-5 of those that are small at many sites.
   */
  private static final double BORDERLINE = 12;

  private static final double LOGITS = 1e-4;

  /**
   * A score of the authors' code.
   *
   * @param name its name in the golden files
   * @param tolerance how far ours may be off, relative to it
   */
  private record Reference(String name, double tolerance) {}

  private static final Map<String, Reference> SAME_AS_REFERENCE =
      Map.of(
          "linear_cka", new Reference("linear_cka", 1e-5),
          "norm_difference", new Reference("norm_diff", 5e-5), // of activations by other kernels
          "entropy_pre", new Reference("entropy_pre", 1e-4),
          "entropy_post", new Reference("entropy_post", 1e-4));

  static Stream<Arguments> archives() {
    return Stream.of(
            "alexnet_w8",
            "cifar_resnet20",
            "cifar_resnet56",
            "convnext_mini",
            "efficientnet_b0_w4",
            "googlenet_w8",
            "mobilenet_v2_w4",
            "resnet50_w8",
            "squeezenet1_1_imagenet",
            "swin_mini",
            "vit_mini")
        .flatMap(
            name ->
                Stream.of("traced.pt", "scripted.pt", "onnx")
                    .map(form -> Arguments.of(name, form)));
  }

  @ParameterizedTest(name = "{0}.{1}")
  @MethodSource("archives")
  void sitesAndChannelScoresAreThoseOfTheAuthors(String name, String form) throws IOException {
    JsonNode golden = Golden.json("models/" + name + ".json");
    Signature signature =
        measure(
            golden,
            name,
            form,
            b ->
                isCounted(form)
                    ? b.optScores(List.of("affinity", "sparsity_pre", "sparsity_post"))
                    : b);
    List<String> expected = new ArrayList<>();
    List<String> found = new ArrayList<>();
    for (JsonNode layer : golden.get("layers")) {
      String kind = layer.get("activation").asText().replace(" (functional)", "");
      expected.add(
          layer.get("module").asText()
              + " "
              + layer.get("call").asInt()
              + " "
              + kind.toLowerCase(Locale.ROOT)
              + " "
              + layer.get("shape").toString().replace(",", ", "));
    }
    for (LayerScores layer : signature.layers()) {
      String kind = layer.activation().replace("_", "");
      found.add(layer.path() + " " + layer.call() + " " + kind + " " + layer.shape());
    }
    assertEquals(expected, found);
    for (int i = 0; i < found.size(); i++) {
      JsonNode pool = golden.get("layers").get(i).get("channel_pool");
      assertEquals(pool.get("d").asLong(), signature.layers().get(i).dimension(), found.get(i));
      requireClose(pool, pool.get("rho_float64").asDouble(), SAME_FEATURES, signature, i);
      if (isCounted(form)) {
        requireSparsity(golden, signature.layers().get(i));
      }
    }
  }

  /** Counting takes its time; that other forms count the same is for {@link CountsTest}. */
  private static boolean isCounted(String form) {
    return form.equals("traced.pt");
  }

  private static void requireSparsity(JsonNode golden, LayerScores layer) {
    JsonNode expected = golden.get("layers").get(layer.index());
    double values = layer.shape().stream().reduce(golden.get("n").asLong(), (a, b) -> a * b);
    for (String score : List.of("sparsity_pre", "sparsity_post")) {
      if (expected.has(score)) {
        double share = expected.get(score).asDouble();
        double tolerance = Math.max(SAME_SHARE * share, BORDERLINE / values + 0x1p-24);
        double found = layer.scores().get(score).number().orElseThrow();
        assertEquals(share, found, tolerance, layer.path() + " " + layer.call() + " " + score);
      }
    }
  }

  @ParameterizedTest(name = "{0}.{1}")
  @MethodSource("archives")
  void referencePoolingGivesTheReferenceScores(String name, String form) throws IOException {
    JsonNode golden = Golden.json("models/" + name + ".json");
    if (!golden.get("layers").get(0).has("ref_pool")) {
      // The authors' hooks do not see activations that are called as functions.
      assertEquals("googlenet_w8", name);
      return;
    }
    List<String> scores = new ArrayList<>(List.of("affinity", "r2", "r2_adjusted"));
    scores.addAll(SAME_AS_REFERENCE.keySet());
    CapturedRows rows = new CapturedRows();
    Signature signature;
    try (InstrumentedModel<?, ?> model =
        InstrumentedModel.builder()
            .setModelPath(Golden.file("models/" + name + "." + form))
            .optPooling(Pooling.REFERENCE)
            .optListener(rows)
            .build()) {
      signature = measure(golden, b -> b.setModel(model).optScores(scores));
    }
    int onlyInFloat32 = 0;
    for (int i = 0; i < signature.layers().size(); i++) {
      JsonNode pool = golden.get("layers").get(i).get("ref_pool");
      LayerScores layer = signature.layers().get(i);
      requireClose(pool, pool.get("rho_ref").asDouble(), FLOAT32_REFERENCE, signature, i);
      requireOtherScores(pool, layer);
      onlyInFloat32 += requireR2(pool.get("r2").asDouble(), layer, rows) ? 1 : 0;
    }
    assertTrue(
        onlyInFloat32 <= BLIND_SITES.getOrDefault(name, 0),
        name + ": R2 is another in float32 at " + onlyInFloat32 + " sites");
  }

  /**
   * R2 must be the authors'. Where it is not, the input must have directions that a solver in
   * float32, as theirs, does not see, and enough must depend on them: ours has to be between what
   * the others explain and what all do, and theirs no better than the best, nor worse by much more
   * than not to use these directions at all.
   *
   * @return whether it is not
   */
  private static boolean requireR2(double reference, LayerScores layer, CapturedRows rows) {
    double found = layer.scores().get("r2").number().orElseThrow();
    String where = layer.path() + " " + layer.call() + " r2 " + found + " for " + reference;
    if (Math.abs(found - reference) <= SAME_SHARE * reference) {
      return false;
    }
    R2Range range = R2Range.of(rows.pre(layer.index()), rows.post(layer.index()));
    assertTrue(range.contains(found, SAME_FIT), () -> where + " not in " + range);
    double blind = range.best() - range.visible();
    double least = range.best() - MISLED * blind - SAME_SHARE;
    assertTrue(
        reference >= least && reference <= range.best() + SAME_SHARE, () -> where + ", " + range);
    // Another score than R2 is told from it here, too, unless noise decides about both.
    double adjusted = layer.scores().get("r2_adjusted").number().orElse(Double.NaN);
    boolean isCertain = range.isEnd(found, SAME_FIT);
    assertFalse(isCertain && range.contains(adjusted, SAME_FIT), () -> where + ", " + range);
    return true;
  }

  private static void requireOtherScores(JsonNode pool, LayerScores layer) {
    SAME_AS_REFERENCE.forEach(
        (score, expected) -> {
          double reference = pool.get(expected.name()).asDouble();
          assertEquals(
              reference,
              layer.scores().get(score).number().orElseThrow(),
              expected.tolerance() * Math.abs(reference),
              layer.path() + " " + layer.call() + " " + score);
        });
  }

  /**
   * Where the golden value in float64 is no score at all, or far from the one in float32, the
   * authors' inverse square root broke down on a badly scaled covariance. There ours has to be a
   * score, and one between 0 and 1.
   */
  private static void requireClose(
      JsonNode pool, double expected, double tolerance, Signature signature, int index) {
    LayerScores layer = signature.layers().get(index);
    double rho = layer.scores().get("affinity").number().orElseThrow();
    double exact = pool.get("rho_float64").asDouble();
    String where = signature.model().name() + " " + layer.path() + " call " + layer.call();
    assertTrue(rho >= 0 && rho <= 1, where + ": " + rho);
    if (exact < 0 || exact > 1) {
      return;
    }
    boolean float32BrokeDown = Math.abs(expected - exact) > FLOAT32_REFERENCE;
    assertEquals(
        float32BrokeDown ? exact : expected,
        rho,
        float32BrokeDown ? SAME_FEATURES : tolerance,
        where);
  }

  @ParameterizedTest(name = "{0}.{1}")
  @MethodSource("archives")
  void logitsOfTheFirstSampleAreTheSame(String name, String form) throws IOException {
    JsonNode golden = Golden.json("models/" + name + ".json");
    Path file = Golden.file("models/" + name + "." + form);
    try (SampleSource source = open(golden);
        InstrumentedModel<?, ?> model = InstrumentedModel.builder().setModelPath(file).build();
        NDManager manager = model.newManager();
        BatchLoader loader =
            BatchLoader.builder()
                .setSource(source)
                .setManager(manager)
                .setSelection(Selection.first(2))
                .build();
        BatchLoader.Batch batch = loader.next()) {
      NDArray logits = model.run(new NDList(batch.data())).outputs().head();
      JsonNode expected = golden.get("logits_first");
      float[] found = logits.get(0).toFloatArray();
      assertEquals(expected.size(), found.length);
      for (int i = 0; i < found.length; i++) {
        assertEquals(expected.get(i).asDouble(), found[i], LOGITS, name + " logit " + i);
      }
    }
  }

  private static Signature measure(
      JsonNode golden, String name, String form, UnaryOperator<Measurement.Builder> options)
      throws IOException {
    ModelSource<?, ?> model = ModelSource.of(Golden.file("models/" + name + "." + form));
    return measure(golden, b -> options.apply(b).setModel(model));
  }

  private static Signature measure(JsonNode golden, UnaryOperator<Measurement.Builder> options)
      throws IOException {
    try (SampleSource source = open(golden)) {
      return options
          .apply(Measurement.builder())
          .setSource(source)
          .optSelection(Selection.first(golden.get("n").asInt()))
          .optBatchSize(32)
          .optCovariance(Covariance.EMPIRICAL)
          .optRidge(Ridge.ABSOLUTE)
          .build()
          .run();
    }
  }

  private static SampleSource open(JsonNode golden) {
    boolean imagenet = golden.get("images").asText().equals("imagenet_sample256.npz");
    Path images = Golden.file(imagenet ? "imagenet_sample256.npz" : "cifar_test512.npz");
    Preprocessing.Builder builder = Preprocessing.builder();
    if (!imagenet) {
      builder.optInputSize(golden.get("input_size").asInt());
    }
    int n = golden.get("n").asInt();
    return SampleSource.open(images.toString(), builder.build(), Selection.first(n));
  }
}
