package dev.affinis.signature.score;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.affinis.signature.covariance.Covariance;
import dev.affinis.signature.covariance.Ridge;
import dev.affinis.signature.transport.AffinityScore;
import dev.affinis.signature.transport.Workspace;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What is known of scores before they are computed. */
class ScoreSetTest {
  private static ScoreSet select(String... names) {
    return ScoreCatalogue.select(List.of(names), ScoreOptions.DEFAULTS);
  }

  @Test
  void anAffinityAloneTakesWhatItTakesByItself() {
    Workspace alone = AffinityScore.builder().build().workspace(2048, 64);
    assertEquals(alone, select("affinity").workspace(2048, 64));
    ScoreOptions errors = new ScoreOptions(Covariance.EMPIRICAL, Ridge.RELATIVE, 200, 0, 0);
    ScoreSet withErrors = ScoreCatalogue.select(List.of("affinity"), errors);
    assertEquals(
        AffinityScore.builder().optConfidence(200).build().workspace(2048, 64),
        withErrors.workspace(2048, 64));
    assertTrue(withErrors.workspace(2048, 64).deviceBytes() > alone.deviceBytes());
    assertEquals(Workspace.of(2048, 64), select("dead_units").workspace(2048, 64));
  }

  /**
   * Two copies of the samples, seven Gram matrices of the smaller size, and a block on the heap;
   * with classes the samples of each, on both sides, and coordinates on the heap.
   */
  @Test
  void scoresThatShareMomentsTakeTheseBesides() {
    double tall = 2 * 2048 * 64 + 7 * 64 * 64;
    double wide = 2 * 64 * 2048 + 7 * 64 * 64;
    for (ScoreSet scores :
        List.of(
            select("linear_cka"),
            select("affinity", "linear_cka"),
            select("affinity", "affinity_empirical"))) {
      assertEquals(Workspace.of(2048, 64).plus(tall, 2048 * 64), scores.workspace(2048, 64));
      assertEquals(Workspace.of(64, 2048).plus(wide, 2048 * 64), scores.workspace(64, 2048));
    }
    assertEquals(
        Workspace.of(9000, 1000).plus(2 * 9e6 + 7e6, 1 << 20), select("r2").workspace(9000, 1000));
    String separability = "separability_rest_order0_pre";
    assertEquals(
        Workspace.of(9000, 1000).plus(4 * 9e6 + 7e6, 9e6),
        select("r2", separability).workspace(9000, 1000));
  }

  @Test
  void settingsAreThoseOfTheScoresThatHaveThem() {
    assertEquals(Map.of(), select("affinity", "linear_cka", "dead_units").settings());
    assertEquals(Map.of("held_out", 0.2), select("r2_held_out").settings());
    assertEquals(Map.of("held_out", 0.2), select("linear_probe_post").settings());
    assertEquals(
        Map.of("separability_most_problems", 64),
        select("separability_pairs_order1_post").settings());
    assertEquals(Map.of("sparsity_threshold", 1e-3), select("pooled_sparsity_pre").settings());
    assertEquals(
        3, ScoreCatalogue.select(ScoreCatalogue.names(), ScoreOptions.DEFAULTS).settings().size());
  }

  @Test
  void countsAreNeededByScoresThatCount() {
    assertTrue(select("affinity", "dead_units").needsCounts());
    assertFalse(select("affinity", "pooled_sparsity_post").needsCounts());
  }

  @Test
  void scoresAreFoundByTheirNames() {
    for (String name : ScoreCatalogue.names()) {
      assertEquals(name, ScoreCatalogue.of(name, ScoreOptions.DEFAULTS).name());
    }
    assertEquals(ScoreCatalogue.names(), ScoreCatalogue.names().stream().distinct().toList());
    IllegalArgumentException unknown =
        assertThrows(
            IllegalArgumentException.class,
            () -> ScoreCatalogue.of("beauty", ScoreOptions.DEFAULTS));
    assertTrue(unknown.getMessage().startsWith("score beauty is not known"));
  }

  @Test
  void scoresThatNeedLabelsSayIt() {
    for (String name : ScoreCatalogue.names()) {
      boolean isOfClasses =
          name.startsWith("separability_")
              || name.startsWith("linear_probe")
              || name.startsWith("class_");
      assertEquals(isOfClasses, ScoreCatalogue.of(name, ScoreOptions.DEFAULTS).needsLabels(), name);
    }
  }

  /** A fifth of the samples is held out, drawn anew with each seed; both parts ascend. */
  @Test
  void samplesAreHeldOutAtRandom() {
    HeldOut split = HeldOut.of(53, 4);
    assertEquals(10, split.test().length);
    int[] all = IntStream.concat(IntStream.of(split.train()), IntStream.of(split.test())).toArray();
    assertArrayEquals(IntStream.range(0, 53).toArray(), IntStream.of(all).sorted().toArray());
    for (int[] part : List.of(split.train(), split.test())) {
      assertArrayEquals(IntStream.of(part).sorted().toArray(), part);
    }
    assertArrayEquals(split.test(), HeldOut.of(53, 4).test());
    assertFalse(Arrays.equals(split.test(), HeldOut.of(53, 5).test()));
    assertFalse(Arrays.equals(IntStream.range(0, 10).toArray(), split.test()));
  }

  @Test
  void replicatesAreNoneOrAtLeastTwo() {
    assertEquals(0, ScoreOptions.DEFAULTS.replicates());
    for (int wrong : new int[] {-1, 1}) {
      assertThrows(
          IllegalArgumentException.class,
          () -> new ScoreOptions(Covariance.EMPIRICAL, Ridge.RELATIVE, wrong, 0, 0));
    }
    assertThrows(
        IllegalArgumentException.class,
        () -> new ScoreOptions(Covariance.EMPIRICAL, Ridge.RELATIVE, 2, -1e-9, 0));
    assertEquals(2, new ScoreOptions(Covariance.EMPIRICAL, Ridge.RELATIVE, 2, 0, 0).replicates());
  }
}
