package dev.affinis.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.affinis.instrument.Measurement;
import dev.affinis.signature.Signature;
import dev.affinis.signature.SignatureFile;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command line as a user meets it: exit codes, messages, files. */
class AffinisCommandTest {
  @TempDir Path folder;
  private Path model;
  private Path images;
  private Path out;

  @BeforeEach
  void copyBundledFiles() throws IOException {
    model = resource("models/resnet.traced.pt");
    images = resource("images.npz");
    out = folder.resolve("signature.json");
  }

  private Path resource(String name) throws IOException {
    Path file = folder.resolve(Path.of(name).getFileName());
    try (InputStream in =
        AffinisCommandTest.class.getResourceAsStream("/dev/affinis/zoo/" + name)) {
      Files.copy(in, file);
    }
    return file;
  }

  private static CommandRun run(Object... args) {
    return CommandRun.of(args);
  }

  private CommandRun measure(Path modelFile, Object data, Object... more) {
    Object[] args =
        java.util.stream.Stream.concat(
                java.util.stream.Stream.of("measure", modelFile, "--data", data, "--out", out),
                Arrays.stream(more))
            .toArray();
    return run(args);
  }

  /** One line that says all of it, the right code, and no file. */
  private void assertRefused(int code, CommandRun result, String... words) {
    assertEquals(code, result.code(), result.err());
    assertEquals(1, result.err().lines().count(), result.err());
    for (String word : words) {
      assertTrue(result.err().contains(word), word + " in: " + result.err());
    }
    assertFalse(result.err().contains("\tat "), result.err());
    assertFalse(Files.exists(out));
  }

  @Test
  void measureWritesTheSignature() throws IOException {
    CommandRun result = measure(model, images, "--samples", 64);
    assertEquals(ExitCodes.DONE, result.code(), result.err());
    assertEquals("", result.err());
    assertTrue(result.out().contains("layer1.0.relu"), result.out());
    JsonNode json = new ObjectMapper().readTree(out.toFile());
    assertEquals("affinis.signature/1", json.get("schema").asText());
    assertEquals("resnet.traced", json.at("/model/name").asText());
    assertEquals("torchscript", json.at("/model/runtime").asText());
    assertEquals(64, json.at("/model/sha256").asText().length());
    assertTrue(json.at("/model/parameters").asLong() > 10_000);
    assertEquals(64, json.at("/data/samples").asInt());
    assertEquals("channel", json.at("/settings/pooling").asText());
    assertEquals("ledoit-wolf", json.at("/settings/covariance").asText());
    assertEquals("relative", json.at("/settings/ridge").asText());
    assertEquals("cpu", json.at("/settings/device").asText());
    assertEquals(0, json.at("/layers/0/index").asInt());
    assertEquals("relu", json.at("/layers/0/activation").asText());
    double affinity = json.at("/layers/0/scores/affinity").asDouble();
    assertTrue(affinity > 0.3 && affinity < 1, "affinity " + affinity);
    assertTrue(json.get("skipped").isArray());
  }

  @Test
  void confidenceGivesEveryScoreAStandardError() throws IOException {
    assertRefused(
        ExitCodes.WRONG_USE,
        measure(model, images, "--confidence", 1),
        "at least 2 bootstrap replicates, got 1");
    CommandRun result = measure(model, images, "--samples", 128, "--confidence", 50);
    assertEquals(ExitCodes.DONE, result.code(), result.err());
    JsonNode json = new ObjectMapper().readTree(out.toFile());
    assertEquals(50, json.at("/settings/confidence").asInt());
    assertEquals("linear-bootstrap", json.at("/settings/confidence_method").asText());
    for (JsonNode layer : json.get("layers")) {
      double error = layer.at("/errors/affinity").asDouble();
      assertTrue(error > 1e-4 && error < 0.1, layer.toString());
    }
    double score = json.at("/layers/0/scores/affinity").asDouble();
    double error = json.at("/layers/0/errors/affinity").asDouble();
    String cell = String.format(Locale.ROOT, "%.4f ± %.4f", score, error);
    String ascii = cell.replace("±", "+-");
    assertTrue(result.out().contains(cell) || result.out().contains(ascii), result.out());
  }

