package dev.affinis.benchmarks;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import dev.affinis.signature.transport.Assignment;
import dev.affinis.signature.transport.AssignmentSolver;
import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Solves assignment problems for {@code emd2.py}, which times another solver on the same ones. For
 * each line of standard input, the name of an {@code .npy} file with costs (n x n, float64) or
 * nothing for the one before once more, it answers with a line {@code SECONDS COST RELATIVE_GAP
 * FIXED}: the time of solving alone, the minimum, its certificate, and how many rows have the
 * column of their own number.
 */
public final class SolveCosts {
  private SolveCosts() {}

  /**
   * Answers until standard input ends.
   *
   * @param args none
   * @throws IOException if a file cannot be read
   */
  public static void main(String[] args) throws IOException {
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    AssignmentSolver solver = new AssignmentSolver();
    double[] costs = {};
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      if (!line.isEmpty()) {
        costs = new double[0]; // not two matrices at a time
        costs = read(Path.of(line));
      }
      System.out.println(solve(solver, costs));
    }
  }

  private static String solve(AssignmentSolver solver, double[] costs) {
    int n = (int) Math.round(Math.sqrt(costs.length));
    long start = System.nanoTime();
    Assignment assignment = solver.solve(n, costs);
    double seconds = (System.nanoTime() - start) / 1e9;
    int fixed = 0;
    for (int i = 0; i < n; i++) {
      fixed += assignment.columnOf(i) == i ? 1 : 0;
    }
    return seconds + " " + assignment.cost() + " " + assignment.relativeGap() + " " + fixed;
  }

  private static double[] read(Path file) throws IOException {
    try (NDManager manager = NDManager.newBaseManager("PyTorch");
        InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
      return NDList.decode(manager, in).singletonOrThrow().toDoubleArray();
    }
  }
}
