/**
 * How the images of the bundled model zoo are made.
 *
 * <p>{@link dev.affinis.zoo.ZooImages} draws labelled images from a seed, the same bytes on every
 * machine. {@link dev.affinis.zoo.GenerateImages} writes them to an {@code .npz} file from the
 * command line. The models trained on them lie in the folder {@code zoo} of this module.
 */
package dev.affinis.zoo;
