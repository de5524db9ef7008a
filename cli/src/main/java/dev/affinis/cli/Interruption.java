package dev.affinis.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jline.utils.Signals;

/**
 * Turns Ctrl-C, the request to end and the end of the terminal into a request to stop soon, as long
 * as this is open. Java by itself would end at once, with native code in the middle of a forward
 * pass, which may crash. The second signal does end it at once.
 */
final class Interruption implements AutoCloseable {
  /** What a shell adds to the number of a signal that ended a process. */
  private static final int SIGNAL = 128;

  private static final Map<String, Integer> NUMBERS = Map.of("HUP", 1, "INT", 2, "TERM", 15);

  private final Map<String, Object> before = new LinkedHashMap<>();
  private final Runnable stop;
  private volatile int signal;

  /**
   * Begins to listen.
   *
   * @param stop called on the first signal, on a thread of its own
   */
  Interruption(Runnable stop) {
    this.stop = stop;
    NUMBERS.forEach(
        (name, number) -> before.put(name, Signals.register(name, () -> heard(number))));
  }

  private void heard(int number) {
    if (signal != 0) {
      Runtime.getRuntime().halt(SIGNAL + number);
    }
    signal = number;
    stop.run();
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
