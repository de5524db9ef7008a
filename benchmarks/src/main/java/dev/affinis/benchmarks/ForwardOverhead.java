package dev.affinis.benchmarks;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/**
 * What instrumentation costs: the plain and the instrumented model run in turn on the same batch,
 * and the ratio is taken pair by pair, so that it holds when the machine's speed drifts.
 *
 * <pre>
 * java -cp benchmarks/target/benchmarks.jar dev.affinis.benchmarks.ForwardOverhead 16 224 15 resnet50.pt resnet50.onnx djl:resnet50
 * </pre>
 */
public final class ForwardOverhead {
  private static final int WARM_UP = 3;

  /** Kernels may be fused differently; relative to the largest output. */
  private static final float SAME = 1e-4f;

  private ForwardOverhead() {}

  /**
   * Runs the benchmark and prints a line per model: name, median milliseconds of a plain forward,
   * median and quartiles of the ratio instrumented / plain.
   *
   * @param args batch size, side of the images, pairs of runs, models (see {@link Subject})
   * @throws Exception if a model cannot be loaded
   */
  public static void main(String[] args) throws Exception {
    int batch = Integer.parseInt(args[0]);
    int pixels = Integer.parseInt(args[1]);
    int pairs = Integer.parseInt(args[2]);
    for (String name : List.of(args).subList(3, args.length)) {
      measure(name, batch, pixels, pairs);
    }
  }

  private static void measure(String name, int batch, int pixels, int pairs) throws Exception {
    List<Double> plainMillis = new ArrayList<>();
    List<Double> ratios = new ArrayList<>();
    try (Subject subject = Subject.open(name, pixels);
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray images = manager.randomNormal(new Shape(batch, 3, pixels, pixels));
      for (int i = -WARM_UP; i < pairs; i++) {
        long start = System.nanoTime();
        try (NDManager scratch = manager.newSubManager()) {
          float[] expected = subject.plain(in(scratch, images)).head().toFloatArray();
          long middle = System.nanoTime();
          float[] found =
              subject.instrumented().run(in(scratch, images)).outputs().head().toFloatArray();
          long end = System.nanoTime();
          requireSame(name, expected, found);
          if (i >= 0) {
            plainMillis.add((middle - start) / 1e6);
            ratios.add((double) (end - middle) / (middle - start));
          }
        }
      }
    }
    Collections.sort(plainMillis);
    Collections.sort(ratios);
    System.out.printf(
        Locale.ROOT,
        "%s plain %.1f ms, instrumented / plain %.3f (quartiles %.3f to %.3f)%n",
        name,
        plainMillis.get(pairs / 2),
        ratios.get(pairs / 2),
        ratios.get(pairs / 4),
        ratios.get(pairs * 3 / 4));
  }

  private static NDList in(NDManager scratch, NDArray images) {
    NDArray input = images.duplicate();
    input.attach(scratch);
    return new NDList(input);
  }

  private static void requireSame(String name, float[] expected, float[] found) {
    float largest = 0;
    for (float value : expected) {
      largest = Math.max(largest, Math.abs(value));
    }
    for (int i = 0; i < expected.length; i++) {
      if (!(Math.abs(expected[i] - found[i]) <= SAME * largest)) {
        throw new AssertionError(name + ": the instrumented model gives other outputs");
      }
    }
  }
}
