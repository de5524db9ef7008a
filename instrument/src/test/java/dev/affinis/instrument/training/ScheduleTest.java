package dev.affinis.instrument.training;

import static org.junit.jupiter.api.Assertions.assertTrue;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;

/** A schedule on a clock of its own: seconds that steps and measurements are said to take. */
class ScheduleTest {
  private static final double ROUNDING = 1e-9;

  /**
   * What all measurements take of a training: the first with making ready, those that are due, and
   * the last.
   */
  private static double spent(
      Schedule schedule, int steps, double step, double first, double measurement) {
    double spent = first;
    double last = first;
    for (int i = 1; i < steps; i++) {
      if (schedule.isDueAtStep(i, new Schedule.Costs(i * step, spent, last))) {
        spent += measurement;
        last = measurement;
      }
    }
    return spent + measurement;
  }

  @Property
  void aShareIsKeptFromWhereTheEndsAloneKeepIt(
      @ForAll @IntRange(min = 1, max = 3000) int steps,
      @ForAll @DoubleRange(min = 0.01, max = 2) double step,
      @ForAll @DoubleRange(min = 0, max = 3) double ready,
      @ForAll @DoubleRange(min = 0.01, max = 3) double measurement,
      @ForAll @DoubleRange(min = 0.01, max = 0.5) double share) {
    double first = ready + measurement;
    double spent = spent(Schedule.withinShare(share), steps, step, first, measurement);
    double allowed = Math.max(share * steps * step, first + measurement);
    assertTrue(spent <= allowed + ROUNDING, () -> spent + " of " + allowed);
  }

  @Property
  void theShareIsUsed(
      @ForAll @DoubleRange(min = 0.01, max = 0.5) double share,
      @ForAll @DoubleRange(min = 0.01, max = 1) double measurement) {
    // Steps are short beside the time that pays for a measurement.
    double step = measurement / 20;
    int steps = (int) (200 * measurement / share / step);
    double spent = spent(Schedule.withinShare(share), steps, step, measurement, measurement);
    double allowed = share * steps * step;
    assertTrue(spent > 0.95 * allowed, () -> spent + " of " + allowed);
  }
}
