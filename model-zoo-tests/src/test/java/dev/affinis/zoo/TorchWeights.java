package dev.affinis.zoo;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.util.Pair;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;

/**
 * Weights and batch statistics of a TorchScript archive, by PyTorch's names such as {@code
 * features.0.weight}, for blocks of DJL's own. Blocks get frozen copies.
 */
final class TorchWeights implements AutoCloseable {
  /** DJL's name of a parameter to PyTorch's, where they differ. */
  private static final Map<String, String> NAMES =
      Map.of(
          "gamma", "weight",
          "beta", "bias",
          "runningMean", "running_mean",
          "runningVar", "running_var");

  /** Counts batches in training; there is no such thing in DJL. */
  private static final String BATCH_COUNTER = ".num_batches_tracked";

  /** The two lists with which the source of a module's class begins. */
  private static final Pattern PARAMETERS_AND_BUFFERS =
      Pattern.compile("__parameters__ = \\[(.*)]\\s+__buffers__ = \\[(.*)]");

  private final Model archive;
  private final NDManager target;
  private final Map<String, NDArray> arrays = new TreeMap<>();
  private final Set<String> unused = new TreeSet<>();

  private TorchWeights(Model archive, NDManager target) {
    this.archive = archive;
    this.target = target;
    for (Pair<String, Parameter> parameter : archive.getBlock().getParameters()) {
      arrays.put(parameter.getKey(), parameter.getValue().getArray());
      if (!parameter.getKey().endsWith(BATCH_COUNTER)) {
        unused.add(parameter.getKey());
      }
    }
  }

  /**
   * Reads an archive.
   *
   * @param target what the copies that blocks get are attached to
   */
  static TorchWeights open(Path file, NDManager target)
      throws IOException, MalformedModelException {
    Model archive = Model.newInstance(file.getFileName().toString(), "PyTorch");
    try (InputStream program = new ByteArrayInputStream(withBuffersAsParameters(file))) {
      archive.load(program);
      // The engine makes an empty directory for a stream.
      Files.deleteIfExists(archive.getModelPath());
      return new TorchWeights(archive, target);
    } catch (IOException | MalformedModelException | RuntimeException e) {
      archive.close();
      throw e;
    }
  }

  /** DJL lists the parameters of an archive, but not its buffers, such as batch statistics. */
  private static byte[] withBuffersAsParameters(Path file) throws IOException {
    ByteArrayOutputStream result = new ByteArrayOutputStream();
    try (ZipInputStream in = new ZipInputStream(Files.newInputStream(file));
        ZipOutputStream out = new ZipOutputStream(result)) {
      for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
        byte[] content = in.readAllBytes();
        if (entry.getName().endsWith(".py")) {
          String source = new String(content, StandardCharsets.UTF_8);
          source =
              PARAMETERS_AND_BUFFERS
                  .matcher(source)
                  .replaceAll("__parameters__ = [$1$2]\n  __buffers__ = []");
          content = source.getBytes(StandardCharsets.UTF_8);
        }
        out.putNextEntry(new ZipEntry(entry.getName()));
        out.write(content);
      }
    }
    return result.toByteArray();
  }

  /**
   * Gives a block without children its parameters.
   *
   * @param path PyTorch's path of the module with these parameters
   */
  <B extends Block> B into(String path, B block) {
    for (Parameter parameter : block.getDirectParameters().values()) {
      String name = NAMES.getOrDefault(parameter.getName(), parameter.getName());
      set(parameter, get(path + "." + name));
    }
    return block;
  }

  /**
   * Gives several blocks equal shares of the rows of a module's parameters, in the order given.
   *
   * @param path PyTorch's path of the module, which does the work of all of them
   */
  void share(String path, List<? extends Block> blocks) {
    for (int i = 0; i < blocks.size(); i++) {
      for (Parameter parameter : blocks.get(i).getDirectParameters().values()) {
        NDArray all = get(path + "." + parameter.getName());
        set(parameter, all.split(blocks.size()).get(i));
      }
    }
  }

  /** Gives a parameter the value of the one of PyTorch's of that name. */
  void set(Parameter parameter, String name) {
    set(parameter, get(name));
  }

  /** Makes sure that nothing of the archive was left out. */
  void requireAllUsed() {
    if (!unused.isEmpty()) {
      throw new IllegalStateException("no block has taken " + unused);
    }
  }

  private NDArray get(String name) {
    NDArray array = arrays.get(name);
    if (array == null) {
      throw new IllegalArgumentException(name + " is none of " + arrays.keySet());
    }
    unused.remove(name);
    return array;
  }

  private void set(Parameter parameter, NDArray value) {
    NDArray copy = value.duplicate();
    copy.attach(target);
    parameter.setArray(copy);
    parameter.freeze(true);
  }

  @Override
  public void close() {
    archive.close();
  }
}
