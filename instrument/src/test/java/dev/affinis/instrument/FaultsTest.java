package dev.affinis.instrument;

import static dev.affinis.instrument.torchscript.TestArchive.module;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.block.TestBlocks;
import dev.affinis.instrument.data.Preprocessing;
import dev.affinis.instrument.data.RandomSource;
import dev.affinis.instrument.data.SampleSource;
import dev.affinis.instrument.data.Selection;
import dev.affinis.instrument.onnx.OomGraph;
import dev.affinis.instrument.torchscript.TestArchive;
import dev.affinis.signature.LayerScores;
import dev.affinis.signature.Signature;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.function.IntUnaryOperator;
import java.util.function.UnaryOperator;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What happens if memory runs out, samples are unreadable, or a model gives nonsense or nothing.
 */
class FaultsTest {
  /** A program that takes 256 TiB for more than four samples. */
  private static final String[] HUNGRY = {
    "y = torch.relu(torch.flatten(x, 1))",
    "if torch.gt(torch.size(x, 0), 4):",
    "  huge = torch.zeros([70368744177664])",
    "  y = torch.add(y, torch.sum(huge))",
    "else:",
    "  pass",
    "return torch.tanh(y)"
  };

  @TempDir Path folder;
  private final List<String> notices = new ArrayList<>();

  private final MeasurementListener listener =
      new MeasurementListener() {
        @Override
        public void notice(String message) {
          notices.add(message);
        }
      };

  private Path program(String... body) {
    String forward =
        "def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n"
            + String.join("\n", body).indent(2);
    return new TestArchive("M").write(folder.resolve("m.pt"), module("M", "", forward));
  }

  private Signature measure(
      Path model, SampleSource source, int batchSize, UnaryOperator<Measurement.Builder> more)
      throws IOException {
    try (ModelSource<?, ?> file = ModelSource.of(model);
        source) {
      return measure(file, source, batchSize, more);
    }
  }

  private Signature measure(
      ModelSource<?, ?> model,
      SampleSource source,
      int batchSize,
      UnaryOperator<Measurement.Builder> more)
      throws IOException {
    return more.apply(
            Measurement.builder()
                .setModel(model)
                .setSource(source)
                .optSelection(Selection.first(Math.max(2, source.size())))
                .optBatchSize(batchSize)
                .optListener(listener))
        .build()
        .run();
  }

  private static String message(ThrowingRun run) {
    return assertThrows(InvalidInputException.class, run::run).getMessage();
  }

  private interface ThrowingRun {
    void run() throws IOException;
  }

  private void requireShrinks(Path model) throws IOException {
    requireShrinks(model, new Samples(40));
  }

  private void requireShrinks(Path model, Samples samples) throws IOException {
    String message = message(() -> measure(model, samples, 16, b -> b));
    assertTrue(message.contains("ran out of memory on a batch of 16 samples"), message);
    assertTrue(message.matches(".*this machine has [\\d.,]+ \\w+ in all.*"), message);
    assertTrue(message.contains("such as 8, or --batch-size auto"), message);
    assertEquals(List.of(), notices);

    Signature shrunk = measure(model, samples, 16, b -> b.optShrinkingBatches(true));
    assertEquals(
        List.of(
            "a batch of 16 samples does not fit into memory: going on in batches of 8",
            "a batch of 8 samples does not fit into memory: going on in batches of 4"),
        notices);
    assertEquals(4, shrunk.settings().more().get("batch_size"));
    assertEquals(measure(model, new Samples(40), 4, b -> b), shrunk);
  }

  @Test
  void memoryThatRunsOutInPyTorchIsNamedAndShrinksBatchesIfAsked() throws IOException {
    requireShrinks(program(HUNGRY));
  }

  @Test
  void memoryThatRunsOutInOnnxRuntimeIsNamedAndShrinksBatchesIfAsked() throws IOException {
    requireShrinks(OomGraph.write(folder));
  }

  @Test
  void memoryThatRunsOutInACopyForTheModelIsNamedAndShrinksBatchesIfAsked() throws IOException {
    Samples samples =
        new Samples(
            40,
            index -> 0,
            batch -> {
              if (batch.getShape().get(0) > 4) {
                batch.getManager().zeros(new Shape(1L << 46)); // 256 TiB
              }
              return new NDList(batch);
            });
    requireShrinks(program("return torch.relu(torch.flatten(x, 1))"), samples);
  }

