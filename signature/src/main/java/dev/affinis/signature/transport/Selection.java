package dev.affinis.signature.transport;

import java.util.Arrays;

/**
 * The least of a stream of numbered values, at most so many of them: values below a limit are
 * collected, and whenever there are three times as many as wanted, the larger ones are dropped and
 * the limit falls (Hoare's selection). Used again for stream after stream.
 */
final class Selection {
  private static final int FEW = 12;

  /** One in so many values of an array is sampled. */
  private static final int SAMPLED = 8;

  private final int wanted;
  private Selection sample;
  private double[] keys;
  private int[] numbers;
  private int size;
  private double limit;
  private boolean full;

  Selection(int wanted) {
    this.wanted = wanted;
    keys = new double[3 * wanted];
    numbers = new int[3 * wanted];
  }

  /**
   * Selects from an array, whose indices are the numbers. A sample tells about where the selection
   * will end, so that few values are offered in vain; fewer than wanted may be left then.
   *
   * @param values what to select from, not modified
   * @param bound values not below it are not selected
   */
  void select(double[] values, double bound) {
    if (sample == null) {
      sample = new Selection(wanted * 5 / 4 / SAMPLED + 2);
    }
    sample.offerAll(values, bound, SAMPLED);
    offerAll(values, sample.limit(), 1);
  }

  private void offerAll(double[] values, double bound, int step) {
    begin(bound);
    double least = bound;
    for (int j = 0; j < values.length; j += step) {
      if (values[j] < least) {
        least = offer(values[j], j);
      }
    }
    end();
  }

  /** Starts a new stream. */
  void begin(double newLimit) {
    limit = newLimit;
    size = 0;
    full = false;
  }

  /** The limit: values not below it need not be offered. */
  double limit() {
    return limit;
  }

  /** Takes a value below the limit; returns the new limit. */
  double offer(double key, int number) {
    keys[size] = key;
    numbers[size++] = number;
    if (size == keys.length) {
      cut();
    }
    return limit;
  }

  private void cut() {
    partition();
    size = wanted;
    limit = keys[wanted - 1];
    full = true;
  }

  /**
   * Ends the stream: at most the wanted number is left, in ascending order. Values not left are at
   * least the limit.
   */
  void end() {
    if (size > wanted) {
      cut();
    }
    sort(0, size - 1);
    if (full) {
      limit = keys[size - 1];
    }
  }

  /** Quicksort of a range, by insertion where there are few. */
  private void sort(int low, int high) {
    if (high - low < FEW) {
      insert(low, high);
      return;
    }
    double pivot = keys[(low + high) >>> 1];
    int left = low;
    int right = high;
    while (left <= right) {
      while (keys[left] < pivot) {
        left++;
      }
      while (keys[right] > pivot) {
        right--;
      }
      if (left <= right) {
        swap(left++, right--);
      }
    }
    sort(low, right);
    sort(left, high);
  }

  private void insert(int low, int high) {
    for (int q = low + 1; q <= high; q++) {
      double key = keys[q];
      int number = numbers[q];
      int at = q;
      while (at > low && keys[at - 1] > key) {
        keys[at] = keys[at - 1];
        numbers[at] = numbers[at - 1];
        at--;
      }
      keys[at] = key;
      numbers[at] = number;
    }
  }

  int size() {
    return size;
  }

  /** The values left, not copied. */
  double[] keys() {
    return keys;
  }

  /** Their numbers, not copied. */
  int[] numbers() {
    return numbers;
  }

  /** Moves the wanted number of least keys to the front, the largest of them last. */
  private void partition() {
    int low = 0;
    int high = size - 1;
    int target = wanted - 1;
    while (low < high) {
      double pivot = keys[(low + high) >>> 1];
      int left = low;
      int right = high;
      while (left <= right) {
        while (keys[left] < pivot) {
          left++;
        }
        while (keys[right] > pivot) {
          right--;
        }
        if (left <= right) {
          swap(left++, right--);
        }
      }
      if (target <= right) {
        high = right;
      } else if (target >= left) {
        low = left;
      } else {
        return;
      }
    }
  }

  private void swap(int a, int b) {
    double key = keys[a];
    keys[a] = keys[b];
    keys[b] = key;
    int number = numbers[a];
    numbers[a] = numbers[b];
    numbers[b] = number;
  }

  @Override
  public String toString() {
    return Arrays.toString(Arrays.copyOf(keys, size));
  }
}
