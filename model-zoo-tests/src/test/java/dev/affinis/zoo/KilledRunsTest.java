package dev.affinis.zoo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.affinis.cli.AffinisCommand;
import dev.affinis.cli.ExitCodes;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;

/** {@code affinis measure --resume} as a process of its own, killed, interrupted, out of room. */
class KilledRunsTest {
  private static final Path ZOO = Path.of("zoo").toAbsolutePath();
  private static final Duration PATIENCE = Duration.ofMinutes(3);
  private static final int SAMPLES = 48;
  private static final int SITES = 7;
  private static final String SCORES = "affinity,linear_cka,r2,entropy_post,dead_units";

  /** Less than the captures take, so that they go to disk. */
  private static final String LITTLE = "545000";

  /** The same for all tests. */
  private static final Map<Integer, String> WHOLE = new HashMap<>();

  @TempDir Path folder;
  private Path cache;
  private Path out;
  private Path spill;

  /** What a run is at. */
  private enum Phase {
    START,
    CAPTURE,
    SPILL,
    SCORE,
    WRITE,
    REMOVE
  }

  @BeforeEach
  void makeFolders() throws IOException {
    cache = folder.resolve("cache");
    out = folder.resolve("out.json");
    spill = Files.createDirectory(folder.resolve("spill"));
  }

