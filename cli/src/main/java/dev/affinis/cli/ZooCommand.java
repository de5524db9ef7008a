package dev.affinis.cli;

import dev.affinis.instrument.CodeVersion;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.signature.Signature;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code affinis zoo}: the signatures of many models. */
@Command(
    name = "zoo",
    description =
        "Measures the models that a YAML file lists, one after another, and puts them side by side "
            + "in a report. What is measured already and unchanged (model, data, settings, version) is "
            + "not measured again, so that a run that was interrupted goes on where it was.",
    footerHeading = "%nThe file (paths are relative to its folder):%n",
    footer = {
      "  data: images.npz              # as measure --data",
      "  settings:                     # options of measure, by their names",
      "    samples: 512",
      "    scores: [affinity, linear_cka]",
      "  shared: false                 # as --shared",
      "  models:",
      "    - more/*.onnx               # a file, a folder, an address (djl://...) or a pattern",
      "    - model: resnet.pt",
      "      name: resnet              # default: the file's name",
      "      accuracy: 0.97",
      "      numbers: {flops: 1.2e9}   # what else is known of it",
      "      data: other.npz           # instead of those above",
      "      settings: {samples: 256}  # on top of those above",
      "  numbers:                      # of models by name, for those of a pattern",
      "    vgg: {accuracy: 0.96}"
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:all models are measured",
      "1:a bug",
      "2:wrong use of the command line",
      "3:the file or what it names cannot be used, or a model failed (all others are measured)",
      "4:all models are measured, but some scores are missing"
    },
    mixinStandardHelpOptions = true,
    sortOptions = false,
    usageHelpAutoWidth = true)
