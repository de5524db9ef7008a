package dev.affinis.instrument;

/** Is told what the activations saw in each forward pass of an {@link InstrumentedModel}. */
@FunctionalInterface
public interface CaptureListener {
  /**
   * A forward pass is complete. Called on the thread that made it, so by several at once if several
   * threads use the model; the model's caller goes on when this returns.
   *
   * @param run outputs and captures, on the model's device. Captures are valid during this call
   *     only: copy what is to be kept
   */
  void captured(InstrumentedModel.Run run);
}
