package dev.affinis.instrument.data;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.Sha256;
import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Samples that are in memory as the model takes them, for models of several inputs: token numbers
 * and a mask, say. A sample lies in one row of float32, from which its arrays are made again with
 * their shapes, types and names.
 */
public final class TensorSource implements SampleSource {
  /** Whole numbers below are exact in float32; from here on others are rounded to them. */
  private static final double EXACT = 1 << 24;

  private final List<Part> parts = new ArrayList<>();
  private final int size;
  private final int width;

  /** One of the model's inputs: its values over all samples, and its shape for one of them. */
  private static final class Part {
    private final String name;
    private final DataType type;
    private final Shape shape;
    private final float[] values;

    Part(NDArray array) {
      name = array.getName();
      type = array.getDataType();
      shape = array.getShape().slice(1);
      try (NDArray floats = array.toType(DataType.FLOAT32, true)) {
        values = floats.toFloatArray();
      }
    }

    int length() {
      return Math.toIntExact(shape.size());
    }

    Map<String, Object> describe() {
      Map<String, Object> map = new LinkedHashMap<>();
      if (name != null) {
        map.put("name", name);
      }
      map.put("shape", Arrays.stream(shape.getShape()).boxed().toList());
      map.put("type", type.toString());
      return map;
    }
  }

  /**
   * Takes a model's inputs for all samples.
   *
   * @param inputs one array for each of the model's inputs, in its order, samples on the first
   *     axis: float32, whole numbers below 2^24, or truth values; copied
   * @throws IllegalArgumentException if there is none, they differ in their number of samples, or
   *     float32 does not hold their values exactly
   */
  public TensorSource(NDList inputs) {
    if (inputs.isEmpty() || inputs.stream().anyMatch(array -> array.getShape().dimension() < 1)) {
      throw new IllegalArgumentException(
          "inputs must be arrays with samples on the first axis, got " + inputs.size());
    }
    size = Math.toIntExact(inputs.head().getShape().get(0));
    for (NDArray array : inputs) {
      if (array.getShape().get(0) != size || size < 1) {
        throw new IllegalArgumentException(
            "inputs must have the same number of samples, at least 1, got shapes "
                + Arrays.toString(inputs.getShapes()));
      }
      Part part = new Part(array);
      boolean isWhole = part.type.isInteger() || part.type.isBoolean();
      if (!isWhole && part.type != DataType.FLOAT32) {
        throw new IllegalArgumentException(
            "inputs must be float32, whole numbers or truth values, got " + part.type);
      }
      for (int i = 0; isWhole && i < part.values.length; i++) {
        if (Math.abs(part.values[i]) >= EXACT) {
          throw new IllegalArgumentException(
              "whole numbers must be below 2^24, got " + part.values[i]);
        }
      }
      parts.add(part);
    }
    width = parts.stream().mapToInt(Part::length).sum();
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public Shape sampleShape() {
    return new Shape(width);
  }

  @Override
  public void read(int index, FloatBuffer target) {
    for (Part part : parts) {
      target.put(part.values, index * part.length(), part.length());
    }
  }

  @Override
  public NDList inputs(NDArray batch) {
    NDList inputs = new NDList();
    long samples = batch.getShape().get(0);
    try (NDManager scratch = batch.getManager().newSubManager()) {
      long from = 0;
      for (Part part : parts) {
        NDArray columns = batch.get(":, " + from + ":" + (from + part.length()));
        columns.attach(scratch);
        NDArray shaped = columns.reshape(new Shape(samples).addAll(part.shape));
        shaped.attach(scratch);
        NDArray input = shaped.toType(part.type, true);
        input.attach(batch.getManager());
        input.setName(part.name);
        inputs.add(input);
        from += part.length();
      }
    }
    return inputs;
  }

  @Override
  public String name(int index) {
    return "sample " + index + " of the given tensors";
  }

  @Override
  public String description() {
    return "tensors";
  }

  @Override
  public Map<String, Object> preprocess() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("input", "tensors, used as they are");
    map.put("inputs", parts.stream().map(Part::describe).toList());
    return map;
  }

  @Override
  public Optional<String> identity() throws IOException {
    return Optional.of(
        Sha256.of(
            out -> {
              DataOutputStream numbers = new DataOutputStream(new BufferedOutputStream(out));
              for (Part part : parts) {
                for (float value : part.values) {
                  numbers.writeFloat(value);
                }
              }
              numbers.flush();
            }));
  }

  @Override
  public void close() {
    // Nothing is held open.
  }
}
