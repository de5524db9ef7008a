package dev.affinis.instrument;

import ai.djl.Device;
import ai.djl.ndarray.NDList;
import dev.affinis.signature.Signature.ModelRuntime;
import java.io.IOException;
import java.util.List;

/**
 * What is known about a model before it is loaded, and how it is loaded with and without taps on
 * its activations. There is one implementation for each kind of DJL block.
 */
public interface Instrumenter {
  /**
   * Returns what runs the model.
   *
   * @return the runtime
   */
  ModelRuntime runtime();

  /**
   * Lists every activation call that can be reached from the model's forward.
   *
   * @return the calls, in the order of the program; a path stands there once for each call
   */
  List<PlannedSite> sites();

  /**
   * Lists the activations that are there but cannot be captured.
   *
   * @return the calls, in the order of the program, with the reason
   */
  List<SkippedSite> hiddenSites();

  /**
   * Runs the model as it is, without taps.
   *
   * @param inputs the model's inputs; the outputs are attached to their manager
   * @return the outputs
   * @throws IOException if the model cannot be read
   * @throws InvalidInputException if it cannot be loaded
   */
  NDList runPlain(NDList inputs) throws IOException;

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
