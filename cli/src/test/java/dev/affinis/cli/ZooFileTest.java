package dev.affinis.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.affinis.instrument.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.aggregator.ArgumentsAccessor;
import org.junit.jupiter.params.provider.CsvSource;

/** What a zoo's YAML file may say, and what is said about it if it may not. */
class ZooFileTest {
  @TempDir Path folder;

  /** Models are looked into only when they are measured: empty files will do. */
  @BeforeEach
  void makeModels() throws IOException {
    Files.createDirectories(folder.resolve("more/deep"));
    for (String file :
        List.of("a.pt", "more/b.onnx", "more/c.pt", "more/deep/d.onnx", "more/notes.txt")) {
      Files.createFile(folder.resolve(file));
    }
  }

  private ZooFile read(String yaml) throws IOException {
    return ZooFile.read(Files.writeString(folder.resolve("zoo.yaml"), yaml));
  }

  private static List<String> names(ZooFile zoo) {
    return zoo.models().stream().map(ZooModel::name).toList();
  }

  @Test
  void entriesAreFilesPatternsAndFolders() throws IOException {
    ZooFile zoo =
        read(
            """
            data: random
            settings: {input-size: 8}
            models:
              - more/*.onnx
              - a.pt
              - more/deep
              - {model: 'more/*.pt', name: other}
            """);
    assertEquals(List.of("b", "a", "deep", "other"), names(zoo));
    assertEquals(
        List.of("more/b.onnx", "a.pt", "more/deep", "more/c.pt"),
        zoo.models().stream()
            .map(model -> folder.toAbsolutePath().relativize(Path.of(model.model())).toString())
            .toList());
    assertEquals(
        Optional.of(folder.toAbsolutePath().resolve("more/deep/d.onnx")),
        zoo.models().get(2).file());
    assertEquals("random", zoo.models().get(0).source());
  }

  @Test
  void aModelWithAnEntryOfItsOwnIsLeftOutOfPatterns() throws IOException {
    ZooFile zoo =
        read(
            """
            data: random
            settings: {input-size: 8}
            models: ['**.{pt,onnx}', {model: more/c.pt, accuracy: 0.5}]
            """);
    assertEquals(List.of("a", "b", "d", "c"), names(zoo));
    assertEquals(Map.of("accuracy", .5), zoo.models().get(3).numbers());
  }

  @Test
  void settingsOfAModelGoBeforeThoseOfAll() throws IOException {
    ZooFile zoo =
        read(
            """
            data: random
            shared: true
            settings: {samples: 16, input-size: 8, scores: [affinity, r2], shuffle: true, span: ['x,y', 'y,z']}
            models:
              - a.pt
              - model: more/c.pt
                data: [random]
            """
                .replace("data: [random]", "settings: {samples: 32, shuffle: false, memory: 1g}"));
    assertTrue(zoo.shared());
    assertEquals(
        List.of(
            "--samples=16",
            "--input-size=8",
            "--scores=affinity,r2",
            "--shuffle",
            "--span=x,y",
            "--span=y,z"),
        zoo.models().get(0).settings().arguments());
    assertEquals(
        List.of(
            "--samples=32",
            "--input-size=8",
            "--scores=affinity,r2",
            "--span=x,y",
            "--span=y,z",
            "--memory=1g"),
        zoo.models().get(1).settings().arguments());
    Map<String, String> first = zoo.models().get(0).settings().check("random", false);
    Map<String, String> second = zoo.models().get(1).settings().check("random", false);
    assertEquals("16", first.get("samples"));
    assertEquals("16", first.get("batch-size"), "the default");
    assertEquals("affinity,r2", first.get("scores"));
    assertTrue(!first.get("shuffle").equals(second.get("shuffle")), "a flag has an effect");
    assertTrue(!second.containsKey("memory"), "the signature does not depend on it");
  }

  @Test
  void numbersStandWithTheModelOrTogether() throws IOException {
    ZooFile zoo =
        read(
            """
            data: random
            settings: {input-size: 8}
            models:
              - {model: a.pt, accuracy: 0.75, numbers: {flops: 1.5e9}}
              - more/c.pt
            numbers:
              a: {accuracy: 0.1, year: 2012}
              c: {accuracy: 1}
            """);
    assertEquals(
        Map.of("accuracy", .75, "flops", 1.5e9, "year", 2012.0), zoo.models().get(0).numbers());
    assertEquals(Map.of("accuracy", 1.0), zoo.models().get(1).numbers());
  }

