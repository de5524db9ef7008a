package dev.affinis.signature.linalg;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Block;
import ai.djl.training.ParameterStore;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/**
 * Decompositions and structured products of dense float64 matrices, computed by the PyTorch engine
 * on one device.
 *
 * <p>DJL's {@link NDArray} multiplies matrices but has no eigendecomposition, Cholesky or QR, and
 * no product that writes into a part of a matrix, while the engine underneath has all of these.
 * Each is reached through a {@linkplain Operation TorchScript program} of a few kilobytes that is
 * put together in memory and loaded like any other model.
 *
 * <p><b>Triangles.</b> Products that are symmetric, or that have a triangular factor, skip what is
 * known, in blocks of 512 columns: half of the operations of the full product are left. A symmetric
 * matrix is given and returned by its lower triangle; what stands above it has no meaning.
 *
 * <p><b>Results</b> are tensors of the engine's inference mode: its programs may change them, DJL's
 * own operations in place ({@code muli}) may not.
 *
 * <p><b>Life.</b> Each program is loaded when it is first run, once per device, and shared; it
 * holds no parameters, so keeping it costs next to nothing. {@link #close()} gives all of them
 * back; the next {@code on} loads them again.
 *
 * <p><b>Threads.</b> Safe for use by several threads at once, {@code close} excepted: close only
 * when nobody computes.
 *
 * <p><b>Non-finite values.</b> The decompositions throw {@link EngineException} or give NaN:
 * callers check their data first.
 */
public final class DenseAlgebra implements AutoCloseable {
  private static final String ENGINE = "PyTorch";
  private static final ConcurrentMap<Device, DenseAlgebra> SHARED = new ConcurrentHashMap<>();

  private final Device device;
  private final ConcurrentMap<Operation, Model> programs = new ConcurrentHashMap<>();

  private DenseAlgebra(Device device) {
    this.device = device;
  }

  /**
   * Returns the decompositions for a device.
   *
   * @param device where the matrices live
   * @return the shared instance for that device
   * @throws IllegalStateException if DJL's PyTorch engine is not on the class path
   */
  public static DenseAlgebra on(Device device) {
    requireEngine();
    return SHARED.computeIfAbsent(device, DenseAlgebra::new);
  }

  /**
   * Opens a manager of the engine that computes the decompositions. Arrays of any engine can be
   * brought into it with {@link NDManager#from(NDArray)}.
   *
   * @return a new manager on this device; the caller closes it
   */
  public NDManager newManager() {
    return NDManager.newBaseManager(device, ENGINE);
  }

  /**
   * Eigendecomposition of a symmetric matrix, {@code a = vectors diag(values) vectors'}.
   *
   * <p>Cost about 9 d^3 operations, the largest part of them bound by memory: 0.1 s at d = 1024, 5
   * s at d = 4096 on two cores. Needs about 4 d^2 doubles besides the argument.
   *
   * @param a symmetric matrix (d x d, float64), not modified; only its lower triangle is read
   * @return eigenvalues (d) in ascending order and orthonormal eigenvectors (d x d) in columns
   */
  public Eigen symmetricEigen(NDArray a) {
    NDList result = run(Operation.EIGH, a);
    return new Eigen(result.get(0), result.get(1));
  }

  /**
   * Eigenvalues of a symmetric matrix, about 4/3 d^3 operations, most of them bound by memory.
   *
   * @param a symmetric matrix (d x d, float64), not modified; only its lower triangle is read
   * @return eigenvalues (d) in ascending order
   */
  public NDArray symmetricEigenvalues(NDArray a) {
    return run(Operation.EIGVALSH, a).get(0);
  }

  /**
   * Computes L^-1 B, d^2 k operations.
   *
   * @param lower lower triangular matrix L (d x d, float64), not modified, not singular
   * @param b matrix (d x k, float64), not modified
   * @return the solution (d x k)
   */
  public NDArray solveLower(NDArray lower, NDArray b) {
    return run(Operation.SOLVE_LOWER, lower, b).get(0);
  }

