package dev.affinis.zoo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.affinis.cli.AffinisCommand;
import dev.affinis.cli.ExitCodes;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code affinis zoo} as a process of its own: killed, started again, with models that fail. */
class WholeZooTest {
  private static final Path ZOO = Path.of("zoo").toAbsolutePath();
  private static final Duration PATIENCE = Duration.ofMinutes(3);

  @TempDir Path folder;

  /** Models of the bundled zoo on 16 images. */
  private Path yaml(String... models) throws IOException {
    StringBuilder text = new StringBuilder("settings: {samples: 16}\nmodels:\n");
    text.insert(0, "data: " + ZOO.resolve("images.npz") + "\n");
    for (String model : models) {
      text.append("  - ").append(ZOO.resolve("models").resolve(model)).append('\n');
    }
    return Files.writeString(folder.resolve("zoo.yaml"), text);
  }

  private static List<String> command(Object... args) {
    List<String> line = new ArrayList<>();
    line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    line.addAll(List.of("-Xmx1g", "-XX:+UseSerialGC", "-Dai.djl.offline=true"));
    line.addAll(List.of("-cp", System.getProperty("java.class.path")));
    line.add(AffinisCommand.class.getName());
    Arrays.stream(args).map(String::valueOf).forEach(line::add);
    return line;
  }

  private Process start(Object... args) throws IOException {
    return new ProcessBuilder(command(args))
        .redirectErrorStream(true)
        .redirectOutput(folder.resolve("log").toFile())
        .start();
  }

  private String log() throws IOException {
    return Files.readString(folder.resolve("log"));
  }

