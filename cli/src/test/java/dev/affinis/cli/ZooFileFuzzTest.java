package dev.affinis.cli;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.affinis.fuzz.ByteMutator;
import dev.affinis.fuzz.ClearError;
import dev.affinis.fuzz.Fuzz;
import dev.affinis.fuzz.Mutator;
import dev.affinis.fuzz.TextMutator;
import dev.affinis.instrument.InvalidInputException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Lists of models that strangers write: YAML that grows, nests, repeats and means other things. */
class ZooFileFuzzTest {
  private static final Path FOLDER = folder();

  private static final Fuzz FUZZ =
      Fuzz.builder()
          .setName("zoo-file")
          .setTarget(ZooFileFuzzTest::read)
          .optAccepted(InvalidInputException.class)
          .optSeed(
              """
              data: random
              settings: {input-size: 8, scores: [affinity, r2], samples: 64}
              shared: true
              models:
                - more/*.onnx
                - a.pt
                - {model: 'more/c.pt', name: other, accuracy: 0.75, settings: {pooling: reference}}
              numbers: {a: {accuracy: 0.5, size: 3}}
              """
                  .getBytes(StandardCharsets.UTF_8))
          .optSeed(
              """
              a: &a [x, x, x]
              b: &b [*a, *a, *a]
              models: [*b, !!binary aGk=, !!java.util.Date 2020-01-01, !<tag:x> y, ~, 18, 0x1F, .inf]
              data: |
                random
              """
                  .getBytes(StandardCharsets.UTF_8))
          .optMutator(
              Mutator.anyOf(
                  new TextMutator(
                      "data",
                      "models",
                      "model",
                      "name",
                      "settings",
                      "numbers",
                      "accuracy",
                      "shared",
                      "random",
                      "a.pt",
                      "more/*.onnx",
                      "*/**",
                      "{a,b}*",
                      "&x ",
                      "*x",
                      "<<: ",
                      "!!binary ",
                      "!!javax.script.ScriptEngineManager ",
                      "---",
                      "? ",
                      "|",
                      ">",
                      "samples",
                      "seed",
                      "true",
                      ".nan",
                      "1e400",
                      "0o17",
                      "12:30:45"),
                  new ByteMutator()))
          .optBytes(256 << 20)
          .build();

  private static Path folder() {
    try {
      Path folder = Fuzz.temporaryFolder();
      Files.createDirectories(folder.resolve("more"));
      for (String name : List.of("a.pt", "more/b.onnx", "more/c.pt")) {
        Files.createFile(folder.resolve(name));
      }
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void read(byte[] bytes) throws IOException {
    Path file = FOLDER.resolve("zoo.yaml");
    Files.write(file, bytes);
    try {
      assertTrue(!ZooFile.read(file).models().isEmpty());
    } catch (InvalidInputException e) {
      throw ClearError.check(e, "zoo.yaml");
    }
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