  @Test
  void tokensThatAreNotThereAreTold() throws IOException {
    assertRefused(
        ExitCodes.WRONG_USE,
        measure(model, images, "--tokens", "class", "--pooling", "reference"),
        "tokens class need pooling channel");
    assertRefused(
        ExitCodes.WRONG_USE, measure(model, images, "--tokens", "cls"), "all, class, patches");
    assertRefused(
        ExitCodes.WRONG_USE,
        measure(model, images, "--tokens", "masked:"),
        "masked:attention_mask");
    assertRefused(
        ExitCodes.BAD_INPUT,
        measure(model, images, "--tokens", "masked:1", "--samples", 16),
        "tokens masked:1 need a model that takes a mask");
    assertRefused(
        ExitCodes.BAD_INPUT,
        measure(model, images, "--tokens", "masked:1", "--samples", 16, "--dry-run"),
        "tokens masked:1 need a model that takes a mask");
    CommandRun result = measure(model, images, "--tokens", "class", "--samples", 16);
    assertEquals(ExitCodes.DONE, result.code(), result.err());
    assertTrue(result.err().contains("no site of this model has tokens"), result.err());
    assertEquals(0, SignatureFile.read(out).settings().more().get("token_sites"));
    result = measure(model, images, "--tokens", "class", "--samples", 16, "--dry-run");
    assertTrue(result.err().contains("no site of this model has tokens"), result.err());
  }

  @Test
  void countedScoresStandBesideTheAffinity() throws IOException {
    assertRefused(
        ExitCodes.WRONG_USE, measure(model, images, "--sparsity-threshold", -1), "got -1.0");
    CommandRun result =
        measure(
            model, images, "--samples", 32, "--scores", "affinity,sparsity_post,saturated_units");
    assertEquals(ExitCodes.SCORES_MISSING, result.code(), result.err());
    assertTrue(result.err().contains("no saturated_units for any site: relu has no"), result.err());
    JsonNode json = new ObjectMapper().readTree(out.toFile());
    assertEquals(1e-3, json.at("/settings/sparsity_threshold").asDouble());
    double sparsity = json.at("/layers/0/scores/sparsity_post").asDouble();
    assertTrue(sparsity > 0.2 && sparsity < 0.8, "sparsity " + sparsity);
  }

  @Test
  void batchesGiveEveryScoreADeviation() throws IOException {
    assertRefused(
        ExitCodes.WRONG_USE,
        measure(model, images, "--batches", 2, "--confidence", 50),
        "--confidence",
        "--batches");
    assertRefused(ExitCodes.WRONG_USE, measure(model, images, "--batches", 0), "got 0 of 512");
    assertRefused(
        ExitCodes.BAD_INPUT,
        measure(model, images, "--samples", 300, "--batches", 2),
        "2 batches of 300 samples take 600",
        "--samples 256",
        "--batches 1");
    CommandRun result = measure(model, images, "--samples", 64, "--batches", 3, "--shuffle");
    assertEquals(ExitCodes.DONE, result.code(), result.err());
    JsonNode json = new ObjectMapper().readTree(out.toFile());
    assertEquals(3, json.at("/settings/batches").asInt());
    assertEquals(64, json.at("/data/samples").asInt());
    for (JsonNode layer : json.get("layers")) {
      double mean = 0;
      for (JsonNode value : layer.at("/values/affinity")) {
        mean += value.asDouble() / 3;
      }
      assertEquals(mean, layer.at("/scores/affinity").asDouble(), 1e-12);
      assertEquals(3, layer.at("/counts/affinity").asInt());
      double deviation = layer.at("/deviations/affinity").asDouble();
      assertTrue(deviation > 1e-4 && deviation < 0.1, layer.toString());
      String cell = String.format(Locale.ROOT, "%.4f", mean);
      assertTrue(result.out().contains(cell + " "), cell + " in: " + result.out());
    }
  }

  @Test
  void dryRunTellsOfAllBatches() {
    CommandRun result = measure(model, images, "--samples", 64, "--batches", 3, "--dry-run");
    assertEquals(ExitCodes.DONE, result.code(), result.err());
    assertTrue(result.out().contains("for 3 batches of 64 samples of 3 x 32 x 32"), result.out());
    assertTrue(result.out().contains("3 x 64 x 16"), result.out());
  }

