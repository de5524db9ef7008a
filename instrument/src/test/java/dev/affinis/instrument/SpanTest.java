package dev.affinis.instrument;

import static dev.affinis.instrument.torchscript.TestArchive.module;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.MemoryPlan.SiteMemory;
import dev.affinis.instrument.data.BatchLoader;
import dev.affinis.instrument.data.RandomSource;
import dev.affinis.instrument.data.SampleSource;
import dev.affinis.instrument.data.Selection;
import dev.affinis.instrument.torchscript.TestArchive;
import dev.affinis.signature.LayerSample;
import dev.affinis.signature.LayerScores;
import dev.affinis.signature.Score;
import dev.affinis.signature.Signature;
import dev.affinis.signature.transport.AffinityScore;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Chains of sites that are scored like one. */
class SpanTest {
  private static final int SAMPLES = 40;

  @TempDir Path folder;
  private Path model;

  @BeforeEach
  void writeModel() {
    String forward =
        """
        def forward(self: __torch__.M,
            x: Tensor) -> Tensor:
          a = torch.relu(torch.sub(x, 1))
          b = torch.tanh(torch.mul(a, 3))
          c = torch.relu(torch.sub(b, 0.5))
          return torch.sigmoid(torch.slice(c, 1, 0, 3))
        """;
    model = new TestArchive("M").write(folder.resolve("m.pt"), module("M", "", forward));
  }

  private Measurement.Builder builder(SampleSource source) throws IOException {
    return Measurement.builder()
        .setModel(ModelSource.of(model))
        .setSource(source)
        .optSelection(Selection.first(SAMPLES))
        .optBatchSize(7);
  }

  private Signature measure(UnaryOperator<Measurement.Builder> more) throws IOException {
    try (SampleSource source = new RandomSource(new Shape(6, 2, 2), SAMPLES, 5)) {
      return more.apply(builder(source)).build().run();
    }
  }

  private static Measurement.Builder spans(Measurement.Builder builder) {
    return builder
        .optSpan("(root)", "(root)#3")
        .optSpan("(root)#2:tanh", "(root)#2")
        .optSpan("(root)", "(root)#4");
  }

  @Test
  void inputOfTheFirstIsScoredAgainstTheOutputOfTheLast() throws IOException {
    Signature signature = measure(SpanTest::spans);
    Signature plain = measure(b -> b);
    assertEquals(plain.layers(), signature.layers().subList(0, 4));
    LayerScores whole = signature.layers().get(4);
    assertEquals("(root) -> (root) (call 3)", whole.path());
    assertEquals("span span", whole.activation() + " " + whole.type());
    assertEquals(4, whole.index());
    assertEquals(direct(), whole.scores().get("affinity"));
    LayerScores single = signature.layers().get(5);
    assertEquals(plain.layers().get(1).scores(), single.scores());
    Score narrower = signature.layers().get(6).scores().get("affinity");
    assertTrue(narrower.toString().contains("equally wide"), narrower::toString);
  }

  /** The same from captures of our own. */
  private Score direct() throws IOException {
    try (SampleSource source = new RandomSource(new Shape(6, 2, 2), SAMPLES, 5);
        InstrumentedModel<?, ?> instrumented =
            InstrumentedModel.builder().setModelPath(model).build();
        NDManager manager = instrumented.newManager();
        BatchLoader loader =
            BatchLoader.builder()
                .setSource(source)
                .setManager(manager)
                .setSelection(Selection.first(SAMPLES))
                .optBatchSize(SAMPLES)
                .build();
        BatchLoader.Batch batch = loader.next()) {
      NDArray all = batch.data().duplicate();
      List<Capture> captures = instrumented.run(new NDList(all)).captures();
      LayerSample sample = new LayerSample(captures.get(0).pre(), captures.get(2).post());
      return AffinityScore.builder().build().estimate(sample).score();
    }
  }

  @Test
  void spansSurviveSeveralPassesAndTheDisk() throws IOException {
    Signature expected = measure(SpanTest::spans);
    long smallest;
    try (SampleSource source = new RandomSource(new Shape(6, 2, 2), SAMPLES, 5)) {
      MemoryPlan plan = spans(builder(source)).build().plan().memory();
      assertEquals(7, plan.sites().size());
      smallest = plan.sites().stream().mapToLong(SiteMemory::bytes).max().orElseThrow();
    }
    assertEquals(expected, measure(b -> spans(b).optMemory(smallest)));
    try (SmallDisk disk = new SmallDisk(1 << 10)) {
      assertEquals(
          expected, measure(b -> spans(b).optMemory(smallest).optSpillDirectory(disk.directory())));
    }
  }