  /**
   * Computes L'^-1 B, d^2 k operations.
   *
   * @param lower lower triangular matrix L (d x d, float64), not modified, not singular
   * @param b matrix (d x k, float64), not modified
   * @return the solution (d x k)
   */
  public NDArray solveLowerTransposed(NDArray lower, NDArray b) {
    return run(Operation.SOLVE_LOWER_TRANSPOSED, lower, b).get(0);
  }

  /**
   * Spells a symmetric matrix out.
   *
   * @param lower symmetric matrix (d x d, float64), not modified; only its lower triangle is read
   * @return the same with both triangles (d x d)
   */
  public NDArray symmetric(NDArray lower) {
    return run(Operation.SYMMETRIC, lower).get(0);
  }

  /**
   * Scales a Gram matrix to a diagonal of ones: D A D, with ones, too, where the diagonal is 0.
   *
   * @param a symmetric matrix (d x d, float64), not modified; only its lower triangle is read
   * @return the scaled matrix (d x d, lower triangle) and the diagonal of D (d x 1), 0 where that
   *     of a is 0
   */
  public UnitDiagonal unitDiagonal(NDArray a) {
    NDList result = run(Operation.UNIT_DIAGONAL, a);
    return new UnitDiagonal(result.get(0), result.get(1));
  }

  /**
   * The least element on the diagonal.
   *
   * @param a square matrix (d x d, float64), not modified
   * @return the smallest
   */
  public double leastOfDiagonal(NDArray a) {
    return number(run(Operation.LEAST_OF_DIAGONAL, a));
  }

  /**
   * Cholesky factor of a symmetric positive definite matrix, {@code a = L L'}.
   *
   * @param a symmetric matrix (d x d, float64), not modified; only its lower triangle is read
   * @return L (d x d), zero above the diagonal; empty if {@code a} is not positive definite in
   *     floating point
   */
  public Optional<NDArray> cholesky(NDArray a) {
    NDList result = run(Operation.CHOLESKY, a);
    NDArray factor = result.get(0);
    try (NDArray info = result.get(1)) {
      if (info.toIntArray()[0] == 0) {
        return Optional.of(factor);
      }
    }
    factor.close();
    return Optional.empty();
  }

  /**
   * Multiplies a matrix by a number and adds a multiple of the identity, in place.
   *
   * @param a matrix (d x d, float64), overwritten
   * @param weight factor of a
   * @param diagonal what is added to each diagonal element
   */
  public void scaleAndShift(NDArray a, double weight, double diagonal) {
    try (NDArray coefficients = a.getManager().create(new double[] {weight, diagonal})) {
      run(Operation.SCALE_AND_SHIFT, a, coefficients).get(0).close();
    }
  }

  /**
   * Lower triangle of A'A, n d^2 operations.
   *
   * @param a matrix (n x d, float64), not modified
   * @return symmetric matrix (d x d), meaningful in its lower triangle only
   */
  public NDArray lowerGram(NDArray a) {
    return run(Operation.LOWER_GRAM, a).get(0);
  }

  /**
   * Lower triangle of {@code zWeight Z'Z + lowerWeight L'L}, n d^2 + d^3 / 3 operations.
   *
   * @param z matrix (n x d, float64), not modified
   * @param lower lower triangular matrix L (d x d, float64), not modified
   * @param zWeight factor of Z'Z
   * @param lowerWeight factor of L'L
   * @return symmetric matrix (d x d), meaningful in its lower triangle only
   */
  public NDArray lowerGramSum(NDArray z, NDArray lower, double zWeight, double lowerWeight) {
    try (NDArray weights = z.getManager().create(new double[] {zWeight, lowerWeight})) {
      return run(Operation.LOWER_GRAM_SUM, z, lower, weights).get(0);
    }
  }

  /**
   * Squared Frobenius norm of A'A, which is that of AA'; n d min(n, d) operations.
   *
   * @param a matrix (n x d, float64), not modified
   * @return the sum of the squares of all elements of A'A
   */
  public double squaredGramNorm(NDArray a) {
    if (a.getShape().get(1) <= a.getShape().get(0)) {
      return number(run(Operation.SQUARED_GRAM_NORM, a));
    }
    try (NDArray transposed = a.transpose()) {
      return number(run(Operation.SQUARED_GRAM_NORM, transposed));
    }
  }

