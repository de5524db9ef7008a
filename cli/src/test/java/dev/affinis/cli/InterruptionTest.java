package dev.affinis.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Signals as they reach a process: 1 for the terminal's end, 2 for Ctrl-C, 15 for a request. */
class InterruptionTest {
  /** What is done about signals: 0 for a request to stop soon, an exit code for an end at once. */
  private static List<Integer> done(boolean isChild, int... signals) {
    List<Integer> done = new ArrayList<>();
    try (Interruption interruption = new Interruption(() -> done.add(0), isChild, done::add)) {
      for (int signal : signals) {
        interruption.heard(signal);
      }
      assertEquals(128 + signals[0], interruption.exitCode());
    }
    return done;
  }

  @Test
  void theSecondSignalEndsAtOnce() {
    assertEquals(List.of(0), done(false, 2));
    assertEquals(List.of(0, 130), done(false, 2, 2));
    assertEquals(List.of(0, 143), done(false, 2, 15));
  }

  /** A terminal tells parent and child, and the parent asks the child to end. */
  @Test
  void oneCtrlCThatReachesAChildTwiceIsOne() {
    assertEquals(List.of(0), done(true, 2, 15));
    assertEquals(List.of(0), done(true, 15, 2));
    assertEquals(List.of(0), done(true, 1, 15));
    assertEquals(List.of(0, 130), done(true, 2, 15, 2));
    assertEquals(List.of(0, 143), done(true, 15, 15));
  }
}