  @Test
  void errorsThatAreMissingAreToldLikeScores() throws IOException {
    CommandRun result = measure(model, images, "--samples", 10, "--confidence", 50);
    assertEquals(ExitCodes.SCORES_MISSING, result.code(), result.err());
    assertTrue(
        result.err().contains("no standard error of affinity for relu: a standard error needs"),
        result.err());
    JsonNode layer = new ObjectMapper().readTree(out.toFile()).at("/layers/0");
    assertTrue(layer.at("/scores/affinity").isNumber());
    assertTrue(layer.at("/errors/affinity").isNull());
    assertTrue(layer.get("notes").get("errors.affinity").asText().contains("16 samples, got 10"));
  }

  @Test
  void resultsDoNotDependOnBatchSizeOrShuffleOrder() throws IOException {
    measure(model, images, "--samples", 512, "--batch-size", 64);
    Signature first = SignatureFile.read(out);
    measure(model, images, "--samples", 512, "--batch-size", 37, "--shuffle", "--seed", 5);
    Signature second = SignatureFile.read(out);
    assertEquals(first.layers().size(), second.layers().size());
    for (int i = 0; i < first.layers().size(); i++) {
      assertEquals(
          first.layers().get(i).scores().get("affinity").number().orElseThrow(),
          second.layers().get(i).scores().get("affinity").number().orElseThrow(),
          2e-4);
    }
  }

  @Test
  void measureTakesFoldersAndRandomData() throws IOException {
    Path photos = Files.createDirectories(folder.resolve("photos/cats"));
    for (int i = 0; i < 5; i++) {
      BufferedImage image = new BufferedImage(40 + i, 50, BufferedImage.TYPE_INT_RGB);
      image.setRGB(i, i, 0xff00ff + i);
      ImageIO.write(image, "png", photos.resolve(i + ".png").toFile());
    }
    CommandRun result =
        measure(model, photos.getParent(), "--input-size", 32, "--samples", 5, "--batch-size", 2);
    assertEquals(ExitCodes.DONE, result.code(), result.err());
    result = measure(model, "random", "--input-size", 32, "--samples", 10, "--batch-size", "auto");
    assertEquals(ExitCodes.DONE, result.code(), result.err());
    assertEquals(16, SignatureFile.read(out).settings().more().get("batch_size"));
  }

  @Test
  void djlDatasetsThatAreNotHereAreExplained() throws IOException {
    Path cache = Files.createDirectory(folder.resolve("cache"));
    System.setProperty("DJL_CACHE_DIR", cache.toString());
    try {
      assertRefused(
          ExitCodes.BAD_INPUT,
          measure(model, "djl:cifar10"),
          "djl:cifar10",
          "test_batch.bin",
          cache.resolve("cache/repo/dataset/cv/ai/djl/basicdataset/cifar10/1.0").toString(),
          "djl:cifar10=PATH");
      assertRefused(
          ExitCodes.BAD_INPUT, measure(model, "djl:cifar100"), "djl:cifar100", "fashion-mnist");
      assertRefused(ExitCodes.BAD_INPUT, measure(model, "djl:imagenet"), "djl:imagenet=DIR", "val");
      assertRefused(
          ExitCodes.WRONG_USE,
          measure(model, "djl:mnist", "--mean", "0.5"),
          "--mean [0.5]",
          "the same number");
    } finally {
      System.clearProperty("DJL_CACHE_DIR");
    }
  }

  @Test
  void missingScoresAreToldAndGiveTheirOwnCode() throws IOException {
    Path grey = Files.createDirectories(folder.resolve("grey"));
    for (int i = 0; i < 3; i++) {
      ImageIO.write(
          new BufferedImage(32, 32, BufferedImage.TYPE_INT_RGB),
          "png",
          grey.resolve(i + ".png").toFile());
    }
    CommandRun result = measure(model, grey, "--samples", 3);
    assertEquals(ExitCodes.SCORES_MISSING, result.code(), result.err());
    assertTrue(result.err().contains("no affinity for any site: post is the same"), result.err());
    JsonNode layer = new ObjectMapper().readTree(out.toFile()).at("/layers/0");
    assertTrue(layer.at("/scores/affinity").isNull());
    assertTrue(layer.at("/notes/affinity").asText().contains("the same"));
  }

