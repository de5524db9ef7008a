package dev.affinis.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.affinis.report.Signatures;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ZooProgressTest {
  @Test
  void tellsWhereItIsAndWhatIsLeft() {
    StringWriter text = new StringWriter();
    AtomicLong clock = new AtomicLong(99);
    ZooProgress progress = new ZooProgress(new PrintWriter(text), 4, 3, clock::get);
    progress.passOver("a", "done and unchanged");
    progress.begin("b", "not measured yet");
    clock.addAndGet(TimeUnit.SECONDS.toNanos(40));
    progress.done("b", Signatures.of("b", .5, .5));
    progress.begin("c", "samples 2 instead of 3");
    clock.addAndGet(TimeUnit.SECONDS.toNanos(20));
    progress.failed("c");
    progress.begin("d", "other data");
    clock.addAndGet(TimeUnit.SECONDS.toNanos(30));
    progress.done("d", Signatures.of("d", .5));
    assertEquals(
        """
        model 1 of 4, a: done and unchanged
        model 2 of 4, b: measuring (not measured yet) ...
        model 2 of 4, b: 2 sites in 40 s; 40 s in all, about 1 min 20 s left
        model 3 of 4, c: measuring (samples 2 instead of 3) ...
        model 3 of 4, c: failed after 20 s; 1 min 0 s in all, about 30 s left
        model 4 of 4, d: measuring (other data) ...
        model 4 of 4, d: 1 site in 30 s; 1 min 30 s in all
        """,
        text.toString().replace(System.lineSeparator(), "\n"));
  }

  @ParameterizedTest
  @CsvSource({"0, 0 s", "59, 59 s", "60, 1 min 0 s", "3599, 59 min 59 s", "7500, 2 h 5 min"})
  void timesHaveTwoUnitsAtMost(long seconds, String words) {
    assertEquals(words, ZooProgress.words(TimeUnit.SECONDS.toNanos(seconds)));
  }
}