  @Test
  void namesThatAreNumbersToYamlAreNames() throws IOException {
    ZooFile zoo =
        read(
            """
            data: random
            settings: {input-size: 8}
            models: [{model: a.pt, name: 18}]
            """);
    assertEquals(List.of("18"), names(zoo));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "modles: [a.pt]|modles: there is no such key: near are models",
        "models: [nix.pt]|models[0].model: model|nix.pt does not exist",
        "models: [a.pt, nix.pt]|models[1].model",
        "models: ['more/*.txt']|no .pt or .onnx file in|fits more/*.txt",
        "models: ['mo[re/*.pt']|pattern mo[re/*.pt is not well formed",
        "models: ['*a*a*a*a*a*a*a*a*{b,c}*a*a*a*a*a*a*a']|has 17 of * and {, more than 16",
        "models: [more]|holds 2 .pt or .onnx files, expected one",
        "models: []|models must be a list with at least one entry, got []",
        "models: {a: a.pt}|models must be a list",
        "models: [[a.pt]]|models[0] must be a text or a map, got [\"a.pt\"]",
        "models: [{name: a}]|models[0]: needs the key model",
        "models: [{model: a.pt, nmae: a}]|models[0].nmae: there is no such key: near are name",
        "models: [{model: a.pt, name: ../a}]|models[0].name: '../a' cannot be the name of a file",
        "models: [{model: a.pt, name: .a}]|'.a' cannot be",
        "models: [{model: a.pt, name: ''}]|models[0].name must be a text, got \"\"",
        "models: [{model: a.pt, name: C}, more/c.pt]|two models are called c",
        "models: [a.pt, a.pt]|two models are called a",
        "models: [{model: 'more/*', name: x}]|more/* are 2 models: name and numbers are those of one",
        "models: [{model: a.pt, accuracy: high}]|models[0].accuracy must be a finite number",
        "models: [{model: a.pt, accuracy: .inf}]|Malformed numeric value '.inf'",
        "models: [{model: a.pt, accuracy: 1, numbers: {accuracy: 2}}]|accuracy is given twice",
        "models: [{model: a.pt, data: nix.npz}]|models[0]: data|nix.npz does not exist",
        "models: [{model: a.pt, settings: {sample: 2}}]|models[0].settings.sample: there is no such key: near are samples",
        "models: [{model: a.pt, settings: {out: b}}]|models[0].settings.out: there is no such key",
        "models: [{model: a.pt, settings: {samples: x}}]|models[0]|--samples|'x' is not an int",
        "models: [{model: a.pt, settings: {samples: [2, 3]}}]|settings.samples: takes one value",
        "models: [{model: a.pt, settings: {samples: }}]|settings.samples must be a value",
        "models: [{model: a.pt, settings: {samples: {a: 1}}}]|settings.samples must be a value",
        "models: [{model: a.pt, settings: {samples: 1}}]|samples must be at least 2, got 1",
        "models: [{model: a.pt, settings: {shuffle: 1}}]|settings.shuffle: must be true or false, got 1",
        "models: [{model: a.pt, settings: {crop: 9}}]|crop",
        "models: [{model: a.pt, settings: {scores: [afinity]}}]|score afinity is not known",
        "models: [{model: a.pt, settings: {pooling: none}}]|expected one of channel, reference, got none",
        "models: [{model: a.pt, settings: 3}]|models[0].settings must be a map, got 3",
        "models: [a.pt], shared: 1|shared must be true or false, got 1",
        "models: [a.pt], numbers: {b: {accuracy: 1}}|numbers.b: there is no such model: near are a",
        "models: [a.pt], numbers: {a: 1}|numbers.a must be a map, got 1",
        "models: [a.pt], models: [a.pt]|is no YAML|Duplicate field 'models'",
        "models: [a.pt|is no YAML in line 1",
      })
  void mistakesAreNamed(ArgumentsAccessor entriesAndParts) {
    List<Object> given = entriesAndParts.toList();
    String yaml = "{data: random, settings: {input-size: 8}, " + given.get(0) + "}";
    String message = assertThrows(InvalidInputException.class, () -> read(yaml)).getMessage();
    assertTrue(message.contains("zoo.yaml"), message);
    assertEquals(1, message.lines().count(), message);
    for (Object part : given.subList(1, given.size())) {
      assertTrue(message.contains(part.toString()), part + " in: " + message);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''|must be a map with the key models, got nothing",
        "a.pt|must be a map with the key models, got \"a.pt\"",
        "models: [a.pt]|data: is missing",
      })
  void filesWithoutTheLeastAreRefused(String yaml, String expected) {
    String message = assertThrows(InvalidInputException.class, () -> read(yaml)).getMessage();
    assertTrue(message.contains(expected), message);
  }

  @Test
  void dataArePlacedRelativeToTheFile() {
    ZooPaths paths = new ZooPaths(folder.resolve("sub/zoo.yaml"));
    String base = folder.toAbsolutePath().toString();
    assertEquals(Path.of(base, "images").toString(), paths.data("../images"));
    assertEquals("random", paths.data("random"));
    assertEquals("djl:cifar10/train", paths.data("djl:cifar10/train"));
    assertEquals("djl:imagenet=" + Path.of(base, "sub", "val"), paths.data("djl:imagenet=val"));
  }

  @ParameterizedTest
  @CsvSource({
    "/x/resnet.traced.pt,resnet.traced",
    "/x/resnet.onnx,resnet",
    "/x/resnet,resnet",
    "djl://ai.djl.pytorch/resnet,resnet",
    "https://host/zoo/resnet18.zip?a=b/c,resnet18",
    "file:///x/model.tar.gz,model"
  })
  void namesComeFromPathsAndAddresses(String model, String name) {
    assertEquals(name, ZooPaths.nameOf(model));
  }
}
