package dev.affinis.zoo;

/**
 * A pseudo-random generator whose every method is fixed here, so that a seed means the same numbers
 * on any Java release. ({@link java.util.SplittableRandom} uses the same recurrence, but how it
 * makes bounded numbers from it is not part of its specification.)
 *
 * <p>The recurrence is SplitMix64 of Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
 * Generators", 2014.
 */
final class SplitMix64 {
  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;
  private static final double DOUBLE_UNIT = 0x1.0p-53;

  private long state;

  /** Starts the stream with number {@code stream} of the family that belongs to {@code seed}. */
  SplitMix64(long seed, long stream) {
    // Both numbers are scrambled first: neighbouring seeds and streams start at unrelated states.
    state = scramble(scramble(seed + GOLDEN_GAMMA) ^ (stream + 1) * GOLDEN_GAMMA);
  }

  private static long scramble(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  long nextLong() {
    state += GOLDEN_GAMMA;
    return scramble(state);
  }

  /** Returns a number in [0, 1). */
  double nextDouble() {
    return (nextLong() >>> 11) * DOUBLE_UNIT;
  }

  /** Returns a number in [low, high). */
  double uniform(double low, double high) {
    return low + (high - low) * nextDouble();
  }

  /** Returns a number in 0 .. bound - 1. */
  int below(int bound) {
    return (int) (nextDouble() * bound);
  }

  /** Returns true in the given share of cases. */
  boolean chance(double share) {
    return nextDouble() < share;
  }

  /** Returns a standard normal number (Box and Muller's transform, one of its two values). */
  double gaussian() {
    double radius = Math.sqrt(-2 * StrictMath.log(1 - nextDouble()));
    return radius * StrictMath.cos(2 * Math.PI * nextDouble());
  }
}
