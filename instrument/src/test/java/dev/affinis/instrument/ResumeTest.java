package dev.affinis.instrument;

import static dev.affinis.instrument.torchscript.TestArchive.module;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.data.RandomSource;
import dev.affinis.instrument.data.SampleSource;
import dev.affinis.instrument.data.Selection;
import dev.affinis.instrument.torchscript.TestArchive;
import dev.affinis.signature.Signature;
import dev.affinis.signature.SignatureFile;
import dev.affinis.signature.TokenPolicy;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Measurements that go on where others stopped. What a run keeps is copied after every step of it;
 * every copy must lead to the same signature, and to no more work than is missing.
 */
class ResumeTest {
  private static final int SAMPLES = 26;
  private static final int BATCH = 4;

  @TempDir Path folder;
  private Path model;
  private int caches;
  private final AtomicInteger reads = new AtomicInteger();
  private final List<String> notices = new ArrayList<>();

  /** The files of a run at one moment. */
  private record Copy(Map<String, byte[]> files) {
    long count(String prefix) {
      return files.keySet().stream().filter(name -> name.startsWith(prefix)).count();
    }
  }

  @BeforeEach
  void writeModel() throws IOException {
    model = write("m.pt", "3");
  }

  private Path write(String name, String factor) throws IOException {
    String forward =
        """
        def forward(self: __torch__.M,
            x: Tensor) -> Tensor:
          tokens = torch.relu(torch.flatten(x, 2))
          wide = torch.relu(torch.flatten(x, 1))
          one = torch.sigmoid(torch.mean(wide, [1], True))
          a = torch.tanh(torch.mul(x, 2))
          b = torch.gelu(torch.sub(torch.flatten(a, 1), torch.mul(wide, %s)))
          c = torch.silu(torch.add(b, one))
          return torch.add(torch.sum(c), torch.sum(tokens))
        """
            .formatted(factor);
    return new TestArchive("M").write(folder.resolve(name), module("M", "", forward));
  }

  /** Random samples with classes, two of which cannot be read; counts what is read. */
  private final class Source implements SampleSource {
    private final SampleSource random = new RandomSource(new Shape(2, 3, 4), 2 * SAMPLES + 3, 1);
    private final boolean hasBad;

    Source(boolean hasBad) {
      this.hasBad = hasBad;
    }

    @Override
    public int size() {
      return random.size();
    }

    @Override
    public Shape sampleShape() {
      return random.sampleShape();
    }

    @Override
    public void read(int index, FloatBuffer target) {
      reads.incrementAndGet();
      if (hasBad && (index == 5 || index == 11)) {
        throw new InvalidInputException("sample " + index + " is broken");
      }
      random.read(index, target);
    }

    @Override
    public OptionalInt label(int index) {
      return OptionalInt.of(index % 3);
    }

    @Override
    public String name(int index) {
      return random.name(index);
    }

    @Override
    public String description() {
      return random.description();
    }

    @Override
    public Map<String, Object> preprocess() {
      return random.preprocess();
    }

    @Override
    public Optional<String> identity() throws IOException {
      return random.identity();
    }

    @Override
    public void close() {
      random.close();
    }
  }

  private Measurement.Builder builder(Source source) throws IOException {
    return Measurement.builder()
        .setModel(ModelSource.of(model))
        .setSource(source)
        .optSelection(Selection.first(SAMPLES))
        .optBatchSize(BATCH)
        .optSkipBad(source.hasBad);
  }

  private Path newCache() {
    return folder.resolve("cache" + caches++);
  }

  private Signature measure(Source source, UnaryOperator<Measurement.Builder> options, Path cache)
      throws IOException {
    return measure(source, options, cache, new ArrayList<>());
  }

  /** Measures; copies what is kept after every step. */
  private Signature measure(
      Source source, UnaryOperator<Measurement.Builder> options, Path cache, List<Copy> copies)
      throws IOException {
    notices.clear();
    reads.set(0);
    MeasurementListener listener =
        new MeasurementListener() {
          @Override
          public void advance(long steps) {
            copies.add(copy(cache));
          }

          @Override
          public void notice(String message) {
            notices.add(message);
          }
        };
    return options
        .apply(builder(source).optResume(new RunCache(cache)).optListener(listener))
        .build()
        .run();
  }