  /**
   * Squared Frobenius norm of a symmetric matrix.
   *
   * @param lower symmetric matrix (d x d, float64), not modified; only its lower triangle is read
   * @return the sum of the squares of all elements, upper triangle included
   */
  public double squaredNorm(NDArray lower) {
    return number(run(Operation.SQUARED_NORM, lower));
  }

  /**
   * Sum of the products of the elements of two symmetric matrices.
   *
   * @param a symmetric matrix (d x d, float64), not modified; only its lower triangle is read
   * @param b symmetric matrix (d x d, float64), likewise
   * @return the sum over all elements, upper triangle included
   */
  public double lowerInnerProduct(NDArray a, NDArray b) {
    return number(run(Operation.LOWER_INNER_PRODUCT, a, b));
  }

  /**
   * Computes X L.
   *
   * @param x matrix (n x d, float64), not modified
   * @param lower lower triangular matrix L (d x d, float64), not modified
   * @return the product (n x d)
   */
  public NDArray timesLower(NDArray x, NDArray lower) {
    return run(Operation.TIMES_LOWER, x, lower).get(0);
  }

  /**
   * Computes X L'.
   *
   * @param x matrix (n x d, float64), not modified
   * @param lower lower triangular matrix L (d x d, float64), not modified
   * @return the product (n x d)
   */
  public NDArray timesLowerTransposed(NDArray x, NDArray lower) {
    return run(Operation.TIMES_LOWER_TRANSPOSED, x, lower).get(0);
  }

  /**
   * Fills the upper triangle of a symmetric matrix, in place.
   *
   * @param lower symmetric matrix (d x d, float64), given by its lower triangle
   */
  public void fillUpper(NDArray lower) {
    run(Operation.MIRROR_LOWER, lower).get(0).close();
  }

  /**
   * Lower triangle of {@code L' (weight S + diagonal I) L}, 4/3 d^3 operations.
   *
   * @param s symmetric matrix (d x d, float64), given by its lower triangle; its upper triangle is
   *     filled
   * @param lower lower triangular matrix L (d x d, float64), not modified
   * @param weight factor of S
   * @param diagonal what is added to its diagonal
   * @return symmetric matrix (d x d), meaningful in its lower triangle only
   */
  public NDArray congruence(NDArray s, NDArray lower, double weight, double diagonal) {
    try (NDArray coefficients = s.getManager().create(new double[] {weight, diagonal})) {
      return run(Operation.CONGRUENCE, s, lower, coefficients).get(0);
    }
  }

  /**
   * Computes {@code L S L'}, 4/3 d^3 operations.
   *
   * @param s symmetric matrix (d x d, float64), given by its lower triangle; its upper triangle is
   *     filled
   * @param lower lower triangular matrix L (d x d, float64), not modified
   * @return symmetric matrix (d x d), all of it
   */
  public NDArray transposedCongruence(NDArray s, NDArray lower) {
    return run(Operation.TRANSPOSED_CONGRUENCE, s, lower).get(0);
  }

  /**
   * Lower triangular factor of AA': R' of {@code A' = Q R}.
   *
   * @param a square matrix (d x d, float64), not modified
   * @return L (d x d), zero above the diagonal, with {@code L L' = A A'}
   */
  public NDArray lowerFactor(NDArray a) {
    try (NDArray transposed = a.transpose()) {
      NDList result = run(Operation.QR, transposed);
      result.get(0).close();
      try (NDArray upper = result.get(1);
          NDArray lower = upper.transpose()) {
        return lower.duplicate();
      }
    }
  }

  /**
   * Adds rows to moments, in place.
   *
   * @param rows samples (n x d, float64, n at least 1), not modified
   * @param moments those of the samples so far, changed
   */
  public void addRows(NDArray rows, Moments moments) {
    run(
            Operation.ADD_ROWS,
            rows,
            moments.mean(),
            moments.scatter(),
            moments.third(),
            moments.sums())
        .close();
  }

