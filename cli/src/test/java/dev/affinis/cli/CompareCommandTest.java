package dev.affinis.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.affinis.report.Signatures;
import dev.affinis.signature.Pooling;
import dev.affinis.signature.Signature;
import dev.affinis.signature.SignatureFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code affinis compare} as a user meets it. */
class CompareCommandTest {
  private static final Signature LOW = Signatures.of("low", .4, .4, .4);
  private static final Signature HIGH = Signatures.of("high", .9, .8);

  @TempDir Path folder;
  private Path low;
  private Path high;

  @BeforeEach
  void writeSignatures() {
    low = Signatures.write(LOW, folder, "low.json");
    high = Signatures.write(HIGH, folder, "high.json");
  }

  private static void assertBadInput(CommandRun run, String... expected) {
    assertEquals(ExitCodes.BAD_INPUT, run.code(), run.err());
    for (String part : expected) {
      assertTrue(run.err().contains(part), run.err());
    }
    assertEquals("", run.out());
  }

  @Test
  void printsStatisticsAndDistances() {
    CommandRun run = CommandRun.of("compare", low, high);
    assertEquals(ExitCodes.DONE, run.code(), run.err());
    List<String> lines = run.out().lines().toList();
    assertEquals("affinity of 2 models, by call", lines.get(0));
    assertEquals(
        List.of("low", "3", "0.4000", "0.0000", "0.4000", "0.4000", "0.4000"),
        List.of(lines.get(2).strip().split("\\s+", -1)));
    assertTrue(run.out().contains("0.7550"), run.out()); // sqrt(.57)
    assertEquals("", run.err());
  }

  @Test
  void writesJsonAndCsv() throws IOException {
    Path json = folder.resolve("c.json");
    Path csv = folder.resolve("c.csv");
    Path accuracies = folder.resolve("accuracies.csv");
    Files.writeString(accuracies, "model,accuracy\nlow,0.5\nhigh,0.6\n");
    CommandRun run =
        CommandRun.of(
            "compare",
            low,
            high,
            "--json",
            json,
            "--csv",
            csv,
            "--atlas",
            "--groups",
            2,
            "--linkage",
            "ward",
            "--distance",
            "dtw",
            "--band",
            1,
            "--view",
            "modules",
            "--accuracies",
            accuracies);
    assertEquals(ExitCodes.DONE, run.code(), run.err());
    JsonNode root = new ObjectMapper().readTree(json.toFile());
    assertEquals("affinis.comparison/1", root.get("schema").asText());
    assertEquals(
        "{\"score\":\"affinity\",\"view\":\"modules\",\"distance\":\"dtw\",\"band\":1,\"linkage\":\"ward\",\"groups\":2}",
        root.get("options").toString());
    assertEquals(37, root.at("/published/networks").size());
    assertEquals(.6, root.at("/models/1/numbers/accuracy").asDouble());
    assertEquals(1 + 3 + 2, Files.readAllLines(csv).size());
    assertTrue(run.out().contains("nearest published"), run.out());
    assertTrue(run.out().contains("group"), run.out());
  }

  @Test
  void writesTheReportAndItsCharts() throws IOException {
    Path html = folder.resolve("report.html");
    Path charts = folder.resolve("charts");
    CommandRun run = CommandRun.of("compare", low, high, "--html", html, "--static", charts);
    assertEquals(ExitCodes.DONE, run.code(), run.err());
    assertTrue(run.out().contains("wrote " + html), run.out());
    assertTrue(Files.readString(html).contains("\"name\":\"high\""));
    String chart = Files.readString(charts.resolve("signatures.svg"));
    assertTrue(chart.startsWith("<svg") && chart.contains(">high<"), chart);
    assertTrue(run.out().contains("wrote " + charts.resolve("distances.svg")), run.out());
  }

  @Test
  void oneModelIsEnough() {
    CommandRun run = CommandRun.of("compare", low);
    assertEquals(ExitCodes.DONE, run.code(), run.err());
    assertFalse(run.out().contains("distances"), run.out());
  }

  @Test
  void aModelWithoutSitesIsShownAndWarnedOf() {
    Path none = Signatures.write(Signatures.of("none", 256, List.of()), folder, "none.json");
    CommandRun run = CommandRun.of("compare", low, none);
    assertEquals(ExitCodes.DONE, run.code(), run.err());
    assertTrue(run.err().contains("warning: none: no sites were measured"), run.err());
    assertEquals(ExitCodes.DONE, CommandRun.of("compare", none).code());
  }

  @Test
  void differentSettingsAreWarnedOfAndStrictlyAnError() {
    Path other =
        Signatures.write(Signatures.withPooling(HIGH, Pooling.REFERENCE), folder, "other.json");
    CommandRun run = CommandRun.of("compare", low, other);
    assertEquals(ExitCodes.DONE, run.code(), run.err());
    assertTrue(
        run.err().contains("warning: setting pooling differs: channel (low); reference (high)"),
        run.err());
    assertBadInput(
        CommandRun.of("compare", low, other, "--strict"),
        "setting pooling differs",
        "leave out --strict");
    assertEquals(ExitCodes.DONE, CommandRun.of("compare", low, high, "--strict").code());
  }

  @Test
  void filesThatAreNoSignaturesAreNamed() throws IOException {
    Path cut = folder.resolve("cut.json");
    Files.writeString(cut, SignatureFile.toJson(LOW).substring(0, 200));
    assertBadInput(CommandRun.of("compare", low, cut), "cut.json is not complete JSON");
    Path newer = folder.resolve("newer.json");
    Files.writeString(newer, SignatureFile.toJson(LOW).replace("signature/1", "signature/9"));
    assertBadInput(
        CommandRun.of("compare", low, newer), "newer.json", "affinis.signature/9", "version");
    Files.writeString(cut, "");
    assertBadInput(CommandRun.of("compare", cut), "cut.json");
    assertBadInput(CommandRun.of("compare", folder.resolve("no.json")), "no.json does not exist");
    assertBadInput(CommandRun.of("compare", low, folder), "is a folder");
    assertBadInput(CommandRun.of("compare", low, low), "named twice");
  }

  @Test
  void wrongOptionsAreWrongUse() {
    assertEquals(ExitCodes.WRONG_USE, CommandRun.of("compare").code());
    CommandRun band = CommandRun.of("compare", low, "--band", 1, "--distance", "wasserstein");
    assertEquals(ExitCodes.WRONG_USE, band.code());
    assertTrue(band.err().contains("--band is for --distance dtw"), band.err());
    assertEquals(ExitCodes.WRONG_USE, CommandRun.of("compare", low, "--band", -1).code());
    assertEquals(ExitCodes.WRONG_USE, CommandRun.of("compare", low, "--linkage", "x").code());
    assertBadInput(CommandRun.of("compare", low, "--groups", 2), "number of groups");
    assertBadInput(CommandRun.of("compare", low, "--score", "r2"), "r2 is in none of the files");
    assertBadInput(
        CommandRun.of("compare", low, "--json", folder.resolve("no/c.json")), "does not exist");
  }
}
