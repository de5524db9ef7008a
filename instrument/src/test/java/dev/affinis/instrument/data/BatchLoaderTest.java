package dev.affinis.instrument.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.InvalidInputException;
import java.lang.reflect.Proxy;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BatchLoaderTest {
  private final NDManager manager = NDManager.newBaseManager();

  @TempDir Path folder;

  @AfterEach
  void closeManager() {
    manager.close();
  }

  /** A manager of a device that has room for batches of four: fails like CUDA's allocator. */
  private NDManager small() {
    return (NDManager)
        Proxy.newProxyInstance(
            NDManager.class.getClassLoader(),
            new Class<?>[] {NDManager.class},
            (proxy, method, args) -> {
              if (method.getName().equals("create") && ((Shape) args[1]).get(0) > 4) {
                throw new EngineException("CUDA out of memory. Tried to allocate 20.00 MiB");
              }
              return method.invoke(manager, args);
            });
  }

  @Test
  void aBatchThatTheDeviceHasNoRoomForIsTold() {
    BatchLoader.Builder builder =
        BatchLoader.builder()
            .setSource(new Numbers(10))
            .setManager(small())
            .setSelection(Selection.first(10));
    try (BatchLoader loader = builder.optBatchSize(8).build()) {
      String message = assertThrows(InvalidInputException.class, loader::next).getMessage();
      assertTrue(message.contains("ran out of memory on a batch of 8 samples"), message);
      assertTrue(message.contains("20.00 MiB"), message);
      assertTrue(message.contains("such as 4, or --batch-size auto"), message);
    }
    try (BatchLoader loader = builder.optBatchSize(4).build();
        BatchLoader.Batch batch = loader.next()) {
      assertEquals(4, batch.size());
    }
  }

  /** Samples whose values are their own number; some cannot be read. */
  private static final class Numbers implements SampleSource {
    final int size;
    final Set<Integer> bad;
    final AtomicInteger reads = new AtomicInteger();
    final Map<Integer, String> readers = new ConcurrentHashMap<>();
    int delayMillis;
    int unlabelled = -1;

    Numbers(int size, Integer... bad) {
      this.size = size;
      this.bad = Set.of(bad);
    }

    @Override
    public int size() {
      return size;
    }

    @Override
    public Shape sampleShape() {
      return new Shape(2, 1, 3);
    }

    @Override
    public void read(int index, FloatBuffer target) {
      reads.incrementAndGet();
      readers.put(index, Thread.currentThread().getName());
      if (delayMillis > 0) {
        try {
          Thread.sleep(delayMillis);
        } catch (InterruptedException e) {
          throw new IllegalStateException("a reading thread was interrupted", e);
        }
      }
      for (int i = 0; i < 6; i++) {
        target.put(bad.contains(index) ? -1 : index);
      }
      if (bad.contains(index)) {
        throw new InvalidInputException(name(index) + " cannot be read: it is bad");
      }
    }

    @Override
    public OptionalInt label(int index) {
      return index == unlabelled ? OptionalInt.empty() : OptionalInt.of(index % 7);
    }

    @Override
    public String name(int index) {
      return "number " + index;
    }

    @Override
    public String description() {
      return "numbers";
    }

    @Override
    public Map<String, Object> preprocess() {
      return Map.of();
    }

    @Override
    public void close() {}
  }

  @Test
  void aLaterBatchIsReadOutOfTurnWithoutItsUnreadableSamples() {
    try (BatchLoader loader =
        loader(new Numbers(11, 5), Selection.first(10)).optBatchSize(4).optSkipBad(true).build()) {
      assertEquals(3, loader.batches());
      BatchLoader.Ahead ahead = loader.ahead(1).orElseThrow();
      assertEquals(List.of(4, 6, 7), ahead.indices());
      assertEquals(new Shape(3, 2, 1, 3), ahead.data().getShape());
      assertArrayEquals(new float[] {4, 6, 7}, ahead.data().get(":, 0, 0, 0").toFloatArray());
      assertEquals(List.of(), loader.skipped());
      List<Integer> read = new ArrayList<>();
      while (loader.hasNext()) {
        try (BatchLoader.Batch batch = loader.next()) {
          Arrays.stream(batch.indices()).forEach(read::add);
        }
      }
      assertEquals(List.of(0, 1, 2, 3, 4, 10, 6, 7, 8, 9), read);
    }
    try (BatchLoader loader =
        loader(new Numbers(4, 2, 3), Selection.first(4)).optBatchSize(2).build()) {
      assertTrue(loader.ahead(1).isEmpty());
    }
  }

  private BatchLoader.Builder loader(SampleSource source, Selection selection) {
    return BatchLoader.builder()
        .setSource(source)
        .setManager(manager)
        .setSelection(selection)
        .optBatchSize(4)
        .optThreads(2);
  }

  @Test
  void batchesOfShuffledSamplesAreDisjointAndTheFirstIsThatOfOneAlone() {
    Selection one = Selection.shuffled(50, 7);
    List<Integer> alone = flat(run(loader(new Numbers(400), one)));
    List<Integer> three = flat(run(loader(new Numbers(400), one.inBatches(3))));
    assertEquals(150, Set.copyOf(three).size());
    assertEquals(alone, three.subList(0, 50));
    for (int set = 0; set < 3; set++) {
      List<Integer> part = three.subList(50 * set, 50 * set + 50);
      assertEquals(part.stream().sorted().toList(), part);
      // Not one after the other: each is spread over all samples.
      assertTrue(part.get(0) < 100 && part.get(49) > 300, part.toString());
    }
    List<Integer> first = flat(run(loader(new Numbers(400), Selection.first(50).inBatches(3))));
    assertEquals(IntStream.range(0, 150).boxed().toList(), first);
  }

  @Test
  void labelsFollowTheirSamples() {
    Numbers numbers = new Numbers(30, 4, 9, 21);
    for (Selection selection : List.of(Selection.first(10), Selection.shuffled(10, 3))) {
      try (BatchLoader loader = loader(numbers, selection).optSkipBad(true).build()) {
        int samples = 0;
        while (loader.hasNext()) {
          try (BatchLoader.Batch batch = loader.next()) {
            assertEquals(
                Arrays.stream(batch.indices()).mapToObj(i -> i % 7).toList(), batch.labels());
            samples += batch.size();
          }
        }
        assertEquals(10, samples);
      }
    }
  }

  @Test
  void aBatchWithAnUnknownClassHasNoLabels() {
    Numbers numbers = new Numbers(8);
    numbers.unlabelled = 5;
    try (BatchLoader loader = loader(numbers, Selection.first(8)).build()) {
      try (BatchLoader.Batch batch = loader.next()) {
        assertEquals(List.of(0, 1, 2, 3), batch.labels());
      }
      try (BatchLoader.Batch batch = loader.next()) {
        assertEquals(List.of(), batch.labels());
      }
    }
  }

  /** Drains a loader and checks that every row is the sample that it claims to be. */
  private static List<List<Integer>> indices(BatchLoader loader) {
    List<List<Integer>> batches = new ArrayList<>();
    while (loader.hasNext()) {
      try (BatchLoader.Batch batch = loader.next()) {
        assertEquals(new Shape(batch.size(), 2, 1, 3), batch.data().getShape());
        assertEquals(DataType.FLOAT32, batch.data().getDataType());
        float[] values = batch.data().toFloatArray();
        int[] indices = batch.indices();
        for (int i = 0; i < values.length; i++) {
          assertEquals(indices[i / 6], values[i], 0f);
        }
        batches.add(IntStream.of(indices).boxed().toList());
      }
    }
    return batches;
  }

  private List<List<Integer>> run(BatchLoader.Builder builder) {
    try (BatchLoader loader = builder.build()) {
      return indices(loader);
    }
  }

  @Test
  void handsOutTheFirstSamplesInOrder() {
    assertEquals(
        List.of(List.of(0, 1, 2, 3), List.of(4, 5, 6, 7), List.of(8)),
        run(loader(new Numbers(20), Selection.first(9))));
    assertEquals(
        List.of(List.of(0, 1, 2)), run(loader(new Numbers(3), Selection.first(3)).optBatchSize(9)));
  }

  @Test
  void shuffledSamplesAreARandomSubsetReadForward() {
    List<Integer> chosen = flat(run(loader(new Numbers(1000), Selection.shuffled(100, 7))));
    assertEquals(100, Set.copyOf(chosen).size());
    assertEquals(chosen.stream().sorted().toList(), chosen);
    assertEquals(chosen, flat(run(loader(new Numbers(1000), Selection.shuffled(100, 7)))));
    assertFalse(chosen.equals(flat(run(loader(new Numbers(1000), Selection.shuffled(100, 8))))));
    // The mean of 100 draws from 0 to 999 has a standard deviation of 27.
    double mean = chosen.stream().mapToInt(i -> i).average().orElseThrow();
    assertEquals(499.5, mean, 120);
  }

  private static List<Integer> flat(List<List<Integer>> batches) {
    return batches.stream().flatMap(List::stream).toList();
  }

  @Test
  void unreadableSampleEndsTheRunAndIsNamed() {
    try (BatchLoader loader = loader(new Numbers(20, 6, 7), Selection.first(12)).build()) {
      loader.next().close();
      String message = assertThrows(InvalidInputException.class, loader::next).getMessage();
      assertEquals(
          "number 6 cannot be read: it is bad; pass --skip-bad to leave such samples out", message);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5})
  void unreadableSamplesAreReplaced(int threads) {
    var builder =
        loader(new Numbers(20, 1, 6, 9), Selection.first(9)).optSkipBad(true).optThreads(threads);
    try (BatchLoader loader = builder.build()) {
      assertEquals(
          List.of(List.of(0, 10, 2, 3), List.of(4, 5, 11, 7), List.of(8)), indices(loader));
      assertEquals(
          List.of(
              "number 1 cannot be read: it is bad",
              "number 9 cannot be read: it is bad",
              "number 6 cannot be read: it is bad"),
          loader.skipped());
    }
  }

  @Test
  void withoutReplacementsBatchesShrink() {
    var builder = loader(new Numbers(9, 0, 2, 4, 5, 6, 7), Selection.first(9)).optSkipBad(true);
    try (BatchLoader loader = builder.build()) {
      assertEquals(List.of(List.of(1, 3), List.of(8)), indices(loader));
      assertEquals(6, loader.skipped().size());
      assertEquals(9, loader.samples());
    }
  }

  @Test
  void tooFewReadableSamplesAreAnError() {
    var builder = loader(new Numbers(6, 0, 1, 2, 4, 5), Selection.first(6)).optSkipBad(true);
    try (BatchLoader loader = builder.build()) {
      loader.next().close();
      String message = assertThrows(InvalidInputException.class, loader::hasNext).getMessage();
      assertTrue(message.contains("only 1 of the samples in numbers can be read"), message);
      assertTrue(message.contains("number 0"), message);
    }
    assertThrows(IllegalArgumentException.class, () -> Selection.first(1));
    var single = loader(new Numbers(1), Selection.first(5));
    String message = assertThrows(InvalidInputException.class, single::build).getMessage();
    assertEquals("data numbers has 1 sample: at least 2 are needed", message);
  }

  @Test
  void askingForTooManyUsesAllAndSaysSo() {
    try (BatchLoader loader = loader(new Numbers(5), Selection.first(512)).build()) {
      assertEquals(5, loader.samples());
      assertEquals(
          "asked for 512 samples, but numbers has 5: using all of them",
          loader.notice().orElseThrow());
      assertEquals(5, flat(indices(loader)).size());
      assertThrows(NoSuchElementException.class, loader::next);
    }
  }

  @Test
  void closingEarlyStopsTheThreads() throws InterruptedException {
    Numbers source = new Numbers(10_000);
    source.delayMillis = 2;
    BatchLoader loader = loader(source, Selection.first(10_000)).build();
    loader.next().close();
    loader.close();
    int reads = source.reads.get();
    assertTrue(reads <= 16, "reads ahead of one batch with the caller: " + reads);
    assertFalse(loader.hasNext());
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      if (thread.getName().startsWith("affinis-read-")) {
        thread.join(10_000);
        assertFalse(thread.isAlive());
      }
    }
    assertEquals(reads, source.reads.get());
  }

  @Test
  void batchClosedAfterTheLoaderStartsNothing() {
    BatchLoader loader = loader(new Numbers(100), Selection.first(100)).build();
    BatchLoader.Batch batch = loader.next();
    loader.close();
    assertEquals(3f, batch.data().getFloat(3, 0, 0, 0));
    batch.close();
    batch.close();
    loader.close();
  }

  @Test
  void batchesThatAreNotClosedAreReported() {
    try (BatchLoader loader = loader(new Numbers(100), Selection.first(100)).build()) {
      for (int i = 0; i < 3; i++) {
        loader.next();
      }
      assertThrows(IllegalStateException.class, loader::next);
    }
  }

  @Test
  void readsOnOtherThreads() {
    Numbers source = new Numbers(40);
    run(loader(source, Selection.first(40)));
    assertTrue(source.readers.values().stream().allMatch(name -> name.startsWith("affinis-read-")));
  }

  @Test
  void bitsDoNotDependOnTheNumberOfThreads() throws Exception {
    for (int i = 0; i < 40; i++) {
      Files.write(
          folder.resolve(i + ".jpg"),
          ImageFolderSourceTest.encode(ImageFolderSourceTest.noise(60 + i, 80 - i, i), "jpg"));
    }
    byte[] whole = Files.readAllBytes(folder.resolve("5.jpg"));
    Files.write(folder.resolve("5.jpg"), Arrays.copyOf(whole, whole.length / 2));
    Files.write(folder.resolve("6.jpg"), new byte[0]);
    Preprocessing small = Preprocessing.builder().optResize(36).optCrop(32).build();
    List<float[]> expected = rows(small, 1);
    assertEquals(30, expected.size());
    for (int threads : List.of(2, 7)) {
      List<float[]> rows = rows(small, threads);
      assertEquals(30, rows.size());
      for (int i = 0; i < 30; i++) {
        assertArrayEquals(expected.get(i), rows.get(i));
      }
    }
  }

  private List<float[]> rows(Preprocessing preprocessing, int threads) {
    Selection selection = Selection.first(30);
    List<float[]> rows = new ArrayList<>();
    try (SampleSource source = SampleSource.open(folder.toString(), preprocessing, selection);
        BatchLoader loader =
            loader(source, selection).optThreads(threads).optSkipBad(true).build()) {
      while (loader.hasNext()) {
        try (BatchLoader.Batch batch = loader.next()) {
          float[] values = batch.data().toFloatArray();
          int length = values.length / batch.size();
          for (int i = 0; i < batch.size(); i++) {
            rows.add(Arrays.copyOfRange(values, i * length, (i + 1) * length));
          }
        }
      }
    }
    return rows;
  }

  @Test
  void randomSamplesDependOnSeedAndNumberOnly() {
    RandomSource few = new RandomSource(new Shape(3, 40, 50), 2, 11);
    RandomSource many = new RandomSource(new Shape(3, 40, 50), 100, 11);
    assertArrayEquals(sample(few, 1), sample(many, 1));
    assertFalse(Arrays.equals(sample(few, 0), sample(few, 1)));
    assertFalse(
        Arrays.equals(sample(few, 1), sample(new RandomSource(few.sampleShape(), 2, 12), 1)));
    double sum = 0;
    double squares = 0;
    double lag = 0;
    float[] before = sample(many, 99);
    for (int i = 0; i < 100; i++) {
      float[] values = sample(many, i);
      for (int j = 0; j < values.length; j++) {
        sum += values[j];
        squares += values[j] * values[j];
        lag += values[j] * before[j];
      }
      before = values;
    }
    // 600,000 values: standard errors are 0.0013, 0.0018 and 0.0013.
    assertEquals(0, sum / 600_000, 0.006);
    assertEquals(1, squares / 600_000, 0.009);
    assertEquals(0, lag / 600_000, 0.006);
  }

  private static float[] sample(SampleSource source, int index) {
    FloatBuffer target = FloatBuffer.allocate((int) source.sampleShape().size());
    source.read(index, target);
    return target.array();
  }

  @Test
  void randomTakesItsSizeFromThePreprocessing() {
    Selection selection = new Selection(8, Selection.Order.FIRST, 5);
    Preprocessing none = Preprocessing.builder().build();
    try (SampleSource source = SampleSource.open("random", none, selection)) {
      assertEquals(8, source.size());
      assertEquals(new Shape(3, 224, 224), source.sampleShape());
    }
    Preprocessing sized = Preprocessing.builder().optInputSize(32).build();
    try (SampleSource source = SampleSource.open("random", sized, selection)) {
      assertEquals(new Shape(3, 32, 32), source.sampleShape());
      assertEquals(List.of(3L, 32L, 32L), source.preprocess().get("shape"));
    }
    Preprocessing shorter = Preprocessing.builder().optResize(32).build();
    assertThrows(
        InvalidInputException.class, () -> SampleSource.open("random", shorter, selection));
  }
}
