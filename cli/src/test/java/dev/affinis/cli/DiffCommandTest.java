package dev.affinis.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.affinis.report.Signatures;
import dev.affinis.signature.LayerScores;
import dev.affinis.signature.Pooling;
import dev.affinis.signature.Score;
import dev.affinis.signature.Signature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiffCommandTest {
  @TempDir Path folder;

  private Path write(String file, Signature signature) {
    return Signatures.write(signature, folder, file);
  }

  private Path write(String file, double... affinities) {
    return write(file, Signatures.of("net", affinities));
  }

  private static void assertSays(CommandRun run, int code, String... words) {
    assertEquals(code, run.code(), run.out() + run.err());
    for (String word : words) {
      assertTrue((run.out() + run.err()).contains(word), word + " in: " + run.out() + run.err());
    }
  }

  @Test
  void theExitCodeSaysWhetherSitesDifferByMoreThanTheTolerance() {
    Path before = write("old.json", .5, .25, .75);
    Path after = write("new.json", .5, .375, .625);
    CommandRun run = CommandRun.of("diff", before, after);
    assertSays(
        run,
        ExitCodes.DIFFERENT,
        "+0.1250 *",
        "-0.1250 *",
        "affinity: 2 of 3 common sites differ by more than 0; largest change +0.1250 at b1, from"
            + " 0.2500 to 0.3750",
        "2 of 3 sites differ");
    assertFalse(run.out().contains(" b0 "), run.out());
    assertEquals("", run.err());
    assertTrue(CommandRun.of("diff", before, after, "--all").out().contains(" b0 "));
    assertSays(
        CommandRun.of("diff", before, after, "--tolerance", "0.125"),
        ExitCodes.DONE,
        "more than 0.125;",
        "no site differs");
    assertSays(
        CommandRun.of("diff", before, after, "--tolerance", "0,affinity=0.2"), ExitCodes.DONE);
    assertSays(CommandRun.of("diff", before, before), ExitCodes.DONE, "no change at all");
  }

  @Test
  void sitesAndScoresOfOneFileOnlyAreTold() throws IOException {
    Score half = Score.of(.5);
    Path before =
        write(
            "old.json",
            Signatures.of(
                "net",
                256,
                List.of(
                    Signatures.layer(0, "gone", 1, Map.of("affinity", half)),
                    Signatures.layer(1, "a", 2, Map.of("affinity", half, "r2", half)))));
    Path after =
        write(
            "new.json",
            Signatures.of(
                "net",
                256,
                List.of(
                    Signatures.layer(
                        0, "a", 2, Map.of("affinity", Score.unavailable("it is dead"))))));
    Path json = folder.resolve("diff.json");
    assertSays(
        CommandRun.of("diff", before, after, "--tolerance", 9, "--json", json),
        ExitCodes.DIFFERENT,
        "only in old",
        "missing in new *",
        after + ": no affinity for a (call 2): it is dead",
        "not compared, in the old file only: r2",
        "1 site is in the old file only",
        "2 of 2 sites differ");
    JsonNode root = new ObjectMapper().readTree(json.toFile());
    assertEquals("affinis.diff/1", root.get("schema").asText());
    assertTrue(root.get("different").asBoolean());
    assertEquals(9, root.at("/tolerances/affinity").asDouble());
    assertEquals("old", root.at("/sites/0/in").asText());
    assertEquals(4, root.at("/sites/0/old_dimension").asInt());
    assertTrue(root.at("/sites/0/new_dimension").isMissingNode());
    assertEquals(.5, root.at("/sites/1/scores/affinity/old").asDouble());
    assertTrue(root.at("/sites/1/scores/affinity/new").isNull());
    assertEquals("it is dead", root.at("/sites/1/scores/affinity/new_missing").asText());
    assertTrue(root.at("/sites/1/scores/affinity/differs").asBoolean());
    assertSays(
        CommandRun.of("diff", before, after, "--score", "r2"),
        ExitCodes.DIFFERENT,
        "no r2 for a (call 2): was not measured");
  }

  @Test
  void otherSettingsAreAWarningAndWithStrictAnError() throws IOException {
    Signature signature = Signatures.of("net", .5);
    Path before = write("old.json", signature);
    Path after = write("new.json", Signatures.withPooling(signature, Pooling.REFERENCE));
    CommandRun run = CommandRun.of("diff", before, after);
    assertSays(run, ExitCodes.DONE);
    assertEquals(
        "warning: setting pooling differs: channel (old); reference (new)", run.err().strip());
    CommandRun strict = CommandRun.of("diff", before, after, "--strict");
    assertSays(strict, ExitCodes.BAD_INPUT, "setting pooling differs", "--strict");
    assertEquals("", strict.out());
    Path json = folder.resolve("diff.json");
    CommandRun.of("diff", before, after, "--json", json);
    assertEquals(
        "settings", new ObjectMapper().readTree(json.toFile()).at("/warnings/0/kind").asText());
  }

  @Test
  void unusableFilesAndOptionsAreToldApart() throws IOException {
    Path good = write("old.json", .5);
    Path half = folder.resolve("half.json");
    Files.writeString(half, Files.readString(good).substring(0, 200));
    assertSays(
        CommandRun.of("diff", good, folder.resolve("nix.json")),
        ExitCodes.BAD_INPUT,
        "nix.json does not exist");
    assertSays(CommandRun.of("diff", good, half), ExitCodes.BAD_INPUT, "not complete JSON");
    assertSays(CommandRun.of("diff", folder, good), ExitCodes.BAD_INPUT, "is a folder");
    LayerScores other = Signatures.layer(0, "b0", 1, Map.of("r2", Score.of(1)));
    Path r2 = write("r2.json", Signatures.of("net", 256, List.of(other)));
    assertSays(
        CommandRun.of("diff", good, r2), ExitCodes.BAD_INPUT, "no score in common (affinity; r2)");
    assertSays(CommandRun.of("diff", good), ExitCodes.WRONG_USE, "NEW.json");
    assertSays(
        CommandRun.of("diff", good, good, "--score", "afinity"),
        ExitCodes.WRONG_USE,
        "neither signature has a score afinity: they have affinity");
    for (String tolerance : List.of("x", "affinity=", "-1", "NaN", "r2=1", "=1")) {
      assertSays(
          CommandRun.of("diff", good, good, "--tolerance=" + tolerance),
          ExitCodes.WRONG_USE,
          "tolerance");
    }
  }
}
