package dev.affinis.zoo;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import com.sun.management.UnixOperatingSystemMXBean;
import dev.affinis.instrument.InstrumentedModel;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.Measurement;
import dev.affinis.instrument.MeasurementListener;
import dev.affinis.instrument.ModelSource;
import dev.affinis.instrument.data.Preprocessing;
import dev.affinis.instrument.data.SampleSource;
import dev.affinis.instrument.data.Selection;
import dev.affinis.signature.Signature;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.management.JMException;
import javax.management.ObjectName;

/**
 * A process that measures for as long as it is told, in rounds: several measurements at once, over
 * the three runtimes and with captures in memory and on disk; several predictors on one model;
 * measurements that are cancelled somewhere; and files that are no models. Every measurement must
 * give the signature of the first round. After each round it prints what the process holds.
 *
 * <pre>
 * java -cp ... -Djava.io.tmpdir=EMPTY_FOLDER dev.affinis.zoo.Soak SECONDS
 * </pre>
 */
final class Soak {
  private static final Path ZOO = Path.of("zoo");
  private static final Selection IMAGES = Selection.first(48);
  private static final int PREDICTORS = 3;
  private static final long SMALL = 1L << 20;

  /** Objects that stand for something native; there must be no more of them after each round. */
  private static final List<String> NATIVE =
      List.of(
          "ai.djl.pytorch.engine.PtNDArray",
          "ai.djl.pytorch.engine.PtNDManager",
          "ai.djl.pytorch.engine.PtSymbolBlock",
          "ai.djl.onnxruntime.engine.OrtNDArray",
          "ai.djl.onnxruntime.engine.OrtNDManager",
          "ai.onnxruntime.OnnxTensor",
          "ai.onnxruntime.OrtSession");

  private static final Pattern HISTOGRAM_LINE =
      Pattern.compile("^\\s*\\d+:\\s+(\\d+)\\s+\\d+\\s+(\\S+)", Pattern.MULTILINE);

  /** Kinds of model; each keeps what it gave first. */
  private enum Subject {
    TORCHSCRIPT,
    ONNX,
    DJL
  }

  private final Map<Subject, Signature> expected = new HashMap<>();
  private final ExecutorService pool = Executors.newCachedThreadPool();
  private long fewest = Long.MAX_VALUE;

  private Soak() {}

  /**
   * What the process holds after a round.
   *
   * @param round its number, from 0
   * @param seconds since the start
   * @param natives objects that stand for native ones
   * @param residentMib resident memory in MiB
   * @param files open files
   * @param temporary files in the directory for temporary ones
   * @param threads live threads
   */
  record Held(
      int round,
      long seconds,
      long natives,
      double residentMib,
      long files,
      long temporary,
      int threads) {
    static final String PREFIX = "held ";

    static Held parse(String line) {
      String[] words = line.substring(PREFIX.length()).split(" ", -1);
      return new Held(
          Integer.parseInt(words[0]),
          Long.parseLong(words[1]),
          Long.parseLong(words[2]),
          Double.parseDouble(words[3]),
          Long.parseLong(words[4]),
          Long.parseLong(words[5]),
          Integer.parseInt(words[6]));
    }

    String line() {
      String resident = String.format(Locale.ROOT, "%.1f", residentMib);
      return PREFIX
          + String.join(
              " ",
              "" + round,
              "" + seconds,
              "" + natives,
              resident,
              "" + files,
              "" + temporary,
              "" + threads);
    }
  }

  /**
   * Runs rounds until the time is over, at least nine.
   *
   * @param args seconds
   */
  public static void main(String[] args) throws Exception {
    long start = System.nanoTime();
    long seconds = Long.parseLong(args[0]);
    Soak soak = new Soak();
    long elapsed = 0;
    for (int round = 0; round < 9 || elapsed < seconds; round++) {
      soak.round(round);
      elapsed = (System.nanoTime() - start) / 1_000_000_000L;
      System.out.println(soak.held(round, elapsed).line());
    }
    soak.pool.shutdown();
  }

  private void round(int round) throws Exception {
    atOnce(
        Stream.of(Subject.values())
            .<Callable<Void>>map(subject -> () -> measure(subject, round))
            .toList());
    predict(Subject.values()[round % Subject.values().length]);
    for (Subject subject : Subject.values()) {
      cancel(subject, round);
    }
    refuse();
  }

  private void atOnce(List<Callable<Void>> tasks) throws InterruptedException, ExecutionException {
    for (Future<Void> done : pool.invokeAll(tasks)) {
      done.get();
    }
  }

  private interface Use {
    void with(ModelSource<?, ?> model) throws IOException;
  }

  private static void open(Subject subject, Use use) throws IOException, MalformedModelException {
    if (subject == Subject.DJL) {
      try (Model model = RebuiltModels.load("alexnet");
          ModelSource<?, ?> source = ModelSource.of(model)) {
        use.with(source);
      }
      return;
    }
    String file = subject == Subject.ONNX ? "vit.onnx" : "resnet.traced.pt";
    try (ModelSource<?, ?> source = ModelSource.of(ZOO.resolve("models").resolve(file))) {
      use.with(source);
    }
  }

