/**
 * Samples for a model: images in a folder, arrays in an {@code .npz} file, DJL's datasets, or
 * random numbers. Start with {@link dev.affinis.instrument.data.SampleSource#open}, which
 * understands what a user writes, or with {@link dev.affinis.instrument.data.DjlDatasetSource} for
 * a dataset in Java, and hand the source to a {@link dev.affinis.instrument.data.BatchLoader},
 * which reads ahead of the engine on other threads. {@link
 * dev.affinis.instrument.data.Preprocessing} or the model's own {@link
 * dev.affinis.instrument.data.ImageTranslation} says how an image becomes a tensor, {@link
 * dev.affinis.instrument.data.Selection} which samples are used.
 */
package dev.affinis.instrument.data;
