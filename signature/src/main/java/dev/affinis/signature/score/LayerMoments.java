package dev.affinis.signature.score;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.affinis.signature.LayerSample;
import dev.affinis.signature.linalg.DenseAlgebra;
import dev.affinis.signature.linalg.SampleRows;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What scores need of one layer's sample, each made when it is first asked for, and once: centred
 * rows, Gram matrices, norms. Arrays are float64, live on the sample's device and until this is
 * closed.
 *
 * <p>Not safe for use by several threads.
 */
public final class LayerMoments implements AutoCloseable {
  private final LayerSample sample;
  private final NDManager manager;
  private final DenseAlgebra algebra;
  private final SideMoments pre;
  private final SideMoments post;
  private final Map<List<?>, Separation> separations = new HashMap<>();
  private final Map<Side, WhiteRows> coordinates = new EnumMap<>(Side.class);
  private ClassLabels labels;
  private NDArray cross;
  private LeastSquares.Fit fit;
  private OptionalDouble distance = OptionalDouble.empty();
  private double norm;
  private OptionalDouble crossNorm = OptionalDouble.empty();

  /**
   * Prepares the moments of a sample; nothing is computed yet.
   *
   * @param sample input and output of a layer, not modified, not closed, and open as long as this
   */
  public LayerMoments(LayerSample sample) {
    this.sample = sample;
    algebra = DenseAlgebra.on(sample.pre().getDevice());
    manager = algebra.newManager();
    pre = new SideMoments("pre", sample.pre(), manager, algebra);
    post = new SideMoments("post", sample.post(), manager, algebra);
  }

  LayerSample sample() {
    return sample;
  }

  SideMoments side(Side side) {
    return side == Side.PRE ? pre : post;
  }

  /** Where arrays live that last as long as this. */
  NDManager manager() {
    return manager;
  }

  DenseAlgebra algebra() {
    return algebra;
  }

  /** Number of samples. */
  int size() {
    return Math.toIntExact(sample.size());
  }

  /** Why nothing can be computed from this sample, if so. */
  Optional<String> obstacle(int leastSamples) {
    return pre.obstacle(leastSamples).or(() -> post.obstacle(leastSamples));
  }

  /** Why input and output cannot be subtracted, if so. */
  Optional<String> widthObstacle() {
    return pre.width() == post.width()
        ? Optional.empty()
        : Optional.of(
            "pre and post must be equally wide, got shapes %s and %s"
                .formatted(sample.pre().getShape(), sample.post().getShape()));
  }

  /** The Frobenius norm of pre minus post as they are, which must be equally wide. */
  double distance() {
    measureNorms();
    return distance.getAsDouble();
  }

  /** The Frobenius norm of pre as it is; pre and post must be equally wide. */
  double norm() {
    measureNorms();
    return norm;
  }

  private void measureNorms() {
    if (distance.isEmpty()) {
      double unit = Math.max(pre.unit(), post.unit());
      try (NDManager scratch = manager.newSubManager()) {
        NDArray x = SampleRows.doubles(sample.pre(), scratch).divi(unit);
        NDArray y = SampleRows.doubles(sample.post(), scratch).divi(unit);
        norm = unit * Math.sqrt(Products.squaredNorm(x));
        distance = OptionalDouble.of(unit * Math.sqrt(Products.squaredNorm(x.subi(y))));
      }
    }
  }

  /** The classes of the samples. */
  ClassLabels labels() {
    if (labels == null) {
      labels = new ClassLabels(sample.labels());
    }
    return labels;
  }

  /**
   * How far classes are separable, mean over the problems of a contrast. Orders 0 and 1 come of one
   * search, which order 2 does without.
   */
  double separation(Side side, Contrast contrast, int order, long seed) {
    List<?> key = List.of(side, contrast, seed);
    boolean searches = order < 2;
    Separation known = separations.get(key);
    if (known == null || (searches && !known.isSearched())) {
      WhiteRows rows =
          coordinates.computeIfAbsent(side, s -> WhiteRows.of(side(s), manager, algebra));
      List<Contrast.Problem> problems = contrast.problems(labels(), seed);
      known = searches ? rows.separation(problems, seed) : rows.closedForm(problems);
      separations.put(key, known);
    }
    return known.order(order);
  }

  /** The fit of post to pre on all samples. */
  LeastSquares.Fit fit() {
    if (fit == null) {
      fit = LeastSquares.fit(this);
    }
    return fit;
  }

  /** Whether products of columns (d x d) are smaller than products of rows (n x n). */
  boolean isTall() {
    return Math.max(pre.width(), post.width()) < size();
  }

  /** X'Y of the centred rows, each in its own unit. */
  NDArray cross() {
    if (cross == null) {
      try (NDArray columns = pre.rows().transpose()) {
        cross = columns.matMul(post.rows());
        cross.attach(manager);
      }
    }
    return cross;
  }

  /** The squared Frobenius norm of X'Y, which is the inner product of XX' and YY'. */
  double crossSquaredNorm() {
    if (crossNorm.isEmpty()) {
      crossNorm =
          OptionalDouble.of(
              isTall()
                  ? Products.squaredNorm(cross())
                  : algebra.lowerInnerProduct(pre.rowGram(), post.rowGram()));
    }
    return crossNorm.getAsDouble();
  }

  @Override
  public void close() {
    manager.close();
  }
}
