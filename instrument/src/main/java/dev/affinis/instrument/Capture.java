package dev.affinis.instrument;

import ai.djl.ndarray.NDArray;

/**
 * What one site saw during one forward pass.
 *
 * @param site where
 * @param pre pooled input of the activation (batch x dimension), on the model's device
 * @param post pooled output (batch x dimension), on the model's device
 */
public record Capture(Site site, NDArray pre, NDArray post) {}
