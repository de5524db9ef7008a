package dev.affinis.benchmarks;

import dev.affinis.instrument.MeasurementListener;
import java.util.EnumMap;
import java.util.Map;

/** How long the phases of a measurement took, over all passes. */
final class Stopwatch implements MeasurementListener {
  private final Map<Phase, Double> seconds = new EnumMap<>(Phase.class);
  private Phase phase;
  private long start;

  @Override
  public void begin(Phase next, long steps) {
    phase = next;
    start = System.nanoTime();
  }

  @Override
  public void end() {
    seconds.merge(phase, (System.nanoTime() - start) / 1e9, Double::sum);
  }

  double capture() {
    return seconds.getOrDefault(Phase.CAPTURE, 0.0);
  }

  double scores() {
    return seconds.getOrDefault(Phase.SCORE, 0.0);
  }
}
