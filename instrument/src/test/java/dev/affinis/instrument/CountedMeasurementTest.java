package dev.affinis.instrument;

import static dev.affinis.instrument.torchscript.TestArchive.module;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.data.RandomSource;
import dev.affinis.instrument.data.Selection;
import dev.affinis.instrument.torchscript.TestArchive;
import dev.affinis.signature.LayerScores;
import dev.affinis.signature.Pooling;
import dev.affinis.signature.Signature;
import dev.affinis.signature.UnitCounts;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sparsity, dead and saturated units of programs written by hand. */
class CountedMeasurementTest {
  private static final int SAMPLES = 40;
  private static final List<String> COUNTED =
      List.of("sparsity_pre", "sparsity_post", "dead_units", "saturated_units");

  @TempDir Path folder;
  private Shape shape = new Shape(3, 5, 4);

  private Path archive(String... body) {
    String source =
        module(
            "M",
            "",
            "def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n"
                + String.join("\n", body).indent(2));
    return new TestArchive("M").write(folder.resolve("m.pt"), source);
  }

  private Signature measure(UnaryOperator<Measurement.Builder> options, String... body)
      throws IOException {
    try (RandomSource random = new RandomSource(shape, SAMPLES, 1)) {
      return options
          .apply(Measurement.builder())
          .setModel(ModelSource.of(archive(body)))
          .setSource(random)
          .optSelection(Selection.first(SAMPLES))
          .optBatchSize(16)
          .build()
          .run();
    }
  }

  private Signature measure(String... body) throws IOException {
    return measure(builder -> builder.optScores(COUNTED), body);
  }

  private static double score(LayerScores layer, String name) {
    return layer.scores().get(name).number().orElseThrow();
  }

  /** The share of the samples' own values between two bounds. */
  private double share(double low, double high) {
    int count = 0;
    try (RandomSource random = new RandomSource(shape, SAMPLES, 1)) {
      for (int sample = 0; sample < SAMPLES; sample++) {
        FloatBuffer values = FloatBuffer.allocate((int) shape.size());
        random.read(sample, values);
        for (float value : values.array()) {
          count += value >= (float) low && value <= (float) high ? 1 : 0;
        }
      }
    }
    return count / (double) (SAMPLES * shape.size());
  }

  @Test
  void sparsityIsThatOfTheWholeTensorsBeforeAnOperatorInPlaceChangesThem() throws IOException {
    for (String line :
        List.of(
            "return torch.relu(x)",
            "return torch.relu_(torch.mul(x, 1.))",
            "return torch.mul(torch.relu_(torch.flatten(torch.mul(x, 1.), 1)), 1.)")) {
      LayerScores layer = measure(line).layers().get(0);
      assertEquals(share(-1e-3, 1e-3), score(layer, "sparsity_pre"), 1e-7, line);
      assertEquals(share(-100, 1e-3), score(layer, "sparsity_post"), 1e-7, line);
    }
  }

  @Test
  void tensorsThatAreCountedInPartsGiveTheSame() throws IOException {
    // More positions than a number of 16 bits counts; four samples a part.
    shape = new Shape(3, 200, 200);
    Signature signature =
        measure(
            "a = torch.relu(x)",
            "b = torch.sigmoid(torch.mul(x, 1000.))",
            "return torch.add(a, b)");
    LayerScores relu = signature.layers().get(0);
    assertEquals(share(-1e-3, 1e-3), score(relu, "sparsity_pre"), 1e-7);
    assertEquals(share(-100, 1e-3), score(relu, "sparsity_post"), 1e-7);
    LayerScores sigmoid = signature.layers().get(1);
    assertEquals(1 - share(-0.0069068, 0.0069068), score(sigmoid, "saturated_units"), 1e-5);
  }

  @Test
  void expressionsAreCountedToo() throws IOException {
    LayerScores layer =
        measure(
                b -> b.optScores(COUNTED).optSparsityThreshold(0.5),
                "y = torch.mul(x, torch.sigmoid(x))",
                "return torch.add(y, 0.)")
            .layers()
            .get(0);
    assertEquals("silu", layer.activation());
    assertEquals(share(-0.5, 0.5), score(layer, "sparsity_pre"), 1e-7);
    // x sigmoid(x) is above -0.28, and 0.5 at x = 0.7400.
    assertEquals(share(-100, 0.7400), score(layer, "sparsity_post"), 1e-3);
  }

  @Test
  void deadUnitsAreChannelsThatNeverGiveAnything() throws IOException {
    String[] program = {
      "one = torch.sub(torch.slice(x, 1, 0, 1), 100.)",
      "y = torch.cat([one, torch.slice(x, 1, 1, 3)], 1)",
      "return torch.relu(y)"
    };
    for (Pooling pooling : Pooling.values()) {
      LayerScores layer =
          measure(b -> b.optScores(COUNTED).optPooling(pooling), program).layers().get(0);
      assertEquals(1 / 3.0, score(layer, "dead_units"));
    }
    assertEquals(0, score(measure("return torch.relu(x)").layers().get(0), "dead_units"));
  }

