package dev.affinis.signature.transport;

import java.util.Arrays;
import java.util.Random;

/** Kinds of pairs of point clouds that are hard to match, a_i being what b_i is near to. */
enum HardClouds {
  /** A ReLU of Gaussians and its affine fit: the identity is optimal or nearly so. */
  RELU {
    @Override
    void fill(double[] a, double[] b, int i, Random random) {
      for (int k = 0; k < a.length; k++) {
        double x = random.nextGaussian();
        a[k] = 0.58 * x + 0.4;
        b[k] = Math.max(0, x);
      }
    }
  },
  /** Two clouds that have nothing to do with each other. */
  INDEPENDENT {
    @Override
    void fill(double[] a, double[] b, int i, Random random) {
      for (int k = 0; k < a.length; k++) {
        a[k] = random.nextGaussian();
        b[k] = random.nextGaussian();
      }
    }
  },
  /** Most channels are zero on both sides. */
  DEAD_CHANNELS {
    @Override
    void fill(double[] a, double[] b, int i, Random random) {
      RELU.fill(a, b, i, random);
      for (int k = 0; k < a.length; k++) {
        if (k % 4 != 0) {
          a[k] = 0;
          b[k] = 0;
        }
      }
    }
  },
  /** Half of the outputs coincide. */
  DEAD_ROWS {
    @Override
    void fill(double[] a, double[] b, int i, Random random) {
      RELU.fill(a, b, i, random);
      if (i % 2 == 0) {
        Arrays.fill(b, 0);
      }
    }
  },
  /** Each point occurs three times, on both sides. */
  DUPLICATES {
    @Override
    void fill(double[] a, double[] b, int i, Random random) {
      RELU.fill(a, b, i, new Random(i / 3));
    }
  },
  /** Seven places with a little noise around them. */
  CLUSTERS {
    @Override
    void fill(double[] a, double[] b, int i, Random random) {
      INDEPENDENT.fill(a, b, i, random);
      Random centre = new Random(i % 7);
      for (int k = 0; k < a.length; k++) {
        double place = centre.nextGaussian();
        a[k] = place + 1e-3 * a[k];
        b[k] = place + 1e-3 * b[k];
      }
    }
  },
  /** Corners of a grid: distances tie. */
  GRID {
    @Override
    void fill(double[] a, double[] b, int i, Random random) {
      for (int k = 0; k < a.length; k++) {
        a[k] = random.nextInt(3);
        b[k] = random.nextInt(3);
      }
    }
  },
  /** A layer that is all but linear: partners meet, and others are far away. */
  NEARLY_LINEAR {
    @Override
    void fill(double[] a, double[] b, int i, Random random) {
      double common = random.nextGaussian();
      for (int k = 0; k < a.length; k++) {
        a[k] = common + 1e-2 * random.nextGaussian();
        b[k] = a[k] + 1e-6 * a[k] * a[k];
      }
    }
  },
  /** All points on one line through space: one dimension in disguise. */
  COLLINEAR {
    @Override
    void fill(double[] a, double[] b, int i, Random random) {
      double x = random.nextGaussian();
      double y = random.nextGaussian();
      for (int k = 0; k < a.length; k++) {
        a[k] = x * (k + 1);
        b[k] = y * (k + 1);
      }
    }
  },
  /** Channels of very different size. */
  UNEVEN {
    @Override
    void fill(double[] a, double[] b, int i, Random random) {
      RELU.fill(a, b, i, random);
      for (int k = 0; k < a.length; k++) {
        double size = Math.pow(10, k % 7 - 3);
        a[k] *= size;
        b[k] *= size;
      }
    }
  },
  /** One point of each cloud far from all others. */
  OUTLIER {
    @Override
    void fill(double[] a, double[] b, int i, Random random) {
      RELU.fill(a, b, i, random);
      if (i == 0) {
        a[0] = 1e6;
        b[0] = -1e6;
      }
    }
  },
  /** All points of a cloud are one. */
  ONE_POINT {
    @Override
    void fill(double[] a, double[] b, int i, Random random) {
      Arrays.fill(a, 1);
      Arrays.fill(b, 3);
    }
  };

  /**
   * Draws Gaussian points and the same points moved by Gaussian noise: the less of it, the more
   * points are nearest to their partners.
   */
  static Pair noisy(int n, int d, double noise, long seed) {
    Random random = new Random(seed);
    double[][] a = new double[n][d];
    double[][] b = new double[n][d];
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < d; k++) {
        a[i][k] = random.nextGaussian();
        b[i][k] = a[i][k] + noise * random.nextGaussian();
      }
    }
    return new Pair(a, b);
  }

  /** Sets the i-th point of both clouds. */
  abstract void fill(double[] a, double[] b, int i, Random random);

  /** Two clouds of n points each, d wide. */
  static final class Pair {
    final double[][] a;
    final double[][] b;

    Pair(double[][] a, double[][] b) {
      this.a = a;
      this.b = b;
    }

    /** Returns the squared distances, from differences, so that small ones have all digits. */
    double[][] costs() {
      double[][] costs = new double[a.length][a.length];
      for (int i = 0; i < a.length; i++) {
        for (int j = 0; j < a.length; j++) {
          for (int k = 0; k < a[i].length; k++) {
            double difference = a[i][k] - b[j][k];
            costs[i][j] += difference * difference;
          }
        }
      }
      return costs;
    }
  }

  /** Draws both clouds, the same ones for the same seed. */
  Pair draw(int n, int d, long seed) {
    Random random = new Random(seed);
    double[][] a = new double[n][d];
    double[][] b = new double[n][d];
    for (int i = 0; i < n; i++) {
      fill(a[i], b[i], i, random);
    }
    return new Pair(a, b);
  }
}
