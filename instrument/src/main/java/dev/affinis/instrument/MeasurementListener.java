package dev.affinis.instrument;

/** Is told how a {@link Measurement} gets on, on the thread that runs it. */
public interface MeasurementListener {
  /** Hears nothing. */
  MeasurementListener NONE = new MeasurementListener() {};

  /** What a measurement is doing. */
  enum Phase {
    /** Running the model; steps are samples. */
    CAPTURE,
    /** Computing scores; steps are sites. */
    SCORE
  }

  /**
   * A phase begins.
   *
   * @param phase which
   * @param steps how many steps it has
   */
  default void begin(Phase phase, long steps) {}

  /**
   * Steps of the current phase are done.
   *
   * @param steps how many more than at the last call
   */
  default void advance(long steps) {}

  /** The current phase is over; not called if it fails. */
  default void end() {}

  /**
   * There is something that a user should know.
   *
   * @param message one line
   */
  default void notice(String message) {}
}
