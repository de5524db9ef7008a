package dev.affinis.signature;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.affinis.signature.covariance.Covariance;
import dev.affinis.signature.covariance.Ridge;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SignatureFileTest {
  @TempDir Path folder;

  @Test
  void readsBackWhatItWrote() throws IOException {
    Path file = folder.resolve("sig.json");
    SignatureFile.write(example(), file);
    assertEquals(example(), SignatureFile.read(file));
  }

  @Test
  void writesTheKeysOfTheSchemaInOrder() {
    String expected =
        """
        {"schema":"affinis.signature/1",
        "model":{"name":"alexnet","runtime":"torchscript","sha256":"ab12","parameters":61100840},
        "data":{"source":"photos","samples":512,"seed":0,"preprocess":{"resize":[224,224],"antialias":true}},
        "settings":{"pooling":"channel","covariance":"ledoit-wolf","ridge":"relative","device":"cpu","engine":"PyTorch 2.7.1","threads":2},
        "layers":[{"index":0,"path":"features.1","call":1,"activation":"relu","shape":[64,55,55],"dimension":64,
        "scores":{"affinity":0.6875,"linear_cka":null,"tiny":1.25E-8},"notes":{"linear_cka":"why it is missing"}}],
        "skipped":[{"path":"cpb_mlp.1","call":2,"activation":"relu","reason":"not per sample"}]}\
        """;
    assertEquals(withoutSpace(expected), withoutSpace(SignatureFile.toJson(example())));
  }

  @Test
  void standardErrorsStandBesideTheScoresAndAreReadBack() throws IOException {
    Map<String, Score> scores = new LinkedHashMap<>();
    scores.put("affinity", Score.of(0.6875));
    scores.put("linear_cka", Score.of(0.5));
    Map<String, Score> errors = new LinkedHashMap<>();
    errors.put("affinity", Score.of(0.0031));
    errors.put("linear_cka", Score.unavailable("too few samples"));
    Signature signature =
        with(
            new LayerScores(
                0, "relu", 1, "relu", List.of(64L), 64, scores, errors, Map.of("affinity", 1e-16)));
    String json = withoutSpace(SignatureFile.toJson(signature));
    String expected =
        """
        "scores":{"affinity":0.6875,"linear_cka":0.5},"errors":{"affinity":0.0031,"linear_cka":null},
        "gaps":{"affinity":1.0E-16},"notes":{"errors.linear_cka":"toofewsamples"}}\
        """;
    assertTrue(json.contains(withoutSpace(expected)), json);
    Path file = folder.resolve("errors.json");
    SignatureFile.write(signature, file);
    assertEquals(signature, SignatureFile.read(file));
    Files.writeString(file, Files.readString(file).replace("0.0031", "true"));
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> SignatureFile.read(file));
    assertTrue(e.getMessage().contains("errors.affinity must be a number"), e.getMessage());
  }

  @Test
  void filesWithoutErrorsAreReadAndWrittenAsTheyWere() throws IOException {
    assertTrue(example().layers().get(0).errors().isEmpty());
    Path file = folder.resolve("old.json");
    SignatureFile.write(example(), file);
    assertFalse(Files.readString(file).contains("errors"));
    assertFalse(Files.readString(file).contains("gaps"));
    assertEquals(Map.of(), SignatureFile.read(file).layers().get(0).errors());
  }

  @Test
  void batchesStandBesideTheirMeansAndAreReadBack() throws IOException {
    BatchScores affinity =
        new BatchScores(
            List.of(Score.of(0.5), Score.unavailable("constant"), Score.of(0.75), Score.of(0.25)));
    BatchScores cka = new BatchScores(List.of(Score.unavailable("why"), Score.of(0.5)));
    Map<String, Score> scores = new LinkedHashMap<>();
    scores.put("affinity", affinity.mean());
    scores.put("linear_cka", cka.mean());
    Map<String, BatchScores> batches = new LinkedHashMap<>();
    batches.put("affinity", affinity);
    batches.put("linear_cka", cka);
    Signature signature =
        with(
            new LayerScores(
                0,
                "relu",
                1,
                "relu",
                LayerScores.ACTIVATION,
                List.of(64L),
                64,
                scores,
                Map.of(),
                Map.of(),
                batches));
    String expected =
        """
        "scores":{"affinity":0.5,"linear_cka":0.5},"deviations":{"affinity":0.25},
        "counts":{"affinity":3,"linear_cka":1},
        "values":{"affinity":[0.5,null,0.75,0.25],"linear_cka":[null,0.5]},
        "notes":{"values.affinity.2":"constant","values.linear_cka.1":"why"}}\
        """;
    String json = withoutSpace(SignatureFile.toJson(signature));
    assertTrue(json.contains(withoutSpace(expected)), json);
    Path file = folder.resolve("batches.json");
    SignatureFile.write(signature, file);
    assertEquals(signature, SignatureFile.read(file));
    assertFalse(SignatureFile.toJson(example()).contains("deviations"));
    Files.writeString(file, Files.readString(file).replace("0.75", "\"x\""));
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> SignatureFile.read(file));
    assertTrue(e.getMessage().contains("values.affinity"), e.getMessage());
  }

  @Test
  void batchesWithoutAnyScoreGiveTheFirstReason() {
    BatchScores none = new BatchScores(List.of(Score.unavailable("a"), Score.unavailable("b")));
    assertEquals(Score.unavailable("a"), none.mean());
    assertEquals(0, none.count());
    assertTrue(none.deviation().isEmpty());
    assertTrue(new BatchScores(List.of(Score.of(.5))).deviation().isEmpty());
    assertEquals(
        Math.sqrt(.125),
        new BatchScores(List.of(Score.of(.25), Score.of(.75))).deviation().orElseThrow(),
        1e-15);
    assertThrows(IllegalArgumentException.class, () -> new BatchScores(List.of()));
  }

  @Test
  void classesAreWrittenWhereTheyAreKnownAndReadBack() throws IOException {
    Signature plain = example();
    assertFalse(SignatureFile.toJson(plain).contains("class"));
    Signature.Data data = plain.data();
    Signature labelled =
        new Signature(
            plain.model(),
            new Signature.Data(
                data.source(),
                data.samples(),
                data.seed(),
                data.preprocess(),
                Signature.Classes.of(List.of(4, 0, 4, 4, 9, 0), 6)),
            plain.settings(),
            plain.layers(),
            plain.skipped());
    String json = withoutSpace(SignatureFile.toJson(labelled));
    assertTrue(json.contains("\"seed\":0,\"classes\":3,\"smallest_class\":1,\"pre"), json);
    Path file = folder.resolve("classes.json");
    SignatureFile.write(labelled, file);
    assertEquals(labelled, SignatureFile.read(file));
    Files.writeString(file, Files.readString(file).replace("\"classes\" : 3", "\"classes\" : 0"));
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> SignatureFile.read(file));
    assertTrue(e.getMessage().contains("classes"), e.getMessage());
    assertEquals(1, new Signature.Classes(1, 1).smallest());
    assertThrows(IllegalArgumentException.class, () -> new Signature.Classes(0, 1));
    assertThrows(IllegalArgumentException.class, () -> new Signature.Classes(1, 0));
  }

  @Test
  void anotherSourceIsAllThatChanges() {
    Signature moved = example().withSource("elsewhere");
    assertEquals("elsewhere", moved.data().source());
    assertEquals(example(), moved.withSource(example().data().source()));
    assertEquals(List.of("affinity", "linear_cka", "tiny"), List.copyOf(moved.scoreNames()));
  }

  @Test
  void errorsBelongToScores() {
    Map<String, Score> one = Map.of("affinity", Score.of(1));
    assertThrows(
        IllegalArgumentException.class,
        () -> new LayerScores(0, "relu", 1, "relu", List.of(1L), 1, Map.of(), one, Map.of()));
    assertThrows(
        IllegalArgumentException.class,
        () ->
            new LayerScores(
                0, "relu", 1, "relu", List.of(1L), 1, Map.of(), Map.of(), Map.of("affinity", 0.0)));
    Map<String, BatchScores> batches = Map.of("affinity", new BatchScores(List.of(Score.of(1))));
    assertThrows(
        IllegalArgumentException.class,
        () ->
            new LayerScores(
                0,
                "relu",
                1,
                "relu",
                LayerScores.ACTIVATION,
                List.of(1L),
                1,
                Map.of(),
                Map.of(),
                Map.of(),
                batches));
  }

  @ParameterizedTest
  @CsvSource({"-1, 1, 1", "0, 0, 1", "0, 1, 0"})
  void layersAreCountedFrom0AndCallsFrom1(int index, int call, long dimension) {
    assertThrows(
        IllegalArgumentException.class,
        () -> new LayerScores(index, "relu", call, "relu", List.of(1L), dimension, Map.of()));
  }

  @Test
  void replacesAnOldFileAndLeavesNothingElse() throws IOException {
    Path file = folder.resolve("sig.json");
    Files.writeString(file, "old");
    SignatureFile.write(example(), file);
    assertEquals(example(), SignatureFile.read(file));
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(List.of(file), files.toList());
    }
  }

  @Test
  void keepsTheOldFileWhenTheNewOneCannotBeWritten() throws IOException {
    Path file = folder.resolve("missing").resolve("sig.json");
    assertThrows(IOException.class, () -> SignatureFile.write(example(), file));
    Path occupied = folder.resolve("occupied");
    Files.createDirectories(occupied.resolve("inside"));
    assertThrows(IOException.class, () -> SignatureFile.write(example(), occupied));
    assertTrue(Files.isDirectory(occupied.resolve("inside")));
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(List.of(occupied), files.toList());
    }
  }

  @Test
  void whatCouldNotBeReadAgainIsNotWritten() throws IOException {
    Path file = folder.resolve("sig.json");
    Files.writeString(file, "old");
    Map<String, Score> huge = Map.of("r2", Score.of(-1e200));
    Map<String, Score> usual = Map.of("r2", Score.of(.5));
    Signature beyond = with(new LayerScores(0, "a", 1, "relu", List.of(4L), 4, huge));
    List<LayerScores> many = new ArrayList<>();
    for (int i = 0; i <= 10_000; i++) {
      many.add(new LayerScores(i, "a" + i, 1, "relu", List.of(4L), 4, usual));
    }
    Signature plain = example();
    Signature deep =
        new Signature(plain.model(), plain.data(), plain.settings(), many, plain.skipped());
    Map<Signature, String> refused =
        Map.of(
            beyond,
            "layers[0].scores.r2 must be a number, or null with a note, got -1.0E200",
            deep,
            "layers must be at most 10000, got 10001",
            withMore(plain, Map.of("zoo", List.of(1, Double.NaN))),
            "zoo in settings must be at most 1.7976931348623157E308, got NaN");
    for (Map.Entry<Signature, String> one : refused.entrySet()) {
      IllegalArgumentException e =
          assertThrows(
              IllegalArgumentException.class, () -> SignatureFile.write(one.getKey(), file));
      assertTrue(e.getMessage().startsWith("the signature of alexnet is not written to " + file));
      assertTrue(e.getMessage().endsWith(one.getValue()), e.getMessage());
      assertEquals("old", Files.readString(file));
    }
  }

  @Test
  void numbersThatAreNotFiniteAreRefusedWhereTheFormIsFree() throws IOException {
    Path file = folder.resolve("sig.json");
    String json = SignatureFile.toJson(withMore(example(), Map.of("zoo", List.of(1, 2.5))));
    Files.writeString(file, json.replace("2.5", "1e9990"));
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> SignatureFile.read(file));
    assertEquals(
        file + ": zoo in settings must be at most 1.7976931348623157E308, got Infinity",
        e.getMessage());
  }

  @Test
  void whatIsNestedTooDeeplyIsNeitherReadNorWritten() throws IOException {
    Path file = folder.resolve("sig.json");
    Object deep = 1;
    for (int level = 0; level < 200; level++) {
      deep = List.of(deep);
    }
    Signature nested = withMore(example(), Map.of("zoo", deep));
    Files.writeString(file, SignatureFile.toJson(nested));
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> SignatureFile.read(file));
    assertTrue(e.getMessage().contains("nesting depth ("), e.getMessage());
    e =
        assertThrows(
            IllegalArgumentException.class, () -> SignatureFile.write(nested, folder.resolve("b")));
    assertTrue(e.getMessage().contains("nesting depth ("), e.getMessage());
  }

  @Test
  void halvesOfCharactersAreReadBackAsTheyWere() throws IOException {
    Signature odd = example().withSource("\ud83d of \ud83d\ude00, \ude00\ud83d");
    Path file = folder.resolve("odd.json");
    SignatureFile.write(odd, file);
    assertEquals(odd, SignatureFile.read(file));
    assertTrue(
        Files.readString(file).contains("\"\\ud83d of \ud83d\ude00, \\ude00\\ud83d\""),
        Files.readString(file));
  }

  @Test
  void refusesEveryTruncation() throws IOException {
    String whole = SignatureFile.toJson(example()).strip();
    Path file = folder.resolve("cut.json");
    for (int length = 0; length < whole.length(); length++) {
      Files.writeString(file, whole.substring(0, length));
      IllegalArgumentException e =
          assertThrows(IllegalArgumentException.class, () -> SignatureFile.read(file));
      assertTrue(e.getMessage().contains("cut.json"), e.getMessage());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "affinis.signature/1 | affinis.signature/9 | schema must be affinis.signature/1, got",
        "\"torchscript\" | \"tensorflow\" | model.runtime must be one of [torchscript, onnx, djl], got",
        "\"ledoit-wolf\" | \"oas\" | settings.covariance must be one of [empirical, ledoit-wolf], got",
        "\"samples\" : 512 | \"samples\" : \"many\" | data.samples must be an integer, got \"many\"",
        "\"path\" : \"features.1\" | \"name\" : \"x\" | layers[0].path must be a string, got nothing",
        "\"index\" : 0 | \"index\" : 1 | layer features.1: index must be its position 0, got 1",
        "\"affinity\" : 0.6875 | \"affinity\" : \"?\" | layers[0].scores.affinity must be a number",
        "\"affinity\" : 0.6875 | \"affinity\" : 1e200 | layers[0].scores.affinity must be a number",
        "\"parameters\" : 61100840 | \"parameters\" : 1e99 | model.parameters must be an integer, got",
        "[ 64, 55, 55 ] | [ 64, true, 55 ] | shape must be a list of integers, got true",
      })
  void namesTheKeyThatIsWrong(String old, String changed, String message) throws IOException {
    Path file = folder.resolve("bad.json");
    String json = SignatureFile.toJson(example());
    assertTrue(json.contains(old), old);
    Files.writeString(file, json.replace(old, changed));
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> SignatureFile.read(file));
    assertTrue(e.getMessage().contains("bad.json: " + message), e.getMessage());
  }

  @Test
  void ignoresKeysItDoesNotKnow() throws IOException {
    Path file = folder.resolve("newer.json");
    String json = SignatureFile.toJson(example());
    Files.writeString(file, json.replace("\"call\" : 1,", "\"call\" : 1, \"colour\" : \"red\","));
    assertEquals(example(), SignatureFile.read(file));
  }

  @Test
  void readsFilesAsLargeAsThoseOfThousandsOfSites() throws IOException {
    Path file = Files.writeString(folder.resolve("large.json"), SignatureFile.toJson(example()));
    Files.writeString(file, " ".repeat(80 << 20), StandardOpenOption.APPEND);
    assertEquals(example(), SignatureFile.read(file));
    try (RandomAccessFile longer = new RandomAccessFile(file.toFile(), "rw")) {
      longer.setLength((1L << 28) + 1);
    }
    IllegalArgumentException error =
        assertThrows(IllegalArgumentException.class, () -> SignatureFile.read(file));
    assertTrue(error.getMessage().contains("at most 268435456"), error.getMessage());
  }

  @Test
  void doesNotHideThatAFileIsMissing() {
    assertThrows(
        NoSuchFileException.class, () -> SignatureFile.read(folder.resolve("missing.json")));
  }

  @Test
  void refusesScoresThatAreNotNumbers() {
    assertThrows(IllegalArgumentException.class, () -> Score.of(Double.NaN));
    assertThrows(IllegalArgumentException.class, () -> Score.unavailable(" "));
  }

  private static Signature example() {
    Map<String, Score> scores = new LinkedHashMap<>();
    scores.put("affinity", Score.of(0.6875));
    scores.put("linear_cka", Score.unavailable("why it is missing"));
    scores.put("tiny", Score.of(1.25e-8));
    return with(new LayerScores(0, "features.1", 1, "relu", List.of(64L, 55L, 55L), 64, scores));
  }

  private static Signature with(LayerScores layer) {
    Map<String, Object> preprocess = new LinkedHashMap<>();
    preprocess.put("resize", List.of(224, 224));
    preprocess.put("antialias", true);
    return new Signature(
        new Signature.Model("alexnet", Signature.ModelRuntime.TORCHSCRIPT, "ab12", 61_100_840),
        new Signature.Data("photos", 512, 0, preprocess),
        new Signature.Settings(
            Pooling.CHANNEL,
            Covariance.LEDOIT_WOLF,
            Ridge.RELATIVE,
            "cpu",
            "PyTorch 2.7.1",
            Map.of("threads", 2)),
        List.of(layer),
        List.of(new Signature.Skipped("cpb_mlp.1", 2, "relu", "not per sample")));
  }

  private static String withoutSpace(String json) {
    return json.replaceAll("\\s", "");
  }

  private static Signature withMore(Signature signature, Map<String, Object> more) {
    Signature.Settings settings = signature.settings();
    return new Signature(
        signature.model(),
        signature.data(),
        new Signature.Settings(
            settings.pooling(),
            settings.covariance(),
            settings.ridge(),
            settings.device(),
            settings.engine(),
            more),
        signature.layers(),
        signature.skipped());
  }
}
