package dev.affinis.signature.score;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.affinis.signature.linalg.DenseAlgebra;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * Samples in coordinates in which they have mean 0, variance 1 and no correlation, Z (n x r), r the
 * dimension of their span. Linear separability is the same in any coordinates, and easier to search
 * for in these.
 *
 * <p>If r is n - 1 the samples are affinely independent, and any two sets of them are separable
 * with each set on a point of its own: no coordinates are kept then.
 */
final class WhiteRows {
  /** How far a mean may be outside of the span of the deviations from it, by rounding. */
  private static final double OUTSIDE = 1e-9;

  private final NDArray rows;
  private final NDManager manager;
  private final DenseAlgebra algebra;

  /**
   * Keeps coordinates.
   *
   * @param rows Z (n x r), or null if the samples are affinely independent
   */
  private WhiteRows(NDArray rows, NDManager manager, DenseAlgebra algebra) {
    this.rows = rows;
    this.manager = manager;
    this.algebra = algebra;
  }

  /** Finds the coordinates of one side; n d^2 or n^3 / 3 operations beside the Gram matrix. */
  static WhiteRows of(SideMoments side, NDManager manager, DenseAlgebra algebra) {
    long n = side.size();
    try (NDManager scratch = manager.newSubManager()) {
      NDArray rows;
      if (side.width() < n) {
        PseudoInverse inverse = PseudoInverse.ofColumns(side.columnGram(), scratch, algebra);
        if (inverse.rank() >= n - 1) {
          return new WhiteRows(null, manager, algebra);
        }
        NDArray columns = own(side.rows().transpose(), scratch);
        rows = own(own(inverse.times(columns), scratch).transpose(), scratch);
      } else {
        if (PseudoInverse.ofRows(side.rowGram(), side.total(), scratch, algebra).rank() >= n - 1) {
          return new WhiteRows(null, manager, algebra);
        }
        rows = ofEigen(side.rowGram(), scratch, algebra);
      }
      NDArray white = rows.mul(Math.sqrt((double) n));
      white.attach(manager);
      return new WhiteRows(white, manager, algebra);
    }
  }

  private static NDArray ofEigen(NDArray gram, NDManager scratch, DenseAlgebra algebra) {
    DenseAlgebra.Eigen eigen = algebra.symmetricEigen(gram);
    NDArray vectors = own(eigen.vectors(), scratch);
    double[] values = own(eigen.values(), scratch).toDoubleArray();
    int first = 0;
    while (values[first] <= Math.ulp(1.0) * values.length * values[values.length - 1]) {
      first++;
    }
    return own(vectors.get(":, " + first + ":"), scratch);
  }

  /** The mean over problems of all orders. */
  Separation separation(List<Contrast.Problem> problems, long seed) {
    if (rows == null) {
      return Separation.FULL;
    }
    List<Separation> separations = new ArrayList<>();
    List<SeparationSearch> searches = new ArrayList<>();
    for (Contrast.Problem problem : problems) {
      try (NDManager scratch = manager.newSubManager()) {
        Optional<Classes> classes = classes(problem, scratch);
        if (classes.isPresent()) {
          Best best = best(classes.get(), scratch);
          separations.add(Separation.closedForm(best.value()));
          searches.add(
              new SeparationSearch(
                  problem,
                  classes.get().gap().toDoubleArray(),
                  best.direction().toDoubleArray(),
                  new SplittableRandom(seed)));
        } else {
          separations.add(Separation.FULL);
        }
      }
    }
    new JointSearch(rows).run(searches);
    Iterator<SeparationSearch> found = searches.iterator();
    separations.replaceAll(one -> one.isSearched() ? one : found.next().with(one));
    return Separation.mean(separations);
  }

  /** The mean over problems of order 2. */
  Separation closedForm(List<Contrast.Problem> problems) {
    return rows == null
        ? Separation.FULL
        : Separation.mean(problems.stream().map(this::order2).toList());
  }

  private Separation order2(Contrast.Problem problem) {
    try (NDManager scratch = manager.newSubManager()) {
      Optional<Classes> classes = classes(problem, scratch);
      return classes.isEmpty()
          ? Separation.FULL
          : Separation.closedForm(best(classes.get(), scratch).value());
    }
  }

  /**
   * The rows of two classes.
   *
   * @param a rows of the smaller class
   * @param b rows of the other
   * @param meanA mean of a (1 x r)
   * @param meanB mean of b
   * @param gap difference of the means, as a column
   * @param isRest whether these are all rows
   */
  private record Classes(
      NDArray a, NDArray b, NDArray meanA, NDArray meanB, NDArray gap, boolean isRest) {}