  private int run(Object... args) throws IOException, InterruptedException {
    Process process = start(args);
    assertTrue(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS), "still running");
    return process.exitValue();
  }

  /** Looks every millisecond, so that a kill comes soon after. */
  private void await(Process process, BooleanSupplier moment)
      throws IOException, InterruptedException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!moment.getAsBoolean()) {
      assertTrue(process.isAlive() && System.nanoTime() < end, "the moment never came: " + log());
      Thread.sleep(1);
    }
  }

  private static void kill(Process process) throws InterruptedException {
    process.destroyForcibly();
    assertTrue(process.waitFor(1, TimeUnit.MINUTES));
  }

  /** All files of a run with their content; the times in the report left out. */
  private static Map<String, String> files(Path out) throws IOException {
    Map<String, String> contents = new TreeMap<>();
    try (Stream<Path> files = Files.walk(out)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        String name = out.relativize(file).toString();
        contents.put(name, name.equals("report.html") ? "" : Files.readString(file));
      }
    }
    ObjectNode comparison =
        (ObjectNode) new ObjectMapper().readTree(contents.get("comparison.json"));
    for (JsonNode model : comparison.get("models")) {
      ((ObjectNode) model).remove(List.of("measured", "file"));
    }
    contents.put("comparison.json", comparison.toString());
    return contents;
  }

  @Test
  void killedAtAnyMomentAndStartedAgainItEndsWithTheSameFiles()
      throws IOException, InterruptedException {
    Path yaml = yaml("alexnet.traced.pt", "vit.onnx");
    Path whole = folder.resolve("whole");
    assertEquals(ExitCodes.DONE, run("zoo", yaml, "--out", whole), log());

    Path out = folder.resolve("killed");
    Path unfinished = out.resolve(".affinis-zoo/unfinished");
    Path first = out.resolve("signatures/alexnet.traced.json");
    Path record = out.resolve(".affinis-zoo/records/alexnet.traced.json");
    // In a process per model: while the first is measured, its process ends, too.
    Process process = start("zoo", yaml, "--out", out);
    await(process, () -> process.descendants().findAny().isPresent());
    List<ProcessHandle> children = process.descendants().toList();
    kill(process);
    for (ProcessHandle child : children) {
      long end = System.nanoTime() + PATIENCE.toNanos();
      while (child.isAlive() && System.nanoTime() < end) {
        Thread.sleep(10);
      }
      assertFalse(child.isAlive(), "a process is left without its parent");
    }
    // In one process: as soon as a file is there, whole or not.
    List<BooleanSupplier> moments =
        List.of(
            () -> Files.exists(unfinished.resolve("alexnet.traced.measured.json")),
            () -> Files.exists(first),
            () -> Files.exists(record) && Files.exists(unfinished),
            () -> Files.exists(out.resolve("signatures/vit.json")),
            () -> Files.exists(unfinished.resolve("comparison.json")));
    for (BooleanSupplier moment : moments) {
      Process shared = start("zoo", yaml, "--out", out, "--shared");
      await(shared, () -> moment.getAsBoolean() || !shared.isAlive());
      kill(shared);
    }
    assertEquals(ExitCodes.DONE, run("zoo", yaml, "--out", out), log());
    assertEquals(files(whole), files(out));

    long begun = System.nanoTime();
    assertEquals(ExitCodes.DONE, run("zoo", yaml, "--out", out), log());
    assertEquals(2, log().lines().filter(line -> line.endsWith("done and unchanged")).count());
    Duration took = Duration.ofNanos(System.nanoTime() - begun);
    assertTrue(took.toSeconds() < 60, "nothing to do took " + took);
    assertEquals(files(whole), files(out));
  }

  @Test
  void anInterruptEndsAllProcessesAndKeepsWhatIsDone() throws IOException, InterruptedException {
    assumeFalse(
        System.getProperty("os.name").startsWith("Windows"), "Windows has no signal to end");
    Path yaml = yaml("alexnet.traced.pt", "vit.traced.pt");
    Path out = folder.resolve("out");
    Process process = start("zoo", yaml, "--out", out);
    await(
        process,
        () ->
            Files.exists(out.resolve(".affinis-zoo/records/alexnet.traced.json"))
                && process.descendants().findAny().isPresent());
    Process other = new ProcessBuilder(command("zoo", yaml, "--out", out)).start();
    String refused = new String(other.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(ExitCodes.BAD_INPUT, other.waitFor(), refused);
    assertTrue(refused.contains("another run of affinis zoo is writing to"), refused);
    List<ProcessHandle> children = process.descendants().toList();
    process.destroy();
    assertTrue(process.waitFor(1, TimeUnit.MINUTES));
    assertTrue(children.stream().noneMatch(ProcessHandle::isAlive), "processes are left");
    assertTrue(log().contains("interrupted: 1 of 2 models are in"), log());
    assertFalse(log().contains("failed"), log());
    assertEquals(ExitCodes.DONE, run("zoo", yaml, "--out", out), log());
    assertTrue(log().contains("alexnet.traced: done and unchanged"), log());
  }

  /** How many batches are kept. */
  private static long captures(Path out) {
    if (!Files.exists(out)) {
      return 0;
    }
    try (Stream<Path> files = Files.walk(out)) {
      return files.filter(f -> f.getFileName().toString().startsWith("captures-")).count();
    } catch (IOException | UncheckedIOException e) {
      return 0; // it is being made or deleted
    }
  }

  /** A terminal tells both processes, and the parent tells its child once more. */
  @Test
  void oneCtrlCStopsBehindABatch() throws IOException, InterruptedException {
    Interrupts.assumeHeard();
    Path yaml = yaml("alexnet.traced.pt");
    Files.writeString(yaml, Files.readString(yaml).replace("16}", "512, batch-size: 32}"));
    Path out = folder.resolve("out");
    Process process = start("zoo", yaml, "--out", out);
    await(process, () -> captures(out) > 1);
    ProcessHandle child = process.descendants().findFirst().orElseThrow();
    List<String> kill = List.of("kill", "-INT", child.pid() + "", process.pid() + "");
    assertEquals(0, new ProcessBuilder(kill).start().waitFor());
    assertTrue(process.waitFor(1, TimeUnit.MINUTES));
    assertEquals(130, process.exitValue(), log());
    assertFalse(child.isAlive(), "a process is left");
    assertTrue(log().contains("alexnet.traced: stopping behind the batch"), log());
    assertTrue(log().contains("interrupted: 0 of 1 models are in"), log());
    assertFalse(log().contains("Stream closed"), log());
    assertTrue(captures(out) > 1);
    assertEquals(ExitCodes.DONE, run("zoo", yaml, "--out", out), log());
    assertTrue(log().contains("goes on where an interrupted run stopped"), log());
  }

  @Test
  void goldenModelsAndBrokenOnesMakeOneComparison() throws IOException {
    StringBuilder text = new StringBuilder("settings: {samples: 16}\nshared: true\nmodels:\n");
    int models = 3;
    for (String name :
        List.of("alexnet_w8.onnx", "cifar_resnet20.traced.pt", "vit_mini.scripted.pt")) {
      Path file = Golden.file("models/" + name);
      String stem = name.substring(0, name.indexOf('.'));
      int size = Golden.json("models/" + stem + ".json").get("input_size").asInt();
      text.append(
          "  - {model: %s, name: %s, settings: {input-size: %s}}\n".formatted(file, stem, size));
    }
    text.insert(0, "data: " + Golden.file("cifar_test512.npz") + "\n");
    byte[] whole = Files.readAllBytes(ZOO.resolve("models/vgg.onnx"));
    for (String file : List.of("half.pt", "half.onnx")) {
      Files.write(folder.resolve(file), Arrays.copyOf(whole, whole.length / 2));
      text.append("  - {model: %s, name: %s}\n".formatted(file, file));
    }
    Path yaml = Files.writeString(folder.resolve("golden.yaml"), text);
    Path out = folder.resolve("out");
    StringWriter printed = new StringWriter();
    PrintWriter print = new PrintWriter(printed, true);
    int code = AffinisCommand.run(print, print, "zoo", yaml.toString(), "--out", out.toString());
    assertEquals(ExitCodes.BAD_INPUT, code, printed.toString());
    assertTrue(printed.toString().contains("half.pt failed: "), printed.toString());
    assertTrue(printed.toString().contains("half.onnx failed: "), printed.toString());
    JsonNode comparison = new ObjectMapper().readTree(out.resolve("comparison.json").toFile());
    assertEquals(models, comparison.get("models").size());
    String page = Files.readString(out.resolve("report.html"));
    assertTrue(page.contains("cifar_resnet20") && !page.contains("half.onnx"));
    for (JsonNode model : comparison.get("models")) {
      JsonNode golden = Golden.json("models/" + model.get("name").asText() + ".json");
      assertEquals(golden.get("layers").size(), model.get("layers").size());
    }
  }

  @Test
  void theBundledFileListsAllModelsWithTheirAccuracies() throws IOException {
    JsonNode yaml = new YAMLMapper().readTree(ZOO.resolve("zoo.yaml").toFile());
    JsonNode index = new ObjectMapper().readTree(ZOO.resolve("zoo.json").toFile());
    assertEquals(index.get("models").size(), yaml.get("models").size());
    for (int i = 0; i < index.get("models").size(); i++) {
      JsonNode expected = index.get("models").get(i);
      JsonNode found = yaml.get("models").get(i);
      assertEquals(expected.get("name"), found.get("name"));
      assertEquals(expected.get("test_accuracy"), found.get("accuracy"));
      assertEquals(expected.get("bundled_accuracy"), found.at("/numbers/bundled_accuracy"));
    }
    StringWriter printed = new StringWriter();
    PrintWriter print = new PrintWriter(printed, true);
    String file = ZOO.resolve("zoo.yaml").toString();
    String out = folder.resolve("out").toString();
    int code = AffinisCommand.run(print, print, "zoo", file, "--out", out, "--dry-run");
    assertEquals(ExitCodes.DONE, code, printed.toString());
    assertTrue(printed.toString().contains("8 of 8 models would be measured"), printed.toString());
  }
}