  @Test
  void endThatIsNoSiteIsAnError() {
    InvalidInputException e =
        assertThrows(
            InvalidInputException.class, () -> measure(b -> b.optSpan("(root)", "(root)#5")));
    assertTrue(e.getMessage().contains("(root)#5, which is none of the measured"), e.getMessage());
    e =
        assertThrows(
            InvalidInputException.class, () -> measure(b -> b.optSpan("(root)#2", "(root)")));
    assertTrue(e.getMessage().contains("wrong order"), e.getMessage());
  }

  /** A module that calls tanh, relu and relu, called twice, with a relu after the first call. */
  private Signature measureModules(UnaryOperator<Measurement.Builder> more) throws IOException {
    String block =
        """
        def forward(self: __torch__.B,
            x: Tensor) -> Tensor:
          a = torch.tanh(torch.mul(x, 3))
          b = torch.relu(torch.sub(a, 0.1))
          return torch.relu(torch.rsub(b, 0.5))
        """;
    String forward =
        """
        def forward(self: __torch__.M,
            x: Tensor) -> Tensor:
          y = (self.block).forward(torch.mul(x, 2), )
          z = torch.relu(torch.sub(y, 0.2))
          return (self.block).forward1(z, )
        """;
    String source =
        module("M", "block : __torch__.B", forward)
            + module("B", "", block + block.replace("def forward(", "def forward1("));
    model =
        new TestArchive("M")
            .attribute("block", new TestArchive("B"))
            .write(folder.resolve("blocks.pt"), source);
    SiteFilter sites = SiteFilter.of(List.of("activations", "module:block"));
    return measure(b -> more.apply(b.optSites(sites)));
  }

  @Test
  void spanReachesFromAModuleToASiteInsideIt() throws IOException {
    Signature signature =
        measureModules(
            b ->
                b.optSpan("block:module", "block:tanh")
                    .optSpan("block:module#2", "block:relu#6")
                    .optSpan("block#2:module", "block#6:relu"));
    // Order: tanh, relu, relu, module, relu of the root, tanh, relu, relu, module; then two spans.
    assertEquals(11, signature.layers().size());
    assertEquals("block (module) -> block", signature.layers().get(9).path());
    assertEquals("block (call 2, module) -> block (call 6)", signature.layers().get(10).path());
    assertEquals(insideModule(), signature.layers().get(9).scores().get("affinity"));
  }

  /** The module's input against the output of its tanh, from captures of our own. */
  private Score insideModule() throws IOException {
    try (SampleSource source = new RandomSource(new Shape(6, 2, 2), SAMPLES, 5);
        InstrumentedModel<?, ?> instrumented =
            InstrumentedModel.builder()
                .setModelPath(model)
                .optSites(SiteFilter.of(List.of("activations", "module:block")))
                .build();
        NDManager manager = instrumented.newManager();
        BatchLoader loader =
            BatchLoader.builder()
                .setSource(source)
                .setManager(manager)
                .setSelection(Selection.first(SAMPLES))
                .optBatchSize(SAMPLES)
                .build();
        BatchLoader.Batch batch = loader.next()) {
      List<Capture> captures = instrumented.run(new NDList(batch.data().duplicate())).captures();
      LayerSample sample = new LayerSample(captures.get(3).pre(), captures.get(0).post());
      return AffinityScore.builder().build().estimate(sample).score();
    }
  }

  @Test
  void kindWithoutANumberIsItsFirstCall() throws IOException {
    // The first relu of the block is the second of its activations.
    Signature signature =
        measureModules(
            b -> b.optSpan("block:relu", "block:relu").optSpan("block#2:relu", "block#2:relu"));
    assertEquals("block (call 2) -> block (call 2)", signature.layers().get(9).path());
    assertEquals(10, signature.layers().size());
  }

  @Test
  void siteOfAnotherCallOfTheModuleIsNoEnd() {
    for (String end : List.of("block#3", "(root)")) {
      InvalidInputException e =
          assertThrows(
              InvalidInputException.class,
              () -> measureModules(b -> b.optSpan("block:module#2", end)));
      assertTrue(e.getMessage().contains("none of the sites inside that call"), e.getMessage());
    }
    InvalidInputException e =
        assertThrows(
            InvalidInputException.class,
            () -> measureModules(b -> b.optSpan("block#1:relu#2", "block#3")));
    assertTrue(e.getMessage().contains("two numbers"), e.getMessage());
  }
}
