package dev.affinis.zoo;

import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Whether a process that a test starts can be sent an interrupt, as Ctrl-C does. */
final class Interrupts {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final String IGNORED = "SigIgn:";
  private static final int SIGINT = 1 << 1;

  private Interrupts() {}

  /** Aborts the test where there are no signals, or interrupts are ignored as behind nohup. */
  static void assumeHeard() throws IOException {
    assumeFalse(System.getProperty("os.name").startsWith("Windows"), "Windows has no such signals");
    assumeFalse(areIgnored(), "interrupts are ignored by this process, and by those it starts");
  }

  /** A shell that starts a command in the background may have it ignore interrupts. */
  private static boolean areIgnored() throws IOException {
    if (!Files.exists(STATUS)) {
      return false;
    }
    return Files.readAllLines(STATUS).stream()
        .filter(line -> line.startsWith(IGNORED))
        .mapToLong(line -> Long.parseUnsignedLong(line.substring(IGNORED.length()).strip(), 16))
        .anyMatch(signals -> (signals & SIGINT) != 0);
  }
}
