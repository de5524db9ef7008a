package dev.affinis.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.report.ComparisonWarning.Kind;
import dev.affinis.signature.LayerScores;
import dev.affinis.signature.Pooling;
import dev.affinis.signature.Score;
import dev.affinis.signature.Signature;
import dev.affinis.signature.compare.DynamicTimeWarping;
import dev.affinis.signature.compare.Linkage;
import dev.affinis.signature.compare.ScoreSeries.View;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ComparisonTest {
  private static final Signature LOW = Signatures.of("low", .4, .4, .4);
  private static final Signature LOWER = Signatures.of("lower", .4, .3, .3);
  private static final Signature HIGH = Signatures.of("high", .9, .8);

  @TempDir Path folder;

  private static ComparedModel model(Signature signature) {
    return new ComparedModel(
        signature.model().name(),
        Path.of(signature.model().name() + ".json"),
        Instant.EPOCH,
        signature,
        Map.of());
  }

  private static Comparison compare(Signature... signatures) {
    return compare(ComparisonOptions.DEFAULT, signatures);
  }

  private static Comparison compare(ComparisonOptions options, Signature... signatures) {
    List<ComparedModel> models = new ArrayList<>();
    for (Signature signature : signatures) {
      models.add(model(signature));
    }
    return Comparison.of(models, options);
  }

  private static List<String> texts(Comparison comparison, Kind kind) {
    return comparison.warnings().stream()
        .filter(warning -> warning.kind() == kind)
        .map(ComparisonWarning::text)
        .toList();
  }

  @Test
  void distancesAndGroupsAreThoseOfTheSeries() {
    ComparisonOptions two =
        new ComparisonOptions(
            "affinity",
            View.CALLS,
            DynamicTimeWarping.FREE,
            Linkage.SINGLE,
            OptionalInt.of(2),
            false);
    JsonNode json = ComparisonJson.of(compare(two, LOW, HIGH, LOWER));
    JsonNode distances = json.at("/distances/affinity/calls");
    // by hand: (.4 .4 .4) to (.4 .3 .3) is sqrt(2 * .01); to (.9 .8) sqrt(.25 + .16 + .16)
    assertEquals(Math.sqrt(.02), distances.at("/matrix/0/2").asDouble(), 1e-12);
    assertEquals(Math.sqrt(.57), distances.at("/matrix/0/1").asDouble(), 1e-12);
    assertEquals("[0,1,0]", distances.get("groups").toString());
    assertEquals("[\"low\",\"high\",\"lower\"]", distances.get("models").toString());
    assertEquals(0, distances.at("/merges/0/left").asInt());
    assertEquals(2, distances.at("/merges/0/right").asInt());
  }

  @Test
  void statisticsAreThoseOfTheSites() {
    JsonNode json = ComparisonJson.of(compare(HIGH));
    JsonNode calls = json.at("/models/0/statistics/affinity/calls");
    assertEquals(.85, calls.get("mean").asDouble(), 1e-12);
    assertEquals(.05, calls.get("std").asDouble(), 1e-12);
    assertEquals(.9 / .85, calls.get("max_over_mean").asDouble(), 1e-12);
    assertEquals("[[0.0]]", json.at("/distances/affinity/calls/matrix").toString());
  }

  @Test
  void modulesHoldTheirCallsAndSitesWithoutScores() {
    Signature shared =
        Signatures.of(
            "shared",
            256,
            List.of(
                Signatures.layer(0, "a", 1, Map.of("affinity", Score.of(.5))),
                Signatures.layer(1, "b", 1, Map.of("affinity", Score.unavailable("dead"))),
                Signatures.layer(2, "a", 2, Map.of("affinity", Score.of(.7)))));
    JsonNode model = ComparisonJson.of(compare(shared)).at("/models/0");
    assertEquals("[0,2]", model.at("/modules/0/layers").toString());
    assertEquals(.6, model.at("/modules/0/scores/affinity").asDouble(), 1e-12);
    assertTrue(model.at("/modules/1/scores/affinity").isNull());
    assertEquals("dead", model.at("/layers/1/notes/affinity").asText());
    assertEquals("a (call 2)", model.at("/layers/2/label").asText());
    assertEquals(2, model.at("/statistics/affinity/calls/sites").asInt());
    assertEquals(1, model.at("/statistics/affinity/modules/sites").asInt());
  }

  @Test
  void correlatesOverSitesAndOverModels() {
    List<ComparedModel> models = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      List<LayerScores> layers = new ArrayList<>();
      for (int j = 0; j < 4; j++) {
        double affinity = .1 * i + .02 * j * j;
        layers.add(
            Signatures.layer(
                j,
                "p" + j,
                1,
                Map.of("affinity", Score.of(affinity), "r2", Score.of(2 * affinity))));
      }
      models.add(
          model(Signatures.of("m" + i, 256, layers)).withNumbers(Map.of("accuracy", 1 - .2 * i)));
    }
    JsonNode json = ComparisonJson.of(Comparison.of(models, ComparisonOptions.DEFAULT));
    int found = 0;
    for (JsonNode over : json.get("correlations")) {
      assertEquals(1, over.get("coefficient").asDouble(), 1e-12);
      assertEquals(over.get("model").isNull() ? 16 : 4, over.get("pairs").asInt());
      found++;
    }
    assertEquals(2 * 5, found);
    JsonNode mean = null;
    for (JsonNode over : json.get("against")) {
      if (over.get("score").asText().equals("affinity")
          && over.get("statistic").asText().equals("mean")
          && over.get("method").asText().equals("pearson")) {
        mean = over;
      }
    }
    assertEquals(-1, mean.get("coefficient").asDouble(), 1e-12);
    assertEquals(.4, json.at("/models/3/numbers/accuracy").asDouble(), 1e-12);
  }

  @Test
  void differentSettingsAndDataAreNamed() {
    Signature other = Signatures.withPooling(HIGH, Pooling.REFERENCE);
    Comparison comparison = compare(LOW, other, LOWER);
    assertEquals(
        List.of("setting pooling differs: channel (low, lower); reference (high)"),
        texts(comparison, Kind.SETTINGS));
    assertEquals(List.of(), texts(comparison, Kind.DATA));
    Signature fewer = Signatures.of("few", 64, HIGH.layers());
    assertEquals(
        List.of("data's samples differs: 256 (low); 64 (few)"),
        texts(compare(LOW, fewer), Kind.DATA));
    assertEquals(1, texts(compare(LOW, fewer), Kind.FEW_SAMPLES).size());
    assertEquals(List.of(), compare(LOW, LOWER).warnings());
  }

  @Test
  void wideAndMissingAndEmptyAreWarnedOf() {
    LayerScores wide =
        new LayerScores(0, "fc", 1, "relu", List.of(300L), 300, Map.of("affinity", Score.of(.9)));
    LayerScores dead = Signatures.layer(1, "x", 1, Map.of("affinity", Score.unavailable("dead")));
    Comparison comparison =
        compare(
            Signatures.of("w", 256, List.of(wide, dead)), Signatures.of("none", 256, List.of()));
    assertEquals(
        List.of(
            "w: 1 of 2 sites have more channels than a quarter of the 256 samples, 1 even more than samples: their affinity tends to be too high"),
        texts(comparison, Kind.WIDE));
    assertEquals(List.of("w: no affinity for 1 of 2 sites: dead"), texts(comparison, Kind.MISSING));
    assertEquals(List.of("none: no sites were measured"), texts(comparison, Kind.EMPTY));
    JsonNode json = ComparisonJson.of(comparison);
    assertEquals("[\"w\"]", json.at("/distances/affinity/calls/models").toString());
    assertEquals(0, json.at("/models/1/nearest").size());
  }

  @Test
  void signaturesWithoutAnySiteCanBeCompared() {
    JsonNode json = ComparisonJson.of(compare(Signatures.of("none", 256, List.of())));
    assertEquals(0, json.get("distances").size());
    assertEquals(0, json.get("scores").size());
  }

  @Test
  void theNearestPublishedNetworkIsItself() {
    // torchvision's alexnet as published, see atlas.json
    Signature alexnet = Signatures.of("mine", .489, .44, .495, .529, .557, .594, .548);
    assertEquals(
        "alexnet", ComparisonJson.of(compare(alexnet)).at("/models/0/nearest/0/name").asText());
  }

  @Test
  void anUnknownScoreOrNumberOfGroupsIsAnError() {
    ComparisonOptions options = ComparisonOptions.DEFAULT;
    String score =
        assertThrows(InvalidInputException.class, () -> compare(options.withScore("affinty"), LOW))
            .getMessage();
    assertTrue(score.contains("affinty is in none of the files: choose one of affinity"), score);
    ComparisonOptions three =
        new ComparisonOptions(
            "affinity",
            View.CALLS,
            options.distance(),
            options.linkage(),
            OptionalInt.of(3),
            false);
    String groups =
        assertThrows(InvalidInputException.class, () -> compare(three, LOW, HIGH)).getMessage();
    assertTrue(groups.contains("2, got 3"), groups);
    assertThrows(InvalidInputException.class, () -> compare(LOW, LOW));
    assertThrows(InvalidInputException.class, () -> compare());
  }

  @Test
  void modelsOfTheSameNameGetTheNamesOfTheirFiles() throws IOException {
    Files.createDirectories(folder.resolve("x"));
    List<ComparedModel> models =
        ComparedModel.read(
            List.of(
                Signatures.write(LOW, folder, "a.json"),
                Signatures.write(LOW, folder, "b.json"),
                Signatures.write(LOW, folder.resolve("x"), "a.json"),
                Signatures.write(HIGH, folder, "high.json")));
    assertEquals(
        List.of("low (a)", "low (b)", "low (a) 2", "high"),
        models.stream().map(ComparedModel::name).toList());
  }

  @Test
  void theLongTableHasARowForEachScore() throws IOException {
    LayerScores layer =
        Signatures.layer(
            0, "a,\"b\"", 2, Map.of("affinity", Score.unavailable("dead,\nall of it")));
    StringWriter out = new StringWriter();
    ScoreTable.write(
        List.of(model(Signatures.of("m", 256, List.of(layer))), model(Signatures.of("n", .25))),
        out);
    assertEquals(
        """
        model,file,index,path,call,activation,type,shape,dimension,score,value,error,deviation,count,note
        m,m.json,0,"a,""b""\",2,relu,activation,4x2x2,4,affinity,,,,,"dead,
        all of it"
        n,n.json,0,b0,1,relu,activation,4x2x2,4,affinity,0.25,,,,
        """,
        out.toString());
  }

  @Test
  void numbersOfModelsAreReadFromATable() throws IOException {
    Path file = folder.resolve("accuracy.csv");
    Files.writeString(file, "\uFEFFmodel, accuracy, flops\nlow, 0.5, 12\n\nother,.1,1\nhigh,,3\n");
    List<ComparedModel> models = ModelNumbers.addTo(List.of(model(LOW), model(HIGH)), file);
    assertEquals(Map.of("accuracy", .5, "flops", 12.), models.get(0).numbers());
    assertEquals(Map.of("flops", 3.), models.get(1).numbers());
  }

  @Test
  void aTableThatIsNoneIsAnError() throws IOException {
    assertRefused("name,accuracy\nlow,.5\n", "the first line must be model");
    assertRefused("model\nlow\n", "the first line must be model");
    assertRefused("model,accuracy\nlow,high\n", "accuracy of low must be a finite number");
    assertRefused("model,accuracy\nlow,NaN\n", "accuracy of low must be a finite number");
    assertRefused("model,accuracy\nlow,.5\nlow,.6\n", "second line about low");
    assertRefused("model,accuracy\nother,.5\n", "none about the models low");
    assertRefused("", "no table of comma-separated values");
    assertRefused("model,accuracy\nlow,.5,.6\n", "no table of comma-separated values");
  }

  private void assertRefused(String text, String expected) throws IOException {
    Path file = folder.resolve("bad.csv");
    Files.writeString(file, text);
    String message =
        assertThrows(
                InvalidInputException.class,
                () -> ModelNumbers.addTo(List.of(model(LOW)), file),
                text)
            .getMessage();
    assertTrue(message.contains(expected), message);
  }
}
