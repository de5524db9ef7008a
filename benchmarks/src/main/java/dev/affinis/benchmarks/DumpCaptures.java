package dev.affinis.benchmarks;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import dev.affinis.instrument.Capture;
import dev.affinis.instrument.InstrumentedModel;
import dev.affinis.instrument.data.BatchLoader;
import dev.affinis.instrument.data.Preprocessing;
import dev.affinis.instrument.data.SampleSource;
import dev.affinis.instrument.data.Selection;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Writes what the activations of real models saw, so that solvers can be compared on real problems:
 * one {@code .npz} per site, with the pooled rows {@code pre} and {@code post} (n x d).
 *
 * <pre>
 * java -cp benchmarks/target/benchmarks.jar dev.affinis.benchmarks.DumpCaptures target/captures 2048 images.npz 32 resnet.traced.pt vgg.onnx
 * </pre>
 */
public final class DumpCaptures {
  private static final int BATCH = 32;

  private DumpCaptures() {}

  /**
   * Runs the models and writes {@code FOLDER/MODEL-INDEX-dDIMENSION-KIND.npz}, sites being numbered
   * in execution order.
   *
   * @param args folder, number of samples, data (see {@link SampleSource#open}), side of the images
   *     in pixels, TorchScript or ONNX files
   * @throws IOException if a model cannot be read or a file cannot be written
   */
  public static void main(String[] args) throws IOException {
    Path folder = Files.createDirectories(Path.of(args[0]));
    Selection selection = Selection.first(Integer.parseInt(args[1]));
    Preprocessing conversion =
        Preprocessing.builder().optInputSize(Integer.parseInt(args[3])).build();
    try (SampleSource source = SampleSource.open(args[2], conversion, selection)) {
      for (String model : List.of(args).subList(4, args.length)) {
        dump(Path.of(model), source, selection, folder);
      }
    }
  }

  private static void dump(Path file, SampleSource source, Selection selection, Path folder)
      throws IOException {
    try (NDManager manager = NDManager.newBaseManager("PyTorch");
        InstrumentedModel<?, ?> model = InstrumentedModel.builder().setModelPath(file).build();
        BatchLoader batches =
            BatchLoader.builder()
                .setSource(source)
                .setManager(manager)
                .setSelection(selection)
                .optBatchSize(BATCH)
                .build()) {
      List<Rows> sites = new ArrayList<>();
      while (batches.hasNext()) {
        try (BatchLoader.Batch batch = batches.next();
            NDManager scratch = manager.newSubManager()) {
          NDArray images = batch.data().duplicate();
          images.attach(scratch);
          add(model.run(new NDList(images)).captures(), sites, manager);
        }
      }
      String name = file.getFileName().toString().replaceFirst("\\..*", "");
      for (int i = 0; i < sites.size(); i++) {
        sites.get(i).write(folder, String.format(Locale.ROOT, "%s-%02d", name, i));
      }
    }
  }

  private static void add(List<Capture> captures, List<Rows> sites, NDManager manager) {
    for (int i = 0; i < captures.size(); i++) {
      if (i == sites.size()) {
        sites.add(new Rows(captures.get(i), new NDList(), new NDList()));
      }
      sites.get(i).add(captures.get(i), manager);
    }
  }

  /** The rows of one site, batch by batch; the capture is of the first batch and tells the site. */
  private record Rows(Capture first, NDList pre, NDList post) {
    void add(Capture capture, NDManager manager) {
      pre.add(copy(capture.pre(), manager));
      post.add(copy(capture.post(), manager));
    }

    private static NDArray copy(NDArray rows, NDManager manager) {
      return manager.create(rows.toFloatArray(), rows.getShape());
    }

    void write(Path folder, String name) throws IOException {
      String site = "-d" + first.site().dimension() + "-" + first.site().kind().word();
      try (NDArray input = NDArrays.concat(pre);
          NDArray output = NDArrays.concat(post);
          OutputStream out =
              new BufferedOutputStream(
                  Files.newOutputStream(folder.resolve(name + site + ".npz")))) {
        input.setName("pre");
        output.setName("post");
        new NDList(input, output).encode(out, NDList.Encoding.NPZ);
      }
    }
  }
}
