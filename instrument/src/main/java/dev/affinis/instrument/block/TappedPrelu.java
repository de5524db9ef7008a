package dev.affinis.instrument.block;

import ai.djl.ndarray.NDList;
import ai.djl.nn.core.Prelu;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import java.util.function.Supplier;

/** Stands in for a {@link Prelu} while it is instrumented: the same parameter, the same code. */
final class TappedPrelu extends Prelu {
  private final Prelu original;
  private final Around around;

  /** Runs a forward pass and records it, or only runs it. */
  interface Around {
    NDList run(NDList inputs, Supplier<NDList> forward);
  }

  TappedPrelu(Prelu original, Around around) {
    this.original = original;
    this.around = around;
    parameters.clear();
    original.getDirectParameters().forEach(p -> parameters.put(p.getKey(), p.getValue()));
    if (original.isInitialized()) {
      beforeInitialize(original.getInputShapes());
    }
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore store, NDList inputs, boolean training, PairList<String, Object> params) {
    return around.run(inputs, () -> original.forward(store, inputs, training, params));
  }
}