  @Test
  void aDryRunShrinksBatchesToo() throws IOException {
    try (ModelSource<?, ?> model = ModelSource.of(program(HUNGRY));
        SampleSource source = new Samples(40)) {
      Measurement measurement =
          Measurement.builder()
              .setModel(model)
              .setSource(source)
              .optSelection(Selection.first(40))
              .optShrinkingBatches(true)
              .optListener(listener)
              .build();
      assertEquals(2, measurement.plan().memory().sites().size());
      assertEquals(2, notices.size());
    }
  }

  @Test
  void oneSampleThatDoesNotFitEndsTheRun() {
    Path model = program("y = torch.relu(x)", "return torch.add(y, torch.zeros([70368744177664]))");
    String message =
        message(() -> measure(model, new Samples(40), 2, b -> b.optShrinkingBatches(true)));
    assertTrue(message.contains("a single sample is too much"), message);
    assertEquals(1, notices.size());
  }

  @Test
  void batchesAreHalvedFromWhatThereIs() throws IOException {
    measure(program(HUNGRY), new Samples(6), 64, b -> b.optShrinkingBatches(true));
    assertEquals(
        List.of("a batch of 6 samples does not fit into memory: going on in batches of 3"),
        notices);
  }

  @Test
  void batchesThatNoBufferCanHoldAreHalvedToo() {
    SampleSource giants = new RandomSource(new Shape(1, 1 << 15, 1 << 14), 8, 0);
    Path model = program("return torch.relu(x)");
    String message = message(() -> measure(model, giants, 8, b -> b));
    assertTrue(message.contains("larger than 2 GiB: pass a smaller --batch-size"), message);
    assertEquals(List.of(), notices);
    message(() -> measure(model, giants, 8, b -> b.optShrinkingBatches(true)));
    assertEquals(3, notices.size(), "of 8, 4 and 2: " + notices);
  }

  @Test
  void memoryThatRunsOutInTheMiddleBeginsAgain() throws IOException {
    Path model =
        program(
            "y = torch.relu(torch.flatten(x, 1))",
            "many = torch.gt(torch.size(x, 0), 4)",
            "if torch.__and__(many, bool(torch.gt(torch.max(x), 500))):",
            "  huge = torch.zeros([70368744177664])",
            "  y = torch.add(y, torch.sum(huge))",
            "else:",
            "  pass",
            "return torch.tanh(y)");
    IntUnaryOperator last = index -> index == 39 ? 1000 : 0;
    Signature shrunk = measure(model, new Samples(40, last), 8, b -> b.optShrinkingBatches(true));
    assertEquals(4, shrunk.settings().more().get("batch_size"));
    assertEquals(measure(model, new Samples(40, last), 4, b -> b), shrunk);
  }

  @Test
  void aHeapThatIsTooSmallShrinksBatchesIfAsked() throws IOException {
    Function<NDArray, NDArray> function =
        x -> {
          if (x.getShape().get(0) > 4) {
            long[][] all = new long[1 << 10][];
            for (int i = 0; i < all.length; i++) {
              all[i] = new long[1 << 28];
            }
          }
          return x.maximum(0);
        };
    try (Model model = TestBlocks.model(TestBlocks.around(function), new Shape(1, 8, 1, 1));
        ModelSource<?, ?> source = ModelSource.of(model)) {
      String message = message(() -> measure(source, new Samples(20), 8, b -> b));
      assertTrue(message.startsWith("Java ran out of memory ("), message);
      assertTrue(message.contains("in batches of 8 samples"), message);
      Signature shrunk = measure(source, new Samples(20), 8, b -> b.optShrinkingBatches(true));
      assertEquals(4, shrunk.settings().more().get("batch_size"));
      notices.clear();
      Measurement dry =
          Measurement.builder()
              .setModel(source)
              .setSource(new Samples(20))
              .optSelection(Selection.first(20))
              .optBatchSize(8)
              .optShrinkingBatches(true)
              .optListener(listener)
              .build();
      assertEquals(1, dry.plan().memory().sites().size());
      assertEquals(1, notices.size(), notices.toString());
    }
  }

  @Test
  void aModelThatFailsInTheMiddleIsToldWithTheSamples() {
    Path model =
        program(
            "y = torch.relu(torch.flatten(x, 1))",
            "if bool(torch.gt(torch.max(x), 500)):",
            "  ops.prim.RaiseException(\"no such samples\")",
            "else:",
            "  pass",
            "return y");
    String message =
        message(() -> measure(model, new Samples(64, i -> i == 21 ? 1000 : 0), 8, b -> b));
    assertTrue(
        message.startsWith("on the batch from sample 16 to sample 23, though not on the first: "),
        message);
    assertTrue(message.contains("no such samples"), message);
  }

