package dev.affinis.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.affinis.fuzz.ClearError;
import dev.affinis.fuzz.Fuzz;
import dev.affinis.fuzz.JsonMutator;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.signature.Score;
import dev.affinis.signature.SignatureFile;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Signature files that are odd but complete are compared with one that is not, and reported. */
class ComparisonFuzzTest {
  private static final JsonMapper JSON = new JsonMapper();

  private static final Path FOLDER = Fuzz.temporaryFolder();

  private static final Path OTHER =
      Signatures.write(Signatures.of("other", 0.5, 0.75, 0.25), FOLDER, "other.json");

  private static final Fuzz FUZZ =
      Fuzz.builder()
          .setName("comparison")
          .setTarget(ComparisonFuzzTest::read)
          .optAccepted(InvalidInputException.class)
          .optSeed(json(Map.of("affinity", Score.of(0.5), "r2", Score.unavailable("too few"))))
          .optSeed(json(Map.of("affinity", Score.of(0), "entropy", Score.of(1e300))))
          .optMutator(
              new JsonMutator(
                  "affinity",
                  "r2",
                  "constructor",
                  "toString",
                  "__proto__",
                  "other",
                  "gelu",
                  "normalisation",
                  "path"))
          .build();

  private static byte[] json(Map<String, Score> scores) {
    return SignatureFile.toJson(
            Signatures.of(
                "net",
                64,
                List.of(
                    Signatures.layer(0, "a", 1, scores),
                    Signatures.layer(1, "a", 2, scores),
                    Signatures.layer(2, "b.c", 1, scores))))
        .getBytes(StandardCharsets.UTF_8);
  }

  private static void read(byte[] bytes) throws IOException {
    Path file = FOLDER.resolve("odd.json");
    Files.write(file, bytes);
    List<ComparedModel> models;
    try {
      models = ComparedModel.read(List.of(file, OTHER));
    } catch (InvalidInputException e) {
      throw ClearError.check(e, "odd.json");
    }
    Comparison comparison = Comparison.of(models, ComparisonOptions.DEFAULT);
    comparison.warnings().forEach(warning -> assertTrue(!warning.text().isBlank()));
    JsonNode tree = ComparisonJson.of(comparison);
    requireNumbers(tree);
    String page = ReportPage.json(tree);
    assertTrue(page.chars().allMatch(c -> c >= ' ' && c < 127 && c != '<' && c != '>' && c != '&'));
    assertEquals(tree.at("/models/0/name"), JSON.readTree(page).at("/models/0/name"));
    ScoreTable.write(models, new StringWriter());
  }

  /** JSON has no infinity and no NaN: what is neither must say so by being missing. */
  private static void requireNumbers(JsonNode node) {
    assertTrue(!node.isNumber() || Double.isFinite(node.doubleValue()), node::toString);
    node.forEach(ComparisonFuzzTest::requireNumbers);
  }

  /** Called by Jazzer. */
  public static void fuzzerTestOneInput(byte[] input) {
    FUZZ.execute(input);
  }

  @Test
  void nothingButAClearError() {
    FUZZ.run().requireBoth();
  }
}