  /**
   * Adds the moments of other rows to moments, in place.
   *
   * @param moments those of some samples, changed
   * @param other those of at least one other sample, not modified
   */
  public void merge(Moments moments, Moments other) {
    run(
            Operation.MERGE_MOMENTS,
            moments.mean(),
            moments.scatter(),
            moments.third(),
            moments.sums(),
            other.mean(),
            other.scatter(),
            other.third(),
            other.sums())
        .close();
  }

  /**
   * Orthonormal basis of a space that contains the columns of a matrix: Q of {@code a = Q R}.
   *
   * @param a matrix (d x k, float64, k at most d), not modified
   * @return Q (d x k), orthonormal columns also where {@code a} lacks full rank
   */
  public NDArray orthonormalBasis(NDArray a) {
    NDList result = run(Operation.QR, a);
    result.get(1).close();
    return result.get(0);
  }

  @Override
  public void close() {
    SHARED.remove(device, this);
    programs.values().forEach(Model::close);
  }

  /** Runs a program; its first argument decides where results live. */
  NDList run(Operation operation, NDArray... arguments) {
    for (NDArray argument : arguments) {
      if (argument.getDataType() != DataType.FLOAT64) {
        throw new IllegalArgumentException(
            "matrix must be float64, got " + argument.getShape() + " " + argument.getDataType());
      }
    }
    NDManager manager = arguments[0].getManager();
    Block block = programs.computeIfAbsent(operation, one -> load(one, device)).getBlock();
    return block.forward(new ParameterStore(manager, false), new NDList(arguments), false);
  }

  private static double number(NDList result) {
    try (NDArray value = result.get(0)) {
      return value.getDouble();
    }
  }

  private static Model load(Operation operation, Device device) {
    Model model = Model.newInstance("affinis-" + operation.word(), device, ENGINE);
    try {
      model.load(new ByteArrayInputStream(operation.archive()));
      // The engine makes an empty directory for a stream, which a killed process would leave.
      Files.deleteIfExists(model.getModelPath());
      return model;
    } catch (IOException e) {
      model.close();
      throw new UncheckedIOException(e);
    } catch (MalformedModelException e) {
      model.close();
      throw new IllegalStateException(
          "the PyTorch engine cannot load the program for " + operation.word(), e);
    }
  }

  private static void requireEngine() {
    if (!Engine.hasEngine(ENGINE)) {
      throw new IllegalStateException(
          "DJL's engine PyTorch is not on the class path, found "
              + Engine.getAllEngines()
              + ": add ai.djl.pytorch:pytorch-engine, pytorch-jni and pytorch-native-cpu");
    }
  }

  /**
   * An eigendecomposition. The arrays are not copied.
   *
   * @param values eigenvalues (d), ascending
   * @param vectors orthonormal eigenvectors (d x d), one per column
   */
  public record Eigen(NDArray values, NDArray vectors) implements AutoCloseable {
    private static final double ROUNDING = Math.ulp(1.0);

    /**
     * Returns the values, those below d rounding units of the largest raised to that. What lies
     * below is noise, of either sign, in a matrix that is known to be positive definite.
     *
     * @return new values (d), positive
     */
    public NDArray clampedValues() {
      try (NDArray largest = values.max()) {
        return values.maximum(largest.getDouble() * ROUNDING * values.size());
      }
    }

    /** Frees both arrays. */
    @Override
    public void close() {
      values.close();
      vectors.close();
    }
  }

  /**
   * A matrix scaled to a diagonal of ones. The arrays are not copied.
   *
   * @param matrix the scaled matrix (d x d, lower triangle)
   * @param scales by what each row and column was multiplied (d x 1)
   */
  public record UnitDiagonal(NDArray matrix, NDArray scales) {}

  /**
   * Moments of samples x about their mean. The arrays are not copied.
   *
   * @param mean mean of the samples (d)
   * @param scatter sum of x x' (d x d, lower triangle)
   * @param third sum of |x|^2 x (d)
   * @param sums number of samples, sum of |x|^2, sum of |x|^4 (3)
   */
  public record Moments(NDArray mean, NDArray scatter, NDArray third, NDArray sums) {}
}
