package dev.affinis.benchmarks;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.affinis.signature.LayerSample;
import dev.affinis.signature.transport.AffinityResult;
import dev.affinis.signature.transport.AffinityScore;
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
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** The affinity score of one ReLU layer on Gaussian samples, with the default settings. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2)
@Measurement(iterations = 5)
@Fork(
    value = 1,
    jvmArgs = {"-Xmx1g", "-Dai.djl.offline=true", "-DOPT_OUT_TRACKING=true"})
public class AffinityScoreBenchmark {
  /** The score the paper gives for a ReLU on N(0, 1)^d with Ledoit-Wolf covariance, for any d. */
  private static final double RELU_AFFINITY = 0.621;

  private static final double TOLERANCE = 0.02;

  /** Number of samples. */
  @Param({"2048"})
  public int n;

  /** Number of channels. */
  @Param({"1", "64", "512", "1024", "2048", "4096"})
  public int d;

  private final AffinityScore affinity = AffinityScore.builder().build();
  private NDManager manager;
  private LayerSample sample;

  /** Draws the samples. */
  @Setup(Level.Trial)
  public void draw() {
    manager = NDManager.newBaseManager();
    Engine.getInstance().setRandomSeed(1);
    NDArray pre = manager.randomNormal(new Shape(n, d));
    sample = new LayerSample(pre, pre.getNDArrayInternal().relu());
  }

  /** Frees the samples. */
  @TearDown(Level.Trial)
  public void free() {
    manager.close();
  }

  /**
   * Scores the layer.
   *
   * @return the score
   */
  @Benchmark
  public double score() {
    AffinityResult result = affinity.measure(sample);
    double rho = result.score().number().orElseThrow();
    double gap = result.transport().orElseThrow().relativeGap();
    if (Math.abs(rho - RELU_AFFINITY) > TOLERANCE || gap > 1e-9) {
      throw new IllegalStateException("wrong score " + rho + ", gap " + gap);
    }
    return rho;
  }
}
