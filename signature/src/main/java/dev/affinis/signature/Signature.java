package dev.affinis.signature;

import dev.affinis.signature.covariance.Covariance;
import dev.affinis.signature.covariance.Ridge;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The non-linearity signature of a model: the scores of its sites in execution order, and where
 * they came from. Immutable.
 *
 * @param model what was measured
 * @param data what it was measured on
 * @param settings how it was measured
 * @param layers scores in execution order; {@code layers.get(i).index()} is i
 * @param skipped calls that were found but cannot be scored
 */
public record Signature(
    Model model, Data data, Settings settings, List<LayerScores> layers, List<Skipped> skipped) {

  /** Checks the order of the layers and copies the lists. */
  public Signature {
    layers = List.copyOf(layers);
    skipped = List.copyOf(skipped);
    for (int i = 0; i < layers.size(); i++) {
      if (layers.get(i).index() != i) {
        throw new IllegalArgumentException(
            "layer %s: index must be its position %s, got %s"
                .formatted(layers.get(i).path(), i, layers.get(i).index()));
      }
    }
  }

  /**
   * Returns the scores that any of the layers has, computed or not.
   *
   * @return their names, in the order of the layers; a new set
   */
  public Set<String> scoreNames() {
    Set<String> names = new LinkedHashSet<>();
    layers.forEach(layer -> names.addAll(layer.scores().keySet()));
    return names;
  }

  /**
   * Returns the same signature with another name for where the samples came from, such as for files
   * that exist only while a program runs.
   *
   * @param source where the samples came from
   * @return the signature
   */
  public Signature withSource(String source) {
    return new Signature(
        model,
        new Data(source, data.samples(), data.seed(), data.preprocess(), data.classes()),
        settings,
        layers,
        skipped);
  }

  /** The kind of model file or block that was measured. */
  public enum ModelRuntime {
    /** A TorchScript archive. */
    TORCHSCRIPT("torchscript"),
    /** An ONNX model. */
    ONNX("onnx"),
    /** A block built of DJL's own layers. */
    DJL("djl");

    private final String word;

    ModelRuntime(String word) {
      this.word = word;
    }

    /**
     * Returns the name used in files.
     *
     * @return the name
     */
    public String word() {
      return word;
    }
  }

  /**
   * What was measured.
   *
   * @param name name of the model
   * @param runtime kind of model
   * @param sha256 checksum of the model file in lower-case hexadecimal
   * @param parameters number of learnt parameters
   */
  public record Model(String name, ModelRuntime runtime, String sha256, long parameters) {}

  /**
   * What the model was measured on.
   *
   * @param source where the samples came from
   * @param samples number of samples
   * @param seed seed of random data or of the shuffle
   * @param preprocess what was done to each sample, by name; values are strings, numbers, booleans,
   *     lists and maps of such; copied
   * @param classes the classes of the samples, if they are known
   */
  public record Data(
      String source,
      int samples,
      long seed,
      Map<String, Object> preprocess,
      Optional<Classes> classes) {
    /** Copies the map. */
    public Data {
      preprocess = copy(preprocess);
    }

    /**
     * Samples whose classes are not known.
     *
     * @param source where the samples came from
     * @param samples number of samples
     * @param seed seed of random data or of the shuffle
     * @param preprocess what was done to each sample, by name; copied
     */
    public Data(String source, int samples, long seed, Map<String, Object> preprocess) {
      this(source, samples, seed, preprocess, Optional.empty());
    }
  }

  /**
   * The classes of the samples.
   *
   * @param count how many different classes there are, at least 1
   * @param smallest number of samples of the class with the fewest, in the sample set where it has
   *     the fewest if there are several; at least 1
   */
  public record Classes(int count, int smallest) {
    /** Checks the numbers. */
    public Classes {
      if (count < 1 || smallest < 1) {
        throw new IllegalArgumentException(
            "classes and samples in the smallest must be at least 1, got %s and %s"
                .formatted(count, smallest));
      }
    }

    /**
     * Counts classes.
     *
     * @param labels class of each sample
     * @param size number of samples in each sample set, of which one follows the other; at least 1
     * @return the classes of all sets together, and the smallest of those that a set has some
     *     samples of; nothing if there are no labels
     */
    public static Optional<Classes> of(List<Integer> labels, int size) {
      if (labels.isEmpty()) {
        return Optional.empty();
      }
      int smallest = labels.size();
      for (int from = 0; from < labels.size(); from += size) {
        Map<Integer, Integer> sizes = new HashMap<>();
        labels
            .subList(from, Math.min(labels.size(), from + size))
            .forEach(label -> sizes.merge(label, 1, Integer::sum));
        smallest = Math.min(smallest, Collections.min(sizes.values()));
      }
      return Optional.of(new Classes((int) labels.stream().distinct().count(), smallest));
    }
  }

  /**
   * How the model was measured.
   *
   * @param pooling how activations became rows
   * @param covariance covariance estimator of the affinity score
   * @param ridge what was added to the diagonal of covariances
   * @param device device that computed, such as {@code cpu}
   * @param engine engine that computed, with its version
   * @param more further settings by name, values as in {@link Data#preprocess}; copied
   */
  public record Settings(
      Pooling pooling,
      Covariance covariance,
      Ridge ridge,
      String device,
      String engine,
      Map<String, Object> more) {
    /** Copies the map. */
    public Settings {
      more = copy(more);
    }
  }

  /**
   * A call that was found but cannot be scored.
   *
   * @param path where the activation is in the model
   * @param call which call of this path it is, from 1
   * @param activation kind of activation
   * @param reason why it was skipped
   */
  public record Skipped(String path, int call, String activation, String reason) {}

  private static Map<String, Object> copy(Map<String, Object> map) {
    return Collections.unmodifiableMap(new LinkedHashMap<>(map));
  }
}
