package dev.affinis.cli;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The {@code affinis} command as a process of its own, with the Java, class path and options of
 * this one.
 */
final class ChildProcess {
  /** What Java ends with when it is interrupted, and when it is asked to end. */
  private static final int SIGNAL = 128;

  private static final String PROPERTY = "affinis.child";

  private ChildProcess() {}

  /**
   * Starts the command. Its errors and notices are for the caller to read; what it prints as its
   * result is thrown away. It ends if this process does, however that ends.
   *
   * @param args the command line
   * @return the process
   * @throws IOException if Java cannot be started
   */
  static Process start(List<String> args) throws IOException {
    List<String> line = new ArrayList<>();
    line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(option -> !option.startsWith("-agentlib")) // a debugger listens to one process
        .forEach(line::add);
    line.add("-D" + PROPERTY + "=true");
    line.add("-cp");
    line.add(System.getProperty("java.class.path"));
    line.add(AffinisCommand.class.getName());
    line.addAll(args);
    return new ProcessBuilder(line).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
  }

  /**
   * If this process is a child, ends it as soon as its parent is gone: nobody else holds the other
   * end of its standard input.
   */
  static void endWithParent() {
    if (isChild()) {
      Thread watch = new Thread(ChildProcess::waitForEnd, "parent");
      watch.setDaemon(true);
      watch.start();
    }
  }

  /** Asks a child to end soon. Its streams stay open: it takes their end for that of its parent. */
  static void askToEnd(Process child) {
    child.toHandle().destroy(); // Process.destroy closes streams
  }

  /** Whether this process was started by {@link #start}. */
  static boolean isChild() {
    return Boolean.getBoolean(PROPERTY);
  }

  private static void waitForEnd() {
    try {
      while (System.in.read() >= 0) {
        // Nothing is ever written to it.
      }
    } catch (IOException e) {
      // Gone, too.
    }
    Runtime.getRuntime().halt(ExitCodes.BUG);
  }

  /**
   * Says what an exit code means that the command does not give itself.
   *
   * @param code the exit code
   * @return in words
   */
  static String describe(int code) {
    int signal = code - SIGNAL;
    return switch (signal) {
      case 9 -> "its process was killed, most likely because memory ran out";
      case 4, 6, 7, 8, 11 ->
          "its process crashed in native code (signal " + signal + "); see hs_err_pid*.log";
      default ->
          signal > 0
              ? "its process was ended by signal " + signal
              : "its process ended with exit code " + code;
    };
  }
}
