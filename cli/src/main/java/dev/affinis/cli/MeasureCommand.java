package dev.affinis.cli;

import dev.affinis.instrument.Layout;
import dev.affinis.instrument.Measurement;
import dev.affinis.instrument.MeasurementPlan;
import dev.affinis.instrument.MeasurementStoppedException;
import dev.affinis.instrument.ModelSource;
import dev.affinis.instrument.data.SampleSource;
import dev.affinis.signature.Pooling;
import dev.affinis.signature.Signature;
import dev.affinis.signature.TokenPolicy;
import dev.affinis.signature.covariance.Covariance;
import dev.affinis.signature.covariance.Ridge;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code affinis measure}: the signature of one model. */
@Command(
    name = "measure",
    description = "Measures the non-linearity signature of a model and writes it to a file.",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    usageHelpAutoWidth = true)
final class MeasureCommand implements Callable<Integer> {
  private static final String ALL = "all";

  @Spec private CommandSpec spec;

  @Mixin private ModelOptions model;

  @Mixin private DataOptions data;

  @Option(
      names = "--out",
      paramLabel = "FILE.json",
      description = {
        "Where to write the signature; replaced only once the new one is complete. Required",
        "unless --dry-run is given."
      })
  private Path out;

  @Option(
      names = "--dry-run",
      description = {
        "Show sites, rows, the memory to expect and how it is kept within --memory, from one",
        "batch; measure nothing."
      })
  private boolean dryRun;

  @Option(
      names = "--batch-size",
      paramLabel = "B|auto",
      defaultValue = "16",
      converter = Words.BatchSizeWord.class,
      description = {
        "Samples that run through the model at a time (default: ${DEFAULT-VALUE}); with auto 16, or",
        "half of that as often as memory runs out."
      })
  private Words.BatchSize batchSize;

  @Option(
      names = "--pooling",
      paramLabel = "P",
      defaultValue = "channel",
      converter = Words.PoolingWord.class,
      description = {
        "How an activation becomes a row: channel (mean over positions) or reference (as the",
        "authors' code does it). Default: ${DEFAULT-VALUE}."
      })
  private Pooling pooling;

  @Option(
      names = "--tokens",
      paramLabel = "T",
      defaultValue = "all",
      converter = Words.TokensWord.class,
      description = {
        "Which tokens of a transformer's activations (batch x tokens x channels) a row is the mean",
        "of: all, class (the first one), patches (all others) or masked:INPUT (those that the",
        "model's input of this name or number says are no padding). Default: ${DEFAULT-VALUE}."
      })
  private TokenPolicy tokens;

  @Option(
      names = "--layout",
      paramLabel = "L",
      defaultValue = "auto",
      converter = Words.LayoutWord.class,
      description = {
        "Where channels are: auto (as the producing operation says), channels-first or",
        "channels-last. Default: ${DEFAULT-VALUE}."
      })
  private Layout layout;

  @Option(
      names = "--covariance",
      paramLabel = "C",
      defaultValue = "ledoit-wolf",
      converter = Words.CovarianceWord.class,
      description = "ledoit-wolf or empirical (default: ${DEFAULT-VALUE}).")
  private Covariance covariance;

  @Option(
      names = "--ridge",
      paramLabel = "R",
      defaultValue = "relative",
      converter = Words.RidgeWord.class,
      description = {
        "What is added to the diagonal of covariances: relative (1e-6 of its mean) or absolute",
        "(1e-6). Default: ${DEFAULT-VALUE}."
      })
  private Ridge ridge;

  @Option(
      names = "--scores",
      paramLabel = "S",
      split = ",",
      defaultValue = "affinity",
      description = {
        "Scores to compute (default: ${DEFAULT-VALUE}), or all that model and data can have: those",
        "of classes are null without labels, and saturated_units without two bounds, and are not",
        "counted as missing unless they are named, too."
      })
  private List<String> scores;

  @Option(
      names = "--sparsity-threshold",
      paramLabel = "T",
      defaultValue = "0.001",
      description = {
        "Up to which magnitude a value counts as small in sparsity_pre, sparsity_post and",
        "dead_units, and how near to a bound as saturated (default: ${DEFAULT-VALUE})."
      })
  private double sparsityThreshold;

  @Option(
      names = "--confidence",
      paramLabel = "N",
      description = {
        "Give every affinity score a standard error, from N bootstrap replicates over the samples,",
        "at least 2; 200 know the error to 5 percent of itself. Costs little; see",
        "docs/statistics.md."
      })
  private Integer confidence;

  @Option(
      names = "--memory",
      paramLabel = "SIZE",
      converter = Words.BytesWord.class,
      description = {
        "What captures and scores may take together, such as 512m or 4g (default: half of the",
        "machine's memory); the model and a batch come on top. Captures that do not fit are kept",
        "on disk, and if that is too small, too, the data go through the model several times."
      })
  private Long memory;

  @Option(
      names = "--spill-dir",
      paramLabel = "DIR",
      description = {
        "Where captures are kept that do not fit into memory (default: the system's directory for",
        "temporary files); removed when the run ends."
      })
  private Path spillDirectory;

  @Option(
      names = "--span",
      paramLabel = "FROM,TO",
      description = {
        "Score a chain of sites like one, too: the input of site FROM against the output of site",
        "TO, both among the measured sites, named by their paths (PATH#CALL for another call than",
        "the first, PATH:KIND or PATH:KIND#CALL where a path has several). TO comes after FROM, or",
        "lies inside it if that is a module. May be given several times."
      })
  private List<String> spans = List.of();