  @Test
  void allScoresAreComputedTogether() throws IOException {
    CommandRun result =
        measure(model, "random", "--input-size", 32, "--samples", 96, "--scores", "all");
    // Random samples have no classes, and a ReLU is not bounded on both sides: nothing is missing.
    assertEquals(ExitCodes.DONE, result.code(), result.err());
    assertTrue(result.err().contains("for any site: the samples' classes are not known"));
    assertTrue(result.err().contains("no saturated_units for any site"), result.err());
    assertTrue(result.out().contains("more scores are in the signature file"), result.out());
    JsonNode signature = new ObjectMapper().readTree(out.toFile());
    assertEquals(0.2, signature.at("/settings/held_out").asDouble());
    for (JsonNode layer : signature.get("layers")) {
      assertEquals(Measurement.Builder.scoreNames().size(), layer.get("scores").size());
      for (String name :
          List.of("affinity", "affinity_empirical", "linear_cka", "r2", "entropy_post")) {
        assertTrue(layer.get("scores").get(name).isNumber(), name);
      }
      assertTrue(layer.at("/notes/linear_probe_pre").asText().contains("not known"));
      assertTrue(layer.at("/notes/saturated_units").asText().contains("bounds"));
    }
  }

  @Test
  void scoresThatAreNamedAreMissingEvenIfNoDataLikeTheseCanHaveThem() {
    for (String named : List.of("all,linear_probe_pre", "affinity,saturated_units")) {
      CommandRun result =
          measure(model, "random", "--input-size", 32, "--samples", 96, "--scores", named);
      assertEquals(ExitCodes.SCORES_MISSING, result.code(), result.err());
    }
    // Too few samples are another matter than none that could do.
    CommandRun result =
        measure(model, "random", "--input-size", 32, "--samples", 24, "--scores", "all");
    assertEquals(ExitCodes.SCORES_MISSING, result.code(), result.err());
    assertTrue(result.err().contains("no r2_adjusted"), result.err());
  }

  @Test
  void listShowsSitesAndWritesThem() throws IOException {
    Path json = folder.resolve("sites.json");
    CommandRun result = run("list", model, "--input-size", 32, "--json", json);
    assertEquals(ExitCodes.DONE, result.code(), result.err());
    assertTrue(result.out().contains("layer1.0.relu"), result.out());
    JsonNode sites = new ObjectMapper().readTree(json.toFile()).get("sites");
    assertEquals("relu", sites.at("/0/path").asText());
    assertTrue(sites.at("/0/dimension").asInt() > 1);
    assertEquals(512, sites.at("/0/rows").asInt());
    assertEquals(8 * 512 * sites.at("/0/dimension").asInt(), sites.at("/0/bytes").asInt());
    JsonNode memory = new ObjectMapper().readTree(json.toFile()).get("memory");
    assertEquals(8 * 512 * 512, memory.get("heap").asInt());
    assertRefused(2, run("list", model, "--samples", 1), "samples must be at least 2");
    assertRefused(2, run("list", model, "--input-size", 0), "--input-size");
  }

  @Test
  void listNamesSitesOfAModelThatTakesNoSuchImage() throws IOException {
    CommandRun result = run("list", resource("models/vit.traced.pt"), "--input-size", 64);
    assertEquals(ExitCodes.DONE, result.code(), result.err());
    assertTrue(result.out().contains("blocks.0.mlp.act"), result.out());
    assertTrue(result.err().contains("shapes are unknown"), result.err());
    result = run("list", folder.resolve("vit.traced.pt"));
    assertTrue(result.out().contains("samples of 3 x 32 x 32"), result.out());
    assertEquals("", result.err());
  }

