package dev.affinis.instrument;

import ai.djl.Device;
import ai.djl.ndarray.NDList;
import dev.affinis.signature.Signature.ModelRuntime;
import java.io.IOException;
import java.util.List;

/**
 * What is known about a model before it is loaded, and how it is loaded with and without taps.
 * There is one implementation for each kind of DJL block.
 */
public interface Instrumenter {
  /**
   * Returns what runs the model.
   *
   * @return the runtime
   */
  ModelRuntime runtime();

  /**
   * Names the model's inputs.
   *
   * @return the names, in the order in which the model takes the inputs; empty if they are not
   *     known before it runs
   */
  List<String> inputNames();

  /**
   * Lists every call of the chosen types that can be reached from the model's forward.
   *
   * @param filter chooses types, and modules among those of type {@link SiteType#MODULE}; what else
   *     it asks for does not matter here
   * @return the calls, in the order of the program; a path stands there once for each call
   */
  List<PlannedSite> sites(SiteFilter filter);

  /**
   * Lists the activations.
   *
   * @return the calls, in the order of the program
   */
  default List<PlannedSite> sites() {
    return sites(SiteFilter.ALL);
  }

  /**
   * Lists the calls of the chosen types that are there but cannot be captured.
   *
   * @param filter chooses them, as in {@link #sites(SiteFilter)}
   * @return the calls, in the order of the program, with the reason
   */
  List<SkippedSite> hiddenSites(SiteFilter filter);

  /**
   * Lists the activations that are there but cannot be captured.
   *
   * @return the calls, in the order of the program, with the reason
   */
  default List<SkippedSite> hiddenSites() {
    return hiddenSites(SiteFilter.ALL);
  }

  /**
   * Runs the model as it is, without taps.
   *
   * @param inputs the model's inputs; the outputs are attached to their manager
   * @return the outputs
   * @throws IOException if the model cannot be read
   * @throws InvalidInputException if it cannot be loaded
   */
  default NDList runPlain(NDList inputs) throws IOException {
    try (PlainModel plain = loadPlain(inputs.head().getDevice())) {
      return plain.run(inputs);
    }
  }

  /**
   * Loads the model without taps.
   *
   * @param device where it runs
   * @return the model, to be closed by the caller
   * @throws IOException if the model cannot be read
   * @throws InvalidInputException if it cannot be loaded
   */
  PlainModel loadPlain(Device device) throws IOException;

  /**
   * Loads the model with taps.
   *
   * @param device where it runs
   * @param options what is captured
   * @return the model, to be closed by the caller
   * @throws IOException if the model cannot be read or a temporary copy not be written
   * @throws InvalidInputException if it cannot be loaded
   */
  TappedModel load(Device device, TapOptions options) throws IOException;
}
