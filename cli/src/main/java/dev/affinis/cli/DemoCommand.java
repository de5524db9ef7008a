package dev.affinis.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.affinis.instrument.Measurement;
import dev.affinis.instrument.ModelSource;
import dev.affinis.instrument.data.Preprocessing;
import dev.affinis.instrument.data.SampleSource;
import dev.affinis.instrument.data.Selection;
import dev.affinis.report.ComparedModel;
import dev.affinis.report.Comparison;
import dev.affinis.report.ComparisonJson;
import dev.affinis.report.ComparisonOptions;
import dev.affinis.report.ReportPage;
import dev.affinis.signature.Signature;
import dev.affinis.signature.SignatureFile;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code affinis demo}: the signatures of the bundled models on the bundled images. */
@Command(
    name = "demo",
    description =
        "Measures the eight bundled models on the bundled images, offline, and compares them.",
    mixinStandardHelpOptions = true,
    usageHelpAutoWidth = true)
final class DemoCommand implements Callable<Integer> {
  private static final String ZOO = "/dev/affinis/zoo/";
  private static final ComparisonOptions WITH_PUBLISHED =
      ComparisonOptions.DEFAULT.withPublished(true);

  @Spec private CommandSpec spec;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      defaultValue = "affinis-demo",
      description = "Folder for the signature files and the report (default: ${DEFAULT-VALUE}).")
  private Path out;

  @Override
  public Integer call() throws IOException {
    Files.createDirectories(out);
    PrintWriter print = spec.commandLine().getOut();
    JsonNode index;
    try (InputStream in = resource("zoo.json")) {
      index = new ObjectMapper().readTree(in);
    }
    Path scratch = Files.createTempDirectory("affinis-demo-");
    List<ComparedModel> models = new ArrayList<>();
    boolean missing = false;
    try {
      Path images = extract("images.npz", scratch);
      for (JsonNode model : index.get("models")) {
        Signature signature = measure(model.get("name").asText(), images, scratch);
        Path file = out.resolve(signature.model().name() + ".json");
        SignatureFile.write(signature, file);
        models.add(
            ComparedModel.of(file, signature)
                .withNumbers(Map.of("accuracy", model.get("test_accuracy").asDouble())));
        print.printf(
            Locale.ROOT,
            "%n%s: %,d parameters, %.1f%% accurate, %d sites, %d images%n",
            model.get("title").asText(),
            signature.model().parameters(),
            100 * model.get("test_accuracy").asDouble(),
            signature.layers().size(),
            signature.data().samples());
        TerminalWriter.printLines(SignatureTable.render(signature), print);
        print.flush();
        missing |= SignatureTable.reportMissing(signature, Set.of(), spec.commandLine().getErr());
      }
    } finally {
      deleteFolder(scratch);
    }
    Path report = out.resolve("report.html");
    ReportPage.write(ComparisonJson.of(Comparison.of(models, WITH_PUBLISHED)), report);
    print.println();
    print.println("wrote " + models.size() + " signatures to " + out);
    print.println("wrote their comparison to " + report + ": open it in a browser");
    print.flush();
    return missing ? ExitCodes.SCORES_MISSING : ExitCodes.DONE;
  }

  private Signature measure(String name, Path images, Path scratch) throws IOException {
    Path file = extract("models/" + name + ".traced.pt", scratch);
    Selection all = Selection.first(512);
    try (SampleSource source =
            SampleSource.open(images.toString(), Preprocessing.builder().build(), all);
        TerminalProgress progress = new TerminalProgress(name, spec, false)) {
      return Measurement.builder()
          .setModel(ModelSource.of(file, name))
          .setSource(source)
          .optSelection(all)
          .optBatchSize(64)
          .optListener(progress)
          .build()
          .run()
          .withSource("bundled " + images.getFileName());
    } finally {
      Files.delete(file);
    }
  }

  private static Path extract(String name, Path folder) throws IOException {
    Path file = folder.resolve(Path.of(name).getFileName().toString());
    try (InputStream in = resource(name)) {
      Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
    }
    return file;
  }

  private static InputStream resource(String name) throws IOException {
    InputStream in = DemoCommand.class.getResourceAsStream(ZOO + name);
    if (in == null) {
      throw new FileNotFoundException("bundled file " + name + " is missing: build again");
    }
    return in;
  }

  private static void deleteFolder(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(folder);
  }
}
