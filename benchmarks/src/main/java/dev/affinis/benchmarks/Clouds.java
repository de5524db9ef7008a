package dev.affinis.benchmarks;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.affinis.signature.LayerSample;
import dev.affinis.signature.linalg.DenseAlgebra;
import java.util.Random;

/** Draws inputs of a layer from a known distribution, and runs them through an activation. */
final class Clouds implements AutoCloseable {
  /** Groups that clustered samples fall into. */
  private static final int CLUSTERS = 10;

  /** What share of the variance is within clusters, and what share between them. */
  private static final double HALF = Math.sqrt(0.5);

  /** How inputs are distributed; the mean variance of a column is 1. */
  enum Distribution {
    /** Independent standard Gaussian columns. */
    WHITE,
    /** Gaussian, eigenvalues of the covariance in proportion to 1/k, in random directions. */
    DECAYING,
    /** The same, around ten centres of such a distribution. */
    CLUSTERED
  }

  /** What becomes of inputs. */
  enum Activation {
    RELU,
    TANH
  }

  private final NDManager manager;
  private final int d;
  private final Distribution distribution;
  private final Activation activation;
  private final NDArray mixing;
  private final NDArray centres;
  private final Random random = new Random(3);

  Clouds(int d, Distribution distribution, Activation activation) {
    DenseAlgebra algebra = DenseAlgebra.on(Device.cpu());
    this.manager = algebra.newManager();
    this.d = d;
    this.distribution = distribution;
    this.activation = activation;
    Engine.getEngine("PyTorch").setRandomSeed(1);
    mixing = mixing(algebra);
    centres = normal(CLUSTERS).matMul(mixing);
  }

  /** Returns diag(lambda)^1/2 Q', lambda_k in proportion to 1/k with mean 1, Q orthogonal. */
  private NDArray mixing(DenseAlgebra algebra) {
    double[] roots = new double[d];
    double sum = 0;
    for (int k = 0; k < d; k++) {
      sum += 1.0 / (k + 1);
    }
    for (int k = 0; k < d; k++) {
      roots[k] = Math.sqrt(d / sum / (k + 1));
    }
    try (NDArray square = normal(d)) {
      return algebra.orthonormalBasis(square).mul(manager.create(roots, new Shape(d, 1)));
    }
  }

  private NDArray normal(int rows) {
    return manager.randomNormal(new Shape(rows, d)).toType(DataType.FLOAT64, false);
  }

  /**
   * Draws samples that are independent of those drawn before.
   *
   * @param n number of samples
   * @param target manager that owns them
   */
  LayerSample draw(int n, NDManager target) {
    try (NDManager scratch = manager.newSubManager()) {
      NDArray pre = normal(n);
      pre.attach(scratch);
      if (distribution != Distribution.WHITE) {
        pre = pre.matMul(mixing);
      }
      if (distribution == Distribution.CLUSTERED) {
        int[] cluster = random.ints(n, 0, CLUSTERS).toArray();
        NDArray offsets = centres.get(scratch.create(cluster));
        offsets.attach(scratch);
        pre = pre.add(offsets).mul(HALF);
      }
      NDArray post = activation == Activation.RELU ? pre.maximum(0) : pre.tanh();
      pre.attach(target);
      post.attach(target);
      return new LayerSample(pre, post);
    }
  }

  NDManager newManager() {
    return manager.newSubManager();
  }

  @Override
  public void close() {
    manager.close();
  }
}
