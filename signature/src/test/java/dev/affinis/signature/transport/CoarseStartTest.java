package dev.affinis.signature.transport;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CoarseStartTest {
  private static final int N = 1024;

  @Test
  void betterPotentialsHaveAHigherDualValue() {
    double[] costs = costs(N, 1, 2);
    DenseCosts source = new DenseCosts(N, costs);
    double[] v = source.columnMinima();
    double before = dualValue(costs, v);
    assertTrue(improve(source, v));
    double best = new AssignmentSolver().solve(N, costs).cost();
    double after = dualValue(costs, v);
    assertTrue(after > before, before + " " + after);
    assertTrue(after <= best * (1 + 1e-12), after + " " + best);
  }

  @Test
  void identitiesNeedNone() {
    double[] costs = costs(N, 0, 2);
    DenseCosts source = new DenseCosts(N, costs);
    double[] v = source.columnMinima();
    double[] before = v.clone();
    assertFalse(improve(source, v));
    assertArrayEquals(before, v);
  }

  /** From 512 rows on. */
  @ParameterizedTest
  @CsvSource({"511, false", "512, true"})
  void smallProblemsAreNotWorthIt(int n, boolean expected) {
    DenseCosts source = new DenseCosts(n, costs(n, 1, 2));
    double[] v = source.columnMinima();
    double[] before = v.clone();
    assertEquals(expected, improve(source, v));
    assertEquals(!expected, Arrays.equals(before, v));
  }

  /** Pairs near each other that still cost something. */
  @Test
  void nothingIsTriedWhereRowsAreContent() {
    Scripted source = new Scripted(new DenseCosts(N, costs(N, 1e-4, 2)), 0);
    double[] v = source.diagonal();
    assertFalse(improve(source, v));
    assertEquals(0, source.parts);
  }

  /** More than a sixth of 128 groups of rows have to object: 22 of them. */
  @ParameterizedTest
  @CsvSource({"0, 0", "21, 0", "22, 1", "128, 1"})
  void manyRowsHaveToObject(int objecting, int expected) {
    Scripted source = new Scripted(new DenseCosts(512, objections(512, objecting)), 0);
    improve(source, new double[512]);
    assertEquals(expected, source.parts);
  }

  /** Those of the front half are content, all others object. */
  @Test
  void rowsFromAllOverTheProblemAreAsked() {
    double[] costs = objections(512, 128);
    for (int i = 0; i < 256; i++) {
      costs[i * 512 + i] = 0;
    }
    Scripted source = new Scripted(new DenseCosts(512, costs), 0);
    improve(source, new double[512]);
    assertEquals(1, source.parts);
  }

  @Test
  void aPartThatIsNotSolvedChangesNothing() {
    Scripted source = new Scripted(new DenseCosts(512, objections(512, 128)), Double.NaN);
    double[] v = new double[512];
    assertFalse(improve(source, v));
    assertEquals(1, source.parts);
    assertArrayEquals(new double[512], v);
  }

  /** All potentials moved by the same number have the same dual value. */
  @ParameterizedTest
  @ValueSource(doubles = {-1, 1, 64})
  void equallyGoodPotentialsAreNotTaken(double shift) {
    Scripted source = new Scripted(new DenseCosts(512, objections(512, 128)), 0.25 + shift);
    double[] v = new double[512];
    Arrays.fill(v, 0.25);
    double[] before = v.clone();
    assertFalse(improve(source, v));
    assertEquals(1, source.parts);
    assertArrayEquals(before, v);
  }

  /** Each point of one side occurs twice: the second has no potential of its own. */
  @Test
  void twinsAreLeftOut() {
    double[] costs = costs(512, 1, 2);
    for (int i = 0; i < 512; i++) {
      for (int j = 1; j < 512; j += 2) {
        costs[i * 512 + j] = costs[i * 512 + j - 1];
      }
    }
    DenseCosts source = new DenseCosts(512, costs);
    double[] v = source.columnMinima();
    for (int j = 1; j < 512; j += 2) {
      v[j] = Double.NEGATIVE_INFINITY;
    }
    assertTrue(improve(source, v));
    for (int j = 0; j < 512; j++) {
      assertEquals(j % 2 == 0, Double.isFinite(v[j]), "column " + j);
    }
  }

  @ParameterizedTest
  @Tag("slow")
  @ValueSource(ints = {1, 2, 3, 8})
  void solutionsAgreeWithAugmentingPaths(int d) {
    double[] costs = costs(N, 1, d);
    double expected = new AugmentingPaths().solve(N, costs).cost();
    Assignment solved = new AssignmentSolver().solve(N, costs);
    assertEquals(expected, solved.cost(), 1e-11 * expected);
    assertTrue(solved.relativeGap() <= 1e-12, solved.toString());
  }

  /** Costs of 2, of 1 on the diagonal; in groups of 4 rows that object another column is 1/2. */
  private static double[] objections(int n, int groups) {
    double[] costs = new double[n * n];
    Arrays.fill(costs, 2);
    for (int i = 0; i < n; i++) {
      costs[i * n + i] = 1;
      if (i / 4 < groups) {
        costs[i * n + (i + 4) % n] = 0.5;
      }
    }
    return costs;
  }

  private static boolean improve(CostSource source, double[] v) {
    CandidateLists lists = new CandidateLists(source.size(), source.listLength());
    return new CoarseStart(source, lists).improve(v, source.firstTwins(), source.diagonal());
  }

  /** Squared distances between points and the same points moved by noise. */
  private static double[] costs(int n, double noise, int d) {
    return AugmentingPathsTest.flat(HardClouds.noisy(n, d, noise, 5).costs());
  }

  private static double dualValue(double[] costs, double[] v) {
    double value = 0;
    for (int i = 0; i < N; i++) {
      double least = Double.POSITIVE_INFINITY;
      for (int j = 0; j < N; j++) {
        least = Math.min(least, costs[i * N + j] - v[j]);
      }
      value += least + v[i];
    }
    return value;
  }

  /** Costs whose parts are not solved but counted, and extend to the same potential everywhere. */
  private static final class Scripted extends DelegatingCosts {
    private final double extended;
    private int parts;

    /** NaN for parts that nobody can solve. */
    Scripted(DenseCosts costs, double extended) {
      super(costs);
      this.extended = extended;
    }

    @Override
    public Assignment solvePart(int[] rows) {
      parts++;
      double[] none = new double[rows.length];
      return Double.isNaN(extended) ? null : new Assignment(rows, 0, 0, 1, none, none);
    }

    @Override
    public double[] leastOver(int[] rows, double[] u) {
      double[] potentials = new double[size()];
      Arrays.fill(potentials, extended);
      return potentials;
    }
  }
}
