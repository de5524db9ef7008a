package dev.affinis.benchmarks;

import dev.affinis.signature.transport.Assignment;
import dev.affinis.signature.transport.AssignmentSolver;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** The assignment problem alone, on costs of several kinds. For a larger one {@code -p n=10000}. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2)
@Measurement(iterations = 5)
@Fork(value = 1, jvmArgs = "-Xmx2g")
public class AssignmentSolverBenchmark {
  private static final long SEED = 1;
  private static final int CLUSTERS = 10;
  private static final double EXACT = 1e-9;

  /** Mean and deviation of a ReLU on N(0, 1). */
  private static final double RELU_MEAN = 1 / Math.sqrt(2 * Math.PI);

  private static final double RELU_DEVIATION = Math.sqrt(0.5 - RELU_MEAN * RELU_MEAN);

  /** A kind of cost matrix. */
  public enum Kind {
    /** Squared distances between a ReLU's output and its affine fit, d = 64. */
    RELU_64,
    /** The same for d = 8, where the identity is nearly but not quite optimal. */
    RELU_8,
    /** The same for d = 2. */
    RELU_2,
    /** Points of ten tight clusters, and the same with a little noise, d = 8. */
    CLUSTERED_8,
    /** RELU_8 of which every second row is dead: half of the outputs coincide. */
    DEAD_8,
    /** A logistic function of small values, d = 32: the identity is optimal by a narrow margin. */
    GATE_32,
    /** Squared distances between independent Gaussian clouds, d = 2. */
    INDEPENDENT_2,
    /** Squared distances between independent Gaussian clouds, d = 16. */
    INDEPENDENT_16,
    /** Uniform random numbers. */
    UNIFORM,
    /** Integers from 0 to 99: many ties. */
    INTEGER,
    /** Products i j, a known worst case of shortest path methods. */
    PRODUCT
  }

  /** Number of rows and columns. */
  @Param({"2048"})
  public int n;

  /** Kind of costs. */
  @Param public Kind kind;

  private final AssignmentSolver solver = new AssignmentSolver();
  private double[] costs;

  /** Makes the costs. */
  @Setup(Level.Trial)
  public void makeCosts() {
    Random random = new Random(SEED);
    costs =
        switch (kind) {
          case RELU_64 -> relu(64, random);
          case RELU_8 -> relu(8, random);
          case RELU_2 -> relu(2, random);
          case CLUSTERED_8 -> clustered(8, random);
          case DEAD_8 -> dead(8, random);
          case GATE_32 -> gate(32, random);
          case INDEPENDENT_2 -> squaredDistances(gaussian(2, random), gaussian(2, random));
          case INDEPENDENT_16 -> squaredDistances(gaussian(16, random), gaussian(16, random));
          case UNIFORM -> random.doubles((long) n * n).toArray();
          case INTEGER -> random.ints((long) n * n, 0, 100).asDoubleStream().toArray();
          case PRODUCT -> products();
        };
  }

  /**
   * Solves the problem.
   *
   * @return the assignment
   */
  @Benchmark
  public Assignment solve() {
    Assignment assignment = solver.solve(n, costs);
    if (!(assignment.relativeGap() < EXACT)) {
      throw new IllegalStateException("not optimal, relative gap " + assignment.relativeGap());
    }
    return assignment;
  }

  private double[] clustered(int d, Random random) {
    double[][] x = gaussian(d, random);
    double[][] y = gaussian(d, random);
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < d; k++) {
        double centre = Math.cos(1 + (i % CLUSTERS) * (k + 1.0));
        x[i][k] = centre + 0.02 * x[i][k];
        y[i][k] = x[i][k] + 0.01 * y[i][k];
      }
    }
    return squaredDistances(x, y);
  }

  private double[] dead(int d, Random random) {
    double[][] x = gaussian(d, random);
    double[][] y = new double[n][d];
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < d; k++) {
        y[i][k] = i % 2 == 0 ? 0 : Math.max(0, x[i][k]);
        x[i][k] = RELU_DEVIATION * x[i][k] + RELU_MEAN;
      }
    }
    return squaredDistances(x, y);
  }

  /** The logistic function is 1/2 + x/4 but for a third power. */
  private double[] gate(int d, Random random) {
    double[][] x = gaussian(d, random);
    double[][] y = new double[n][d];
    for (int i = 0; i < n; i++) {
      double common = random.nextGaussian();
      for (int k = 0; k < d; k++) {
        double value = 0.5 * common + 0.05 * x[i][k];
        y[i][k] = 1 / (1 + Math.exp(-value));
        x[i][k] = 0.5 + value / 4;
      }
    }
    return squaredDistances(x, y);
  }

  /** Costs between a x + b fitted to a ReLU on N(0, 1), and the ReLU. */
  private double[] relu(int d, Random random) {
    double[][] x = gaussian(d, random);
    double[][] y = new double[n][d];
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < d; k++) {
        y[i][k] = Math.max(0, x[i][k]);
        x[i][k] = RELU_DEVIATION * x[i][k] + RELU_MEAN;
      }
    }
    return squaredDistances(x, y);
  }

  private double[][] gaussian(int d, Random random) {
    double[][] points = new double[n][d];
    for (double[] point : points) {
      for (int k = 0; k < d; k++) {
        point[k] = random.nextGaussian();
      }
    }
    return points;
  }

  private double[] squaredDistances(double[][] a, double[][] b) {
    double[] distances = new double[n * n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        double sum = 0;
        for (int k = 0; k < a[i].length; k++) {
          double difference = a[i][k] - b[j][k];
          sum += difference * difference;
        }
        distances[i * n + j] = sum;
      }
    }
    return distances;
  }

  private double[] products() {
    double[] products = new double[n * n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        products[i * n + j] = (i + 1.0) * (j + 1.0);
      }
    }
    return products;
  }
}