  @Test
  void samplesThatGiveNaNCostTheScoresOfTheirSitesAlone() throws IOException {
    Path model =
        program(
            "y = torch.relu(torch.flatten(x, 1))",
            "z = torch.tanh(torch.mul(y, torch.sqrt(torch.rsub(torch.amax(y, [1], True), 500))))",
            "return torch.add(y, torch.sum(z))");
    Signature signature =
        measure(model, new Samples(40, i -> i == 12 || i == 30 ? 1000 : 0), 8, b -> b);
    LayerScores relu = signature.layers().get(0);
    LayerScores tanh = signature.layers().get(1);
    assertEquals("relu", relu.activation());
    assertTrue(relu.scores().get("affinity").number().isPresent());
    String reason = tanh.scores().get("affinity").map(String::valueOf, why -> why);
    assertEquals(
        "pre has 16 NaN or infinite values in 2 of 40 rows, the first of them row 12 (counted from"
            + " 0)",
        reason);
  }

  @Test
  void aSiteWhoseRowsBecomeOthersInTheMiddleIsNamed() {
    Path model =
        program(
            "f = torch.flatten(x, 1)",
            "if bool(torch.gt(torch.max(x), 500)):",
            "  g = torch.slice(f, 0, 0, 3)",
            "else:",
            "  g = f",
            "y = torch.relu(g)",
            "return torch.add(f, torch.mean(y))");
    String message =
        message(() -> measure(model, new Samples(40, i -> i == 35 ? 1000 : 0), 8, b -> b));
    assertTrue(message.startsWith("site (root) had a row for each sample"), message);
    assertTrue(message.contains("first dimension is 3, not the batch"), message);
  }

  /** Image number 5 has a readable header and no pixels. */
  private Path images(int count) throws IOException {
    Path images = Files.createDirectories(folder.resolve("images"));
    for (int i = 0; i < count; i++) {
      BufferedImage image = new BufferedImage(8, 8, BufferedImage.TYPE_INT_RGB);
      Random random = new Random(i);
      for (int at = 0; at < 64; at++) {
        image.setRGB(at % 8, at / 8, random.nextInt());
      }
      Path file = images.resolve(i + ".png");
      ImageIO.write(image, "png", file.toFile());
      if (i == 5) {
        Files.write(file, Arrays.copyOf(Files.readAllBytes(file), 60));
      }
    }
    return images;
  }

  private Signature measureImages(Path images, Selection selection, boolean skipsBad)
      throws IOException {
    Path model = program("return torch.relu(torch.flatten(x, 1))");
    try (ModelSource<?, ?> file = ModelSource.of(model);
        SampleSource source =
            SampleSource.open(images.toString(), Preprocessing.builder().build(), selection)) {
      return measure(file, source, 2, b -> b.optSelection(selection).optSkipBad(skipsBad));
    }
  }

  @Test
  void anImageThatDoesNotDecodeEndsTheRunOrIsLeftOut() throws IOException {
    Path images = images(10);
    String message = message(() -> measureImages(images, Selection.first(8), false));
    assertTrue(message.contains("5.png"), message);
    assertTrue(message.contains("pass --skip-bad"), message);

    Signature all = measureImages(images, Selection.first(10), true);
    assertEquals(9, all.data().samples());
    assertTrue(notices.toString().contains("left out 1 unreadable samples"), notices.toString());
    Signature replaced = measureImages(images, Selection.first(8), true);
    assertEquals(8, replaced.data().samples());
    Selection sets = Selection.first(3).inBatches(3);
    Signature inSets = measureImages(images, sets, true);
    assertEquals(3, inSets.data().samples());

    // The next image that was not chosen took its place.
    Path spare = images.resolve("9.png");
    Files.copy(spare, images.resolve("5.png"), StandardCopyOption.REPLACE_EXISTING);
    assertEquals(scores(measureImages(images, sets, false)), scores(inSets));
    Files.delete(images.resolve("5.png"));
    assertEquals(scores(measureImages(images, Selection.first(9), false)), scores(all));
  }

  private static List<Object> scores(Signature signature) {
    List<Object> scores = new ArrayList<>();
    for (LayerScores layer : signature.layers()) {
      scores.add(layer.scores());
      scores.add(layer.batches());
    }
    return scores;
  }
}