  @Test
  void saturatedUnitsAreValuesAtABound() throws IOException {
    Signature signature =
        measure(
            "a = torch.sigmoid(torch.mul(x, 1000.))",
            "b = torch.tanh(torch.mul(x, 1000.))",
            "c = torch.hardtanh(x, 0., 6.)",
            "d = torch.hardtanh(x, -2., 2.)",
            "e = torch.relu(x)",
            "return torch.cat([a, b, c, d, e], 1)");
    List<LayerScores> layers = signature.layers();
    // sigmoid(t) is 0.001 at t = -6.9068, tanh(t) 0.999 at t = 3.8002.
    assertEquals(1 - share(-0.0069068, 0.0069068), score(layers.get(0), "saturated_units"), 1e-3);
    assertEquals(1 - share(-0.0038002, 0.0038002), score(layers.get(1), "saturated_units"), 1e-3);
    assertEquals(share(-100, 1e-3), score(layers.get(2), "saturated_units"), 1e-7);
    for (int i = 3; i < 5; i++) {
      String reason =
          layers.get(i).scores().get("saturated_units").map(v -> "a number", words -> words);
      assertTrue(reason.contains("bounds"), reason);
    }
  }

  @Test
  void passesAndFilesCountTheSame() throws IOException {
    String[] program = {
      "y = torch.relu(x)", "z = torch.tanh(torch.sub(y, 0.5))", "return torch.sigmoid(z)"
    };
    Signature whole = measure(program);
    Path spill = folder.resolve("spill");
    java.nio.file.Files.createDirectory(spill);
    Signature onDisk =
        measure(b -> b.optScores(COUNTED).optMemory(20_000).optSpillDirectory(spill), program);
    assertEquals(whole.layers(), onDisk.layers());
  }

  @Test
  void nothingIsCountedUnlessAScoreAsksForIt() throws IOException {
    Signature plain = measure(builder -> builder, "return torch.relu(x)");
    assertNull(plain.settings().more().get("sparsity_threshold"));
    Signature counted = measure("return torch.relu(x)");
    assertEquals(1e-3, counted.settings().more().get("sparsity_threshold"));
    try (InstrumentedModel<?, ?> model =
            InstrumentedModel.builder().setModelPath(archive("return torch.relu(x)")).build();
        NDManager manager = model.newManager()) {
      var run = model.run(new ai.djl.ndarray.NDList(manager.ones(new Shape(2, 3, 4, 4))));
      assertTrue(run.captures().get(0).counts().isEmpty());
      try (RandomSource random = new RandomSource(shape, SAMPLES, 1)) {
        LayerScores layer =
            Measurement.builder()
                .setModel(model)
                .setSource(random)
                .optScores(COUNTED)
                .build()
                .run()
                .layers()
                .get(0);
        String reason = layer.scores().get("sparsity_post").map(v -> "a number", words -> words);
        assertTrue(reason.contains("optCounts"), reason);
      }
    }
    assertThrows(
        IllegalArgumentException.class, () -> Measurement.builder().optSparsityThreshold(-1));
    assertThrows(
        IllegalArgumentException.class,
        () -> Measurement.builder().optSparsityThreshold(Double.NaN));
  }

  @Test
  void thresholdIsThatOfAnInstrumentedModel() throws IOException {
    List<String> scores = List.of("sparsity_post", "pooled_sparsity_post");
    try (InstrumentedModel<?, ?> model =
            InstrumentedModel.builder()
                .setModelPath(archive("return torch.relu(x)"))
                .optCounts(0.5)
                .build();
        RandomSource random = new RandomSource(shape, SAMPLES, 1)) {
      Measurement.Builder builder =
          Measurement.builder()
              .setModel(model)
              .setSource(random)
              .optSelection(Selection.first(SAMPLES))
              .optScores(scores);
      Signature signature = builder.build().run();
      assertEquals(0.5, signature.settings().more().get("sparsity_threshold"));
      LayerScores layer = signature.layers().get(0);
      assertEquals(share(-100, 0.5), score(layer, "sparsity_post"), 1e-7);
      LayerScores alone =
          measure(b -> b.optScores(scores).optSparsityThreshold(0.5), "return torch.relu(x)")
              .layers()
              .get(0);
      assertEquals(alone.scores(), layer.scores());
      Exception e =
          assertThrows(
              IllegalArgumentException.class, () -> builder.optSparsityThreshold(0.25).build());
      assertTrue(e.getMessage().contains("0.25 was asked for"), e.getMessage());
      assertTrue(e.getMessage().contains("counts with 0.5"), e.getMessage());
      // Where nothing is counted, the threshold is one for pooled values alone.
      builder.optScores(List.of("pooled_sparsity_post")).build();
    }
  }

  @Test
  void oneValueInFiftyThousandKeepsAChannelAlive() {
    Site site = new Site("relu", 1, SiteKind.RELU, new Shape(2, 224, 224), 2);
    float almost = 50_175 / 50_176f;
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      var shares = manager.create(new float[] {1, 1, 1, almost, 1, 1}, new Shape(3, 2));
      SiteTally tally = new SiteTally(site, 1e-3, 3);
      tally.add(new TapCounts(shares, shares, null), 0);
      UnitCounts counts = tally.counts(0);
      assertEquals(1, counts.deadChannels());
      assertEquals(1 - 1 / (6 * 50_176.0), counts.smallOutputs(), 1e-12);
      assertFalse(counts.saturation().number().isPresent());
    }
  }
}
