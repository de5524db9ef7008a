package dev.affinis.cli;

import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.affinis.instrument.InstrumentedModel;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.Measurement;
import dev.affinis.instrument.MeasurementPlan;
import dev.affinis.instrument.MemoryPlan.SiteMemory;
import dev.affinis.instrument.ModelSource;
import dev.affinis.instrument.PlannedSite;
import dev.affinis.instrument.Site;
import dev.affinis.instrument.SkippedSite;
import dev.affinis.instrument.data.RandomSource;
import dev.affinis.instrument.data.Selection;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code affinis list}: the sites of a model. */
@Command(
    name = "list",
    description = {
      "Lists the sites of a model (activations unless --sites says else), with shapes and the rows",
      "and memory that a measurement would take, if the model accepts images. measure --dry-run",
      "does it for other pooling, layout and your data."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false,
    usageHelpAutoWidth = true)
final class ListCommand implements Callable<Integer> {
  /** A batch size that a fixed first dimension is unlikely to have. */
  private static final int SAMPLES = 3;

  private static final List<Shape> USUAL =
      Stream.concat(
              IntStream.of(224, 32, 64, 96, 128, 256, 299, 384, 448, 512)
                  .mapToObj(size -> new Shape(3, size, size)),
              IntStream.of(28, 32, 224).mapToObj(size -> new Shape(1, size, size)))
          .toList();

  @Spec private CommandSpec spec;

  @Mixin private ModelOptions model;

  @Option(
      names = "--input-size",
      paramLabel = "PX",
      description = {
        "Side of the 3-channel image that the model gets (default: 224, or the first of the usual",
        "sizes that the model accepts)."
      })
  private Integer inputSize;

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
    Selection selection = selection();
    List<Shape> shapes = shapes();
    try (ModelSource<?, ?> source = model.open();
        InstrumentedModel<?, ?> instrumented =
            InstrumentedModel.builder()
                .setSource(source)
                .optSites(model.sites())
                .optDevice(model.device())
                .build()) {
      describe(source, instrumented, root);
      out.println(source.name() + ", " + instrumented.parameterCount() + " parameters");
      List<InvalidInputException> refusals = new ArrayList<>();
      Optional<MeasurementPlan> plan =
          shapes.stream()
              .flatMap(shape -> plan(instrumented, shape, selection, refusals).stream())
              .findFirst();
      if (plan.isPresent()) {
        TerminalWriter.printLines(PlanTable.render(plan.get()), out);
        write(plan.get(), root);
      } else {
        // That a size is wrong tells less than anything else that is wrong.
        String reason =
            refusals.stream()
                .map(InvalidInputException::getMessage)
                .filter(message -> !message.contains("rejects an input"))
                .findFirst()
                .orElse(refusals.get(0).getMessage());
        spec.commandLine().getErr().println("shapes are unknown: " + reason);
        TerminalWriter.printLines(
            PlanTable.render(instrumented.plannedSites(), instrumented.hiddenSites()), out);
        write(instrumented.plannedSites(), root);
        write(root, instrumented.hiddenSites());
      }
    }
    if (json != null) {
      Files.writeString(json, root.toPrettyString() + "\n");
    }
    return ExitCodes.DONE;
  }

  private Selection selection() {
    try {
      return Selection.first(samples);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }

  /** What is tried: the image that was asked for, or those that models usually take. */
  private List<Shape> shapes() {
    if (inputSize == null) {
      return USUAL;
    }
    if (inputSize < 1) {
      throw new ParameterException(
          spec.commandLine(), "--input-size must be at least 1, got " + inputSize);
    }
    return List.of(new Shape(3, inputSize, inputSize));
  }

  /** Some models take single images only. */
  private static Optional<MeasurementPlan> plan(
      InstrumentedModel<?, ?> instrumented,
      Shape shape,
      Selection selection,
      List<InvalidInputException> refusals) {
    for (int batchSize : new int[] {SAMPLES, 1}) {
      try (RandomSource random = new RandomSource(shape, selection.count(), selection.seed())) {
        return Optional.of(
            Measurement.builder()
                .setModel(instrumented)
                .setSource(random)
                .optSelection(selection)
                .optBatchSize(batchSize)
                .optMemory(Long.MAX_VALUE) // what it takes is told, whatever there is
                .build()
                .plan());
      } catch (InvalidInputException e) {
        refusals.add(e);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return Optional.empty();
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
    for (SiteMemory memory : plan.memory().sites()) {
      Site site = memory.site();
      ObjectNode node =
          array
              .addObject()
              .put("path", site.path())
              .put("call", site.call())
              .put("activation", site.kind().word())
              .put("type", site.kind().type().word());
      site.shapeList().forEach(node.withArray("shape")::add);
      node.put("dimension", site.dimension());
      node.put("rows", plan.samples());
      node.put("bytes", memory.captureBytes());
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
      array
          .addObject()
          .put("path", site.path())
          .put("activation", site.kind().word())
          .put("type", site.kind().type().word());
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
