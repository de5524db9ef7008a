package dev.affinis.benchmarks;

import ai.djl.ndarray.NDManager;
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

/**
 * The affinity score where the transport is hard: narrow layers, among them squeeze-and-excitation,
 * clusters, and outputs that coincide. For ten thousand samples add {@code -p n=10000}.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2)
@Measurement(iterations = 5)
@Fork(
    value = 1,
    jvmArgs = {"-Xmx2g", "-Dai.djl.offline=true", "-DOPT_OUT_TRACKING=true"})
public class HardLayersBenchmark {
  private static final double EXACT = 1e-9;

  /** Number of samples. */
  @Param({"2048"})
  public int n;

  /** Number of channels. */
  @Param({"1", "2", "4", "8", "16"})
  public int d;

  /** What the layer does. */
  @Param public SyntheticLayer layer;

  private final AffinityScore affinity = AffinityScore.builder().build();
  private NDManager manager;
  private LayerSample sample;

  /** Draws the samples. */
  @Setup(Level.Trial)
  public void draw() {
    manager = NDManager.newBaseManager("PyTorch");
    sample = layer.sample(n, d, manager);
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
    double gap = result.transport().orElseThrow().relativeGap();
    if (!(gap < EXACT)) {
      throw new IllegalStateException("not exact, relative gap " + gap);
    }
    return result.score().number().orElseThrow();
  }
}
