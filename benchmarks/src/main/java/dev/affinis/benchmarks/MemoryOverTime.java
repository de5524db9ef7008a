package dev.affinis.benchmarks;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.List;
import java.util.Locale;

/**
 * Whether running a model instrumented leaks: batches go through it, and every few batches the
 * resident memory of the process and the arrays that the model's and the data's managers hold are
 * printed. Both must stay where they are after the first batches. Linux only.
 *
 * <pre>
 * java -cp benchmarks/target/benchmarks.jar dev.affinis.benchmarks.MemoryOverTime 8 224 200 resnet50.pt resnet50.onnx djl:resnet50
 * </pre>
 */
public final class MemoryOverTime {
  private static final int LINES = 8;

  private MemoryOverTime() {}

  /**
   * Runs the batches and prints.
   *
   * @param args batch size, side of the images, batches, models (see {@link Subject})
   * @throws Exception if a model cannot be loaded
   */
  public static void main(String[] args) throws Exception {
    int batch = Integer.parseInt(args[0]);
    int pixels = Integer.parseInt(args[1]);
    int batches = Integer.parseInt(args[2]);
    for (String name : List.of(args).subList(3, args.length)) {
      run(name, batch, pixels, batches);
    }
  }

  private static void run(String name, int batch, int pixels, int batches) throws Exception {
    try (Subject subject = Subject.open(name, pixels);
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray images = manager.randomNormal(new Shape(batch, 3, pixels, pixels));
      for (int done = 0; done <= batches; done++) {
        if (done % Math.max(1, batches / LINES) == 0) {
          System.gc();
          System.out.printf(
              Locale.ROOT,
              "%s %d batches: %.0f MiB resident, %d arrays%n",
              name,
              done,
              ResidentMemory.current(),
              arrays(manager) + arrays(subject.instrumented().getNDManager()));
        }
        try (NDManager scratch = manager.newSubManager()) {
          NDArray input = images.duplicate();
          input.attach(scratch);
          subject.instrumented().run(new NDList(input));
        }
      }
    }
  }

  private static int arrays(NDManager manager) {
    return manager.getManagedArrays().size();
  }
}
