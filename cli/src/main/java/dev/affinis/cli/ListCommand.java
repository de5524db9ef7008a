package dev.affinis.cli;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.freva.asciitable.AsciiTable;
import com.github.freva.asciitable.Column;
import com.github.freva.asciitable.HorizontalAlign;
import dev.affinis.instrument.Capture;
import dev.affinis.instrument.InstrumentedModel;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.ModelSource;
import dev.affinis.instrument.PlannedSite;
import dev.affinis.instrument.Site;
import dev.affinis.instrument.SkippedSite;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code affinis list}: the activation sites of a model. */
@Command(
    name = "list",
    description = {
      "Lists the activation sites of a model, with their shapes if the model accepts an image",
      "of the given size."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false,
    usageHelpAutoWidth = true)
final class ListCommand implements Callable<Integer> {
  /** A batch size that a fixed first dimension is unlikely to have. */
  private static final int SAMPLES = 3;

  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "MODEL", description = "A TorchScript file (.pt), or a folder with one.")
  private Path model;

  @Option(
      names = "--input-size",
      paramLabel = "PX",
      defaultValue = "224",
      description = "Side of the 3-channel image that is tried (default: ${DEFAULT-VALUE}).")
  private int inputSize;

  @Option(names = "--json", paramLabel = "FILE", description = "Write the sites to a file, too.")
  private Path json;

  @Override
  public Integer call() throws IOException {
    if (json != null) {
      OutputFile.requireWritable(json);
    }
    PrintWriter out = spec.commandLine().getOut();
    ObjectNode root = new ObjectMapper().createObjectNode().put("schema", "affinis.sites/1");
    try (ModelSource<?, ?> file = ModelSource.of(model);
        InstrumentedModel<?, ?> instrumented = InstrumentedModel.builder().setSource(file).build();
        NDManager manager = instrumented.newManager()) {
      root.putObject("model")
          .put("name", file.name())
          .put("runtime", "torchscript")
          .put("sha256", file.sha256())
          .put("parameters", instrumented.parameterCount());
      out.println(file.name() + ", " + instrumented.parameterCount() + " parameters");
      try {
        Shape shape = new Shape(SAMPLES, 3, inputSize, inputSize);
        InstrumentedModel.Run run = instrumented.run(new NDList(manager.randomNormal(shape)));
        List<SkippedSite> skipped = new ArrayList<>(instrumented.hiddenSites());
        skipped.addAll(run.skipped());
        list(run.captures().stream().map(Capture::site).toList(), skipped, out, root);
      } catch (InvalidInputException e) {
        spec.commandLine().getErr().println("shapes are unknown: " + e.getMessage());
        listPlanned(instrumented.plannedSites(), out, root);
      }
    }
    if (json != null) {
      Files.writeString(json, root.toPrettyString() + "\n");
    }
    return ExitCodes.DONE;
  }

  private static void list(
      List<Site> sites, List<SkippedSite> skipped, PrintWriter out, ObjectNode root) {
    out.println(
        AsciiTable.getTable(
            AsciiTable.NO_BORDERS,
            sites,
            List.of(
                column("site", HorizontalAlign.LEFT).with(Site::path),
                column("call", HorizontalAlign.RIGHT).with(s -> String.valueOf(s.call())),
                column("kind", HorizontalAlign.LEFT).with(s -> s.kind().word()),
                column("shape", HorizontalAlign.LEFT).with(s -> s.shapeList().toString()),
                column("channels", HorizontalAlign.RIGHT)
                    .with(s -> String.valueOf(s.dimension())))));
    ArrayNode array = root.putArray("sites");
    for (Site site : sites) {
      ObjectNode node =
          array
              .addObject()
              .put("path", site.path())
              .put("call", site.call())
              .put("activation", site.kind().word());
      site.shapeList().forEach(node.withArray("shape")::add);
      node.put("dimension", site.dimension());
    }
    ArrayNode skippedArray = root.putArray("skipped");
    for (SkippedSite site : skipped) {
      out.println("skipped " + site.path() + ": " + site.reason());
      skippedArray
          .addObject()
          .put("path", site.path())
          .put("call", site.call())
          .put("activation", site.activation())
          .put("reason", site.reason());
    }
  }

  /** What the program's source says; how often and with what shapes sites run is not known. */
  private static void listPlanned(List<PlannedSite> sites, PrintWriter out, ObjectNode root) {
    out.println(
        AsciiTable.getTable(
            AsciiTable.NO_BORDERS,
            sites,
            List.of(
                column("site", HorizontalAlign.LEFT).with(PlannedSite::path),
                column("kind", HorizontalAlign.LEFT).with(s -> s.kind().word()))));
    ArrayNode array = root.putArray("sites");
    for (PlannedSite site : sites) {
      array.addObject().put("path", site.path()).put("activation", site.kind().word());
    }
  }

  private static Column column(String header, HorizontalAlign align) {
    return new Column().header(header).headerAlign(align).dataAlign(align).maxWidth(60);
  }
}
