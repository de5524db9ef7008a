package dev.affinis.instrument.data;

/**
 * How images become a model's inputs: by a {@link Preprocessing} that the user describes, or by the
 * translator that came with the model, an {@link ImageTranslation}.
 */
public sealed interface ImageConversion permits Preprocessing, ImageTranslation {}
