package dev.affinis.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.affinis.signature.SignatureFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Small zoos in this process; whole ones in processes of their own are tested with the models. */
class ZooCommandTest {
  private static final String YAML =
      """
      data: images.npz
      settings: {samples: 16}
      shared: true
      models:
        - {model: models/one.pt, accuracy: 0.5}
        - models/two.pt
      """;

  @TempDir Path folder;
  private Path out;

  @BeforeEach
  void copyBundledFiles() throws IOException {
    out = folder.resolve("out");
    Files.createDirectories(folder.resolve("models"));
    copy("images.npz", "images.npz");
    copy("models/alexnet.traced.pt", "models/one.pt");
    copy("models/vit.traced.pt", "models/two.pt");
  }

  private void copy(String name, String file) throws IOException {
    try (InputStream in = ZooCommandTest.class.getResourceAsStream("/dev/affinis/zoo/" + name)) {
      Files.copy(in, folder.resolve(file), StandardCopyOption.REPLACE_EXISTING);
    }
  }

  private CommandRun zoo(String yaml, Object... more) throws IOException {
    Path file = Files.writeString(folder.resolve("zoo.yaml"), yaml);
    return CommandRun.of(
        Stream.concat(Stream.of("zoo", file, "--out", out), Arrays.stream(more)).toArray());
  }

  private Path signature(String name) {
    return out.resolve("signatures").resolve(name + ".json");
  }

  private static void assertSays(CommandRun run, int code, String... words) {
    assertEquals(code, run.code(), run.out() + run.err());
    for (String word : words) {
      assertTrue((run.out() + run.err()).contains(word), word + " in: " + run.out() + run.err());
    }
  }

  @Test
  void whatIsDoneAndUnchangedIsPassedOver() throws IOException {
    CommandRun dry = zoo(YAML, "--dry-run");
    assertSays(
        dry,
        ExitCodes.DONE,
        "model 2 of 2, two: to measure: not measured yet",
        "2 of 2 models would");
    assertFalse(Files.exists(out));

    assertSays(zoo(YAML), ExitCodes.DONE, "two: 5 sites in", "2 of 2 models are in");
    assertEquals("one", SignatureFile.read(signature("one")).model().name());
    assertEquals("images.npz", SignatureFile.read(signature("one")).data().source());
    byte[] one = Files.readAllBytes(signature("one"));
    byte[] two = Files.readAllBytes(signature("two"));
    assertSays(
        zoo(YAML.replace("0.5", "0.75")),
        ExitCodes.DONE,
        "one: done and unchanged",
        "two: done and unchanged");
    JsonNode comparison = new ObjectMapper().readTree(out.resolve("comparison.json").toFile());
    assertEquals(.75, comparison.at("/models/0/numbers/accuracy").asDouble());

    Files.writeString(signature("two"), "{");
    assertSays(
        zoo(YAML),
        ExitCodes.DONE,
        "one: done and unchanged",
        "two: measuring (its signature file was changed or damaged)");
    assertArrayEquals(two, Files.readAllBytes(signature("two")));

    assertSays(zoo(YAML, "--fresh"), ExitCodes.DONE, "one: measuring (asked for again)");
    assertArrayEquals(one, Files.readAllBytes(signature("one")));
    assertSays(
        zoo(YAML.replace("samples: 16", "samples: 24"), "--dry-run"),
        ExitCodes.DONE,
        "one: to measure: samples 24 instead of 16");
    copy("models/vit.traced.pt", "models/one.pt");
    assertSays(
        zoo(YAML, "--dry-run"),
        ExitCodes.DONE,
        "one: to measure: another model file",
        "1 of 2 models would be measured");
  }

  @Test
  void aFailureCostsOneModel() throws IOException {
    assertSays(zoo(YAML), ExitCodes.DONE);
    byte[] whole = Files.readAllBytes(folder.resolve("models/one.pt"));
    Files.write(folder.resolve("models/one.pt"), Arrays.copyOf(whole, whole.length / 2));
    String yaml =
        YAML
            + "  - {model: models/two.pt, name: three, settings: {sites: nix}}\n"
            + "  - {model: models/two.pt, name: four}\n";
    CommandRun run = zoo(yaml);
    assertSays(
        run,
        ExitCodes.BAD_INPUT,
        "one: cannot be measured",
        "two: done and unchanged",
        "three: failed after",
        "four: 5 sites in",
        "2 of 4 models are in",
        "2 failed",
        signature("one") + " is left from an earlier run and not in the report",
        "three failed: no site of the model has a path that fits nix");
    assertTrue(
        run.err().lines().anyMatch(line -> line.matches("one failed: model .* truncated .*")),
        run.err());
    assertFalse(Files.exists(signature("three")));
    JsonNode comparison = new ObjectMapper().readTree(out.resolve("comparison.json").toFile());
    assertEquals(2, comparison.get("models").size());
  }

  @Test
  void missingScoresHaveTheirCodeHoweverOftenItRuns() throws IOException {
    String yaml =
        YAML.replace("samples: 16", "samples: 16, scores: [saturated_units]")
            .replace("  - models/two.pt\n", "");
    assertSays(zoo(yaml), ExitCodes.SCORES_MISSING, "relu has no");
    assertSays(zoo(yaml), ExitCodes.SCORES_MISSING, "one: done and unchanged");
  }

  @Test
  void nothingIsMeasuredBeforeTheWholeFileWasChecked() throws IOException {
    CommandRun run = zoo(YAML + "  - nix.pt\n");
    assertSays(run, ExitCodes.BAD_INPUT, "models[2].model: model", "nix.pt does not exist");
    assertEquals(1, run.err().lines().count(), run.err());
    assertFalse(Files.exists(out));
    assertSays(CommandRun.of("zoo"), ExitCodes.WRONG_USE, "FILE.yaml");
    assertSays(
        CommandRun.of("zoo", folder.resolve("nix.yaml")), ExitCodes.BAD_INPUT, "does not exist");
    assertSays(CommandRun.of("zoo", folder), ExitCodes.BAD_INPUT, "is no file");
  }
}
