package dev.affinis.signature.transport;

import java.util.Random;

/** Kinds of cost matrices that assignment solvers get wrong or take long for. */
enum HardCosts {
  UNIFORM {
    @Override
    double cost(int i, int j, Random random) {
      return random.nextDouble();
    }
  },
  SIGNED {
    @Override
    double cost(int i, int j, Random random) {
      return random.nextGaussian() * 1000;
    }
  },
  /** Integers with many ties. */
  TIES {
    @Override
    double cost(int i, int j, Random random) {
      return random.nextInt(4);
    }
  },
  INTEGERS {
    @Override
    double cost(int i, int j, Random random) {
      return random.nextInt(1_000_000);
    }
  },
  CONSTANT {
    @Override
    double cost(int i, int j, Random random) {
      return 7;
    }
  },
  /** All rows equal but for one in three. */
  EQUAL_ROWS {
    @Override
    double cost(int i, int j, Random random) {
      return i % 3 == 0 ? random.nextInt(100) : (j * 37) % 101;
    }
  },
  EQUAL_COLUMNS {
    @Override
    double cost(int i, int j, Random random) {
      return j % 3 == 0 ? random.nextInt(100) : (i * 37) % 101;
    }
  },
  /** Rank one: every augmenting path is as long as it can be. */
  PRODUCTS {
    @Override
    double cost(int i, int j, Random random) {
      return (i + 1.0) * (j + 1.0);
    }
  },
  /** Forty orders of magnitude. */
  HUGE_RANGE {
    @Override
    double cost(int i, int j, Random random) {
      return Math.pow(10, 40 * random.nextDouble() - 20);
    }
  },
  /** Cheap costs are rare, and all others are far beyond the digits of a double. */
  RARELY_CHEAP {
    @Override
    double cost(int i, int j, Random random) {
      return random.nextInt(8) == 0 ? random.nextDouble() : 1e20 * (1 + random.nextDouble());
    }
  },
  /** Squared distances on a line of integers: the identity is optimal, with many ties. */
  LINE {
    @Override
    double cost(int i, int j, Random random) {
      return (double) (i / 2 - j / 2) * (i / 2 - j / 2);
    }
  };

  abstract double cost(int i, int j, Random random);

  double[][] matrix(int n, long seed) {
    Random random = new Random(seed);
    double[][] costs = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        costs[i][j] = cost(i, j, random);
      }
    }
    return costs;
  }
}
