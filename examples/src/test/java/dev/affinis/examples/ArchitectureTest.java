package dev.affinis.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.affinis.instrument.InvalidInputException;
import dev.affinis.signature.LayerScores;
import dev.affinis.signature.Pooling;
import dev.affinis.signature.Score;
import dev.affinis.signature.Signature;
import dev.affinis.signature.Signature.ModelRuntime;
import dev.affinis.signature.covariance.Covariance;
import dev.affinis.signature.covariance.Ridge;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The runners print signatures, and say when a model is not what they are for. */
class ArchitectureTest {
  private static final Path ZOO = Path.of("../model-zoo-tests/zoo");
  private static final Path MODELS = ZOO.resolve("models");
  private static final Path GOLDEN =
      Path.of(System.getProperty("affinis.golden", "golden"), "models");
  private static final Pattern ROW =
      Pattern.compile(
          " *\\d+ {2}\\S+( \\(call \\d+\\))? +[a-z_0-9]+ +\\d+ {2}(0\\.\\d{4}|1\\.0000)");

  /** A runner's main. */
  interface Main {
    /** Runs it. */
    void run(String[] args) throws IOException;
  }

  static List<Arguments> runners() {
    return List.of(
        runner(AlexNet::main, MODELS, "alexnet", 32, "7 relu", true),
        runner(Vgg16::main, MODELS, "vgg", 32, "", false),
        runner(GoogLeNet::main, MODELS, "googlenet", 32, "", false),
        runner(ResNet50::main, MODELS, "resnet", 32, "13 relu", false),
        runner(DenseNet121::main, MODELS, "densenet", 32, "", false),
        runner(MobileNetV3::main, MODELS, "mobilenetv3", 32, "", false),
        runner(EfficientNetB0::main, GOLDEN, "efficientnet_b0_w4", 64, "", true),
        runner(ConvNextTiny::main, MODELS, "convnext", 32, "", false),
        runner(SwinTiny::main, GOLDEN, "swin_mini", 64, "", false),
        runner(VitB16::main, MODELS, "vit", 32, "", false));
  }

  private static Arguments runner(
      Main main, Path folder, String model, int pixels, String kinds, boolean fullSize) {
    return Arguments.of(model, main, folder, pixels, kinds, fullSize);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("runners")
  void printsTheSignature(
      String model, Main main, Path folder, int pixels, String kinds, boolean fullSize)
      throws Exception {
    for (String extension : new String[] {".traced.pt", ".onnx"}) {
      Path file = folder.resolve(model + extension);
      assumeTrue(folder.equals(MODELS) || Files.exists(file), "golden models are not at hand");
      List<String> lines =
          StandardOutput.of(
              () ->
                  main.run(
                      new String[] {
                        file.toString(),
                        ZOO.resolve("images.npz").toString(),
                        "24",
                        String.valueOf(pixels)
                      }));
      int sites = Integer.parseInt(lines.get(0).replaceAll(".*: (\\d+) sites, 24 .*", "$1"));
      assertEquals(List.of("#", "site", "kind", "channels", "affinity"), words(lines.get(1)));
      for (String row : lines.subList(2, 2 + sites)) {
        assertTrue(ROW.matcher(row).matches(), row);
      }
      List<String> notes = lines.subList(2 + sites, lines.size());
      assertEquals(fullSize ? 0 : 1, notes.size(), () -> String.join("\n", notes));
      if (!fullSize) {
        assertTrue(notes.get(0).startsWith("note: ") && notes.get(0).contains(kinds));
      }
    }
  }

  private static List<String> words(String line) {
    return List.of(line.strip().split(" +", -1));
  }

  @Test
  void saysThatAModelHasAnotherArchitecture() throws Exception {
    List<String> lines =
        StandardOutput.of(
            () ->
                VitB16.main(
                    new String[] {
                      MODELS.resolve("alexnet.traced.pt").toString(), "random", "8", "32"
                    }));
    assertEquals(
        "note: ViT-B/16 makes 12 gelu calls, this model 7 relu: it is a variant, or another"
            + " architecture",
        lines.get(lines.size() - 1));
  }

  @Test
  void printsWhyAScoreIsMissing() throws Exception {
    Signature signature =
        new Signature(
            new Signature.Model("dead", ModelRuntime.ONNX, "0", 1),
            new Signature.Data("random", 8, 0, Map.of()),
            new Signature.Settings(
                Pooling.CHANNEL, Covariance.LEDOIT_WOLF, Ridge.RELATIVE, "cpu", "none", Map.of()),
            List.of(
                new LayerScores(
                    0,
                    "act",
                    2,
                    "relu",
                    List.of(3L),
                    3,
                    Map.of("affinity", Score.unavailable("constant output")))),
            List.of(new Signature.Skipped("head", 1, "relu", "did not run")));
    assertEquals(
        List.of(
            "dead: 1 sites, 8 samples of random",
            "#  site          kind  channels  affinity",
            "0  act (call 2)  relu         3  none: constant output",
            "skipped head: did not run"),
        StandardOutput.of(() -> Architecture.print(signature, System.out)));
  }

  @Test
  void takesTheArchitecturesOwnSizeWhenNoneIsGiven() {
    // The vision transformer of the zoo takes 32 x 32 only, the full-size one 224 x 224.
    InvalidInputException e =
        assertThrows(
            InvalidInputException.class,
            () ->
                VitB16.main(
                    new String[] {MODELS.resolve("vit.traced.pt").toString(), "random", "4"}));
    assertTrue(e.getMessage().contains("224"), e.getMessage());
  }

  @Test
  void saysWhatArgumentsItTakes() {
    assertThrows(IllegalArgumentException.class, () -> AlexNet.main(new String[0]));
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> AlexNet.main(new String[] {"model.pt", "random", "many"}));
    assertTrue(e.getMessage().startsWith("many is no whole number"), e.getMessage());
    assertTrue(e.getMessage().toLowerCase(Locale.ROOT).contains("samples"), e.getMessage());
  }
}
