package dev.affinis.instrument.data;

import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.InvalidInputException;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/**
 * Samples of independent standard normal values. Sample i depends on the seed and i only, and is
 * the same on every machine: {@link Random}'s algorithm is specified.
 */
public final class RandomSource implements SampleSource {
  private static final int DEFAULT_SIZE = 224;

  private final Shape shape;
  private final int size;
  private final long seed;

  /**
   * Creates a source.
   *
   * @param shape C x H x W
   * @param size number of samples, at least 1
   * @param seed any number
   */
  public RandomSource(Shape shape, int size, long seed) {
    if (shape.dimension() != 3 || shape.size() < 1 || shape.size() > Integer.MAX_VALUE) {
      throw new IllegalArgumentException("shape must be C x H x W, got " + shape);
    }
    if (size < 1) {
      throw new IllegalArgumentException("size must be at least 1, got " + size);
    }
    this.shape = shape;
    this.size = size;
    this.seed = seed;
  }

  /**
   * As many channels as there are means, of the size that images would get, 224 pixels a side if
   * none is given.
   */
  static RandomSource create(Preprocessing preprocessing, Selection selection) {
    if (preprocessing.resize().isPresent() && preprocessing.crop().isEmpty()) {
      throw new InvalidInputException(
          "random samples have no shorter side to resize: pass --input-size instead of --resize");
    }
    int pixels = preprocessing.inputSize().orElse(preprocessing.crop().orElse(DEFAULT_SIZE));
    return new RandomSource(
        new Shape(preprocessing.channels(), pixels, pixels), selection.total(), selection.seed());
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public Shape sampleShape() {
    return shape;
  }

  @Override
  public void read(int index, FloatBuffer target) {
    // Seeds of neighbouring samples must have nothing in common: mix them (SplitMix64's finalizer).
    long z = seed * 0x9e3779b97f4a7c15L + index;
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    Random random = new Random(z ^ (z >>> 31));
    for (long i = 0; i < shape.size(); i++) {
      target.put((float) random.nextGaussian());
    }
  }

  @Override
  public String name(int index) {
    return "random sample " + index;
  }

  @Override
  public String description() {
    return "random";
  }

  @Override
  public Map<String, Object> preprocess() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("input", "standard normal values");
    map.put("shape", Arrays.stream(shape.getShape()).boxed().toList());
    return map;
  }

  @Override
  public Optional<String> identity() {
    return Optional.of("random, seed " + seed + ", " + size + " samples");
  }

  @Override
  public void close() {
    // Nothing is held open.
  }
}
