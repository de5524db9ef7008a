package dev.affinis.instrument;

import static dev.affinis.instrument.torchscript.TestArchive.module;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.data.RandomSource;
import dev.affinis.instrument.data.SampleSource;
import dev.affinis.instrument.data.Selection;
import dev.affinis.instrument.torchscript.TestArchive;
import dev.affinis.signature.Signature;
import dev.affinis.signature.SignatureFile;
import dev.affinis.signature.TokenPolicy;
import dev.affinis.signature.covariance.Ridge;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
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
  private class Source implements SampleSource {
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
    if (!Files.isDirectory(cache.resolve("runs"))) {
      return new Copy(files); // nothing can be kept there
    }
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
      // One of the batches that are left is also read out of turn, to be compared.
      int left = Math.max(0, SAMPLES - (i + 1) * BATCH);
      int more = reads.get() - left;
      assertTrue(left == 0 ? more == 0 : more > 0 && more <= BATCH, left + " and " + more);
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

  /** What one run kept when it had captured all and scored some. */
  private Copy late() throws IOException {
    List<Copy> copies = new ArrayList<>();
    measure(new Source(false), b -> b, newCache(), copies);
    return copies.stream().filter(c -> c.count("scores-") == 2).findFirst().orElseThrow();
  }

  private String whole() throws IOException {
    return SignatureFile.toJson(builder(new Source(false)).build().run());
  }

  private String resumed(Copy copy) throws IOException {
    String signature =
        SignatureFile.toJson(measure(new Source(false), b -> b, restore(copy, run(copy))));
    return signature;
  }

  private boolean isTold(String part) {
    return notices.stream().anyMatch(notice -> notice.contains(part));
  }

  @Test
  void damagedFilesAreToldOfAndMadeAgain() throws IOException {
    String expected = whole();
    Copy late = late();
    String first = "captures-0-0000000";
    String third = "captures-0-0000002";
    String score =
        late.files().keySet().stream()
            .filter(n -> n.startsWith("scores-"))
            .findFirst()
            .orElseThrow();
    Random random = new Random(7);
    for (String name :
        List.of("manifest.json", "facts.json", first, third, "samples.json", score)) {
      for (String fault : List.of("bit", "cut", "gone", "version")) {
        Map<String, byte[]> files = new TreeMap<>(late.files());
        byte[] content = files.get(name).clone();
        switch (fault) {
          case "bit" -> content[random.nextInt(content.length)] ^= (byte) (1 << random.nextInt(8));
          case "cut" -> content = Arrays.copyOf(content, random.nextInt(content.length));
          case "version" -> content["affinis.run/".length()] = '9';
          default -> {}
        }
        files.put(name, content);
        if (fault.equals("gone")) {
          files.remove(name);
        }
        // The name of the run is in every file, and damaged in one.
        Path cache = restore(new Copy(files), run(late));
        assertEquals(
            expected,
            SignatureFile.toJson(measure(new Source(false), b -> b, cache)),
            name + " " + fault);
        assertEquals(fault.equals("gone") && !name.equals("manifest.json"), !isTold(" not used"));
        assertEquals(fault.equals("version"), isTold("another version of affinis wrote it"));
        // Without manifest or facts all is made again; of captures, those from the damaged one on.
        int redone =
            Map.of(
                    "manifest.json",
                    SAMPLES,
                    "facts.json",
                    SAMPLES,
                    first,
                    SAMPLES,
                    third,
                    SAMPLES - 2 * BATCH)
                .getOrDefault(name, 0);
        requireRead(redone, name + " " + fault);
        assertEquals(List.of(), runs(cache));
      }
    }
  }

  /** So many samples, and one batch of those once more, out of turn, to be compared. */
  private void requireRead(int samples, String what) {
    int more = reads.get() - samples;
    assertTrue(more >= 0 && more <= (samples == 0 ? 0 : BATCH), what + ": " + reads.get());
  }

  @Test
  void filesOfAnotherPlaceOrRunAreNotUsed() throws IOException {
    String expected = whole();
    Copy late = late();
    Map<String, byte[]> files = new TreeMap<>(late.files());
    files.put("captures-0-0000001", files.get("captures-0-0000000"));
    assertEquals(expected, resumed(new Copy(files)));
    assertTrue(isTold("captures-0-0000001 is not used"));
    // All files of a run under the name of another one.
    model = write("other.pt", "2");
    String other = whole();
    List<Copy> copies = new ArrayList<>();
    measure(new Source(false), b -> b, newCache(), copies);
    Path cache = restore(late, run(copies.get(0)));
    assertEquals(other, SignatureFile.toJson(measure(new Source(false), b -> b, cache)));
    assertTrue(isTold("is not used"));
    requireRead(SAMPLES, "another run's files");
  }

  @Test
  void anythingThatMovesBitsMakesItAnotherRun() throws IOException {
    Copy late = late();
    List<UnaryOperator<Measurement.Builder>> others =
        List.of(
            b -> b.optBatchSize(5),
            b -> b.optRidge(Ridge.ABSOLUTE),
            b -> b.optSelection(Selection.shuffled(SAMPLES, 3)),
            b -> b.optScores(List.of("affinity", "r2")),
            b -> b.optConfidence(30));
    for (UnaryOperator<Measurement.Builder> other : others) {
      String expected = SignatureFile.toJson(other.apply(builder(new Source(false))).build().run());
      Path cache = restore(late, run(late));
      assertEquals(expected, SignatureFile.toJson(measure(new Source(false), other, cache)));
      assertTrue(isTold("what an interrupted run kept of this model and data is not used"));
      assertEquals(1, runs(cache).size(), "that of the other run stays");
    }
    measure(new Source(false), b -> b.optBatchSize(5), restore(late, run(late)));
    assertTrue(isTold("batch_size 5 instead of 4"), notices.toString());
    // These make no difference.
    String expected = whole();
    UnaryOperator<Measurement.Builder> same = b -> b.optScoringThreads(1).optMemory(1L << 30);
    assertEquals(
        expected, SignatureFile.toJson(measure(new Source(false), same, restore(late, run(late)))));
    assertEquals(0, reads.get());
  }

  @Test
  void whatCannotBeToldToBeTheSameIsRefused() throws IOException {
    RunCache cache = new RunCache(newCache());
    Source unknown =
        new Source(false) {
          @Override
          public Optional<String> identity() {
            return Optional.empty();
          }
        };
    InvalidInputException e =
        assertThrows(
            InvalidInputException.class, () -> builder(unknown).optResume(cache).build().run());
    assertTrue(e.getMessage().contains("leave --resume out"), e.getMessage());
    // As in a zoo: of others something is kept, so that it may be asked for all.
    String kept =
        SignatureFile.toJson(measure(unknown, b -> b.optResumeIfPossible(cache), cache.folder()));
    assertEquals(whole(), kept);
    assertTrue(isTold("nothing is kept to go on with: "), notices.toString());
    try (InstrumentedModel<?, ?> instrumented =
        InstrumentedModel.builder().setSource(ModelSource.of(model)).build()) {
      InvalidInputException given =
          assertThrows(
              InvalidInputException.class,
              () ->
                  Measurement.builder()
                      .setModel(instrumented)
                      .setSource(new Source(false))
                      .optResume(cache)
                      .build()
                      .run());
      assertTrue(given.getMessage().contains("instrumented before"), given.getMessage());
    }
    assertEquals(List.of(), cache.list());
  }

  @Test
  void aCacheThatIsFullOrNoFolderEndsNoRun() throws IOException {
    String expected = whole();
    for (long bytes : new long[] {1024, 8_000, 16_000}) {
      try (SmallDisk disk = new SmallDisk(bytes)) {
        assertEquals(
            expected, SignatureFile.toJson(measure(new Source(false), b -> b, disk.directory())));
        assertTrue(isTold("captures and scores are not kept from here on"), notices.toString());
      }
    }
    try (SmallDisk disk = new SmallDisk(16_000)) {
      AtomicReference<Measurement> running = new AtomicReference<>();
      AtomicInteger left = new AtomicInteger(6);
      stopping(running, left, () -> running.get().stop(), disk.directory());
      MeasurementStoppedException e =
          assertThrows(MeasurementStoppedException.class, () -> running.get().run());
      assertEquals(Optional.empty(), e.kept(), "not all of it is");
    }
    Path file = Files.writeString(folder.resolve("file"), "no folder");
    measure(new Source(false), b -> b, file.resolve("cache"));
    assertTrue(isTold("captures and scores are not kept from here on"), notices.toString());
  }

  @Test
  void aSignatureThatCannotBeWrittenCostsNoWork() throws IOException {
    Path cache = newCache();
    Measurement.Builder builder = builder(new Source(false)).optResume(new RunCache(cache));
    try (SmallDisk disk = new SmallDisk(2048)) {
      InvalidInputException e =
          assertThrows(
              InvalidInputException.class,
              () -> builder.build().run(disk.directory().resolve("out.json")));
      assertTrue(e.getMessage().contains("the next run only writes"), e.getMessage());
      assertEquals(List.of(), disk.spilled(), "half of a file");
    }
    reads.set(0);
    Path out = folder.resolve("out.json");
    builder.build().run(out);
    assertEquals(whole(), Files.readString(out));
    requireRead(SAMPLES, "those of the plain run alone");
    assertEquals(List.of(), runs(cache));
  }

  @Test
  void oneIsAtAMeasurementAtATimeAndTheListTellsOfIt() throws IOException {
    Path place = newCache();
    RunCache cache = new RunCache(place);
    List<RunCache.Entry> seen = new ArrayList<>();
    List<RunCache.Entry> deleted = new ArrayList<>();
    List<String> second = new ArrayList<>();
    MeasurementListener listener =
        new MeasurementListener() {
          @Override
          public void advance(long steps) {
            try {
              if (seen.isEmpty()) {
                deleted.addAll(cache.clean(Instant.MAX));
                MeasurementListener other =
                    new MeasurementListener() {
                      @Override
                      public void notice(String message) {
                        second.add(message);
                      }
                    };
                builder(new Source(false)).optResume(cache).optListener(other).build().run();
              }
              seen.addAll(cache.list());
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          }
        };
    String model =
        SignatureFile.toJson(
            builder(new Source(false)).optResume(cache).optListener(listener).build().run());
    assertEquals(whole(), model);
    assertEquals(1, second.size());
    assertTrue(second.get(0).contains("is at the same measurement"), second.get(0));
    assertEquals(List.of(), deleted, "what is in use is not deleted");
    assertTrue(seen.stream().allMatch(RunCache.Entry::isInUse));
    assertEquals(Optional.of("m"), seen.get(0).model());
    assertEquals(BATCH, seen.get(0).captured());
    assertEquals(SAMPLES, seen.get(0).samples());
    assertEquals(6, seen.get(0).sites());
    assertEquals(6, seen.get(seen.size() - 1).scored());
    assertEquals(List.of(), cache.list());
  }

  @Test
  void whatIsLeftIsListedAndDeletedByAge() throws IOException {
    Copy late = late();
    Path place = restore(late, run(late));
    Path damaged = Files.createDirectories(place.resolve("runs/0123"));
    Files.writeString(damaged.resolve("manifest.json"), "nothing");
    Files.createDirectories(place.resolve("runs/.trash-1"));
    RunCache cache = new RunCache(place);
    List<RunCache.Entry> entries = cache.list();
    assertEquals(2, entries.size());
    RunCache.Entry whole =
        entries.stream().filter(entry -> entry.model().isPresent()).findFirst().orElseThrow();
    assertEquals(SAMPLES, whole.captured());
    assertEquals(2, whole.scored());
    assertFalse(whole.isInUse());
    assertEquals("relative", whole.settings().get("ridge"));
    assertEquals("4", whole.settings().get("batch_size"));
    assertTrue(whole.settings().get("machine").length() <= 60, whole.settings().toString());
    assertEquals(List.of(), cache.clean(Instant.now().minusSeconds(3600)));
    assertEquals(2, cache.clean(Instant.MAX).size());
    assertEquals(List.of(), runs(place));
    assertEquals(List.of(), new RunCache(newCache()).list());
  }

  /** Samples of which the device has room for some. */
  private Source fitting(int most) {
    return new Source(false) {
      @Override
      public NDList inputs(NDArray batch) {
        if (batch.getShape().get(0) > most) {
          batch.getManager().zeros(new Shape(1L << 46)); // 256 TiB
        }
        return new NDList(batch);
      }
    };
  }

  @Test
  void whatSmallerBatchesKeptIsUsedOnceBatchesAreAsSmall() throws IOException {
    Copy late = late();
    Path cache = restore(late, run(late));
    UnaryOperator<Measurement.Builder> shrinking =
        b -> b.optBatchSize(2 * BATCH).optShrinkingBatches(true);
    assertEquals(whole(), SignatureFile.toJson(measure(fitting(BATCH), shrinking, cache)));
    assertTrue(
        isTold("is used if memory allows no more than its batches of 4: this one begins with 8"),
        notices.toString());
    assertTrue(isTold("goes on where an interrupted run stopped"), notices.toString());
    assertFalse(isTold("not used"), notices.toString());

    List<UnaryOperator<Measurement.Builder>> never =
        List.of(
            b -> b.optBatchSize(2 * BATCH),
            b -> b.optBatchSize(BATCH + 1).optShrinkingBatches(true),
            b -> shrinking.apply(b).optRidge(Ridge.ABSOLUTE));
    for (UnaryOperator<Measurement.Builder> other : never) {
      measure(new Source(false), other, restore(late, run(late)));
      assertTrue(isTold("is not used: batch_size"), notices.toString());
    }
  }

  @Test
  void theUsersFolderIsWhereSuchFilesBelong() {
    Path home = Path.of(System.getProperty("user.home"));
    Map<String, String> none = Map.of();
    assertEquals(home.resolve(".cache/affinis"), RunCache.userFolder(none::get, "Linux"));
    assertEquals(
        home.resolve("Library/Caches/affinis"), RunCache.userFolder(none::get, "Mac OS X"));
    Map<String, String> set = Map.of("XDG_CACHE_HOME", "/x", "LOCALAPPDATA", "/l");
    assertEquals(Path.of("/x/affinis"), RunCache.userFolder(set::get, "Linux"));
    assertEquals(Path.of("/l/affinis"), RunCache.userFolder(set::get, "Windows 11"));
    assertEquals(
        Path.of("/own"), RunCache.userFolder(Map.of("AFFINIS_CACHE", "/own")::get, "Linux"));
  }

  /** Makes a measurement in which something is done once, after some steps. */
  private void stopping(
      AtomicReference<Measurement> running, AtomicInteger steps, Runnable stop, Path cache)
      throws IOException {
    MeasurementListener listener =
        new MeasurementListener() {
          @Override
          public void advance(long more) {
            if (steps.decrementAndGet() == 0) {
              stop.run();
            }
          }
        };
    running.set(
        builder(new Source(false)).optResume(new RunCache(cache)).optListener(listener).build());
  }

  @Test
  void anInterruptStopsAtAnyStepAndLosesNothing() throws IOException {
    Path cache = newCache();
    AtomicReference<Measurement> running = new AtomicReference<>();
    int kept = 0;
    // While batches run, twice while what is kept is read, and while sites are scored.
    for (int limit : new int[] {3, 1, 2, 6, 9}) {
      stopping(running, new AtomicInteger(limit), Thread.currentThread()::interrupt, cache);
      MeasurementStoppedException e =
          assertThrows(MeasurementStoppedException.class, () -> running.get().run());
      assertTrue(Thread.interrupted(), "the interrupt is still set");
      assertTrue(e.kept().isPresent(), e.getMessage());
      kept = Math.max(kept, Math.min(limit, 7));
      assertEquals(kept, copy(cache).count("captures-0-"), "after step " + limit);
    }
    Measurement next = builder(new Source(false)).optResume(new RunCache(cache)).build();
    Thread.currentThread().interrupt();
    assertThrows(MeasurementStoppedException.class, next::run);
    assertTrue(Thread.interrupted());
    assertEquals(whole(), SignatureFile.toJson(measure(new Source(false), b -> b, cache)));
    assertEquals(0, reads.get(), "all batches were kept");
    assertFalse(isTold("not used"), notices.toString());
  }

  @Test
  void whatAnEngineChoosesItsInstructionsByIsPartOfTheKey() {
    Map<String, String> environment = Map.of("HOME", "/h", "MKL_CBWR", "AVX2");
    assertEquals(Map.of("MKL_CBWR", "AVX2"), RunKey.environment(environment));
    assertTrue(RunKey.machine().startsWith(System.getProperty("os.name")), RunKey.machine());
    Assumptions.assumeTrue(Files.isReadable(Path.of("/proc/cpuinfo")));
    assertTrue(RunKey.machine().matches(".* (fpu|fp) .*"), RunKey.machine());
  }

  @Test
  void aListIsNotDisturbedByOtherFilesLinksOrWhatIsGone() throws IOException {
    Path place = newCache();
    Path runs = Files.createDirectories(place.resolve("runs"));
    Files.writeString(runs.resolve("notes.txt"), "somebody else's");
    Path run = Files.createDirectories(runs.resolve("0123"));
    assertEquals(1, new RunCache(place).list().size());
    assertFalse(RunLock.isHeld(place, runs.resolve("gone")));
    assertFalse(Files.exists(runs.resolve("gone")), "nobody made it again");
    Path link = Files.createSymbolicLink(folder.resolve("link"), place);
    RunLock lock = RunLock.tryTake(place, run).orElseThrow();
    assertEquals(Optional.empty(), RunLock.tryTake(link, link.resolve("runs/0123")));
    assertTrue(new RunCache(link).list().get(0).isInUse());
    lock.close();
    assertFalse(new RunCache(link).list().get(0).isInUse());
  }

  @Test
  void stopEndsBehindABatchAndKeepsIt() throws IOException {
    Path cache = newCache();
    AtomicReference<Measurement> running = new AtomicReference<>();
    for (int limit : new int[] {2, 3, 4}) {
      stopping(running, new AtomicInteger(limit), () -> running.get().stop(), cache);
      MeasurementStoppedException e =
          assertThrows(MeasurementStoppedException.class, () -> running.get().run());
      assertTrue(
          e.kept().orElseThrow().startsWith("captures of " + limit * BATCH + " of 26 samples"),
          e.kept().toString());
    }
    Measurement plain = builder(new Source(false)).build();
    plain.stop();
    MeasurementStoppedException e = assertThrows(MeasurementStoppedException.class, plain::run);
    assertEquals(Optional.empty(), e.kept());
    assertEquals(whole(), SignatureFile.toJson(measure(new Source(false), b -> b, cache)));
  }
}
