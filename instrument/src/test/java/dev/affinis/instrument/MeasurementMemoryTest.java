package dev.affinis.instrument;

import static dev.affinis.instrument.torchscript.TestArchive.module;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.MemoryPlan.Place;
import dev.affinis.instrument.MemoryPlan.SiteMemory;
import dev.affinis.instrument.data.RandomSource;
import dev.affinis.instrument.data.SampleSource;
import dev.affinis.instrument.data.Selection;
import dev.affinis.instrument.torchscript.TestArchive;
import dev.affinis.signature.LayerScores;
import dev.affinis.signature.Score;
import dev.affinis.signature.Signature;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole measurements within little memory: on disk, in several passes, with several threads. */
class MeasurementMemoryTest {
  private static final int SAMPLES = 50;
  private static final int BATCH = 16;

  @TempDir Path folder;
  private Path model;
  private final List<String> notices = new ArrayList<>();
  private final List<String> phases = new ArrayList<>();

  private final MeasurementListener listener =
      new MeasurementListener() {
        @Override
        public void begin(Phase phase, long steps) {
          phases.add(phase + " " + steps);
        }

        @Override
        public void notice(String message) {
          notices.add(message);
        }
      };

  @BeforeEach
  void writeModel() throws IOException {
    String forward =
        """
        def forward(self: __torch__.M,
            x: Tensor) -> Tensor:
          wide = torch.relu(torch.flatten(x, 1))
          one = torch.sigmoid(torch.mean(wide, [1], True))
          a = torch.tanh(torch.mul(x, 2))
          half = torch.glu(torch.flatten(a, 1), 1)
          b = torch.gelu(torch.sub(torch.flatten(a, 1), torch.mul(wide, 3)))
          c = torch.silu(torch.add(b, one))
          return torch.add(torch.sum(c), torch.sum(half))
        """;
    String source = module("M", "", forward);
    model = new TestArchive("M").write(folder.resolve("m.pt"), source);
  }

  private SampleSource random() {
    return new RandomSource(new Shape(4, 6, 6), SAMPLES, 1);
  }

  private Signature measure(SampleSource source, UnaryOperator<Measurement.Builder> more)
      throws IOException {
    notices.clear();
    phases.clear();
    try (source) {
      return more.apply(builder(source)).build().run();
    }
  }

  private Measurement.Builder builder(SampleSource source) throws IOException {
    return Measurement.builder()
        .setModel(ModelSource.of(model))
        .setSource(source)
        .optSelection(Selection.first(SAMPLES))
        .optBatchSize(BATCH)
        .optListener(listener);
  }

  private MemoryPlan plan(UnaryOperator<Measurement.Builder> more) throws IOException {
    try (SampleSource source = random()) {
      return more.apply(builder(source)).build().plan().memory();
    }
  }

  /** The least that any plan needs. */
  private long smallest() throws IOException {
    return plan(b -> b).sites().stream().mapToLong(SiteMemory::bytes).max().orElseThrow();
  }

  private static List<Map<String, Score>> scores(Signature signature) {
    return signature.layers().stream().map(LayerScores::scores).toList();
  }

  private List<Path> spilled(Path directory) throws IOException {
    try (var files = Files.list(directory)) {
      return files.toList();
    }
  }

  @Test
  void scoresDoNotDependOnTheNumberOfThreads() throws IOException {
    Signature one = measure(random(), b -> b.optScoringThreads(1));
    for (int threads = 2; threads <= 6; threads++) {
      int count = threads;
      for (int run = 0; run < 5; run++) {
        assertEquals(one, measure(random(), b -> b.optScoringThreads(count)));
        assertEquals(List.of("CAPTURE 50", "SCORE 6"), phases);
      }
    }
  }

  @Test
  void capturesOnDiskGiveTheSameSignature() throws IOException {
    Signature inMemory = measure(random(), b -> b);
    assertEquals(List.of(), notices);
    Path directory = Files.createDirectory(folder.resolve("spill"));
    long budget = smallest();
    assertEquals(Place.DISK, plan(b -> b.optMemory(budget).optSpillDirectory(directory)).place());
    Signature spilled = measure(random(), b -> b.optMemory(budget).optSpillDirectory(directory));
    assertEquals(inMemory, spilled);
    assertEquals(1, notices.size());
    assertTrue(notices.get(0).contains("kept in a file in " + directory), notices.get(0));
    assertEquals(List.of(), spilled(directory));
  }

  @Test
  void severalPassesGiveTheSameSignature() throws IOException {
    Signature inOne = measure(random(), b -> b);
    long budget = smallest();
    for (long room : new long[] {1 << 10, 130 << 10}) {
      try (SmallDisk disk = new SmallDisk(room)) {
        UnaryOperator<Measurement.Builder> little =
            b -> b.optMemory(budget).optSpillDirectory(disk.directory());
        MemoryPlan plan = plan(little);
        assertTrue(plan.passes().size() > 1, plan + "");
        assertEquals(room == 1 << 10 ? Place.MEMORY : Place.DISK, plan.place());
        Signature signature = measure(random(), little);
        assertEquals(inOne, signature);
        assertEquals(2 * plan.passes().size(), phases.size());
        assertTrue(notices.get(0).contains("go through the model"), notices.get(0));
        assertEquals(List.of(), disk.spilled());
      }
    }
  }

