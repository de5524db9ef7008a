package dev.affinis.instrument;

import java.nio.file.Path;
import java.util.Optional;

/**
 * A measurement that was asked to end before it was done, by {@link Measurement#stop} or an
 * interrupt of its thread.
 */
public final class MeasurementStoppedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String kept;

  /**
   * Says what is done.
   *
   * @param progress what was captured and scored
   * @param folder where that is kept, if it is
   */
  MeasurementStoppedException(String progress, Optional<Path> folder) {
    super("stopped with " + progress);
    kept = folder.map(place -> progress + " are kept in " + place).orElse("");
  }

  /**
   * Says what is done when something was broken off.
   *
   * @param progress what was captured and scored
   * @param folder where that is kept, if it is
   * @param cause what that threw
   */
  MeasurementStoppedException(String progress, Optional<Path> folder, Throwable cause) {
    this(progress, folder);
    initCause(cause);
  }

  /**
   * Returns what is kept for another run to go on with.
   *
   * @return what and where; nothing if nothing is
   */
  public Optional<String> kept() {
    return kept.isEmpty() ? Optional.empty() : Optional.of(kept);
  }
}
