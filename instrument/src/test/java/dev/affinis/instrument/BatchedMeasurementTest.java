package dev.affinis.instrument;

import static dev.affinis.instrument.torchscript.TestArchive.module;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.data.RandomSource;
import dev.affinis.instrument.data.SampleSource;
import dev.affinis.instrument.data.Selection;
import dev.affinis.instrument.torchscript.TestArchive;
import dev.affinis.signature.BatchScores;
import dev.affinis.signature.LayerScores;
import dev.affinis.signature.Score;
import dev.affinis.signature.Signature;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Scores over several sample sets. */
class BatchedMeasurementTest {
  private static final Shape SHAPE = new Shape(3, 4, 4);
  private static final int SAMPLES = 30;
  private static final int BATCHES = 3;
  private static final List<String> SCORES =
      List.of("affinity", "sparsity_pre", "sparsity_post", "dead_units", "saturated_units");

  @TempDir Path folder;

  /** Random samples from some number on, some of them empty or unreadable. */
  private static final class Window implements SampleSource {
    private final RandomSource random = new RandomSource(SHAPE, 1000, 1);
    private final int from;
    private final int size;
    private final Set<Integer> unreadable;
    private int zeroBefore;

    Window(int from, int size, Integer... unreadable) {
      this.from = from;
      this.size = size;
      this.unreadable = Set.of(unreadable);
    }

    @Override
    public int size() {
      return size;
    }

    @Override
    public Shape sampleShape() {
      return SHAPE;
    }

    @Override
    public void read(int index, FloatBuffer target) {
      if (unreadable.contains(index)) {
        throw new InvalidInputException(name(index) + " is unreadable");
      }
      if (from + index < zeroBefore) {
        target.put(new float[(int) SHAPE.size()]);
      } else {
        random.read(from + index, target);
      }
    }

    @Override
    public OptionalInt label(int index) {
      return OptionalInt.of(index / SAMPLES);
    }

    @Override
    public String name(int index) {
      return "sample " + index;
    }

    @Override
    public String description() {
      return "a window";
    }

    @Override
    public Map<String, Object> preprocess() {
      return Map.of();
    }

    @Override
    public void close() {
      random.close();
    }
  }

  private Signature measure(SampleSource source, UnaryOperator<Measurement.Builder> options)
      throws IOException {
    String body =
        "y = torch.relu(torch.flatten(x, 1))\nz = torch.sigmoid(torch.sub(y, 0.5))\nreturn torch.tanh(z)";
    String program =
        module(
            "M",
            "",
            "def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n" + body.indent(2));
    Path file = new TestArchive("M").write(folder.resolve("m.pt"), program);
    return options
        .apply(
            Measurement.builder()
                .setModel(ModelSource.of(file))
                .setSource(source)
                .optSelection(Selection.first(SAMPLES))
                .optScores(SCORES)
                .optBatchSize(16))
        .build()
        .run();
  }

  private static Score batch(Signature signature, int layer, String name, int batch) {
    return signature.layers().get(layer).batches().get(name).values().get(batch);
  }

  @Test
  void smallestClassIsThatOfOneBatch() throws IOException {
    // Classes change after 30 samples, batches after 20.
    Signature signature =
        measure(new Window(0, 100), b -> b.optSelection(Selection.first(20)).optBatches(BATCHES));
    assertEquals(new Signature.Classes(2, 10), signature.data().classes().orElseThrow());
  }

  @Test
  void everyBatchIsScoredAsIfItWereAlone() throws IOException {
    Signature batched = measure(new Window(0, 100), b -> b.optBatches(BATCHES));
    assertEquals(SAMPLES, batched.data().samples());
    assertEquals(BATCHES, batched.settings().more().get("batches"));
    assertEquals(new Signature.Classes(BATCHES, SAMPLES), batched.data().classes().orElseThrow());
    for (int set = 0; set < BATCHES; set++) {
      Signature alone = measure(new Window(set * SAMPLES, SAMPLES), b -> b);
      for (LayerScores layer : alone.layers()) {
        assertTrue(layer.batches().isEmpty());
        for (String name : SCORES) {
          assertEquals(
              layer.scores().get(name), batch(batched, layer.index(), name, set), name + set);
        }
      }
    }
    for (LayerScores layer : batched.layers()) {
      assertTrue(layer.gaps().get("affinity") <= 1e-9 && layer.errors().isEmpty());
      BatchScores scores = layer.batches().get("affinity");
      assertEquals(scores.mean(), layer.scores().get("affinity"));
      assertTrue(scores.deviation().getAsDouble() > 0 && scores.count() == BATCHES);
    }
  }

