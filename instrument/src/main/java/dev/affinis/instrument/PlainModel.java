package dev.affinis.instrument;

import ai.djl.ndarray.NDList;
import ai.djl.training.ParameterStore;

/** A loaded model as it is, without taps: what an instrumented one has to agree with. */
public interface PlainModel extends AutoCloseable {
  /**
   * Runs the model.
   *
   * @param inputs the model's inputs; the outputs are attached to their manager
   * @return the outputs
   */
  NDList run(NDList inputs);

  /** Frees what was loaded for it. */
  @Override
  void close();

  /**
   * Takes a loaded model that has no taps.
   *
   * @param model the model, closed with the result
   * @return the same model
   */
  static PlainModel of(TappedModel model) {
    return new PlainModel() {
      @Override
      public NDList run(NDList inputs) {
        return model
            .forward(new ParameterStore(model.model().getNDManager(), false), inputs)
            .outputs();
      }

      @Override
      public void close() {
        model.close();
      }
    };
  }
}
