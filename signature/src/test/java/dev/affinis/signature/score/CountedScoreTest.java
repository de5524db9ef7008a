package dev.affinis.signature.score;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.affinis.signature.LayerSample;
import dev.affinis.signature.Score;
import dev.affinis.signature.UnitCounts;
import dev.affinis.signature.transport.AffinityScore;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class CountedScoreTest {
  private static final List<CountedScore> ALL =
      List.of(
          CountedScore.sparsityPre(),
          CountedScore.sparsityPost(),
          CountedScore.deadUnits(),
          CountedScore.saturatedUnits());

  private final NDManager manager = NDManager.newBaseManager("PyTorch");

  @AfterEach
  void close() {
    manager.close();
  }

  private LayerSample sample(NDArray pre, UnitCounts counts) {
    NDArray post = manager.ones(pre.getShape());
    return new LayerSample(pre, post, List.of(), Optional.of(counts));
  }

  @Test
  void scoresAreTheSharesThatWereCounted() {
    UnitCounts counts = new UnitCounts(1e-3, 0.25, 0.5, 8, 3, Score.of(0.125));
    LayerSample sample = sample(manager.ones(new Shape(2, 8)), counts);
    assertEquals(
        List.of(Score.of(0.25), Score.of(0.5), Score.of(0.375), Score.of(0.125)),
        ALL.stream().map(score -> score.score(sample)).toList());
    assertTrue(ALL.stream().allMatch(CountedScore::needsCounts));
    assertEquals(
        List.of(false, false, false, true), ALL.stream().map(CountedScore::needsBounds).toList());
    assertFalse(AffinityScore.builder().build().needsCounts());
  }

  @Test
  void whatCannotBeCountedGivesTheReason() {
    NDArray rows = manager.ones(new Shape(2, 8));
    UnitCounts counts = new UnitCounts(0, 0, 0, 8, 0, Score.unavailable("no bounds"));
    assertEquals(
        Score.unavailable("no bounds"), CountedScore.saturatedUnits().score(sample(rows, counts)));
    for (CountedScore score : ALL) {
      assertTrue(reason(score.score(new LayerSample(rows, rows))).contains("optCounts"));
      for (float bad : new float[] {Float.NaN, Float.NEGATIVE_INFINITY}) {
        NDArray broken = manager.create(new float[] {1, bad}, new Shape(2, 1));
        assertTrue(reason(score.score(sample(broken, counts))).contains("NaN"));
      }
    }
  }

  private static String reason(Score score) {
    return score.map(value -> "it is " + value, reason -> reason);
  }

  @Test
  void countsAreChecked() {
    Score none = Score.unavailable("none");
    assertThrows(IllegalArgumentException.class, () -> new UnitCounts(0, 1.1, 0, 1, 0, none));
    assertThrows(IllegalArgumentException.class, () -> new UnitCounts(0, 0, -0.1, 1, 0, none));
    assertThrows(
        IllegalArgumentException.class, () -> new UnitCounts(0, 0, 0, 1, 0, Score.of(1.5)));
    assertThrows(IllegalArgumentException.class, () -> new UnitCounts(0, 0, 0, 1, 2, none));
    assertThrows(IllegalArgumentException.class, () -> new UnitCounts(-1, 0, 0, 1, 0, none));
    assertThrows(
        IllegalArgumentException.class, () -> new UnitCounts(Double.NaN, 0, 0, 1, 0, none));
  }
}
