package dev.affinis.signature.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import com.fasterxml.jackson.databind.JsonNode;
import dev.affinis.signature.GoldenData;
import dev.affinis.signature.LayerSample;
import dev.affinis.signature.covariance.Covariance;
import dev.affinis.signature.covariance.Ridge;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Scores of 25 layers computed in float64 with exact optimal transport by Python: POT 0.8.2,
 * PyTorch 1.13, scikit-learn 1.2.1.
 */
class AffinityScoreGoldenTest {
  private static final double AGREEMENT = 1e-6;
  private static final int CASES = 25;

  @ParameterizedTest
  @CsvSource({"EMPIRICAL, rho_float64", "LEDOIT_WOLF, rho_float64_shrunk"})
  void agreesWithThePythonValues(Covariance covariance, String key) throws IOException {
    AffinityScore affinity =
        AffinityScore.builder().optCovariance(covariance).optRidge(Ridge.ABSOLUTE).build();
    JsonNode cases = GoldenData.json("layers.json");
    assertEquals(CASES, cases.size());
    try (NDManager manager = NDManager.newBaseManager()) {
      Map<String, NDArray> arrays = GoldenData.arrays("layers.npz", manager);
      for (JsonNode golden : cases) {
        String id = golden.get("id").asText();
        LayerSample sample = new LayerSample(arrays.get(id + "_x"), arrays.get(id + "_y"));
        AffinityResult result = affinity.measure(sample);
        assertEquals(
            golden.get(key).asDouble(), result.score().number().orElseThrow(), AGREEMENT, id);
        assertEquals(0, result.transport().orElseThrow().relativeGap(), 1e-12, id);
      }
    }
  }
}
