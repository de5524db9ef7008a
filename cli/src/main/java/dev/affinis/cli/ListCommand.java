package dev.affinis.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.affinis.instrument.InstrumentedModel;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.Measurement;
import dev.affinis.instrument.MeasurementPlan;
import dev.affinis.instrument.ModelSource;
import dev.affinis.instrument.PlannedSite;
import dev.affinis.instrument.Site;
import dev.affinis.instrument.SkippedSite;
import dev.affinis.instrument.data.Preprocessing;
import dev.affinis.instrument.data.SampleSource;
import dev.affinis.instrument.data.Selection;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code affinis list}: the activation sites of a model. */
@Command(
    name = "list",
    description = {
      "Lists the activation sites of a model, with shapes and the rows and memory that a",
      "measurement would take, if the model accepts an image of the given size."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false,
    usageHelpAutoWidth = true)
final class ListCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private ModelOptions model;

  @Option(
      names = "--input-size",
      paramLabel = "PX",
      defaultValue = "224",
      description = "Side of the 3-channel image that is tried (default: ${DEFAULT-VALUE}).")
  private int inputSize;

  @Option(
      names = "--samples",
      paramLabel = "N",
      defaultValue = "512",
      description = "Samples that rows and memory are told for (default: ${DEFAULT-VALUE}).")
  private int samples;

  @Option(names = "--json", paramLabel = "FILE", description = "Write the sites to a file, too.")
  private Path json;

  @Override
  public Integer call() throws IOException {
    if (json != null) {
      OutputFile.requireWritable(json);
    }
    PrintWriter out = spec.commandLine().getOut();
    ObjectNode root = new ObjectMapper().createObjectNode().put("schema", "affinis.sites/1");
    Preprocessing size;
    Selection selection;
    try {
      size = Preprocessing.builder().optInputSize(inputSize).build();
      selection = Selection.first(samples);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
    try (ModelSource<?, ?> source = model.open();
        SampleSource random = SampleSource.open("random", size, selection);
        InstrumentedModel<?, ?> instrumented =
            InstrumentedModel.builder()
                .setSource(source)
                .optSites(model.sites())
                .optDevice(model.device())
                .build()) {
      describe(source, instrumented, root);
      out.println(source.name() + ", " + instrumented.parameterCount() + " parameters");
      try {
        MeasurementPlan plan =
            Measurement.builder()
                .setModel(instrumented)
                .setSource(random)
                .optSelection(selection)
                .build()
                .plan();
        out.println(PlanTable.render(plan));
        write(plan, root);
      } catch (InvalidInputException e) {
        spec.commandLine().getErr().println("shapes are unknown: " + e.getMessage());
        out.println(PlanTable.render(instrumented.plannedSites()));
        write(instrumented.plannedSites(), root);
        write(root, instrumented.hiddenSites());
      }
    }
    if (json != null) {
      Files.writeString(json, root.toPrettyString() + "\n");
    }
    return ExitCodes.DONE;
  }

  private static void describe(
      ModelSource<?, ?> source, InstrumentedModel<?, ?> instrumented, ObjectNode root)
      throws IOException {
    root.putObject("model")
        .put("name", source.name())
        .put("runtime", source.runtime().word())
        .put("sha256", source.sha256())
        .put("parameters", instrumented.parameterCount());
  }

  private static void write(MeasurementPlan plan, ObjectNode root) {
    ArrayNode array = root.putArray("sites");
    for (Site site : plan.sites()) {
      ObjectNode node =
          array
              .addObject()
              .put("path", site.path())
              .put("call", site.call())
              .put("activation", site.kind().word());
      site.shapeList().forEach(node.withArray("shape")::add);
      node.put("dimension", site.dimension());
      node.put("rows", plan.samples());
      node.put("bytes", plan.captureBytes(site));
    }
    write(root, plan.skipped());
    root.putObject("memory")
        .put("samples", plan.samples())
        .put("captures", plan.captureBytes())
        .put("score", plan.scoreBytes())
        .put("heap", plan.heapBytes());
  }

  private static void write(List<PlannedSite> sites, ObjectNode root) {
    ArrayNode array = root.putArray("sites");
    for (PlannedSite site : sites) {
      array.addObject().put("path", site.path()).put("activation", site.kind().word());
    }
  }

  private static void write(ObjectNode root, List<SkippedSite> skipped) {
    ArrayNode array = root.putArray("skipped");
    for (SkippedSite site : skipped) {
      array
          .addObject()
          .put("path", site.path())
          .put("call", site.call())
          .put("activation", site.activation())
          .put("reason", site.reason());
    }
  }
}
