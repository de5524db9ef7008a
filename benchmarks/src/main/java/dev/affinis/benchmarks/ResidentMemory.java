package dev.affinis.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Resident memory of this process, heap and native, in MiB. Linux only. */
final class ResidentMemory {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final Path CLEAR = Path.of("/proc/self/clear_refs");

  private ResidentMemory() {}

  static double current() throws IOException {
    return read("VmRSS:");
  }

  /** The most since the process started, or since {@link #forgetPeak}. */
  static double peak() throws IOException {
    return read("VmHWM:");
  }

  static void forgetPeak() throws IOException {
    Files.writeString(CLEAR, "5");
  }

  private static double read(String field) throws IOException {
    return Files.readAllLines(STATUS).stream()
            .filter(line -> line.startsWith(field))
            .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
            .sum()
        / 1024.0;
  }
}
