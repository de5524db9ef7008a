package dev.affinis.signature.score;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.affinis.signature.linalg.DenseAlgebra;
import dev.affinis.signature.linalg.SampleRows;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
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
  private final Map<List<Integer>, Members> members = new HashMap<>();

  /** Z Z' of the rows of one class, where it was asked for. */
  private final Map<List<Integer>, NDArray> grams = new HashMap<>();

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
        NDArray vectors = ofEigen(side.rowGram(), scratch, algebra);
        // Eigenvectors give equal samples coordinates that differ by rounding, and by that alone
        // they would be separable.
        long[] first = Arrays.stream(SampleRows.firstEqual(side.rows())).asLongStream().toArray();
        rows = own(vectors.get(scratch.create(first)), scratch);
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
   * The rows of one class; those of all classes are one copy of Z.
   *
   * @param rows the rows
   * @param mean their mean (1 x r)
   */
  private record Members(NDArray rows, NDArray mean) {
    long count() {
      return rows.getShape().get(0);
    }
  }

  /**
   * Two classes.
   *
   * @param a the smaller class
   * @param b the other; empty if it is all others
   * @param countB how many are in it
   * @param gap difference of the means, as a column
   */
  private record Classes(Members a, Optional<Members> b, double countB, NDArray gap) {}

  /** The classes of a problem; nothing if they are affinely independent, and so separable. */
  private Optional<Classes> classes(Contrast.Problem problem, NDManager scratch) {
    Members a = members(problem.few());
    double countB = problem.many().size();
    if (a.count() + problem.many().size() == rows.getShape().get(0)) {
      // The mean of all rows is 0.
      NDArray gap = own(a.mean().mul(1 + a.count() / countB), scratch);
      return Optional.of(new Classes(a, Optional.empty(), countB, own(gap.transpose(), scratch)));
    }
    Members b = members(problem.many());
    if (areIndependent(problem, a, b, scratch)) {
      return Optional.empty();
    }
    NDArray gap = own(a.mean().sub(b.mean()), scratch);
    return Optional.of(new Classes(a, Optional.of(b), countB, own(gap.transpose(), scratch)));
  }

  private Best best(Classes of, NDManager scratch) {
    NDArray a = centred(of.a(), scratch);
    return of.b().isPresent()
        ? pairOrder2(a, centred(of.b().get(), scratch), of.gap(), scratch)
        : restOrder2(a, of.gap(), of.countB(), scratch);
  }

  private static NDArray centred(Members of, NDManager scratch) {
    return own(of.rows().sub(of.mean()), scratch);
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

  /** Whether the centred Gram matrix of the rows of both has all the rank that it can have. */
  private boolean areIndependent(
      Contrast.Problem problem, Members a, Members b, NDManager scratch) {
    long count = a.count() + b.count();
    if (count - 1 > rows.getShape().get(1)) {
      return false;
    }
    NDArray ofA = grams.computeIfAbsent(problem.few(), few -> gram(a));
    NDArray ofB = grams.computeIfAbsent(problem.many(), many -> gram(b));
    NDArray columns = own(b.rows().transpose(), scratch);
    NDArray cross = own(a.rows().matMul(columns), scratch);
    NDArray left = own(ofA.concat(own(cross.transpose(), scratch), 0), scratch);
    NDArray gram = own(left.concat(own(cross.concat(ofB, 0), scratch), 1), scratch);
    NDArray means = own(gram.mean(new int[] {0}, true), scratch);
    double mean = own(means.mean(), scratch).getDouble();
    double trace = Products.squaredNorm(a.rows()) + Products.squaredNorm(b.rows()) - count * mean;
    gram.subi(means).subi(own(own(means.transpose(), scratch).sub(mean), scratch));
    return PseudoInverse.ofRows(gram, trace, scratch, algebra).rank() == count - 1;
  }

  private NDArray gram(Members of) {
    try (NDArray columns = of.rows().transpose()) {
      return own(of.rows().matMul(columns), manager);
    }
  }

  private Members members(List<Integer> numbers) {
    return members.computeIfAbsent(
        numbers,
        list -> {
          // Of other types a converted copy would be kept.
          long[] indices = list.stream().mapToLong(Integer::longValue).toArray();
          try (NDArray index = manager.create(indices)) {
            NDArray of = own(rows.get(index), manager);
            return new Members(of, own(of.mean(new int[] {0}, true), manager));
          }
        });
  }

  private static double sumOfProducts(NDArray a, NDArray b, NDManager scratch) {
    return own(own(a.mul(b), scratch).sum(), scratch).getDouble();
  }

  private static NDArray own(NDArray array, NDManager scratch) {
    array.attach(scratch);
    return array;
  }
}
