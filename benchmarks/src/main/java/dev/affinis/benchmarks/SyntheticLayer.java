package dev.affinis.benchmarks;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.affinis.signature.LayerSample;

/** Inputs and outputs of a layer that are drawn at random: correlated Gaussians at first. */
public enum SyntheticLayer {
  /** ReLU: close to an affine map, as activations are. */
  RELU {
    @Override
    LayerSample draw(int n, int d, NDManager scratch) {
      NDArray pre = correlated(n, d, scratch);
      return new LayerSample(pre, relu(pre));
    }
  },
  /** ReLU of other inputs: no pairing looks better than another. */
  INDEPENDENT {
    @Override
    LayerSample draw(int n, int d, NDManager scratch) {
      return new LayerSample(correlated(n, d, scratch), relu(correlated(n, d, scratch)));
    }
  },
  /** Sigmoid of small values, as in squeeze-and-excitation: next to linear. */
  GATE {
    @Override
    LayerSample draw(int n, int d, NDManager scratch) {
      NDArray pre = correlated(n, d, scratch).mul(0.5);
      return new LayerSample(pre, pre.getNDArrayInternal().sigmoid());
    }
  },
  /** ReLU of ten tight clusters, as the last layers of a classifier have them. */
  CLUSTERED {
    @Override
    LayerSample draw(int n, int d, NDManager scratch) {
      NDArray centres = scratch.randomNormal(new Shape(CLUSTERS, d));
      NDArray cluster = scratch.arange(n).mod(CLUSTERS).toType(DataType.INT64, false);
      NDArray pre = centres.get(cluster).add(correlated(n, d, scratch).mul(0.02));
      return new LayerSample(pre, relu(pre));
    }
  },
  /** ReLU of mostly negative values: many outputs are the same, all zero. */
  DEAD {
    @Override
    LayerSample draw(int n, int d, NDManager scratch) {
      NDArray pre = correlated(n, d, scratch);
      NDArray most = pre.max(new int[] {1}, true);
      NDArray shift = most.sort(0).get("{}", n / 2);
      NDArray shifted = pre.sub(shift);
      return new LayerSample(shifted, relu(shifted));
    }
  };

  private static final int CLUSTERS = 10;

  /** Draws rows of float32, as captures are, and leaves them in the manager with all else. */
  abstract LayerSample draw(int n, int d, NDManager scratch);

  /**
   * Draws samples, the same ones each time.
   *
   * @param n number of samples
   * @param d width
   * @param manager owner of the samples
   * @return rows in float32, as captures are
   */
  LayerSample sample(int n, int d, NDManager manager) {
    Engine.getEngine("PyTorch").setRandomSeed(1);
    try (NDManager scratch = manager.newSubManager()) {
      LayerSample sample = draw(n, d, scratch);
      sample.pre().attach(manager);
      sample.post().attach(manager);
      return sample;
    }
  }

  /** N(0, S) where the eigenvalues of S fall about as 1/k, as they do in trained networks. */
  private static NDArray correlated(int n, int d, NDManager scratch) {
    NDArray deviations = scratch.arange(1f, d + 1f, 1f, DataType.FLOAT32).pow(-0.5);
    NDArray directions = scratch.randomNormal(new Shape(d, d)).mul(deviations.reshape(d, 1));
    return scratch.randomNormal(new Shape(n, d)).matMul(directions);
  }

  private static NDArray relu(NDArray values) {
    return values.getNDArrayInternal().relu();
  }
}