  @Test
  void otherSitesAndSpansAreMeasuredWhenAskedFor() throws IOException {
    CommandRun result =
        measure(
            model,
            images,
            "--samples",
            64,
            "--sites",
            "normalisation,activations,module:layer2.{0,1},{relu,layer2.*,layer2.1.*}",
            "--span",
            "layer2.1.bn1,layer2.1.relu",
            "--span",
            "relu,layer2.1:module");
    assertEquals(ExitCodes.SCORES_MISSING, result.code(), result.err());
    JsonNode layers = new ObjectMapper().readTree(out.toFile()).get("layers");
    List<String> found = new ArrayList<>();
    layers.forEach(
        layer ->
            found.add(
                layer.get("path").asText()
                    + " "
                    + layer.path("type").asText("activation")
                    + " "
                    + layer.at("/scores/affinity").isNull()));
    assertEquals(
        List.of(
            "relu activation false",
            "layer2.0 module true",
            "layer2.1.bn1 normalisation false",
            "layer2.1.relu activation false",
            "layer2.1.bn2 normalisation false",
            "layer2.1.relu activation false",
            "layer2.1 module false",
            "layer2.1.bn1:batch_norm -> layer2.1.relu span false",
            "relu -> layer2.1:module span true"),
        found);
    assertTrue(layers.get(1).at("/notes/affinity").asText().contains("equally wide"));
    assertEquals("module", SignatureFile.read(out).layers().get(1).type());
    assertEquals("activation", SignatureFile.read(out).layers().get(0).type());
    Files.delete(out);
    result = measure(model, images, "--dry-run", "--sites", "pooling,attention");
    assertTrue(result.out().contains("average_pool"), result.out());
    assertTrue(result.err().contains("the model has no attention"), result.err());
    assertRefused(3, measure(model, images, "--sites", "module:leyer2"), "near are layer2");
    assertRefused(2, measure(model, images, "--span", "relu"), "--span must be FROM,TO");
  }

  @Test
  void dryRunTellsSitesAndMemoryAndWritesNothing() {
    CommandRun result = measure(model, images, "--dry-run", "--samples", 300);
    assertEquals(ExitCodes.DONE, result.code(), result.err());
    assertTrue(result.out().contains("300 x 16"), result.out());
    assertTrue(result.out().contains("captures take"), result.out());
    assertTrue(result.out().contains("captures: in memory"), result.out());
    assertFalse(Files.exists(out));
    result = run("measure", model, "--data", images, "--dry-run");
    assertEquals(ExitCodes.DONE, result.code(), result.err());
  }

  @Test
  void memoryBudgetIsKeptOnDiskOrToldToBeTooSmall() throws IOException {
    CommandRun plain = measure(model, images, "--samples", 128);
    assertEquals(ExitCodes.DONE, plain.code(), plain.err());
    Signature inMemory = SignatureFile.read(out);
    Files.delete(out);
    CommandRun small = measure(model, images, "--samples", 128, "--memory", "1k");
    assertRefused(3, small, "memory budget 1.0 KiB is too small", "pass --memory 1m or more");
    Path spill = Files.createDirectory(folder.resolve("spill"));
    Object[] budget = {"--samples", 128, "--memory", "600KiB", "--spill-dir", spill};
    CommandRun spilled = measure(model, images, budget);
    assertEquals(ExitCodes.DONE, spilled.code(), spilled.err());
    assertTrue(spilled.err().contains("they are kept in a file in " + spill), spilled.err());
    assertEquals(inMemory, SignatureFile.read(out));
    CommandRun dry =
        run(
            "measure",
            model,
            "--data",
            images,
            "--dry-run",
            budget[0],
            budget[1],
            budget[2],
            budget[3],
            budget[4],
            budget[5]);
    assertTrue(dry.out().contains("captures and scores keep within 600.0 KiB"), dry.out());
    assertTrue(dry.out().contains("captures: in a file in " + spill), dry.out());
    assertTrue(dry.out().contains("data: go through the model once"), dry.out());
    try (var files = Files.list(spill)) {
      assertEquals(List.of(), files.toList());
    }
    Files.delete(out);
    assertRefused(2, measure(model, images, "--memory", "lots"), "--memory", "512m", "got lots");
    assertRefused(
        3, measure(model, images, "--spill-dir", folder.resolve("no")), "no does not exist");
  }

  @Test
  void sitesAreChosenByPathAndKind() throws IOException {
    CommandRun result = measure(model, images, "--samples", 64, "--sites", "layer1.**");
    assertEquals(ExitCodes.DONE, result.code(), result.err());
    Signature signature = SignatureFile.read(out);
    assertEquals(4, signature.layers().size());
    assertEquals(Map.of("paths", List.of("layer1.**")), signature.settings().more().get("sites"));
    Files.delete(out);
    assertRefused(
        3, measure(model, images, "--kinds", "gelu"), "has a kind that fits gelu", "affinis list");
    assertRefused(
        3, measure(model, images, "--sites", "layer1.**,laier2.**"), "fits laier2.**", "relu");
    assertRefused(2, measure(model, images, "--kinds", "rely"), "expected one of relu", "rely");
    assertRefused(2, measure(model, images, "--sites", "{a"), "--sites", "glob {a is not well");
    CommandRun either = measure(model, images, "--samples", 64, "--sites", "layer{1,2}.0.*");
    assertEquals(ExitCodes.DONE, either.code(), either.err());
    assertEquals(4, SignatureFile.read(out).layers().size());
  }

