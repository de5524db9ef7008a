package dev.affinis.benchmarks;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import dev.affinis.instrument.InstrumentedModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What instrumentation costs: the plain and the instrumented model run in turn on the same batch,
 * and the ratio is taken pair by pair, so that it holds when the machine's speed drifts.
 *
 * <pre>
 * java -cp benchmarks/target/benchmarks.jar dev.affinis.benchmarks.ForwardOverhead 16 224 15 alexnet.pt resnet50.pt
 * </pre>
 */
public final class ForwardOverhead {
  private static final int WARM_UP = 3;

  private ForwardOverhead() {}

  /**
   * Runs the benchmark and prints a line per model: name, median milliseconds of a plain forward,
   * median and quartiles of the ratio instrumented / plain.
   *
   * @param args batch size, side of the images, pairs of runs, TorchScript files
   * @throws Exception if a model cannot be loaded
   */
  public static void main(String[] args) throws Exception {
    int batch = Integer.parseInt(args[0]);
    int pixels = Integer.parseInt(args[1]);
    int pairs = Integer.parseInt(args[2]);
    for (String file : List.of(args).subList(3, args.length)) {
      measure(Path.of(file), batch, pixels, pairs);
    }
  }

  private static void measure(Path file, int batch, int pixels, int pairs) throws Exception {
    List<Double> plainMillis = new ArrayList<>();
    List<Double> ratios = new ArrayList<>();
    try (Model plain = Model.newInstance("plain", "PyTorch");
        InstrumentedModel<?, ?> instrumented =
            InstrumentedModel.builder().setModelPath(file).build();
        NDManager manager = instrumented.newManager()) {
      plain.load(file.toAbsolutePath(), null, Map.of("mapLocation", "true"));
      ParameterStore parameters = new ParameterStore(plain.getNDManager(), false);
      NDArray images = manager.randomNormal(new Shape(batch, 3, pixels, pixels));
      for (int i = -WARM_UP; i < pairs; i++) {
        long start = System.nanoTime();
        try (NDManager scratch = manager.newSubManager()) {
          NDArray input = images.duplicate();
          input.attach(scratch);
          float[] expected =
              plain.getBlock().forward(parameters, new NDList(input), false).head().toFloatArray();
          long middle = System.nanoTime();
          input = images.duplicate();
          input.attach(scratch);
          float[] found = instrumented.run(new NDList(input)).outputs().head().toFloatArray();
          long end = System.nanoTime();
          if (!java.util.Arrays.equals(expected, found)) {
            throw new AssertionError(file + ": the instrumented model gives other outputs");
          }
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
        file.getFileName(),
        plainMillis.get(pairs / 2),
        ratios.get(pairs / 2),
        ratios.get(pairs / 4),
        ratios.get(pairs * 3 / 4));
  }
}
