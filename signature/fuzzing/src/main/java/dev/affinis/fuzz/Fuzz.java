package dev.affinis.fuzz;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Runs a parser on files that nobody should have written, and fails unless it takes each of them or
 * refuses it with the error that it documents, within limits of processor time, memory and stack.
 *
 * <p>Files are those of the parser's corpus, {@code src/test/resources/fuzz/NAME} in the module
 * whose tests run, and mutations of them. The number of mutations is the system property {@code
 * affinis.fuzz.executions}. Mutation i of a seed ({@code affinis.fuzz.seed}, 0 unless set) is
 * always the same file while corpus and mutators are. What a finding ran on is kept in {@code
 * target/fuzz}.
 */
public final class Fuzz {
  private static final int FINDINGS = 10;

  /** What a thread of a pool usually has is twice as much. */
  private static final int STACK_BYTES = 1 << 19;

  private static final long NANOS = 1_000_000_000L;
  private static final com.sun.management.ThreadMXBean THREADS =
      (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();

  private final String name;
  private final Target target;
  private final List<Class<? extends Throwable>> accepted;
  private final List<byte[]> seeds;
  private final Mutator mutator;
  private final double seconds;
  private final long bytes;

  private final Map<String, String> findings = new LinkedHashMap<>();
  private long taken;
  private long refused;

  /** The execution that runs: what on, and since when. */
  private volatile Execution current;

  /** One file's turn. */
  private static final class Execution {
    private final byte[] input;
    private final String origin;
    private final long startNanos = System.nanoTime();
    private final long startCpu = THREADS.getCurrentThreadCpuTime();

    Execution(byte[] input, String origin) {
      this.input = input;
      this.origin = origin;
    }
  }

  /** What is tested. */
  @FunctionalInterface
  public interface Target {
    /**
     * Reads a file.
     *
     * @param input its bytes
     * @throws Exception if it is refused; any other than the accepted ones is a finding
     */
    void read(byte[] input) throws Exception;
  }

  /**
   * What came of the executions.
   *
   * @param taken how many files were taken
   * @param refused how many were refused with the documented error
   */
  public record Outcome(long taken, long refused) {
    /**
     * Fails unless both happened: mutations that are all taken, or all refused, show little.
     *
     * @throws AssertionError if none was taken, or none refused
     */
    public void requireBoth() {
      if (taken == 0 || refused == 0) {
        throw new AssertionError("files must be taken and others refused, but: " + this);
      }
    }
  }

  private Fuzz(Builder builder) {
    name = builder.name;
    target = builder.target;
    accepted = List.copyOf(builder.accepted);
    seeds = List.copyOf(builder.seeds);
    mutator = builder.mutator;
    seconds = builder.seconds;
    bytes = builder.bytes;
  }

  /** Starts to describe a test. */
  public static Builder builder() {
    return new Builder();
  }

  /** How many mutations each parser is to be run on. */
  public static int executions() {
    return Integer.getInteger("affinis.fuzz.executions", 2000);
  }

  /**
   * A file for parsers that read from one, written anew for each execution.
   *
   * @param suffix how its name ends
   * @return an empty file, deleted when Java ends
   */
  public static Path temporaryFile(String suffix) {
    try {
      Path file = Files.createTempFile("affinis-fuzz-", suffix);
      file.toFile().deleteOnExit();
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * A folder for parsers that read from one.
   *
   * @return an empty folder, deleted with what is in it when Java ends
   */
  public static Path temporaryFolder() {
    try {
      Path folder = Files.createTempDirectory("affinis-fuzz-");
      Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(folder)));
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void delete(Path folder) {
    try (Stream<Path> files = Files.walk(folder)) {
      files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
    } catch (IOException e) {
      // It is gone already.
    }
  }

  /**
   * Runs one file in the calling thread: what a fuzzer from outside calls, which has limits of its
   * own for time and memory.
   *
   * @param input the file
   * @throws AssertionError if it is refused with another error than those that are documented
   */
  public void execute(byte[] input) {
    try {
      target.read(input);
    } catch (Throwable e) {
      if (!isAccepted(e)) {
        throw new AssertionError(name + ": " + e, e);
      }
    }
  }

  private boolean isAccepted(Throwable error) {
    return accepted.stream().anyMatch(error.getClass()::equals);
  }

  /**
   * Runs the corpus and {@link #executions()} mutations of it.
   *
   * @return how many files were taken and refused
   * @throws AssertionError if there are findings; the message says for each what happened, and
   *     where its file is
   */
  public Outcome run() {
    return run(executions());
  }

  /**
   * Runs the corpus and mutations of it.
   *
   * @param executions how many mutations
   * @return how many files were taken and refused
   * @throws AssertionError as {@link #run()}
   * @throws IllegalStateException if the mutator failed
   */
  public Outcome run(int executions) {
    findings.clear();
    taken = 0;
    refused = 0;
    Map<String, byte[]> corpus = corpus();
    Thread worker = new Thread(null, () -> work(corpus, executions), name, STACK_BYTES);
    AtomicReference<Throwable> broken = new AtomicReference<>();
    worker.setUncaughtExceptionHandler((thread, error) -> broken.set(error));
    worker.setDaemon(true);
    worker.start();
    watch(worker);
    throwFindings();
    if (broken.get() != null) {
      throw new IllegalStateException(
          name + ": no mutations after the first " + (taken + refused), broken.get());
    }
    return new Outcome(taken, refused);
  }

  private void work(Map<String, byte[]> corpus, int executions) {
    corpus.forEach((file, content) -> judge(content, file));
    List<byte[]> all = List.copyOf(corpus.values());
    long seed = Long.getLong("affinis.fuzz.seed", 0);
    for (int i = 0; i < executions && findings.size() < FINDINGS; i++) {
      SplittableRandom random = new SplittableRandom(seed * 0x9E3779B97F4A7C15L + i);
      byte[] input = mutator.mutate(all.get(random.nextInt(all.size())), random, all);
      judge(input, "mutation " + i + " of seed " + seed);
    }
  }

  private void judge(byte[] input, String origin) {
    long allocated = THREADS.getCurrentThreadAllocatedBytes();
    Execution execution = new Execution(input, origin);
    current = execution;
    Throwable thrown = null;
    try {
      target.read(input.clone());
      taken++;
    } catch (Throwable e) {
      thrown = e;
    }
    current = null;
    double took = (THREADS.getCurrentThreadCpuTime() - execution.startCpu) / (double) NANOS;
    long used = THREADS.getCurrentThreadAllocatedBytes() - allocated;
    if (thrown != null && !isAccepted(thrown)) {
      note(input, origin, thrown.toString(), thrown.getStackTrace());
    } else if (took > seconds) {
      note(input, origin, "slow: " + took + " s of processor time", new StackTraceElement[0]);
    } else if (used > bytes) {
      note(input, origin, "large: " + used + " bytes of memory", new StackTraceElement[0]);
    } else if (thrown != null) {
      refused++;
    }
  }

  /** Waits for the worker; gives up on it where one execution does not end. */
  private void watch(Thread worker) {
    try {
      while (worker.isAlive()) {
        worker.join(200);
        Execution execution = current;
        if (execution == null || !worker.isAlive()) {
          continue;
        }
        long cpu = THREADS.getThreadCpuTime(worker.getId()) - execution.startCpu;
        long wall = System.nanoTime() - execution.startNanos;
        // A machine may be busy with other things: a hang without work is told much later.
        if (cpu > 5 * seconds * NANOS || wall > 120 * seconds * NANOS) {
          note(execution.input, execution.origin, "does not end", worker.getStackTrace());
          return;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Keeps the first finding of a kind: the same error from the same place. */
  private synchronized void note(
      byte[] input, String origin, String what, StackTraceElement[] stack) {
    StackTraceElement place =
        Arrays.stream(stack)
            .filter(e -> e.getClassName().startsWith("dev.affinis"))
            .findFirst()
            .orElse(null);
    String first = what.lines().findFirst().orElse("");
    String kind = place == null ? first.replaceAll("\\d+", "0") : what.split("[: ]", 2)[0] + place;
    if (findings.containsKey(kind)) {
      return;
    }
    Path kept = Path.of("target", "fuzz", name, hash(input));
    try {
      Files.createDirectories(kept.getParent());
      Files.write(kept, input);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    String trace =
        Arrays.stream(stack).limit(12).map(e -> "\n      at " + e).collect(Collectors.joining());
    findings.put(kind, first + " (" + origin + ", kept as " + kept + ")" + trace);
  }

  private synchronized void throwFindings() {
    if (!findings.isEmpty()) {
      throw new AssertionError(
          name
              + ": "
              + findings.size()
              + " kinds of finding; once repaired, keep their files in "
              + folder()
              + "\n  - "
              + String.join("\n  - ", findings.values()));
    }
  }

  private Path folder() {
    return Path.of("src", "test", "resources", "fuzz", name);
  }

  private Map<String, byte[]> corpus() {
    Map<String, byte[]> corpus = new LinkedHashMap<>();
    for (int i = 0; i < seeds.size(); i++) {
      corpus.put("seed " + i, seeds.get(i));
    }
    if (Files.isDirectory(folder())) {
      try (Stream<Path> files = Files.list(folder())) {
        for (Path file : files.sorted().toList()) {
          corpus.put(file.toString(), Files.readAllBytes(file));
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    if (corpus.isEmpty()) {
      throw new IllegalStateException(
          "no corpus for "
              + name
              + ": put a file into "
              + folder().toAbsolutePath()
              + " or give a seed");
    }
    return corpus;
  }

  private static String hash(byte[] input) {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(input);
      return HexFormat.of().formatHex(digest, 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Describes a test of a parser. */
  public static final class Builder {
    private String name;
    private Target target;
    private final List<Class<? extends Throwable>> accepted = new ArrayList<>();
    private final List<byte[]> seeds = new ArrayList<>();
    private Mutator mutator = new ByteMutator();
    private double seconds = 2;
    private long bytes = 64 << 20;

    private Builder() {}

    /** The parser's name: that of its corpus, too. */
    public Builder setName(String name) {
      this.name = name;
      return this;
    }

    /** What is run on each file. */
    public Builder setTarget(Target target) {
      this.target = target;
      return this;
    }

    /** An error that the parser documents; of exactly this class. */
    public Builder optAccepted(Class<? extends Throwable> error) {
      accepted.add(error);
      return this;
    }

    /** A file to begin with, besides those of the corpus. */
    public Builder optSeed(byte[] file) {
      seeds.add(file.clone());
      return this;
    }

    /** What makes other files of the corpus; bytes are changed unless this is given. */
    public Builder optMutator(Mutator mutator) {
      this.mutator = mutator;
      return this;
    }

    /** The processor time that a file may take; 2 s unless given. */
    public Builder optSeconds(double seconds) {
      this.seconds = seconds;
      return this;
    }

    /** How many bytes may be allocated for a file, all together; 64 MiB unless given. */
    public Builder optBytes(long bytes) {
      this.bytes = bytes;
      return this;
    }

    /** The test. */
    public Fuzz build() {
      if (name == null || target == null) {
        throw new IllegalStateException("name and target must be set");
      }
      return new Fuzz(this);
    }
  }
}