  /** The classes of a problem; nothing if they are affinely independent, and so separable. */
  private Optional<Classes> classes(Contrast.Problem problem, NDManager scratch) {
    NDArray a = members(problem.few(), scratch);
    NDArray b = members(problem.many(), scratch);
    boolean isRest = a.getShape().get(0) + b.getShape().get(0) == rows.getShape().get(0);
    if (!isRest && areIndependent(a, b, scratch)) {
      return Optional.empty();
    }
    NDArray meanA = own(a.mean(new int[] {0}, true), scratch);
    NDArray meanB = own(b.mean(new int[] {0}, true), scratch);
    NDArray gap = own(own(meanA.sub(meanB), scratch).transpose(), scratch);
    return Optional.of(new Classes(a, b, meanA, meanB, gap, isRest));
  }

  private Best best(Classes of, NDManager scratch) {
    NDArray a = own(of.a().sub(of.meanA()), scratch);
    return of.isRest()
        ? restOrder2(a, of.gap(), (double) of.b().getShape().get(0), scratch)
        : pairOrder2(a, own(of.b().sub(of.meanB()), scratch), of.gap(), scratch);
  }

  /** A closed-form maximum and where it is. */
  private record Best(double value, NDArray direction) {}

  /**
   * Order 2 of a class against all others. As Z'Z = n I, the sum of both covariances is {@code P -
   * (|A| / n) m m'} for {@code P = n / |B| I + (1 / |A| - 1 / |B|) A'A}, A the centred rows of the
   * smaller class; P is inverted through AA'.
   */
  private Best restOrder2(NDArray a, NDArray gap, double countB, NDManager scratch) {
    double countA = (double) a.getShape().get(0);
    double n = countA + countB;
    double ofIdentity = n / countB;
    double ofScatter = 1 / countA - 1 / countB;
    NDArray direction = gap;
    if (ofScatter > 0) {
      NDArray columns = own(a.transpose(), scratch);
      boolean wide = countA <= a.getShape().get(1);
      NDArray gram = own(algebra.lowerGram(wide ? columns : a), scratch);
      algebra.scaleAndShift(gram, 1, ofIdentity / ofScatter);
      NDArray factor = own(algebra.cholesky(gram).orElseThrow(), scratch);
      if (wide) {
        NDArray inner = solve(factor, own(a.matMul(gap), scratch), scratch);
        direction = own(gap.sub(own(columns.matMul(inner), scratch)), scratch);
      } else {
        direction = own(solve(factor, gap, scratch).mul(ofIdentity / ofScatter), scratch);
      }
    }
    double q = sumOfProducts(gap, direction, scratch) / ofIdentity;
    return new Best(q / (1 + (1 - countA / n) * q), direction);
  }

  /** Order 2 of two classes: q / (1 + q) for q = m' S+ m, 1 if S m = 0 has no share in m. */
  private Best pairOrder2(NDArray a, NDArray b, NDArray gap, NDManager scratch) {
    NDArray scaledA = own(a.div(Math.sqrt((double) a.getShape().get(0))), scratch);
    NDArray scaledB = own(b.div(Math.sqrt((double) b.getShape().get(0))), scratch);
    NDArray both = own(scaledA.concat(scaledB, 0), scratch);
    NDArray scatter = own(algebra.lowerGram(both), scratch);
    NDArray direction = own(PseudoInverse.ofColumns(scatter, scratch, algebra).solve(gap), scratch);
    NDArray image = own(both.matMul(direction), scratch);
    NDArray columns = own(both.transpose(), scratch);
    NDArray outside = own(gap.sub(own(columns.matMul(image), scratch)), scratch);
    if (Products.squaredNorm(outside) > OUTSIDE * Products.squaredNorm(gap)) {
      return new Best(1, outside);
    }
    double q = sumOfProducts(gap, direction, scratch);
    return new Best(q / (1 + q), direction);
  }

  private NDArray solve(NDArray factor, NDArray b, NDManager scratch) {
    NDArray half = own(algebra.solveLower(factor, b), scratch);
    return own(algebra.solveLowerTransposed(factor, half), scratch);
  }

  private boolean areIndependent(NDArray a, NDArray b, NDManager scratch) {
    NDArray both = own(a.concat(b, 0), scratch);
    long count = both.getShape().get(0);
    if (count - 1 > both.getShape().get(1)) {
      return false;
    }
    NDArray centred = own(both.sub(own(both.mean(new int[] {0}), scratch)), scratch);
    NDArray gram = own(algebra.lowerGram(own(centred.transpose(), scratch)), scratch);
    double trace = Products.squaredNorm(centred);
    return PseudoInverse.ofRows(gram, trace, scratch, algebra).rank() == count - 1;
  }

  private NDArray members(List<Integer> numbers, NDManager scratch) {
    int[] indices = numbers.stream().mapToInt(Integer::intValue).toArray();
    return own(rows.get(scratch.create(indices)), scratch);
  }

  private static double sumOfProducts(NDArray a, NDArray b, NDManager scratch) {
    return own(own(a.mul(b), scratch).sum(), scratch).getDouble();
  }

  private static NDArray own(NDArray array, NDManager scratch) {
    array.attach(scratch);
    return array;
  }
}