  @Test
  void passesAndFilesChangeNothing() throws IOException {
    Signature whole = measure(new Window(0, 100), b -> b.optBatches(BATCHES));
    long budget = smallest();
    Signature onDisk =
        measure(
            new Window(0, 100),
            b -> b.optBatches(BATCHES).optMemory(budget).optSpillDirectory(folder));
    try (SmallDisk disk = new SmallDisk(1)) {
      List<MeasurementListener.Phase> phases = new ArrayList<>();
      MeasurementListener listener = new Phases(phases);
      Signature inPasses =
          measure(
              new Window(0, 100),
              b ->
                  b.optBatches(BATCHES)
                      .optMemory(budget)
                      .optSpillDirectory(disk.directory())
                      .optListener(listener));
      assertTrue(
          phases.stream().filter(MeasurementListener.Phase.CAPTURE::equals).count() > 1, "passes");
      assertEquals(whole.layers(), inPasses.layers());
    }
    assertEquals(whole.layers(), onDisk.layers());
  }

  /** Notes the phases of a run. */
  private record Phases(List<MeasurementListener.Phase> seen) implements MeasurementListener {
    @Override
    public void begin(Phase phase, long steps) {
      seen.add(phase);
    }
  }

  /** The budget that is just enough for the largest site. */
  private long smallest() throws IOException {
    return planned(BATCHES).memory().sites().stream()
        .mapToLong(MemoryPlan.SiteMemory::bytes)
        .max()
        .orElseThrow();
  }

  private MeasurementPlan planned(int batches) throws IOException {
    return Measurement.builder()
        .setModel(ModelSource.of(folder.resolve("m.pt")))
        .setSource(new Window(0, 100))
        .optSelection(Selection.first(SAMPLES))
        .optBatches(batches)
        .build()
        .plan();
  }

  @Test
  void aScoreThatIsMissingInOneBatchIsTheMeanOfTheOthers() throws IOException {
    Window window = new Window(0, 100);
    window.zeroBefore = SAMPLES;
    LayerScores layer = measure(window, b -> b.optBatches(BATCHES)).layers().get(0);
    BatchScores scores = layer.batches().get("affinity");
    assertEquals(2, scores.count());
    assertFalse(scores.values().get(0).number().isPresent());
    double second = scores.values().get(1).number().orElseThrow();
    double third = scores.values().get(2).number().orElseThrow();
    assertEquals(
        (second + third) / 2, layer.scores().get("affinity").number().orElseThrow(), 1e-15);
    assertEquals(Math.abs(second - third) / Math.sqrt(2), scores.deviation().getAsDouble(), 1e-15);
    // relu is bounded on one side: no batch has this score.
    assertTrue(layer.scores().get("saturated_units").number().isEmpty());
    assertEquals(0, layer.batches().get("saturated_units").count());
  }

  private String refused(SampleSource source, UnaryOperator<Measurement.Builder> options) {
    return assertThrows(InvalidInputException.class, () -> measure(source, options)).getMessage();
  }

  @Test
  void tooFewSamplesAreRefusedWithTheWayOut() throws IOException {
    String message = refused(new Window(0, 80), b -> b.optBatches(BATCHES));
    assertTrue(
        message.contains("3 batches of 30 samples take 90, but a window has 80: give more data"),
        message);
    assertTrue(message.contains("--samples 26") && message.contains("--batches 2"), message);
    message =
        refused(new Window(0, 92, 0, 40, 41, 91), b -> b.optBatches(BATCHES).optSkipBad(true));
    assertTrue(message.contains("take 90, but 88 samples in a window can be read"), message);
    // Two to spare: replaced.
    Signature signature =
        measure(new Window(0, 92, 0, 40), b -> b.optBatches(BATCHES).optSkipBad(true));
    assertEquals(BATCHES, signature.layers().get(0).batches().get("affinity").count());
  }

  @Test
  void wrongUseIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> Measurement.builder().optBatches(0));
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> measure(new Window(0, 100), b -> b.optBatches(2).optConfidence(50)));
    assertTrue(e.getMessage().contains("--confidence"), e.getMessage());
    assertThrows(IllegalArgumentException.class, () -> Selection.first(1 << 20).inBatches(1 << 20));
  }

  @Test
  void planTellsWhatAllBatchesTake() throws IOException {
    measure(new Window(0, 100), b -> b);
    MeasurementPlan one = planned(1);
    MeasurementPlan three = planned(BATCHES);
    assertEquals(List.of(SAMPLES, 1), List.of(one.samples(), one.batches()));
    assertEquals(List.of(SAMPLES, BATCHES), List.of(three.samples(), three.batches()));
    assertEquals(BATCHES * one.captureBytes(), three.captureBytes());
    assertEquals(one.scoreBytes(), three.scoreBytes());
  }
}
