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

/** The assignment problem alone, on costs of several kinds. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2)
@Measurement(iterations = 5)
@Fork(value = 1, jvmArgs = "-Xmx1g")
public class AssignmentSolverBenchmark {
  private static final long SEED = 1;

  /** A kind of cost matrix. */
  public enum Kind {
    /** Squared distances between a ReLU's output and its affine fit, d = 64. */
    RELU_64,
    /** The same for d = 8, where the identity is nearly but not quite optimal. */
    RELU_8,
    /** The same for d = 2. */
    RELU_2,
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
    if (assignment.relativeGap() > 1e-9) {
      throw new IllegalStateException("not optimal, relative gap " + assignment.relativeGap());
    }
    return assignment;
  }

  /** Costs between a x + b fitted to a ReLU on N(0, 1), and the ReLU. */
  private double[] relu(int d, Random random) {
    double mean = 1 / Math.sqrt(2 * Math.PI);
    double deviation = Math.sqrt(0.5 - mean * mean);
    double[][] x = gaussian(d, random);
    double[][] y = new double[n][d];
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < d; k++) {
        y[i][k] = Math.max(0, x[i][k]);
        x[i][k] = deviation * x[i][k] + mean;
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