  private static Signature run(ModelSource<?, ?> model, boolean spill, MeasurementListener listener)
      throws IOException {
    String images = ZOO.resolve("images.npz").toString();
    try (SampleSource source = SampleSource.open(images, Preprocessing.builder().build(), IMAGES)) {
      Measurement.Builder measurement =
          Measurement.builder()
              .setModel(model)
              .setSource(source)
              .optSelection(IMAGES)
              .optListener(listener);
      return (spill ? measurement.optMemory(SMALL) : measurement).build().run();
    }
  }

  private Void measure(Subject subject, int round) throws IOException, MalformedModelException {
    open(
        subject,
        model -> {
          Signature signature = run(model, round % 2 == 1, MeasurementListener.NONE);
          Signature first;
          synchronized (expected) {
            first = expected.computeIfAbsent(subject, s -> signature);
          }
          if (!first.equals(signature)) {
            throw new IllegalStateException(
                subject + " gave another signature in round " + round + ":\n" + signature);
          }
        });
    return null;
  }

  /** Several predictors of one instrumented model at once. */
  private void predict(Subject subject) throws IOException, MalformedModelException {
    open(
        subject,
        source -> {
          try (InstrumentedModel<?, ?> model =
              InstrumentedModel.builder().setSource(source).build()) {
            List<Callable<Void>> tasks = new ArrayList<>();
            for (int p = 0; p < PREDICTORS; p++) {
              tasks.add(() -> forward(model));
            }
            atOnce(tasks);
          } catch (InterruptedException | ExecutionException e) {
            throw new IOException(e);
          }
        });
  }

  private static Void forward(InstrumentedModel<?, ?> model) {
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      for (int pass = 0; pass < 3; pass++) {
        try (NDManager scratch = manager.newSubManager()) {
          Shape images = new Shape(2, 3, ZooImages.SIZE, ZooImages.SIZE);
          model.run(new NDList(scratch.ones(images)));
        }
      }
    }
    return null;
  }

  /** Stops a measurement after some steps, among samples or among sites. */
  private static void cancel(Subject subject, int round)
      throws IOException, MalformedModelException {
    open(
        subject,
        model -> {
          MeasurementListener stops =
              new MeasurementListener() {
                private int left = 1 + round % 6;

                @Override
                public void advance(long steps) {
                  if (left-- == 0) {
                    throw new CancellationException();
                  }
                }
              };
          try {
            run(model, round % 2 == 0, stops);
            throw new IllegalStateException("was not cancelled: " + subject);
          } catch (CancellationException e) {
            // As it should be; what it held must be gone.
          }
        });
  }

  /** Files that cannot be used. */
  private static void refuse() throws IOException {
    for (String ending : List.of(".pt", ".onnx")) {
      Path half = Files.createTempFile("half", ending);
      Path whole =
          ZOO.resolve("models").resolve(ending.equals(".pt") ? "vit.traced.pt" : "vit.onnx");
      byte[] bytes = Files.readAllBytes(whole);
      Files.write(half, java.util.Arrays.copyOf(bytes, bytes.length / 2));
      try (ModelSource<?, ?> source = ModelSource.of(half)) {
        run(source, false, MeasurementListener.NONE);
        throw new IllegalStateException("half a model was measured: " + half);
      } catch (InvalidInputException e) {
        // As it should be.
      } finally {
        Files.delete(half);
      }
    }
  }

  private Held held(int round, long seconds) throws IOException, JMException, InterruptedException {
    long natives = settledNatives();
    try (Stream<Path> temporary = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
      return new Held(
          round,
          seconds,
          natives,
          residentMib(),
          ManagementFactory.getPlatformMXBean(UnixOperatingSystemMXBean.class)
              .getOpenFileDescriptorCount(),
          temporary.count(),
          ManagementFactory.getThreadMXBean().getThreadCount());
    }
  }

  private static double residentMib() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
            .filter(line -> line.startsWith("VmRSS:"))
            .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
            .sum()
        / 1024.0;
  }

  /**
   * Counts until there are no more than after any round before, ten times at most: arrays have
   * finalizers, so that one collection leaves those that it is the first to find unreachable, and a
   * thread that is about to end may hold a closed model.
   */
  private long settledNatives() throws JMException, InterruptedException {
    long count = natives();
    for (int again = 0; again < 10 && count > fewest; again++) {
      System.runFinalization();
      Thread.sleep(100);
      count = natives();
    }
    fewest = Math.min(fewest, count);
    return count;
  }

  /** Counts after a full collection, which the histogram begins with. */
  private static long natives() throws JMException {
    String histogram =
        (String)
            ManagementFactory.getPlatformMBeanServer()
                .invoke(
                    new ObjectName("com.sun.management:type=DiagnosticCommand"),
                    "gcClassHistogram",
                    new Object[] {new String[0]},
                    new String[] {String[].class.getName()});
    return HISTOGRAM_LINE
        .matcher(histogram)
        .results()
        .filter(line -> NATIVE.contains(line.group(2)))
        .mapToLong(line -> Long.parseLong(line.group(1)))
        .sum();
  }
}