  @Test
  void wrongUseIsOneLine() {
    assertRefused(
        2, measure(model, images, "--samples", 1), "samples must be at least 2", "--samples");
    assertRefused(2, measure(model, images, "--samples", "many"), "--samples", "many");
    assertRefused(
        2, measure(model, images, "--pooling", "max"), "--pooling", "channel, reference", "max");
    assertRefused(
        2, measure(model, images, "--covariance", "full"), "empirical, ledoit-wolf", "full");
    assertRefused(2, measure(model, images, "--ridge", "0.1"), "relative, absolute");
    assertRefused(2, measure(model, images, "--layout", "nhwc"), "channels-last");
    assertRefused(2, measure(model, images, "--scores", "beauty"), "beauty", "affinity");
    assertRefused(2, measure(model, images, "--device", "tpu"), "cpu or gpu:N", "tpu");
    assertRefused(2, measure(model, images, "--batch-size", 0), "batch size must be at least 1");
    assertRefused(2, measure(model, images, "--batch-size", "few"), "a number or auto, got few");
    assertRefused(2, measure(model, images, "--mean", "1,2"), "--mean", "three numbers");
    assertRefused(2, measure(model, images, "--input-size", -3), "--input-size");
    assertRefused(
        2, measure(model, images, "--input-size", 32, "--crop", 3), "--input-size excludes");
    assertRefused(2, measure(model, images, "--frobnicate"), "--frobnicate");
    assertRefused(2, run("measure", model, "--out", out), "--data");
    assertRefused(2, run("measure", model, "--data", images), "--out");
    assertRefused(2, run("mesure"), "mesure");
  }

  @Test
  void unusableModelsAreToldApart() throws IOException {
    assertRefused(3, measure(folder.resolve("none.pt"), images), "none.pt", "does not exist");
    Path text = Files.writeString(folder.resolve("text.pt"), "not a model at all");
    assertRefused(3, measure(text, images), "is not a zip", "torch.jit.save");
    Path empty = Files.createFile(folder.resolve("empty.pt"));
    assertRefused(3, measure(empty, images), "is empty");
    Path pickle =
        Files.write(folder.resolve("pickle.pt"), new byte[] {(byte) 0x80, 2, 'c', 'x', 'y'});
    assertRefused(3, measure(pickle, images), "Python pickle");
    Path zip = zip("zip.pt", List.of("readme.txt", "hello"));
    assertRefused(3, measure(zip, images), "zip without data.pkl");
    Path weights =
        zip(
            "weights.pt",
            List.of("archive/data.pkl", "\u0080\u0002ccollections\nOrderedDict\n)R."));
    assertRefused(3, measure(weights, images), "state_dict", "torch.jit.trace");
    byte[] bytes = Files.readAllBytes(model);
    for (int length : new int[] {bytes.length / 10, bytes.length / 2, bytes.length - 100}) {
      Path cut = Files.write(folder.resolve("cut.pt"), Arrays.copyOf(bytes, length));
      assertRefused(3, measure(cut, images), "cut.pt", "damaged or truncated");
    }
    Path onnx = Files.write(folder.resolve("net.onnx"), new byte[] {8, 7});
    assertRefused(3, measure(onnx, images), "ONNX");
    Path none = Files.createDirectories(folder.resolve("folder"));
    assertRefused(3, measure(none, images), "no .pt or .onnx files");
    assertEquals(3, run("list", text).code());
  }

