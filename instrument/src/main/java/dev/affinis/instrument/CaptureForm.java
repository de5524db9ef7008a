package dev.affinis.instrument;

/** What a capture holds of an activation's input and output. */
public enum CaptureForm {
  /** One row per sample, see {@link dev.affinis.signature.Pooling}. */
  POOLED,
  /** The tensors themselves, as the model computed them. */
  RAW
}