  private Process start(int samples, Object... more) throws IOException {
    List<String> line = new ArrayList<>();
    line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    line.addAll(List.of("-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    line.addAll(List.of("-Dai.djl.offline=true", "-cp", System.getProperty("java.class.path")));
    line.addAll(List.of(AffinisCommand.class.getName(), "measure"));
    line.add(ZOO.resolve("models/alexnet.traced.pt").toString());
    line.add("--data=" + ZOO.resolve("images.npz"));
    line.addAll(List.of("--samples=" + samples, "--batch-size=1", "--scores=" + SCORES));
    line.addAll(List.of("--quiet", "--out=" + out));
    Arrays.stream(more).map(String::valueOf).forEach(line::add);
    ProcessBuilder builder = new ProcessBuilder(line).redirectErrorStream(true);
    builder.environment().put("AFFINIS_CACHE", cache.toString());
    return builder.redirectOutput(folder.resolve("log").toFile()).start();
  }

  private String log() throws IOException {
    return Files.readString(folder.resolve("log"));
  }

  private int end(Process process) throws InterruptedException {
    assertTrue(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS), "still running");
    return process.exitValue();
  }

  /** The signature of a run that nobody interrupts, and that keeps nothing. */
  private String whole(int samples) throws IOException, InterruptedException {
    if (!WHOLE.containsKey(samples)) {
      assertEquals(ExitCodes.DONE, end(start(samples)), log());
      WHOLE.put(samples, Files.readString(out));
      Files.delete(out);
    }
    return WHOLE.get(samples);
  }

  /** Whether the moment came while the process lived. */
  private static boolean await(Process process, BooleanSupplier moment)
      throws InterruptedException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!moment.getAsBoolean()) {
      if (!process.isAlive()) {
        return false;
      }
      assertTrue(System.nanoTime() < end, "the moment never came");
      Thread.sleep(1);
    }
    return true;
  }

  /** How many files of the run begin so. */
  private int kept(String prefix) {
    Path runs = cache.resolve("runs");
    if (!Files.exists(runs)) {
      return 0;
    }
    try (Stream<Path> files = Files.walk(runs)) {
      return (int) files.filter(file -> file.getFileName().toString().startsWith(prefix)).count();
    } catch (IOException | UncheckedIOException e) {
      return 0; // it is being deleted
    }
  }

  private BooleanSupplier moment(Phase phase, Random random) {
    int batch = 1 + random.nextInt(SAMPLES - 2);
    int site = random.nextInt(SITES - 1);
    return switch (phase) {
      case START -> () -> true;
      case CAPTURE, SPILL -> () -> kept("captures-") >= batch;
      case SCORE -> () -> kept("samples.json") > 0 && kept("scores-") >= site;
      case WRITE -> () -> kept("scores-") == SITES;
      case REMOVE -> () -> Files.exists(out);
    };
  }

  /** What a killed run was at, by what it left. */
  private Phase phase(boolean spills) {
    if (Files.exists(out)) {
      return Phase.REMOVE;
    }
    if (kept("scores-") == SITES) {
      return Phase.WRITE;
    }
    if (kept("samples.json") > 0) {
      return Phase.SCORE;
    }
    if (kept("captures-") > 0) {
      return spills ? Phase.SPILL : Phase.CAPTURE;
    }
    return Phase.START;
  }

  /**
   * Chains of runs: each goes on where the one before was killed, the last one ends. In a normal
   * run there are two chains, which hit every phase.
   */
  @Test
  void killedAtAnyMomentAndGoneOnWithItEndsWithTheSameFile(TestReporter reporter)
      throws IOException, InterruptedException {
    int kills = Integer.getInteger("affinis.kills");
    String expected = whole(SAMPLES);
    List<List<Phase>> chains =
        List.of(
            List.of(Phase.START, Phase.CAPTURE, Phase.WRITE),
            List.of(Phase.SPILL, Phase.SCORE, Phase.REMOVE));
    Map<Phase, Integer> hit = new EnumMap<>(Phase.class);
    int killed = 0;
    for (int chain = 0; killed < kills || hit.size() < Phase.values().length; chain++) {
      assertTrue(chain < kills + 6, "phases that were never hit: " + missed(hit.keySet()));
      Random random = new Random(chain);
      boolean spills = chain % 2 == 1;
      Object[] more =
          spills
              ? new Object[] {"--resume", "--memory=" + LITTLE, "--spill-dir=" + spill}
              : new Object[] {"--resume"};
      for (Phase phase : chains.get(chain % 2)) {
        BooleanSupplier moment = moment(phase, random);
        int delay = phase == Phase.START ? random.nextInt(1500) : random.nextInt(10);
        Process process = start(SAMPLES, more);
        await(process, moment);
        Thread.sleep(delay);
        process.destroyForcibly();
        if (end(process) != ExitCodes.DONE) {
          killed++;
          hit.merge(phase(spills), 1, Integer::sum);
        }
      }
      Files.deleteIfExists(out);
      assertEquals(ExitCodes.DONE, end(start(SAMPLES, more)), log());
      assertEquals(expected, Files.readString(out), "chain " + chain);
      assertEquals(0, kept("manifest"), "what was kept is removed");
      try (Stream<Path> left = Files.list(spill)) {
        assertEquals(List.of(), left.toList());
      }
      Files.delete(out);
    }
    reporter.publishEntry("kills", killed + " " + hit);
  }

  private static Set<Phase> missed(Set<Phase> hit) {
    Set<Phase> missed = EnumSet.allOf(Phase.class);
    missed.removeAll(hit);
    return missed;
  }

  @Test
  void aSignalStopsBehindABatchAndTheNextRunGoesOn() throws IOException, InterruptedException {
    Interrupts.assumeHeard();
    int samples = 2 * SAMPLES;
    String expected = whole(samples);
    for (Map.Entry<String, Integer> signal : Map.of("INT", 130, "TERM", 143).entrySet()) {
      Process process = start(samples, "--resume");
      int before = kept("captures-");
      assertTrue(await(process, () -> kept("captures-") > before + 3), log());
      assertEquals(0, end(signal(process, signal.getKey())));
      assertEquals(signal.getValue(), end(process), log());
      assertTrue(log().contains("interrupted: captures of "), log());
      assertTrue(log().contains(" of " + samples + " samples and scores of 0 of 7 sites are kept"));
      assertTrue(log().contains("the same command goes on from there"), log());
      assertTrue(kept("captures-") > before + 3);
      assertFalse(Files.exists(out));
    }
    assertEquals(ExitCodes.DONE, end(start(samples, "--resume")), log());
    assertTrue(log().contains("goes on where an interrupted run stopped: captures of "), log());
    assertEquals(expected, Files.readString(out));
  }

  private static Process signal(Process process, String name) throws IOException {
    return new ProcessBuilder("kill", "-" + name, String.valueOf(process.pid())).start();
  }

  @Test
  void twoRunsOfTheSameMeasurementBothEndWithIt() throws IOException, InterruptedException {
    int samples = 2 * SAMPLES;
    String expected = whole(samples);
    Process first = start(samples, "--resume");
    assertTrue(await(first, () -> kept("captures-") > 1), log());
    // Held in the middle, so that the other surely meets it.
    assumeTrue(end(signal(first, "STOP")) == 0, "needs a signal");
    try {
      Process second = start(samples, "--resume");
      assertEquals(ExitCodes.DONE, end(second), log());
      assertTrue(
          log().contains("another process (" + first.pid() + ") is at the same measurement"),
          log());
      assertEquals(expected, Files.readString(out));
    } finally {
      signal(first, "CONT").waitFor();
    }
    assertEquals(ExitCodes.DONE, end(first));
    assertEquals(expected, Files.readString(out));
    assertEquals(0, kept("manifest"));
    try (Stream<Path> left = Files.list(folder)) {
      assertFalse(left.anyMatch(file -> file.toString().endsWith(".part")));
    }
  }

  @Test
  void aDiskThatIsFullOrReadOnlyCostsNothingThatIsDone() throws IOException, InterruptedException {
    Path disk = Files.createDirectory(folder.resolve("disk"));
    assumeTrue(mount(disk, "-t", "tmpfs", "-o", "size=64k", "tmpfs"), "needs the right to mount");
    try {
      String expected = whole(SAMPLES);
      // The folder of what is kept gets full: the run goes on, and what is there is of use.
      cache = disk;
      Path place = out;
      assertEquals(ExitCodes.DONE, end(start(SAMPLES, "--resume")), log());
      assertTrue(log().contains("captures and scores are not kept from here on"), log());
      assertTrue(log().contains("No space left on device"), log());
      assertEquals(expected, Files.readString(out));
      assertEquals(0, kept("manifest"));
      // The folder of the signature is full: what was computed is kept, and written elsewhere.
      cache = folder.resolve("cache");
      int free = (int) Files.getFileStore(disk).getUsableSpace();
      Files.write(disk.resolve("other"), new byte[free]);
      out = disk.resolve("out.json");
      assertEquals(ExitCodes.BAD_INPUT, end(start(SAMPLES, "--resume")), log());
      assertTrue(log().contains("signature cannot be written to " + out), log());
      assertTrue(log().contains("the next run only writes"), log());
      assertEquals(SITES, kept("scores-"));
      assertFalse(Files.exists(out));
      out = place;
      assertEquals(ExitCodes.DONE, end(start(SAMPLES, "--resume")), log());
      assertTrue(log().contains("scores of 7 of 7 sites are there"), log());
      assertEquals(expected, Files.readString(out));
      // Neither can be written to at all.
      assertTrue(mount(disk, "-o", "remount,ro"));
      cache = disk.resolve("cache");
      assertEquals(ExitCodes.DONE, end(start(SAMPLES, "--resume")), log());
      assertTrue(log().contains("captures and scores are not kept from here on"), log());
      assertEquals(expected, Files.readString(out));
      out = disk.resolve("out.json");
      assertEquals(ExitCodes.BAD_INPUT, end(start(SAMPLES, "--resume")), log());
      assertTrue(log().contains("choose another place"), log());
      out = place;
      Object[] spilled = {"--memory=" + LITTLE, "--spill-dir=" + disk};
      assertEquals(ExitCodes.BAD_INPUT, end(start(SAMPLES, spilled)), log());
      assertTrue(log().contains("cannot be written to"), log());
    } finally {
      new ProcessBuilder("umount", disk.toString()).start().waitFor();
    }
  }

  private static boolean mount(Path at, String... options)
      throws IOException, InterruptedException {
    List<String> line = new ArrayList<>(List.of("mount"));
    line.addAll(List.of(options));
    line.add(at.toString());
    try {
      return new ProcessBuilder(line).redirectErrorStream(true).start().waitFor() == 0;
    } catch (IOException e) {
      return false;
    }
  }
}