  @Test
  void modelThatIsInstrumentedAlreadyTakesPassesToo() throws IOException {
    Signature inOne = measure(random(), b -> b);
    long budget = smallest();
    AtomicInteger heard = new AtomicInteger();
    try (SmallDisk disk = new SmallDisk(1 << 10);
        InstrumentedModel<?, ?> instrumented =
            InstrumentedModel.builder()
                .setModelPath(model)
                .optListener(run -> heard.incrementAndGet())
                .build()) {
      Signature signature =
          measure(
              random(),
              b -> b.setModel(instrumented).optMemory(budget).optSpillDirectory(disk.directory()));
      assertEquals(scores(inOne), scores(signature));
      int batches = (SAMPLES + BATCH - 1) / BATCH;
      assertEquals(phases.size() / 2 * batches, heard.get());
    }
  }

  @Test
  void dataThatChangeBetweenPassesAreRefused() throws IOException {
    long budget = smallest();
    AtomicInteger reads = new AtomicInteger();
    SampleSource changing =
        new Forwarding(random()) {
          @Override
          public void read(int index, FloatBuffer target) {
            int start = target.position();
            super.read(index, target);
            // One value of the last sample, in the second pass only.
            if (index == SAMPLES - 1 && reads.incrementAndGet() == 2) {
              target.put(start, 7);
            }
          }
        };
    try (SmallDisk disk = new SmallDisk(1 << 10)) {
      InvalidInputException e =
          assertThrows(
              InvalidInputException.class,
              () ->
                  measure(changing, b -> b.optMemory(budget).optSpillDirectory(disk.directory())));
      assertTrue(e.getMessage().contains("batch 4 is not what it was"), e.getMessage());
    }
  }

  @Test
  void diskThatGetsFullIsToldAndNothingIsLeft() throws IOException {
    long budget = smallest();
    try (SmallDisk disk = new SmallDisk(1 << 20)) {
      MeasurementListener filling =
          new MeasurementListener() {
            @Override
            public void notice(String message) {
              disk.fillUpTo(150_000); // the plan is made, and the file is not there yet
            }

            @Override
            public void advance(long steps) {
              disk.fillUpTo(5_000);
            }
          };
      InvalidInputException e =
          assertThrows(
              InvalidInputException.class,
              () ->
                  measure(
                      random(),
                      b ->
                          b.optMemory(budget)
                              .optSpillDirectory(disk.directory())
                              .optListener(filling)));
      assertTrue(e.getMessage().contains("spill directory /spill"), e.getMessage());
      assertTrue(e.getMessage().contains("--spill-dir"), e.getMessage());
      assertEquals(List.of(), disk.spilled());
    }
  }

  @Test
  void runThatFailsLeavesNothingOnDisk() throws IOException {
    long budget = smallest();
    SampleSource broken =
        new Forwarding(random()) {
          @Override
          public void read(int index, FloatBuffer target) {
            if (index == SAMPLES - 1) {
              throw new InvalidInputException("sample " + index + " is broken");
            }
            super.read(index, target);
          }
        };
    try (SmallDisk disk = new SmallDisk(1 << 20)) {
      InvalidInputException e =
          assertThrows(
              InvalidInputException.class,
              () -> measure(broken, b -> b.optMemory(budget).optSpillDirectory(disk.directory())));
      assertTrue(e.getMessage().contains("is broken"), e.getMessage());
      assertFalse(phases.isEmpty());
      assertEquals(List.of(), disk.spilled());
    }
  }

  @Test
  void budgetThatIsTooSmallIsRefusedWithOneThatWouldDo() throws IOException {
    long budget = smallest();
    InvalidInputException e =
        assertThrows(
            InvalidInputException.class, () -> measure(random(), b -> b.optMemory(budget - 1)));
    assertTrue(e.getMessage().contains("is too small"), e.getMessage());
    assertTrue(e.getMessage().contains("--memory " + ByteSize.atLeast(budget)), e.getMessage());
    assertThrows(IllegalArgumentException.class, () -> Measurement.builder().optMemory(0));
    assertThrows(IllegalArgumentException.class, () -> Measurement.builder().optScoringThreads(0));
  }

  /** Hands everything on. */
  private static class Forwarding implements SampleSource {
    private final SampleSource source;

    Forwarding(SampleSource source) {
      this.source = source;
    }

    @Override
    public int size() {
      return source.size();
    }

    @Override
    public Shape sampleShape() {
      return source.sampleShape();
    }

    @Override
    public void read(int index, FloatBuffer target) {
      source.read(index, target);
    }

    @Override
    public String name(int index) {
      return source.name(index);
    }

    @Override
    public String description() {
      return source.description();
    }

    @Override
    public Map<String, Object> preprocess() {
      return source.preprocess();
    }

    @Override
    public void close() {
      source.close();
    }
  }
}
