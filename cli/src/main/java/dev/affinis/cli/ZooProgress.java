package dev.affinis.cli;

import dev.affinis.signature.Signature;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.function.LongSupplier;

/** Tells how far a zoo is: a line before and after each model. */
final class ZooProgress {
  private static final int MINUTE = 60;
  private static final int HOUR = 3600;

  private final PrintWriter out;
  private final int models;
  private final LongSupplier nanoTime;
  private final long start;
  private final int toMeasure;
  private int number;
  private int measured;
  private long begun;

  /**
   * @param out where lines go
   * @param models how many models there are
   * @param toMeasure how many of them have to be measured
   * @param nanoTime the clock
   */
  ZooProgress(PrintWriter out, int models, int toMeasure, LongSupplier nanoTime) {
    this.out = out;
    this.models = models;
    this.toMeasure = toMeasure;
    this.nanoTime = nanoTime;
    start = nanoTime.getAsLong();
  }

  /** A model that needs nothing done. */
  void passOver(String name, String reason) {
    number++;
    print(name, reason);
  }

  /** A model is about to be measured. */
  void begin(String name, String reason) {
    number++;
    begun = nanoTime.getAsLong();
    print(name, "measuring (" + reason + ") ...");
  }

  void done(String name, Signature signature) {
    int sites = signature.layers().size();
    end(name, sites + (sites == 1 ? " site in " : " sites in "));
  }

  void failed(String name) {
    end(name, "failed after ");
  }

  private void end(String name, String result) {
    measured++;
    long now = nanoTime.getAsLong();
    int left = toMeasure - measured;
    print(
        name,
        result
            + words(now - begun)
            + "; "
            + words(now - start)
            + " in all"
            + (left == 0 ? "" : ", about " + words((now - start) / measured * left) + " left"));
  }

  private void print(String name, String text) {
    out.println("model " + number + " of " + models + ", " + name + ": " + text);
    out.flush();
  }

  /** A time for people: two units at most. */
  static String words(long nanos) {
    long seconds = Duration.ofNanos(nanos).plusMillis(500).toSeconds();
    if (seconds < MINUTE) {
      return seconds + " s";
    }
    return seconds < HOUR
        ? seconds / MINUTE + " min " + seconds % MINUTE + " s"
        : seconds / HOUR + " h " + seconds % HOUR / MINUTE + " min";
  }
}
