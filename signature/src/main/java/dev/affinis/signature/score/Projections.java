package dev.affinis.signature.score;

import java.util.Arrays;

/**
 * What the differences a - b of all pairs of two sets of numbers come to, found by sorting all m
 * numbers once in m log m operations; no difference is formed.
 *
 * <p>Each sum over pairs is {@code sum f((a - b) / h)} for an f that is constant, linear or
 * quadratic in the numbers between -1 and 1, and beyond; so counts and partial sums of the sorted
 * numbers suffice, and one pass over them in which the ends of the interval around each only go up.
 */
final class Projections {
  private final int size;
  private final int countA;
  private final double pairs;
  private final int[] order;
  private final double[] sorted;
  private final Prefix ofA;
  private final Prefix ofB;

  /** Counts and sums of those numbers of one set that are among the first few of all. */
  private static final class Prefix {
    private final int[] counts;
    private final double[] sums;
    private final double[] squares;

    Prefix(int size) {
      counts = new int[size + 1];
      sums = new double[size + 1];
      squares = new double[size + 1];
    }

    void put(int p, double value, int weight) {
      counts[p + 1] = counts[p] + weight;
      sums[p + 1] = sums[p] + weight * value;
      squares[p + 1] = squares[p] + weight * value * value;
    }
  }

  /**
   * Sorts both sets.
   *
   * @param values numbers of one set, then those of the other, not modified
   * @param countA how many are of the one set, at least 1 and less than all
   */
  Projections(double[] values, int countA) {
    this.countA = countA;
    size = values.length;
    pairs = (double) countA * (size - countA);
    order = new int[size];
    sorted = new double[size];
    sort(values);
    ofA = new Prefix(size);
    ofB = new Prefix(size);
    for (int p = 0; p < size; p++) {
      int weight = isA(p) ? 1 : 0;
      ofA.put(p, sorted[p], weight);
      ofB.put(p, sorted[p], 1 - weight);
    }
  }

  /** Sorts numbers cut to some 40 bits, with their places in the rest, and then what was cut. */
  private void sort(double[] values) {
    long places = Long.highestOneBit(size) * 2 - 1;
    long[] keys = new long[size];
    for (int i = 0; i < size; i++) {
      // Adding 0 makes -0 a 0. Negative numbers have their bits turned, so that they ascend.
      long bits = Double.doubleToRawLongBits(values[i] + 0.0);
      keys[i] = ((bits ^ ((bits >> 63) & Long.MAX_VALUE)) & ~places) | i;
    }
    Arrays.sort(keys);
    for (int p = 0; p < size; p++) {
      int place = (int) (keys[p] & places);
      double value = values[place];
      int q = p;
      for (; q > 0 && sorted[q - 1] > value; q--) {
        sorted[q] = sorted[q - 1];
        order[q] = order[q - 1];
      }
      sorted[q] = value;
      order[q] = place;
    }
  }

  private boolean isA(int p) {
    return order[p] < countA;
  }

  /** The share of pairs with a above b: the area under the ROC curve, ties not counted. */
  double area() {
    double count = 0;
    int first = 0;
    for (int p = 0; p < size; p++) {
      if (sorted[p] > sorted[first]) {
        first = p;
      }
      count += isA(p) ? ofB.counts[first] : 0;
    }
    return count / pairs;
  }

  /** Whether each a is above each b. */
  boolean areSeparate() {
    int countB = size - countA;
    return ofB.counts[countB] == countB && sorted[countB] > sorted[countB - 1];
  }

  /** The sum of a - b over the sum of |a - b|, over all pairs; 0 if all are equal. */
  double balance() {
    double countB = (double) size - countA;
    double negative = 0;
    for (int p = 1; p < size; p++) {
      // So many pairs have their a below and their b above this gap.
      negative += (sorted[p] - sorted[p - 1]) * ofA.counts[p] * (countB - ofB.counts[p]);
    }
    double total = ofA.sums[size] * countB - ofB.sums[size] * countA;
    double absolute = total + 2 * negative;
    return absolute > 0 ? total / absolute : 0;
  }

  /**
   * The mean over pairs of a smooth |a - b|: within h, {@code (a - b)^2 / (2 h) + h / 2}.
   *
   * @param h width, positive
   * @param slopes receives the derivative by each number
   */
  double smoothDistance(double h, double[] slopes) {
    double sum = 0;
    int from = 0;
    int to = 0;
    for (int p = 0; p < size; p++) {
      double x = sorted[p];
      from = firstFrom(from, x - h);
      to = firstFrom(to, x + h);
      Prefix others = isA(p) ? ofB : ofA;
      int low = others.counts[from];
      int within = others.counts[to] - low;
      int above = others.counts[size] - others.counts[to];
      double sumWithin = others.sums[to] - others.sums[from];
      slopes[order[p]] = (low - above + (within * x - sumWithin) / h) / pairs;
      if (isA(p)) {
        double squares = others.squares[to] - others.squares[from];
        double spread = within * x * x - 2 * x * sumWithin + squares;
        sum += low * x - others.sums[from] + others.sums[size] - others.sums[to] - above * x;
        sum += spread / (2 * h) + within * h / 2;
      }
    }
    return sum / pairs;
  }

  /**
   * The mean over pairs of a steady step: 0 where a is below b by h, 1 where it is above by h, and
   * linear between.
   *
   * @param h width, positive
   * @param slopes receives the derivative by each number
   */
  double smoothArea(double h, double[] slopes) {
    double sum = 0;
    int from = 0;
    int to = 0;
    for (int p = 0; p < size; p++) {
      double x = sorted[p];
      from = firstFrom(from, x - h);
      to = firstFrom(to, x + h);
      Prefix others = isA(p) ? ofB : ofA;
      int within = others.counts[to] - others.counts[from];
      double slope = within / (2 * h) / pairs;
      slopes[order[p]] = isA(p) ? slope : -slope;
      if (isA(p)) {
        double gap = within * x - (others.sums[to] - others.sums[from]);
        sum += others.counts[from] + (within + gap / h) / 2;
      }
    }
    return sum / pairs;
  }

  /** How many numbers are below a limit, if some are known to be. */
  private int firstFrom(int known, double limit) {
    int count = known;
    while (count < size && sorted[count] < limit) {
      count++;
    }
    return count;
  }
}
