package dev.affinis.instrument;

import dev.affinis.signature.Score;
import dev.affinis.signature.UnitCounts;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/**
 * Adds up what is counted at one site, batch after batch, for each sample set by itself. Shares
 * come in by sample and channel; those of the output are turned back into numbers of positions,
 * which are exact, so that a single value that is not small makes a channel alive.
 */
final class SiteTally {
  private final Site site;
  private final double threshold;
  private final long setSize;
  private final Map<Integer, Sums> sets = new TreeMap<>();

  /** What was counted in one sample set. */
  private static final class Sums {
    double smallInputs;

    /** Values are counted with the number of tokens of their sample, where these differ. */
    long inputs;

    long outputs;
    double bounded;

    /** For each channel of the output, how many of its values are small. */
    long[] smallOutputs = {};

    /** How many values each channel of the output has. */
    long perChannel;
  }

  /**
   * Begins at nothing.
   *
   * @param site the site
   * @param threshold largest magnitude that is counted as small
   * @param setSize number of samples in each set
   */
  SiteTally(Site site, double threshold, long setSize) {
    this.site = site;
    this.threshold = threshold;
    this.setSize = setSize;
  }

  /**
   * Adds a batch, which may end one sample set and begin the next.
   *
   * @param counts what was counted, one row per sample
   * @param at number of the first sample, over all sets
   */
  void add(TapCounts counts, long at) {
    int rows = Math.toIntExact(counts.smallPost().getShape().get(0));
    float[] smallPre = counts.smallPre().toFloatArray();
    float[] smallPost = counts.smallPost().toFloatArray();
    float[] bounded = counts.bounded() == null ? new float[0] : counts.bounded().toFloatArray();
    long allPositions = site.shape().size() / (smallPost.length / rows);
    for (int row = 0; row < rows; row++) {
      boolean isMasked = !counts.tokens().isEmpty();
      int weight = isMasked ? counts.tokens().get(row) : 1;
      long positions = isMasked ? weight : allPositions;
      Sums sums = sets.computeIfAbsent(Math.toIntExact((at + row) / setSize), set -> new Sums());
      sums.smallInputs += weight * sum(smallPre, row, rows);
      sums.inputs += (long) weight * (smallPre.length / rows);
      sums.bounded += weight * sum(bounded, row, rows);
      sums.outputs += (long) weight * (smallPost.length / rows);
      sums.perChannel += positions;
      addRow(sums, smallPost, row, rows, positions);
    }
  }

  private static double sum(float[] values, int row, int rows) {
    int width = values.length / rows;
    double sum = 0;
    for (int i = row * width; i < (row + 1) * width; i++) {
      sum += values[i];
    }
    return sum;
  }

  private static void addRow(Sums sums, float[] shares, int row, int rows, long positions) {
    int width = shares.length / rows;
    if (sums.smallOutputs.length == 0) {
      sums.smallOutputs = new long[width];
    }
    for (int i = 0; i < width; i++) {
      sums.smallOutputs[i] += Math.round((double) shares[row * width + i] * positions);
    }
  }

  /**
   * Returns what was counted in one sample set.
   *
   * @param set number of the set, from 0, of which at least one sample was added
   * @return the counts
   */
  UnitCounts counts(int set) {
    Sums sums = sets.get(set);
    long small = Arrays.stream(sums.smallOutputs).sum();
    long dead = Arrays.stream(sums.smallOutputs).filter(n -> n == sums.perChannel).count();
    return new UnitCounts(
        threshold,
        share(sums.smallInputs / sums.inputs),
        small / (double) (sums.perChannel * sums.smallOutputs.length),
        sums.smallOutputs.length,
        Math.toIntExact(dead),
        saturation(sums));
  }

  private Score saturation(Sums sums) {
    if (site.kind().bounds().isPresent()) {
      return Score.of(share(sums.bounded / sums.outputs));
    }
    String kind = site.kind().word();
    return Score.unavailable(
        site.kind() == SiteKind.HARDTANH
            ? "the bounds of a hardtanh are the model's choice and not known here"
            : kind + " has no two bounds that its values could be at");
  }

  /** Sums of rounded shares may end just beyond 1. */
  private static double share(double value) {
    return Math.min(1, value);
  }
}
