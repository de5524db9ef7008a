package dev.affinis.zoo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.affinis.zoo.Soak.Held;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Nothing grows, however long one process measures. */
@EnabledOnOs(OS.LINUX)
class SoakTest {
  /** Every kind of cancellation has been met after this many rounds, every class loaded. */
  private static final int WARM_UP = 3;

  /** What an allocator keeps may vary by this much; a leak of a model's weights is more. */
  private static final double SLACK_MIB = 48;

  /** Pools of threads end a little after what they did. */
  private static final int THREADS_BETWEEN = 4;

  @TempDir Path folder;

  @Test
  void whatTheProcessHoldsStaysTheSame() throws IOException, InterruptedException {
    long seconds = Long.getLong("affinis.soak.seconds", 15);
    Path temporary = Files.createDirectory(folder.resolve("tmp"));
    Path log = folder.resolve("log");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-Dai.djl.offline=true",
                "-Djava.io.tmpdir=" + temporary,
                "-cp",
                System.getProperty("java.class.path"),
                Soak.class.getName(),
                "" + seconds)
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    boolean ended = process.waitFor(seconds + 300, TimeUnit.SECONDS);
    process.destroyForcibly();
    String text = Files.readString(log);
    assertTrue(ended, () -> "did not end:\n" + text);
    assertEquals(0, process.exitValue(), text);

    List<Held> rounds =
        text.lines().filter(line -> line.startsWith(Held.PREFIX)).map(Held::parse).toList();
    List<Held> warm = rounds.subList(WARM_UP, rounds.size());
    Held first = warm.get(0);
    for (Held round : warm) {
      assertEquals(first.files(), round.files(), () -> "open files: " + text);
      assertEquals(first.temporary(), round.temporary(), () -> "temporary files: " + text);
      assertTrue(round.threads() <= first.threads() + THREADS_BETWEEN, () -> "threads: " + text);
    }
    List<Held> before = warm.subList(0, warm.size() / 2);
    List<Held> after = warm.subList(warm.size() / 2, warm.size());
    assertTrue(fewest(after) <= fewest(before), () -> "native objects: " + text);
    double grown = median(after) - median(before);
    assertTrue(grown < SLACK_MIB, () -> "resident memory grows: " + text);
    System.out.printf(
        "soak: %d rounds in %d s, %d native objects, %.0f MiB, %d files%n",
        rounds.size(),
        rounds.get(rounds.size() - 1).seconds(),
        fewest(after),
        median(after),
        first.files());
  }

  /** A closed model may be held by a thread that has not ended yet. */
  private static long fewest(List<Held> rounds) {
    return rounds.stream().mapToLong(Held::natives).min().orElseThrow();
  }

  private static double median(List<Held> rounds) {
    return rounds.stream()
        .mapToDouble(Held::residentMib)
        .sorted()
        .skip(rounds.size() / 2)
        .findFirst()
        .orElseThrow();
  }
}
