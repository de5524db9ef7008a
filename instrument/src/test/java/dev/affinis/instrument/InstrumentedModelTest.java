package dev.affinis.instrument;

import static dev.affinis.instrument.torchscript.TestArchive.module;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ZooModel;
import ai.djl.training.dataset.ArrayDataset;
import ai.djl.translate.Batchifier;
import ai.djl.translate.Translator;
import ai.djl.translate.TranslatorContext;
import dev.affinis.instrument.data.RandomSource;
import dev.affinis.instrument.data.Selection;
import dev.affinis.instrument.torchscript.TestArchive;
import dev.affinis.signature.LayerScores;
import dev.affinis.signature.Signature;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The instrumented model as a model: predictors, listeners, filters, where it may come from. */
class InstrumentedModelTest {
  @TempDir private Path folder;

  /** relu(x), then tanh of it, then a sigmoid in a module that runs twice. */
  private Path model() {
    String source =
        module(
                "M",
                "gate : __torch__.Gate",
                """
            def forward(self: __torch__.M,
                x: Tensor) -> Tensor:
              gate = self.gate
              y = torch.tanh(torch.relu(x))
              return (gate).forward((gate).forward(y, ), )
            """)
            + module(
                "Gate",
                "",
                """
                def forward(self: __torch__.Gate,
                    x: Tensor) -> Tensor:
                  return torch.mul(x, torch.sigmoid(torch.abs(x)))
                """);
    return new TestArchive("M")
        .attribute("gate", new TestArchive("Gate"))
        .write(folder.resolve("gated.pt"), source);
  }

  /** From an array of floats to the largest value the model gives, times a factor of its own. */
  private static final class Peak implements Translator<float[], Float> {
    @Override
    public NDList processInput(TranslatorContext context, float[] input) {
      return new NDList(context.getNDManager().create(input));
    }

    @Override
    public Float processOutput(TranslatorContext context, NDList list) {
      float factor = Float.parseFloat(context.getModel().getProperty("factor", "1"));
      return list.singletonOrThrow().max().getFloat() * factor;
    }

    @Override
    public Batchifier getBatchifier() {
      return Batchifier.STACK;
    }
  }

  private Criteria<float[], Float> criteria() {
    return Criteria.builder()
        .setTypes(float[].class, Float.class)
        .optModelPath(model())
        .optTranslator(new Peak())
        .optEngine("PyTorch")
        .build();
  }

  private static List<String> labels(List<Site> sites) {
    return sites.stream().map(s -> s.label() + " " + s.kind().word()).toList();
  }

  private static List<String> captured(InstrumentedModel.Run run) {
    return labels(run.captures().stream().map(Capture::site).toList());
  }

  private static final List<String> ALL =
      List.of("(root) relu", "(root) (call 2) tanh", "gate sigmoid", "gate (call 2) sigmoid");

  @Test
  void predictorPredictsAsBeforeAndListenersHearOfEveryPass() throws Exception {
    float[] input = {-1, 0.5f, 2};
    float expected;
    try (ZooModel<float[], Float> plain = criteria().loadModel();
        Predictor<float[], Float> predictor = plain.newPredictor()) {
      expected = predictor.predict(input);
    }
    List<List<String>> heard = new ArrayList<>();
    List<float[]> seen = new ArrayList<>();
    List<NDArray> kept = new ArrayList<>();
    try (InstrumentedModel<float[], Float> model =
            InstrumentedModel.builder()
                .setCriteria(criteria())
                .optListener(run -> heard.add(captured(run)))
                .optListener(run -> seen.add(run.captures().get(0).pre().toFloatArray()))
                .optListener(run -> kept.add(run.captures().get(0).pre()))
                .build();
        Predictor<float[], Float> predictor = model.newPredictor()) {
      assertEquals(expected, predictor.predict(input));
      assertEquals(List.of(expected, expected), predictor.batchPredict(List.of(input, input)));
      assertEquals(List.of(ALL, ALL), heard);
      assertArrayEquals(input, seen.get(0));
      assertEquals(6, seen.get(1).length);
      assertThrows(IllegalStateException.class, () -> kept.get(0).toFloatArray());
      assertEquals("gated", model.getName());
      assertThrows(UnsupportedOperationException.class, () -> model.newTrainer(null));
    }
  }