  private Path zip(String name, List<String> entry) throws IOException {
    Path file = folder.resolve(name);
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
      zip.putNextEntry(new ZipEntry(entry.get(0)));
      zip.write(entry.get(1).getBytes(StandardCharsets.ISO_8859_1));
      zip.closeEntry();
    }
    return file;
  }

  @Test
  void flippedBytesInAModelNeverEndInABug() throws IOException {
    byte[] bytes = Files.readAllBytes(model);
    for (int i = 0; i < 40; i++) {
      byte[] damaged = bytes.clone();
      damaged[(int) ((long) bytes.length * i / 40)] ^= 0x55;
      Path file = Files.write(folder.resolve("flipped.pt"), damaged);
      CommandRun result = run("list", file, "--input-size", 32);
      assertTrue(result.code() == 0 || result.code() == 3, i + ": " + result.err());
    }
  }

  @Test
  void unusableDataAreToldApart() throws IOException {
    assertRefused(3, measure(model, folder.resolve("nowhere")), "nowhere", "does not exist");
    Path none = Files.createDirectories(folder.resolve("none"));
    assertRefused(3, measure(model, none), "none", "image");
    Path bad = Files.createDirectories(folder.resolve("bad"));
    for (int i = 0; i < 4; i++) {
      ImageIO.write(
          new BufferedImage(32, 32, BufferedImage.TYPE_INT_RGB),
          "png",
          bad.resolve(i + ".png").toFile());
    }
    Files.createFile(bad.resolve("2a.png"));
    assertRefused(3, measure(model, bad, "--samples", 5), "2a.png", "--skip-bad");
    Path broken = zip("broken.npz", List.of("images.npy", "nothing"));
    assertRefused(3, measure(model, broken), "broken.npz", "not a NumPy array");
    String header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }".indent(0);
    Path npz =
        zip(
            "wrong.npz",
            List.of(
                "pixels.npy",
                "\u0093NUMPY\u0001\u0000" + (char) header.length() + "\u0000" + header + "abcd"));
    assertRefused(3, measure(model, npz), "wrong.npz", "pixels", "images", "inputs");
    Path large = Files.createDirectories(folder.resolve("large"));
    for (int i = 0; i < 3; i++) {
      ImageIO.write(
          new BufferedImage(3, 3, BufferedImage.TYPE_INT_RGB),
          "png",
          large.resolve(i + ".png").toFile());
    }
    Path fixed = resource("models/vit.traced.pt");
    assertRefused(
        3, measure(fixed, large, "--samples", 3), "rejects an input of shape", "--input-size");
  }

  @Test
  void unreadableImagesAreLeftOutOnRequest() throws IOException {
    Path photos = Files.createDirectories(folder.resolve("photos"));
    java.util.Random random = new java.util.Random(1);
    for (int i = 0; i < 6; i++) {
      BufferedImage image = new BufferedImage(32, 32, BufferedImage.TYPE_INT_RGB);
      for (int p = 0; p < 32 * 32; p++) {
        image.setRGB(p % 32, p / 32, random.nextInt());
      }
      ImageIO.write(image, "png", photos.resolve(i + ".png").toFile());
    }
    Files.writeString(photos.resolve("3a.jpg"), "not an image");
    CommandRun result = measure(model, photos, "--skip-bad", "--samples", 7);
    assertEquals(ExitCodes.DONE, result.code(), result.err());
    assertTrue(result.err().contains("left out 1 unreadable"), result.err());
    assertTrue(result.err().contains("3a.jpg"), result.err());
    assertEquals(6, SignatureFile.read(out).data().samples());
  }

  @Test
  void outputIsCheckedFirstAndReplacedLast() throws IOException {
    CommandRun result =
        run("measure", model, "--data", images, "--out", folder.resolve("no/such/file.json"));
    assertEquals(3, result.code());
    assertTrue(result.err().contains("does not exist"), result.err());
    result = run("measure", model, "--data", images, "--out", folder);
    assertEquals(3, result.code());
    assertTrue(result.err().contains("is a folder"), result.err());
    Files.writeString(out, "precious");
    result = run("measure", folder.resolve("none.pt"), "--data", images, "--out", out);
    assertEquals(3, result.code());
    assertEquals("precious", Files.readString(out));
  }

  @Test
  void deviceThatIsNotThereIsRefused() {
    CommandRun result = measure(model, images, "--device", "gpu:99");
    assertRefused(3, result, "gpu:99", "--device cpu");
  }

  @Test
  void helpAndVersionAreThere() {
    assertTrue(run("--help").out().contains("measure"));
    assertTrue(run("measure", "--help").out().contains("--covariance"));
    assertTrue(run("--version").out().startsWith("affinis "));
    assertEquals(2, run().code());
  }
}
