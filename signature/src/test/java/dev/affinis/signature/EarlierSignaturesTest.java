package dev.affinis.signature;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Files as earlier versions wrote them, of the bundled vision transformer: they must be read for
 * ever. Add one whenever something is added to the format, and never change one.
 */
class EarlierSignaturesTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  private static byte[] file(String name) throws IOException {
    try (InputStream in = EarlierSignaturesTest.class.getResourceAsStream("earlier/" + name)) {
      return in.readAllBytes();
    }
  }

  private Signature read(String name) throws IOException {
    return SignatureFile.read(Files.write(folder.resolve(name), file(name)));
  }

  private static double affinity(Signature signature, int layer) {
    return signature.layers().get(layer).scores().get("affinity").number().orElseThrow();
  }

  @ParameterizedTest
  @ValueSource(strings = {"measured-alone.json", "with-confidence.json", "all-scores.json"})
  void everythingInItIsKept(String name) throws IOException {
    JsonNode written = JSON.readTree(file(name));
    JsonNode again = JSON.readTree(SignatureFile.toJson(read(name)));
    requireAll("", written, again);
  }

  /** Every value of the file stands in the same place; newer versions may add others. */
  private static void requireAll(String place, JsonNode before, JsonNode now) {
    if (before instanceof ObjectNode) {
      before
          .properties()
          .forEach(
              field ->
                  requireAll(
                      place + "/" + field.getKey(), field.getValue(), now.path(field.getKey())));
    } else if (before.isArray()) {
      assertEquals(before.size(), now.size(), place);
      for (int i = 0; i < before.size(); i++) {
        requireAll(place + "/" + i, before.get(i), now.get(i));
      }
    } else {
      assertEquals(before, now, place);
    }
  }

  @Test
  void theFirstOnesHadScoresAlone() throws IOException {
    Signature signature = read("measured-alone.json");
    assertEquals(5, signature.layers().size());
    assertEquals("blocks.0.mlp.act", signature.layers().get(0).path());
    assertEquals(0.5388595779805486, affinity(signature, 0));
    assertEquals(24, signature.data().samples());
  }

  @Test
  void laterOnesHadStandardErrorsAndCertificates() throws IOException {
    LayerScores layer = read("with-confidence.json").layers().get(4);
    assertEquals(0.0136, layer.errors().get("affinity").number().orElseThrow(), 5e-5);
    assertEquals(1, layer.gaps().size());
  }

  @Test
  void andSeveralSetsOfSamples() throws IOException {
    Signature signature = read("all-scores.json");
    LayerScores layer = signature.layers().get(0);
    assertEquals(2, layer.batches().get("affinity").count());
    assertEquals("patches", signature.settings().more().get("tokens"));
  }
}
