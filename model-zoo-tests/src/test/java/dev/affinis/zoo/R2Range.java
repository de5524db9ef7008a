package dev.affinis.zoo;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.affinis.signature.linalg.DenseAlgebra;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What R2 a least-squares fit may have, depending on which directions of the input it sees.
 *
 * <p>A solver in float32 does not tell a direction from rounding if its singular value is below
 * {@code max(n, d)} rounding units of the largest, the usual tolerance of a matrix's numerical
 * rank. Rows that are linear in fewer numbers than they have columns, as behind a widening
 * convolution, have many such directions, and with enough of them noise explains a good part of any
 * output.
 *
 * @param visible what the other directions explain
 * @param best what all directions explain, the most that any fit can
 */
record R2Range(double visible, double best) {
  private static final double FLOAT32 = 0x1p-24;
  private static final double FLOAT64 = 1e-13;

  /** The range for rows x (n x d) and y (n x k), not modified. */
  static R2Range of(double[][] x, double[][] y) {
    double[][] columns = centredColumns(x);
    double[][] outputs = centredColumns(y);
    return new R2Range(explained(visible(columns), outputs), explained(all(columns), outputs));
  }

  /** Whether an R2 is one that a fit to some of these directions may have. */
  boolean contains(double r2, double tolerance) {
    return r2 >= visible - tolerance && r2 <= best + tolerance;
  }

  /** Whether an R2 is that of all directions, or that of those that float32 sees. */
  boolean isEnd(double r2, double tolerance) {
    return Math.abs(r2 - visible) <= tolerance || Math.abs(r2 - best) <= tolerance;
  }

  private static double[][] centredColumns(double[][] rows) {
    double[][] columns = new double[rows[0].length][rows.length];
    for (int j = 0; j < columns.length; j++) {
      int column = j;
      double mean = Arrays.stream(rows).mapToDouble(row -> row[column]).average().orElseThrow();
      for (int i = 0; i < rows.length; i++) {
        columns[j][i] = rows[i][j] - mean;
      }
    }
    return columns;
  }

  /** An orthonormal basis of all columns: Gram-Schmidt, twice, which float64 is enough for. */
  private static List<double[]> all(double[][] columns) {
    List<double[]> basis = new ArrayList<>();
    for (double[] column : columns) {
      double[] rest = column.clone();
      double length = Math.sqrt(dot(rest, rest));
      subtract(rest, basis);
      subtract(rest, basis);
      double left = Math.sqrt(dot(rest, rest));
      if (left > FLOAT64 * length) {
        basis.add(Arrays.stream(rest).map(v -> v / left).toArray());
      }
    }
    return basis;
  }

  /** An orthonormal basis of the directions that float32 sees: eigenvectors of XX'. */
  private static List<double[]> visible(double[][] columns) {
    int n = columns[0].length;
    double least = Math.max(columns.length, n) * FLOAT32;
    DenseAlgebra algebra = DenseAlgebra.on(Device.cpu());
    try (NDManager manager = algebra.newManager();
        NDArray x = manager.create(columns);
        NDArray gram = x.transpose().matMul(x);
        DenseAlgebra.Eigen eigen = algebra.symmetricEigen(gram);
        NDArray rows = eigen.vectors().transpose()) {
      double[] values = eigen.values().toDoubleArray();
      double[] vectors = rows.toDoubleArray();
      List<double[]> basis = new ArrayList<>();
      for (int k = 0; k < n; k++) {
        if (values[k] > least * least * values[n - 1]) {
          basis.add(Arrays.copyOfRange(vectors, k * n, (k + 1) * n));
        }
      }
      return basis;
    }
  }

  private static void subtract(double[] vector, List<double[]> basis) {
    for (double[] b : basis) {
      double along = dot(b, vector);
      for (int i = 0; i < vector.length; i++) {
        vector[i] -= along * b[i];
      }
    }
  }

  /** The mean over columns of the share of their squares within a span; a constant one has all. */
  private static double explained(List<double[]> basis, double[][] columns) {
    double sum = 0;
    for (double[] column : columns) {
      double total = dot(column, column);
      double part = basis.stream().mapToDouble(b -> Math.pow(dot(b, column), 2)).sum();
      sum += total == 0 ? 1 : part / total;
    }
    return sum / columns.length;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }
}
