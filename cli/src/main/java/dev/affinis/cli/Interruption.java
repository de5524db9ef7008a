package dev.affinis.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.IntConsumer;
import org.jline.utils.Signals;

/**
 * Turns Ctrl-C, the request to end and the end of the terminal into a request to stop soon, as long
 * as this is open. Java by itself would end at once, with native code in the middle of a forward
 * pass, which may crash. The second signal does end it at once; in a child process, the second of
 * the same kind.
 */
final class Interruption implements AutoCloseable {
  /** What a shell adds to the number of a signal that ended a process. */
  private static final int SIGNAL = 128;

  private static final Map<String, Integer> NUMBERS = Map.of("HUP", 1, "INT", 2, "TERM", 15);

  private final Map<String, Object> before = new LinkedHashMap<>();
  private final Runnable stop;
  private final boolean isChild;
  private final IntConsumer halt;
  private volatile int signal;

  /**
   * Begins to listen.
   *
   * @param stop called on the first signal, on a thread of its own
   */
  Interruption(Runnable stop) {
    this(stop, ChildProcess.isChild(), Runtime.getRuntime()::halt);
  }

  /**
   * Likewise.
   *
   * @param isChild whether a parent hands signals on
   * @param halt ends the process with an exit code
   */
  Interruption(Runnable stop, boolean isChild, IntConsumer halt) {
    this.stop = stop;
    this.isChild = isChild;
    this.halt = halt;
    NUMBERS.forEach(
        (name, number) -> before.put(name, Signals.register(name, () -> heard(number))));
  }

  /** Called when a signal comes. */
  void heard(int number) {
    if (signal == 0) {
      signal = number;
      stop.run();
    } else if (!isChild || number == signal) {
      // A terminal's signal comes to a child twice: from its parent, too, as a request to end.
      halt.accept(SIGNAL + number);
    }
  }

  /** The exit code of a process that was ended by the signal that was heard. */
  int exitCode() {
    return SIGNAL + signal;
  }

  /** Whether an exit code is one of these. */
  static boolean isInterruption(int code) {
    return NUMBERS.containsValue(code - SIGNAL);
  }

  /** Leaves signals to who had them before. */
  @Override
  public void close() {
    before.forEach(
        (name, handler) -> {
          if (handler != null) { // there is no such signal on this system
            Signals.unregister(name, handler);
          }
        });
  }
}
