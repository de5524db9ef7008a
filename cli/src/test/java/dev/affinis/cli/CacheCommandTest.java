package dev.affinis.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CacheCommandTest {
  @TempDir Path folder;

  private Path leave(String name, int days) throws IOException {
    Path run = Files.createDirectories(folder.resolve("runs").resolve(name));
    Path file = Files.writeString(run.resolve("manifest.json"), "what a kill left");
    Files.setLastModifiedTime(
        file, FileTime.from(Instant.now().minus(Duration.ofDays(days).plusHours(1))));
    return run;
  }

  private CommandRun cache(Object... args) {
    Object[] all = new Object[args.length + 3];
    all[0] = "cache";
    System.arraycopy(args, 0, all, 1, args.length);
    all[args.length + 1] = "--cache";
    all[args.length + 2] = folder;
    return CommandRun.of(all);
  }

  @Test
  void listsWhatIsThereAndDeletesItByAge() throws IOException {
    CommandRun none = cache("list");
    assertEquals(ExitCodes.DONE, none.code(), none.err());
    assertEquals("0 measurements in " + folder, none.out().strip());
    Path old = leave("0a", 3);
    Path young = leave("0b", 1);
    CommandRun two = cache("list");
    assertTrue(two.out().contains("(damaged)"), two.out());
    assertTrue(two.out().contains("0 of ?"), two.out());
    assertTrue(two.out().contains("73 h 0 min"), two.out());
    assertTrue(two.out().contains("2 measurements in " + folder + ", "), two.out());
    CommandRun one = cache("clean", "--older-than", "2");
    assertTrue(one.out().startsWith("deleted 1 measurement, "), one.out());
    assertTrue(one.out().contains("; 1 left in " + folder), one.out());
    assertFalse(Files.exists(old));
    assertTrue(Files.exists(young));
    assertTrue(cache("clean").out().startsWith("deleted 1 measurement, "));
    assertFalse(Files.exists(young));
    assertTrue(cache("clean").out().startsWith("deleted 0 measurements; 0 left in"));
  }

  @Test
  void wrongUseIsToldWithWhatWasExpected() {
    CommandRun alone = CommandRun.of("cache");
    assertEquals(ExitCodes.WRONG_USE, alone.code());
    assertTrue(alone.err().contains("expected list or clean"), alone.err());
    CommandRun negative = cache("clean", "--older-than", "-1");
    assertEquals(ExitCodes.WRONG_USE, negative.code());
    assertTrue(negative.err().contains("got -1"), negative.err());
    CommandRun unused =
        CommandRun.of("measure", "m.pt", "--data=random", "--out=o.json", "--cache", folder);
    assertEquals(ExitCodes.WRONG_USE, unused.code());
    assertTrue(unused.err().contains("add --resume"), unused.err());
  }
}
