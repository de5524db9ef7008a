package dev.affinis.signature.score;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Against the same searches, one by one, with projections in plain Java. */
class JointSearchTest {
  private static final Separation CLOSED = Separation.closedForm(0.25);

  private static double[][] samples(int n, int d) {
    Random random = new Random(n);
    double[][] rows = new double[n][d];
    for (int i = 0; i < n; i++) {
      int group = i % 3;
      Arrays.setAll(rows[i], j -> random.nextGaussian() + (j == group ? 0.7 : 0));
    }
    return rows;
  }

  private static List<Integer> group(int n, int from, int step) {
    return IntStream.iterate(from, i -> i < n, i -> i + step).boxed().toList();
  }

  private static SeparationSearch search(double[][] rows, Contrast.Problem problem) {
    double[] mean = new double[rows[0].length];
    for (int j = 0; j < mean.length; j++) {
      int column = j;
      mean[j] =
          problem.few().stream().mapToDouble(i -> rows[i][column]).average().getAsDouble()
              - problem.many().stream().mapToDouble(i -> rows[i][column]).average().getAsDouble();
    }
    return new SeparationSearch(problem, mean, new double[mean.length], new SplittableRandom(1));
  }

  private static void run(double[][] rows, List<SeparationSearch> searches) {
    int d = rows[0].length;
    double[] values = new double[rows.length * d];
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(rows[i], 0, values, i * d, d);
    }
    try (NDManager manager = NDManager.newBaseManager();
        NDArray z = manager.create(values, new Shape(rows.length, d))) {
      int before = manager.getManagedArrays().size();
      new JointSearch(z).run(searches);
      assertEquals(before, manager.getManagedArrays().size());
    }
  }

  @Test
  void searchesTogetherFindWhatEachFindsAlone() {
    for (int d : new int[] {3, 10}) {
      double[][] rows = samples(36, d);
      List<Contrast.Problem> problems =
          List.of(
              new Contrast.Problem(group(36, 0, 3), group(36, 1, 3)),
              new Contrast.Problem(group(36, 1, 3), group(36, 2, 3)),
              new Contrast.Problem(group(36, 0, 4), group(36, 1, 2)));
      List<SeparationSearch> searches = problems.stream().map(one -> search(rows, one)).toList();
      run(rows, searches);
      for (int i = 0; i < problems.size(); i++) {
        Contrast.Problem problem = problems.get(i);
        List<Integer> numbers = new ArrayList<>(problem.few());
        numbers.addAll(problem.many());
        double[][] own = numbers.stream().map(number -> rows[number]).toArray(double[][]::new);
        SeparationSearchTest.Run alone = new SeparationSearchTest.Run(own, problem.few().size());
        Separation expected = alone.toTheEnd();
        Separation found = searches.get(i).with(CLOSED);
        // Other sums have other rounding, and so another way down.
        assertEquals(expected.order0(), found.order0(), 0.01);
        assertEquals(expected.order1(), found.order1(), 1e-3);
        assertEquals(0.25, found.order2());
        assertTrue(d > 3 || found.order1() < 1);
      }
    }
  }

  /** So many samples that two directions are projected at once, or one. */
  @Test
  void manySamplesAreProjectedInPortions() {
    for (int n : new int[] {400_000, (1 << 20) + 1}) {
      double[][] line = {{0}, {1}, {2}, {3}, {4}, {5}, {6}};
      double[][] rows = new double[n][];
      Arrays.setAll(rows, i -> line[i % 7]);
      List<SeparationSearch> searches = new ArrayList<>();
      for (int k = 0; k < 7; k++) {
        // Of values k and k + 1, or 6 and 0: above or below, but never mixed.
        List<Integer> few = List.of(k, k + 7);
        searches.add(
            search(
                rows, new Contrast.Problem(few, List.of(k + 1, k + 8, n - 1 - (n - 2 - k) % 7))));
      }
      run(rows, searches);
      for (SeparationSearch search : searches) {
        assertEquals(new Separation(1, 1, 0.25), search.with(CLOSED));
        assertTrue(search.descents().isEmpty());
      }
    }
  }

  @Test
  void withoutSearchesNothingIsDone() {
    run(samples(6, 2), List.of());
  }
}