final class ZooCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "FILE.yaml", description = "The models, data and settings.")
  private Path file;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      defaultValue = "affinis-zoo",
      description =
          "Folder for the signatures, the report and what is known of earlier runs (default: "
              + "${DEFAULT-VALUE}).")
  private Path out;

  @Option(
      names = "--shared",
      description =
          "Measure all models in one process: quicker to start, but a crash in native code ends the "
              + "whole run.")
  private boolean shared;

  @Option(
      names = {"--fresh", "--force"},
      description = "Measure all models again, done or not.")
  private boolean fresh;

  @Option(
      names = "--no-resume",
      description = {
        "Keep nothing of a model until its signature is there; by default captures and scores are",
        "kept in DIR, so that a model that was interrupted goes on where it was."
      })
  private boolean noResume;

  @Option(
      names = "--dry-run",
      description = "Check the file and say what would be measured, and why; measure nothing.")
  private boolean dryRun;

  private int interruption;

  /** What is to be done about a model: nothing if it failed already or has its signature. */
  private record Task(ZooModel model, ZooKey key, ZooFolder.State state, String failure) {
    boolean isOpen() {
      return failure.isEmpty() && state.signature().isEmpty();
    }
  }

  @Override
  public Integer call() throws IOException {
    ZooFile zoo = ZooFile.read(file);
    ZooFolder folder = new ZooFolder(out);
    if (dryRun) {
      tell(tasks(zoo, folder));
      return ExitCodes.DONE;
    }
    try (ZooFolder.Lock held = folder.lock()) {
      return measure(zoo, held.folder());
    }
  }

  private List<Task> tasks(ZooFile zoo, ZooFolder folder) throws IOException {
    String version = CodeVersion.current();
    List<Task> tasks = new ArrayList<>();
    for (ZooModel model : zoo.models()) {
      try {
        ZooKey key = ZooKey.of(model, version);
        ZooFolder.State state = folder.state(model.name(), key);
        boolean again = fresh && state.signature().isPresent();
        tasks.add(
            new Task(model, key, again ? ZooFolder.State.missing("asked for again") : state, ""));
      } catch (InvalidInputException e) {
        tasks.add(new Task(model, null, ZooFolder.State.missing(""), e.getMessage()));
      }
    }
    return tasks;
  }

  private void tell(List<Task> tasks) {
    PrintWriter print = spec.commandLine().getOut();
    for (int i = 0; i < tasks.size(); i++) {
      Task task = tasks.get(i);
      print.println(
          "model %s of %s, %s: %s"
              .formatted(
                  i + 1,
                  tasks.size(),
                  task.model().name(),
                  task.failure().isEmpty()
                      ? (task.isOpen() ? "to measure: " : "") + task.state().reason()
                      : "cannot be measured: " + task.failure()));
    }
    print.println(
        "%s of %s models would be measured; nothing was, because of --dry-run"
            .formatted(tasks.stream().filter(Task::isOpen).count(), tasks.size()));
    print.flush();
  }

  private int measure(ZooFile zoo, ZooFolder folder) throws IOException {
    List<Task> tasks = tasks(zoo, folder);
    // The number of these is told by another thread, should the user interrupt.
    Map<ZooModel, Signature> done = Collections.synchronizedMap(new LinkedHashMap<>());
    Map<ZooModel, String> failed = new LinkedHashMap<>();
    AffinisCommand affinis = (AffinisCommand) spec.root().userObject();
    ZooMeasurement measurement =
        new ZooMeasurement(
            shared || zoo.shared(),
            affinis.debug(),
            noResume ? Optional.empty() : Optional.of(folder.cache()),
            spec.commandLine().getErr());
    if (fresh) {
      folder.clearCache();
    }
    Thread interrupt = new Thread(() -> interrupted(measurement, done, tasks.size()));
    Runtime.getRuntime().addShutdownHook(interrupt);
    try {
      run(tasks, folder, measurement, done, failed);
    } finally {
      removeHook(interrupt);
    }
    if (measurement.isStopped(0)) {
      // Nobody reads the second: this process is about to end.
      return interruption != 0 ? interruption : ExitCodes.BUG;
    }
    if (failed.isEmpty()) {
      folder.clearCache();
    }
    return report(tasks, folder, done, failed);
  }

  private static void removeHook(Thread hook) {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // It is running.
    }
  }

  private void run(
      List<Task> tasks,
      ZooFolder folder,
      ZooMeasurement measurement,
      Map<ZooModel, Signature> done,
      Map<ZooModel, String> failed)
      throws IOException {
    ZooProgress progress =
        new ZooProgress(
            spec.commandLine().getOut(),
            tasks.size(),
            Math.toIntExact(tasks.stream().filter(Task::isOpen).count()),
            System::nanoTime);
    for (Task task : tasks) {
      ZooModel model = task.model();
      if (!task.failure().isEmpty()) {
        failed.put(model, task.failure());
        progress.passOver(model.name(), "cannot be measured, see below");
      } else if (task.state().signature().isPresent()) {
        done.put(model, task.state().signature().get());
        progress.passOver(model.name(), task.state().reason());
      } else {
        progress.begin(model.name(), task.state().reason());
        ZooMeasurement.Outcome outcome = measurement.run(model, folder.measured(model.name()));
        interruption = outcome.interruption();
        if (interruption != 0) {
          interrupted(measurement, done, tasks.size());
        }
        if (measurement.isStopped(0)) {
          return;
        }
        String failure = finish(task, outcome, folder);
        if (failure.isEmpty()) {
          done.put(model, outcome.signature().orElseThrow());
          progress.done(model.name(), done.get(model));
        } else {
          failed.put(model, failure);
          progress.failed(model.name());
        }
      }
    }
  }

  /** Keeps a signature; returns why not if it cannot be kept. */
  private static String finish(Task task, ZooMeasurement.Outcome outcome, ZooFolder folder)
      throws IOException {
    if (outcome.signature().isEmpty()) {
      return outcome.failure();
    }
    Signature signature = outcome.signature().get();
    if (task.model().file().isPresent() && !signature.model().sha256().equals(task.key().model())) {
      return "its file was changed while the zoo was measured: run the command again";
    }
    folder.finish(task.model().name(), signature, task.key());
    return "";
  }

  private void interrupted(ZooMeasurement measurement, Map<ZooModel, Signature> done, int models) {
    measurement.stop();
    PrintWriter err = spec.commandLine().getErr();
    err.println();
    err.println(
        "affinis zoo: interrupted: %s of %s models are in %s; the same command goes on from there"
            .formatted(done.size(), models, out));
    err.flush();
  }

  private int report(
      List<Task> tasks,
      ZooFolder folder,
      Map<ZooModel, Signature> done,
      Map<ZooModel, String> failed)
      throws IOException {
    PrintWriter print = spec.commandLine().getOut();
    PrintWriter err = spec.commandLine().getErr();
    if (!done.isEmpty()) {
      ZooReport report = ZooReport.write(done, folder);
      print.println();
      TerminalWriter.printLines(ComparisonTable.render(report.comparison()), print);
      print.println();
      print.flush();
      report.warnings().forEach(warning -> err.println("warning: " + warning));
      err.flush();
      report.files().forEach(file -> print.println("wrote " + file));
    }
    print.println(
        "%s of %s models are in %s%s"
            .formatted(
                done.size(),
                tasks.size(),
                out.resolve("signatures"),
                failed.isEmpty() ? "" : ", " + failed.size() + " failed"));
    print.flush();
    tellOfOthers(tasks, folder, failed, err);
    failed.forEach((model, reason) -> err.println(model.name() + " failed: " + reason));
    err.flush();
    if (!failed.isEmpty()) {
      return ExitCodes.BAD_INPUT;
    }
    PrintWriter nowhere = new PrintWriter(Writer.nullWriter());
    boolean missing =
        done.entrySet().stream()
            .anyMatch(
                one ->
                    SignatureTable.reportMissing(
                        one.getValue(), one.getKey().settings().optionalScores(), nowhere));
    return missing ? ExitCodes.SCORES_MISSING : ExitCodes.DONE;
  }

  /** Signature files in the folder that are not part of the zoo as it is now. */
  private static void tellOfOthers(
      List<Task> tasks, ZooFolder folder, Map<ZooModel, String> failed, PrintWriter err)
      throws IOException {
    List<String> others = new ArrayList<>(folder.recorded());
    tasks.stream()
        .map(Task::model)
        .filter(model -> !failed.containsKey(model))
        .forEach(model -> others.remove(model.name()));
    for (String name : others) {
      err.println(
          "%s is left from an earlier run and not in the report"
              .formatted(folder.signatureFile(name)));
    }
  }
}
