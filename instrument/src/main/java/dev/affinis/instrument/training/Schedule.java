package dev.affinis.instrument.training;

/**
 * When a network is measured. Its first and its last state always are; a schedule says what is
 * measured between them.
 */
public sealed interface Schedule {

  /**
   * Measures every so many updates.
   *
   * @param count updates from one measurement to the next, at least 1
   * @return the schedule
   */
  static Schedule everySteps(int count) {
    return new Steps(count);
  }

  /**
   * Measures at the end of every so many epochs.
   *
   * @param count epochs from one measurement to the next, at least 1
   * @return the schedule
   */
  static Schedule everyEpochs(int count) {
    return new Epochs(count);
  }

  /**
   * Measures as often as a share s of the training time allows: at time t only if {@code M + 2 l <=
   * s t}, M being what has been spent and l what the last measurement took. That pays for the one
   * that is due and for the one at the end, so that all of them stay within s T of a training of
   * length T, unless measurements become dearer as it goes on.
   *
   * <p>Where nothing is due before the end, the first and the last state are all that is measured,
   * and stay within the share from {@code T = (F + l) / s} on, F being the first with what making
   * ready takes: half a minute if they take 1.5 s together and s is 0.05. No interval in between
   * changes that; fewer held-out samples make l smaller, and of F the part that is no making ready.
   *
   * @param share of the training time, above 0
   * @return the schedule
   */
  static Schedule withinShare(double share) {
    return new Share(share);
  }

  /** Whether to measure after so many updates, inside an epoch. */
  boolean isDueAtStep(long step, Costs costs);

  /** Whether to measure after so many complete epochs. */
  boolean isDueAtEpoch(int epoch);

  /**
   * What training and measuring have taken so far, in seconds.
   *
   * @param training time without measuring
   * @param measuring time of all measurements
   * @param last time of the last measurement
   */
  record Costs(double training, double measuring, double last) {}

  /**
   * Every so many updates.
   *
   * @param count updates from one measurement to the next
   */
  record Steps(int count) implements Schedule {
    /** Checks the number. */
    public Steps {
      requirePositive("steps", count);
    }

    @Override
    public boolean isDueAtStep(long step, Costs costs) {
      return step % count == 0;
    }

    @Override
    public boolean isDueAtEpoch(int epoch) {
      return false;
    }
  }

  /**
   * Every so many epochs.
   *
   * @param count epochs from one measurement to the next
   */
  record Epochs(int count) implements Schedule {
    /** Checks the number. */
    public Epochs {
      requirePositive("epochs", count);
    }

    @Override
    public boolean isDueAtStep(long step, Costs costs) {
      return false;
    }

    @Override
    public boolean isDueAtEpoch(int epoch) {
      return epoch % count == 0;
    }
  }

  /**
   * Within a share of the training time.
   *
   * @param share the share
   */
  record Share(double share) implements Schedule {
    /** Checks the share. */
    public Share {
      if (!(share > 0)) {
        throw new IllegalArgumentException(
            "share of the training time must be above 0, got " + share + ": 0.05 is 5 percent");
      }
    }

    @Override
    public boolean isDueAtStep(long step, Costs costs) {
      return costs.measuring() + 2 * costs.last() <= share * costs.training();
    }

    @Override
    public boolean isDueAtEpoch(int epoch) {
      return false;
    }
  }

  private static void requirePositive(String what, int count) {
    if (count < 1) {
      throw new IllegalArgumentException(
          what + " from one measurement to the next must be at least 1, got " + count);
    }
  }
}
