package dev.affinis.instrument;

import ai.djl.Model;
import ai.djl.ndarray.NDList;
import ai.djl.training.ParameterStore;
import java.util.List;

/**
 * A loaded model whose forward pass also gives what its activations saw. May be used by several
 * threads at once.
 */
public interface TappedModel extends AutoCloseable {
  /**
   * Runs the model.
   *
   * @param parameters where its parameters are taken from
   * @param inputs the model's inputs; everything returned is attached to their manager
   * @return the model's own outputs, and every observed call in the order of execution
   */
  Pass forward(ParameterStore parameters, NDList inputs);

  /**
   * Returns the engine's model behind it.
   *
   * @return the model, with its manager and device
   */
  Model model();

  /**
   * Counts the model's parameters.
   *
   * @return the number of values in all trained tensors
   */
  long parameterCount();

  /** Frees what was loaded, or gives a model that was there before back as it was. */
  @Override
  void close();

  /**
   * What one forward pass gave.
   *
   * @param outputs the model's own outputs
   * @param taps one for each call of the types that {@link TapOptions#sites()} chooses, in the
   *     order of execution; those that it leaves out are there without tensors, so that calls can
   *     be numbered
   */
  record Pass(NDList outputs, List<Tap> taps) {}
}
