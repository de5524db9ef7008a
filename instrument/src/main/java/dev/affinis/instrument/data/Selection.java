package dev.affinis.instrument.data;

import java.util.Arrays;
import java.util.Random;

/**
 * Which samples of a source are used.
 *
 * @param count how many, at least 2: a covariance needs two samples
 * @param order the first ones, or random ones
 * @param seed seed of the random choice, and of random samples
 */
public record Selection(int count, Order order, long seed) {

  /** How samples are chosen. */
  public enum Order {
    /** The first ones. */
    FIRST,
    /** Random ones without repetition. */
    SHUFFLED
  }

  /** Checks the number of samples. */
  public Selection {
    if (count < 2) {
      throw new IllegalArgumentException(
          "samples must be at least 2, got " + count + ": pass --samples");
    }
  }

  /**
   * Selects the first samples.
   *
   * @param count how many
   * @return the selection, with seed 0
   */
  public static Selection first(int count) {
    return new Selection(count, Order.FIRST, 0);
  }

  /**
   * Selects random samples.
   *
   * @param count how many
   * @param seed seed of the choice
   * @return the selection
   */
  public static Selection shuffled(int count, long seed) {
    return new Selection(count, Order.SHUFFLED, seed);
  }

  /**
   * Returns all sample numbers in the order of preference: first the chosen ones, ascending, so
   * that files are read forward (scores do not depend on the order of rows); then those that
   * replace unreadable ones, in the order of the draw.
   *
   * @param size number of samples there are
   * @return a permutation of 0 to {@code size - 1}
   */
  int[] candidates(int size) {
    int[] order = new int[size];
    Arrays.setAll(order, i -> i);
    if (order() == Order.SHUFFLED) {
      // Fisher and Yates. The algorithm of java.util.Random is specified: the same everywhere.
      Random random = new Random(seed);
      for (int i = size - 1; i > 0; i--) {
        int j = random.nextInt(i + 1);
        int swapped = order[i];
        order[i] = order[j];
        order[j] = swapped;
      }
      Arrays.sort(order, 0, Math.min(count, size));
    }
    return order;
  }
}