  private static Copy copy(Path cache) {
    Map<String, byte[]> files = new TreeMap<>();
    try (Stream<Path> found = Files.walk(cache.resolve("runs"))) {
      for (Path file : found.filter(Files::isRegularFile).toList()) {
        files.put(file.getFileName().toString(), Files.readAllBytes(file));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new Copy(files);
  }

  /** A cache with what a run kept. */
  private Path restore(Copy copy, String run) throws IOException {
    Path cache = newCache();
    Path place = Files.createDirectories(cache.resolve("runs").resolve(run));
    for (Map.Entry<String, byte[]> file : copy.files().entrySet()) {
      Files.write(place.resolve(file.getKey()), file.getValue());
    }
    return cache;
  }

  private static List<Path> runs(Path cache) throws IOException {
    try (Stream<Path> found = Files.list(cache.resolve("runs"))) {
      return found.toList();
    }
  }

  private static String run(Copy copy) {
    String line = new String(copy.files().get("manifest.json"), 0, 200, StandardCharsets.UTF_8);
    return line.split(" ", 3)[1];
  }

  /** Every resumed run takes time: the first and last copies, and some in between. */
  private static List<Copy> some(List<Copy> copies) {
    int last = copies.size() - 1;
    return IntStream.of(0, last / 4, last / 2, 3 * last / 4, last)
        .distinct()
        .mapToObj(copies::get)
        .toList();
  }

  /** Checks that a run that is interrupted after any step ends with the same signature. */
  private List<Copy> assertGoesOn(boolean hasBad, UnaryOperator<Measurement.Builder> options)
      throws IOException {
    String expected =
        SignatureFile.toJson(options.apply(builder(new Source(hasBad))).build().run());
    List<Copy> copies = new ArrayList<>();
    Path cache = newCache();
    String kept = SignatureFile.toJson(measure(new Source(hasBad), options, cache, copies));
    assertEquals(expected, kept, "keeping changes nothing");
    assertEquals(List.of(), runs(cache), "a run that is done leaves nothing");
    int all = reads.get();
    int least = all;
    for (Copy copy : some(copies)) {
      Path again = restore(copy, run(copy));
      String resumed = SignatureFile.toJson(measure(new Source(hasBad), options, again));
      assertEquals(expected, resumed);
      assertTrue(
          notices.stream()
              .anyMatch(n -> n.startsWith("goes on where an interrupted run stopped: ")),
          notices.toString());
      assertEquals(List.of(), runs(again));
      assertTrue(reads.get() <= all);
      least = Math.min(least, reads.get());
    }
    assertEquals(0, least, "in the end nothing is read again");
    return copies;
  }

  @Test
  void goesOnFromAnyStep() throws IOException {
    List<Copy> copies = assertGoesOn(false, b -> b);
    // 7 batches, then 6 sites; the scores of all are there before captures go.
    assertEquals(7 + 6 + 1, copies.size());
    for (int i = 0; i < 7; i += 3) {
      assertEquals(i + 1, copies.get(i).count("captures-0-"));
      measure(new Source(false), b -> b, restore(copies.get(i), run(copies.get(i))));
      assertEquals(Math.max(0, SAMPLES - (i + 1) * BATCH), reads.get(), "samples read again");
    }
  }

  @Test
  void goesOnInAllOtherWaysToMeasure() throws IOException {
    assertGoesOn(false, b -> b.optBatches(2).optScores(List.of("affinity", "linear_cka")));
    assertGoesOn(true, b -> b.optConfidence(20));
    assertGoesOn(false, b -> b.optScores(List.of("affinity", "dead_units", "sparsity_post")));
    assertGoesOn(false, b -> b.optTokens(TokenPolicy.CLASS));
    assertGoesOn(false, b -> b.optSpan("(root):sigmoid", "(root):silu"));
    assertGoesOn(
        true, b -> b.optBatches(2).optScores(List.of("dead_units", "class_scatter_ratio_pre")));
  }

  @Test
  void goesOnFromDisk() throws IOException {
    long budget = smallest();
    List<Copy> copies = assertGoesOn(false, b -> b.optMemory(budget).optSpillDirectory(folder));
    assertTrue(copies.size() > 12);
  }

  private long smallest() throws IOException {
    return builder(new Source(false)).build().plan().memory().sites().stream()
        .mapToLong(MemoryPlan.SiteMemory::bytes)
        .max()
        .orElseThrow();
  }

  @Test
  void goesOnInAnyOfSeveralPasses() throws IOException {
    long budget = smallest();
    try (SmallDisk disk = new SmallDisk(12_288)) {
      UnaryOperator<Measurement.Builder> options =
          b ->
              b.optMemory(budget)
                  .optSpillDirectory(disk.directory())
                  .optSpan("(root):tanh", "(root):silu");
      int passes =
          options.apply(builder(new Source(false))).build().plan().memory().passes().size();
      assertTrue(passes > 1, "passes " + passes);
      List<Copy> copies = assertGoesOn(false, options);
      assertTrue(copies.stream().anyMatch(copy -> copy.count("captures-1-") > 0));
      // With more memory there is one pass: captures do not fit it, scores do.
      Copy late =
          copies.stream().filter(c -> c.count("captures-1-") == 2).findFirst().orElseThrow();
      String expected =
          SignatureFile.toJson(
              measure(new Source(false), b -> b.optSpan("(root):tanh", "(root):silu"), newCache()));
      String resumed =
          SignatureFile.toJson(
              measure(
                  new Source(false),
                  b -> b.optSpan("(root):tanh", "(root):silu"),
                  restore(late, run(late))));
      assertEquals(expected, resumed);
      assertTrue(
          notices.stream().anyMatch(n -> n.contains("captures are made again, scores are used")),
          notices.toString());
    }
  }
}
