package dev.affinis.instrument;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.data.SampleSource;
import java.nio.FloatBuffer;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.function.IntUnaryOperator;

/**
 * Gaussian samples of 8 x 1 x 1, the first value of which may be set for each: a model that is
 * written for it can misbehave on chosen samples.
 *
 * @param size how many
 * @param first first value of a sample, 0 for one that is left as it is
 * @param inputs makes the model's inputs of a batch
 */
record Samples(int size, IntUnaryOperator first, Function<NDArray, NDList> inputs)
    implements SampleSource {
  Samples(int size, IntUnaryOperator first) {
    this(size, first, NDList::new);
  }

  Samples(int size) {
    this(size, index -> 0);
  }

  @Override
  public Shape sampleShape() {
    return new Shape(8, 1, 1);
  }

  @Override
  public void read(int index, FloatBuffer target) {
    Random random = new Random(index);
    int set = first.applyAsInt(index);
    for (int i = 0; i < 8; i++) {
      float value = (float) random.nextGaussian();
      target.put(i == 0 && set != 0 ? set : value);
    }
  }

  @Override
  public NDList inputs(NDArray batch) {
    return inputs.apply(batch);
  }

  @Override
  public String name(int index) {
    return "sample " + index;
  }

  @Override
  public String description() {
    return "samples";
  }

  @Override
  public Map<String, Object> preprocess() {
    return Map.of();
  }

  @Override
  public void close() {}
}
