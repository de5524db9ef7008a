package dev.affinis.signature;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LayerSampleTest {
  private final NDManager manager = NDManager.newBaseManager();

  @AfterEach
  void close() {
    manager.close();
  }

  @Test
  void countsItsSamples() {
    NDArray rows = manager.zeros(new Shape(3, 2));
    assertEquals(3, new LayerSample(rows, rows).size());
    assertEquals(List.of(0, 2, 0), new LayerSample(rows, rows, List.of(0, 2, 0)).labels());
  }

  @Test
  void bothSidesAreMatricesOfFloatsWithARowPerSample() {
    NDArray rows = manager.zeros(new Shape(3, 2));
    NDArray vector = manager.zeros(new Shape(3));
    NDArray integers = manager.zeros(new Shape(3, 2), DataType.INT32);
    requireRefused("pre must be samples x channels of a float type, got (3) float32", vector, rows);
    requireRefused("post must be samples x channels of a float type, got (3) f", rows, vector);
    requireRefused("pre must be samples x channels", integers, rows);
    requireRefused("post must be samples x channels", rows, integers);
    NDArray more = manager.zeros(new Shape(4, 2));
    requireRefused("a row per sample each, got 3 and 4 rows", rows, more);
  }

  @Test
  void labelsAreOnePerSampleAndNumberedFrom0() {
    NDArray rows = manager.zeros(new Shape(3, 2));
    requireRefused("got 2 labels of 3 samples", rows, rows, 0, 1);
    requireRefused("classes numbered from 0, got -7", rows, rows, 1, -7, -8);
  }

  private static void requireRefused(String message, NDArray pre, NDArray post, Integer... labels) {
    String found =
        assertThrows(
                IllegalArgumentException.class, () -> new LayerSample(pre, post, List.of(labels)))
            .getMessage();
    assertTrue(found.contains(message), found);
  }

  @ParameterizedTest
  @CsvSource({"0, 0, 0, 1, 0, 0", "1, 1, 1, 5, 5, 1", "2.5, 0.5, 0.5, 5, 1, 0.5"})
  void sharesAreFrom0To1AndDeadChannelsAmongAll(
      double threshold, double inputs, double outputs, int channels, int dead, double saturation) {
    UnitCounts counts =
        new UnitCounts(threshold, inputs, outputs, channels, dead, Score.of(saturation));
    assertEquals(dead, counts.deadChannels());
  }

  @ParameterizedTest
  @CsvSource({
    "0, -0.1, 0, 1, 0, 0",
    "0, 1.1, 0, 1, 0, 0",
    "0, NaN, 0, 1, 0, 0",
    "0, 0, -0.1, 1, 0, 0",
    "0, 0, 1.1, 1, 0, 0",
    "0, 0, 0, 1, 0, -0.1",
    "0, 0, 0, 1, 0, 1.1",
    "-1, 0, 0, 1, 0, 0",
    "NaN, 0, 0, 1, 0, 0",
    "0, 0, 0, 0, 0, 0",
    "0, 0, 0, 1, -1, 0",
    "0, 0, 0, 1, 2, 0"
  })
  void countsThatCannotBeAreRefused(
      double threshold, double inputs, double outputs, int channels, int dead, double saturation) {
    assertThrows(
        IllegalArgumentException.class,
        () -> new UnitCounts(threshold, inputs, outputs, channels, dead, Score.of(saturation)));
  }

  /** What a score of one's own gets and gives unless it says otherwise. */
  @Test
  void aScoreFunctionNeedsNothingButRowsAndHasNoError() {
    ScoreFunction constant =
        new ScoreFunction() {
          @Override
          public String name() {
            return "constant";
          }

          @Override
          public Score score(LayerSample sample) {
            return Score.of((double) sample.size());
          }
        };
    assertFalse(constant.needsCounts());
    assertFalse(constant.needsLabels());
    assertFalse(constant.needsBounds());
    NDArray rows = manager.zeros(new Shape(3, 2));
    ScoreFunction.Estimate estimate = constant.estimate(new LayerSample(rows, rows));
    assertEquals(Score.of(3), estimate.score());
    assertTrue(estimate.error().isEmpty());
    assertTrue(estimate.gap().isEmpty());
  }
}
