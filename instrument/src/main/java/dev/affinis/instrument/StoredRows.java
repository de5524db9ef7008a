package dev.affinis.instrument;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import dev.affinis.signature.LayerSample;
import java.util.List;
import java.util.Random;

/**
 * Checks the rows of a site as they come out of the store, before they are scored: as many on both
 * sides as there are samples, and, where an {@link ActivationCheck} applies, outputs that belong to
 * their inputs in a few random rows.
 */
final class StoredRows {
  /** Rows of each sample set that are looked at. */
  private static final int SOME = 16;

  private StoredRows() {}

  /**
   * Checks the rows of a site.
   *
   * @param site the site
   * @param sets its rows of each sample set
   * @param samples number of samples in each set
   * @param seed seed of the choice of rows
   * @throws SelfCheckException if they are not the rows that were captured
   */
  static void requireSound(Site site, List<LayerSample> sets, long samples, long seed) {
    for (LayerSample set : sets) {
      requireRows(site, "pre", set.pre().getShape(), samples); // of the other as many, always
      if (ActivationCheck.applies(site)) {
        Random random = new Random(seed);
        for (int i = 0; i < Math.min(SOME, samples); i++) {
          long row = random.nextInt(Math.toIntExact(samples));
          try (NDArray pre = set.pre().get(row);
              NDArray post = set.post().get(row)) {
            ActivationCheck.require(site, pre, post);
          }
        }
      }
    }
  }

  /**
   * Checks how many rows a side of a site has.
   *
   * @param site the site
   * @param side what messages call the side
   * @param rows shape of its rows (n x d)
   * @param samples n, as it should be
   * @throws SelfCheckException if there are more or fewer
   */
  static void requireRows(Site site, String side, Shape rows, long samples) {
    if (rows.dimension() != 2 || rows.get(0) != samples) {
      throw new SelfCheckException(
          "site %s (%s) has rows of shape %s on its side %s, expected one for each of %s samples"
              .formatted(site.label(), site.kind().word(), rows, side, samples));
    }
  }
}