  @Test
  void loadedModelIsInstrumentedWithItsPropertiesAndStaysTheCallers() throws Exception {
    try (ZooModel<float[], Float> plain = criteria().loadModel()) {
      plain.setProperty("factor", "3");
      Files.writeString(plain.getModelPath().resolve("labels.txt"), "one\ntwo");
      try (InstrumentedModel<float[], Float> model =
              InstrumentedModel.builder().setModel(plain).build();
          Predictor<float[], Float> predictor = model.newPredictor();
          Predictor<float[], Float> before = plain.newPredictor()) {
        assertEquals(before.predict(new float[] {1, 2}), predictor.predict(new float[] {1, 2}));
        String artifact = model.getArtifact("labels.txt", InstrumentedModelTest::text);
        assertEquals("one\ntwo", artifact);
        assertTrue(List.of(model.getArtifactNames()).contains("labels.txt"));
      }
      try (Predictor<float[], Float> after = plain.newPredictor()) {
        assertTrue(Float.isFinite(after.predict(new float[] {1})));
      }
    }
  }

  private static String text(InputStream in) {
    try {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void modelFromAStreamHasNoFileToInstrument() throws Exception {
    try (Model model = Model.newInstance("streamed", "PyTorch")) {
      model.load(Files.newInputStream(model()));
      InvalidInputException e =
          assertThrows(InvalidInputException.class, () -> ModelSource.of(model));
      assertTrue(e.getMessage().contains("give the model file itself"), e.getMessage());
    }
  }

  @Test
  void filtersNarrowSitesByPathKindAndPosition() throws IOException {
    SiteFilter all = SiteFilter.ALL;
    assertEquals(ALL, captures(all));
    assertEquals(ALL.subList(2, 4), captures(all.paths("gate")));
    assertEquals(ALL.subList(0, 2), captures(all.paths("(root)")));
    assertEquals(ALL.subList(0, 1), captures(all.kinds(SiteKind.RELU)));
    assertEquals(ALL.subList(1, 2), captures(all.kinds(SiteKind.TANH)));
    assertEquals(ALL.subList(1, 3), captures(all.indices(1, 2)));
    assertEquals(ALL.subList(3, 4), captures(all.paths("g*").indices(3, 9)));
    assertEquals(List.of(), captures(all.indices(4, 9)));
    InvalidInputException none =
        assertThrows(InvalidInputException.class, () -> captures(all.paths("head.*")));
    assertTrue(none.getMessage().contains("fits head.*"), none.getMessage());
    assertThrows(IllegalArgumentException.class, () -> all.indices(2, 1));
    assertThrows(IllegalArgumentException.class, () -> all.paths("{a"));
  }

  private List<String> captures(SiteFilter filter) throws IOException {
    try (InstrumentedModel<?, ?> model =
            InstrumentedModel.builder().setModelPath(model()).optSites(filter).build();
        NDManager manager = model.newManager()) {
      NDList inputs = new NDList(manager.randomNormal(new Shape(3, 4)));
      assertEquals(4, model.run(inputs).captures().size() + model.run(inputs).leftOut().size());
      List<String> sites = labels(model.sites(inputs));
      assertEquals(sites, captured(model.run(inputs)));
      return sites;
    }
  }

  @Test
  void rawCapturesAreTheTensorsThemselves() throws IOException {
    try (InstrumentedModel<?, ?> model =
            InstrumentedModel.builder().setModelPath(model()).optForm(CaptureForm.RAW).build();
        NDManager manager = model.newManager()) {
      NDArray x = manager.randomNormal(new Shape(2, 3, 4, 5));
      InstrumentedModel.Run run = model.run(new NDList(x));
      Capture first = run.captures().get(0);
      assertEquals(x, first.pre());
      assertEquals(x.getNDArrayInternal().relu(), first.post());
      assertEquals(3, first.site().dimension());
      assertThrows(
          IllegalArgumentException.class, () -> Measurement.builder().setModel(model).build());
    }
  }

  @Test
  void measuringAnInstrumentedModelIsMeasuringItsSource() throws IOException {
    SiteFilter gates = SiteFilter.ALL.paths("gate");
    try (RandomSource samples = new RandomSource(new Shape(3, 4, 4), 20, 1);
        ModelSource<NDList, NDList> source = ModelSource.of(model());
        InstrumentedModel<?, ?> model =
            InstrumentedModel.builder().setSource(source).optSites(gates).build()) {
      Signature measured = model.measure(samples);
      Signature expected =
          Measurement.builder()
              .setModel(source)
              .setSource(samples)
              .optSites(gates)
              .optSelection(Selection.first(20))
              .build()
              .run();
      assertEquals(expected, measured);
      assertThrows(
          IllegalArgumentException.class,
          () -> Measurement.builder().setModel(model).setSource(samples).optSites(gates).build());
      assertEquals(
          List.of("gate 1", "gate 2"),
          measured.layers().stream().map(l -> l.path() + " " + l.call()).toList());
      for (LayerScores layer : measured.layers()) {
        assertTrue(layer.scores().get("affinity").number().isPresent());
      }
    }
  }

  @Test
  void listenersOfAMeasurementHearOfItsBatchesOnly() throws IOException {
    List<Long> heard = new ArrayList<>();
    try (RandomSource samples = new RandomSource(new Shape(3, 4, 4), 8, 1);
        InstrumentedModel<?, ?> model =
            InstrumentedModel.builder()
                .setModelPath(model())
                .optListener(run -> heard.add(run.outputs().head().getShape().get(0)))
                .build()) {
      Measurement.builder()
          .setModel(model)
          .setSource(samples)
          .optSelection(Selection.first(8))
          .optBatchSize(5)
          .build()
          .run();
      assertEquals(List.of(5L, 3L), heard);
    }
  }

  @Test
  void fileOfALoadedModelIsNotGuessedAmongSeveral() throws Exception {
    Files.copy(model(), folder.resolve("other.pt"));
    try (Model model = Model.newInstance("unnamed", "PyTorch")) {
      model.load(folder, "gated");
      InvalidInputException e =
          assertThrows(InvalidInputException.class, () -> ModelSource.of(model));
      assertTrue(e.getMessage().contains("found 2 .pt files"), e.getMessage());
    }
  }

  @Test
  void datasetOfDjlIsMeasuredAsItIs() throws IOException {
    try (NDManager manager = NDManager.newBaseManager("PyTorch");
        InstrumentedModel<?, ?> model = InstrumentedModel.builder().setModelPath(model()).build()) {
      manager.getEngine().setRandomSeed(1);
      ArrayDataset dataset =
          new ArrayDataset.Builder()
              .setData(manager.randomNormal(new Shape(30, 3, 4, 4)))
              .setSampling(10, false)
              .build();
      Signature signature = model.measure(dataset);
      assertEquals(30, signature.data().samples());
      assertEquals(4, signature.layers().size());
    }
  }

  @Test
  void severalPredictorsOnOneModelSeeTheirOwnCapturesOnly() throws Exception {
    int threads = 4;
    ThreadLocal<Float> mine = new ThreadLocal<>();
    List<String> wrong = Collections.synchronizedList(new ArrayList<>());
    try (InstrumentedModel<float[], Float> model =
        InstrumentedModel.builder()
            .setCriteria(criteria())
            .optListener(
                run -> {
                  float seen = run.captures().get(0).pre().getFloat(0, 0);
                  if (seen != mine.get() || run.captures().size() != 4) {
                    wrong.add(seen + " instead of " + mine.get());
                  }
                })
            .build()) {
      ExecutorService pool = Executors.newFixedThreadPool(threads);
      List<Future<Integer>> done = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        float value = t + 1;
        done.add(
            pool.submit(
                () -> {
                  mine.set(value);
                  int passes = 0;
                  try (Predictor<float[], Float> predictor = model.newPredictor()) {
                    for (; passes < 100; passes++) {
                      predictor.predict(new float[] {value, 0, -value});
                    }
                  }
                  return passes;
                }));
      }
      for (Future<Integer> future : done) {
        assertEquals(100, future.get());
      }
      pool.shutdown();
    }
    assertEquals(List.of(), wrong);
  }

  @Test
  void deviceThatIsNotThereIsRefused() {
    Device missing = Device.gpu(63);
    InvalidInputException e =
        assertThrows(
            InvalidInputException.class,
            () -> InstrumentedModel.builder().setModelPath(model()).optDevice(missing).build());
    assertTrue(e.getMessage().contains("device gpu:63 is not there"), e.getMessage());
    assertFalse(e.getMessage().contains("\n"));
  }

  /** What is hidden of one type says nothing of another. */
  @Test
  void everyTypeThatTheModelLacksIsTold() throws IOException {
    String forward =
        """
        def forward(self: __torch__.M,
            x: Tensor) -> Tensor:
          y = torch.relu(x)
          return torch.scaled_dot_product_attention(y, y, y, None, 0., False)
        """;
    Path file = new TestArchive("M").write(folder.resolve("fused.pt"), module("M", "", forward));
    SiteFilter filter = SiteFilter.of(List.of("activations", "pooling", "attention"));
    try (InstrumentedModel<?, ?> model =
        InstrumentedModel.builder().setModelPath(file).optSites(filter).build()) {
      assertEquals(List.of("the model has no pooling"), model.absences());
    }
  }
}