  @Option(
      names = "--resume",
      description = {
        "Keep captures and scores on disk while the run goes on, and go on where a run of the same",
        "model, data, settings and machine was interrupted; the result is the same, bit for bit.",
        "Removed when the signature is written; see also affinis cache."
      })
  private boolean resume;

  /** For {@code zoo}, where some models may not be told to be the same. */
  @Option(
      names = "--resume-if-possible",
      hidden = true,
      description = "As --resume; where that is refused, keep nothing.")
  private boolean resumeIfPossible;

  @Mixin private CacheOption cache;

  @Option(names = "--quiet", description = "Print nothing but warnings and errors.")
  private boolean quiet;

  @Override
  public Integer call() throws IOException {
    if (out == null && !dryRun) {
      throw new ParameterException(
          spec.commandLine(), "Missing required option: '--out=FILE.json' (or pass --dry-run)");
    }
    Measurement.Builder builder = options();
    if (!dryRun) {
      OutputFile.requireWritable(out);
    }
    Signature signature;
    try (ModelSource<?, ?> file = model.open();
        SampleSource source = data.open(file.imageTranslation());
        TerminalProgress progress = new TerminalProgress(file.name(), spec, quiet)) {
      Measurement measurement =
          builder.setModel(file).setSource(source).optListener(progress).build();
      if (dryRun) {
        MeasurementPlan plan = measurement.plan();
        TerminalWriter.printLines(PlanTable.render(plan), spec.commandLine().getOut());
        TerminalWriter.printLines(PlanTable.render(plan.memory()), spec.commandLine().getOut());
        return ExitCodes.DONE;
      }
      Interruption interruption = new Interruption(() -> stop(measurement, file.name()));
      try (interruption) {
        signature = measurement.run(out);
      } catch (MeasurementStoppedException e) {
        tell(e);
        return interruption.exitCode();
      }
    }
    if (!quiet) {
      TerminalWriter.printLines(SignatureTable.render(signature), spec.commandLine().getOut());
      signature
          .skipped()
          .forEach(
              s -> spec.commandLine().getOut().println("skipped " + s.path() + ": " + s.reason()));
      spec.commandLine().getOut().println("wrote " + out);
    }
    return SignatureTable.reportMissing(signature, optionalScores(), spec.commandLine().getErr())
        ? ExitCodes.SCORES_MISSING
        : ExitCodes.DONE;
  }

  /** Called by another thread, when the user interrupts. */
  private void stop(Measurement measurement, String name) {
    measurement.stop();
    PrintWriter err = spec.commandLine().getErr();
    err.println(
        name + ": stopping behind the batch or sites at work; interrupt again to end at once");
    err.flush();
  }

  private void tell(MeasurementStoppedException stopped) {
    spec.commandLine()
        .getErr()
        .println(
            "affinis measure: interrupted: "
                + stopped
                    .kept()
                    .map(kept -> kept + "; the same command goes on from there")
                    .orElse(
                        resume || resumeIfPossible
                            ? "not all of it could be kept, see above; the same command goes on from"
                                + " what is"
                            : "nothing is kept; with --resume the same command could go on"));
  }

  /** The scores that only {@code all} asks for: those that this model and data can have. */
  Set<String> optionalScores() {
    Set<String> names = new HashSet<>();
    if (scores.contains(ALL)) {
      names.addAll(Measurement.Builder.scoreNames());
      scores.forEach(names::remove);
    }
    return names;
  }

  /** Checks the values of all options, whether or not the model and the data are there. */
  void checkOptions() {
    options();
    data.checkOptions();
  }

  /** Checks that the data are there and can be used, without reading all of them. */
  void checkData() {
    data.open(Optional.empty()).close();
  }

  private Measurement.Builder options() {
    try {
      Measurement.Builder builder = Measurement.builder();
      if (confidence != null && data.selection().batches() > 1) {
        throw new ParameterException(
            spec.commandLine(),
            "--confidence estimates the deviation that --batches measures: leave one of them out");
      }
      if (confidence != null) {
        builder.optConfidence(confidence);
      }
      if (memory != null) {
        builder.optMemory(memory);
      }
      if (resume) {
        builder.optResume(cache.open());
      } else if (resumeIfPossible) {
        builder.optResumeIfPossible(cache.open());
      } else if (cache.isGiven()) {
        throw new IllegalArgumentException(
            "--cache is where --resume keeps captures and scores: add --resume, or leave --cache"
                + " out");
      }
      if (spillDirectory != null) {
        builder.optSpillDirectory(spillDirectory);
      }
      for (String span : spans) {
        String[] ends = span.split(",", -1);
        if (ends.length != 2 || ends[0].isBlank() || ends[1].isBlank()) {
          throw new IllegalArgumentException(
              "--span must be FROM,TO, the paths of two sites, got " + span);
        }
        builder.optSpan(ends[0].strip(), ends[1].strip());
      }
      return builder
          .optSelection(data.selection())
          .optSkipBad(data.skipsBad())
          .optBatchSize(batchSize.first())
          .optShrinkingBatches(batchSize.shrinks())
          .optPooling(pooling)
          .optTokens(tokens)
          .optLayout(layout)
          .optCovariance(covariance)
          .optRidge(ridge)
          .optScores(scores.contains(ALL) ? Measurement.Builder.scoreNames() : scores)
          .optSparsityThreshold(sparsityThreshold)
          .optSites(model.sites())
          .optDevice(model.device());
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }
}
