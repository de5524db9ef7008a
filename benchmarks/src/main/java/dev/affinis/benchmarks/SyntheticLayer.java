package dev.affinis.benchmarks;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.affinis.signature.LayerSample;

/** Inputs and outputs of a layer that are drawn at random. */
enum SyntheticLayer {
  /** ReLU of correlated Gaussians: close to an affine map, as activations are. */
  RELU("relu"),
  /** The same outputs, but of other inputs: no pairing is better than another at first sight. */
  INDEPENDENT("independent");

  final String title;

  SyntheticLayer(String title) {
    this.title = title;
  }

  /**
   * Draws samples, the same ones each time.
   *
   * @param n number of samples
   * @param d width
   * @param manager owner of the samples
   * @return rows in float32, as captures are
   */
  LayerSample draw(int n, int d, NDManager manager) {
    Engine.getEngine("PyTorch").setRandomSeed(1);
    NDArray pre = correlated(n, d, manager);
    try (NDArray source = this == RELU ? pre.duplicate() : correlated(n, d, manager)) {
      return new LayerSample(pre, source.getNDArrayInternal().relu());
    }
  }

  /** N(0, S) where the eigenvalues of S fall about as 1/k, as they do in trained networks. */
  private static NDArray correlated(int n, int d, NDManager manager) {
    try (NDManager scratch = manager.newSubManager()) {
      NDArray deviations = scratch.arange(1f, d + 1f, 1f, DataType.FLOAT32).pow(-0.5);
      NDArray directions = scratch.randomNormal(new Shape(d, d)).mul(deviations.reshape(d, 1));
      NDArray rows = scratch.randomNormal(new Shape(n, d)).matMul(directions);
      rows.attach(manager);
      return rows;
    }
  }
}
