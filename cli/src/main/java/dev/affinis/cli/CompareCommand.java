package dev.affinis.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.affinis.report.ComparedModel;
import dev.affinis.report.Comparison;
import dev.affinis.report.ComparisonJson;
import dev.affinis.report.ComparisonOptions;
import dev.affinis.report.ComparisonWarning;
import dev.affinis.report.ModelNumbers;
import dev.affinis.report.ReportPage;
import dev.affinis.report.ScoreTable;
import dev.affinis.report.StaticCharts;
import dev.affinis.signature.AtomicFile;
import dev.affinis.signature.compare.DynamicTimeWarping;
import dev.affinis.signature.compare.Linkage;
import dev.affinis.signature.compare.ScoreSeries;
import dev.affinis.signature.compare.SeriesDistance;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code affinis compare}: signatures of several models side by side. */
@Command(
    name = "compare",
    description =
        "Compares signatures: statistics, distances, groups and correlations, as a table, a page, or data.",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    usageHelpAutoWidth = true)
final class CompareCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "FILE.json",
      arity = "1..*",
      description = "Signature files, as affinis measure writes them.")
  private List<Path> files;

  @Option(
      names = "--html",
      paramLabel = "FILE.html",
      description = "Write the report: one page that holds everything and opens from disk.")
  private Path html;

  @Option(
      names = "--static",
      paramLabel = "DIR",
      description = "Write the report's charts as SVG files into this folder, made if need be.")
  private Path charts;

  @Option(names = "--json", paramLabel = "FILE.json", description = "Write the comparison as JSON.")
  private Path json;

  @Option(
      names = "--csv",
      paramLabel = "FILE.csv",
      description = "Write all scores as a table, one row for each model, site and score.")
  private Path csv;

  @Option(
      names = "--score",
      paramLabel = "NAME",
      defaultValue = "affinity",
      description = "The score to compare (default: ${DEFAULT-VALUE}).")
  private String score;

  @Option(
      names = "--view",
      paramLabel = "V",
      defaultValue = "calls",
      converter = Words.ViewWord.class,
      description = {
        "calls (each call of an activation by itself) or modules (the mean over a module's calls).",
        "Default: ${DEFAULT-VALUE}."
      })
  private ScoreSeries.View view;

  @Option(
      names = "--distance",
      paramLabel = "D",
      defaultValue = "dtw",
      converter = Words.DistanceWord.class,
      description = {
        "How far two signatures are apart: dtw (dynamic time warping), resampled_euclidean (over",
        "relative depth), wasserstein (the scores without their order) or summary (mean,",
        "deviation, minimum, maximum). Default: ${DEFAULT-VALUE}."
      })
  private SeriesDistance distance;

  @Option(
      names = "--band",
      paramLabel = "N",
      description = {
        "With dtw: how many sites one signature may run ahead of the other, beyond what their",
        "lengths differ (default: any)."
      })
  private Integer band;

  @Option(
      names = "--linkage",
      paramLabel = "L",
      defaultValue = "average",
      converter = Words.LinkageWord.class,
      description = {
        "How far two groups of models are apart: single, complete, average or ward (default:",
        "${DEFAULT-VALUE})."
      })
  private Linkage linkage;

  @Option(names = "--groups", paramLabel = "K", description = "Divide the models into K groups.")
  private Integer groups;

  @Option(
      names = "--accuracies",
      paramLabel = "FILE.csv",
      description = {
        "What is known of the models besides: lines such as resnet18,0.6976 below a first line",
        "such as model,accuracy. Correlated with the statistics of their scores."
      })
  private Path accuracies;

  @Option(
      names = "--atlas",
      description = "Show the published signatures of 37 networks beside the measured ones.")
  private boolean atlas;

  @Option(
      names = "--strict",
      description = "Fail if models were not measured with the same settings on the same data.")
  private boolean strict;

  @Override
  public Integer call() throws IOException {
    Stream.of(html, json, csv).filter(file -> file != null).forEach(OutputFile::requireWritable);
    List<ComparedModel> models = ComparedModel.read(files);
    if (accuracies != null) {
      models = ModelNumbers.addTo(models, accuracies);
    }
    Comparison comparison = Comparison.of(models, options());
    List<ComparisonWarning> warnings = comparison.warnings();
    if (strict) {
      ComparisonWarning.requireAlike(warnings, "models", "measure them again");
    }
    PrintWriter out = spec.commandLine().getOut();
    TerminalWriter.printLines(ComparisonTable.render(comparison), out);
    write(comparison).forEach(file -> out.println("wrote " + file));
    out.flush();
    PrintWriter err = spec.commandLine().getErr();
    warnings.forEach(warning -> err.println("warning: " + warning.text()));
    err.flush();
    return ExitCodes.DONE;
  }

  private ComparisonOptions options() {
    if (band != null && !(distance instanceof DynamicTimeWarping)) {
      throw wrongUse("--band is for --distance dtw alone, got --distance " + distance.name());
    }
    if (band != null && band < 0) {
      throw wrongUse("--band must be at least 0, got " + band);
    }
    return new ComparisonOptions(
        score,
        view,
        band == null ? distance : new DynamicTimeWarping(OptionalInt.of(band)),
        linkage,
        groups == null ? OptionalInt.empty() : OptionalInt.of(groups),
        atlas);
  }

  private ParameterException wrongUse(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  /** Writes what was asked for; returns where. */
  private List<Path> write(Comparison comparison) throws IOException {
    List<Path> written = new ArrayList<>();
    // All distances of all scores, which a table does without.
    boolean needsAll = html != null || charts != null || json != null;
    ObjectNode tree = needsAll ? ComparisonJson.of(comparison) : null;
    if (html != null) {
      ReportPage.write(tree, html);
      written.add(html);
    }
    if (charts != null) {
      written.addAll(StaticCharts.write(tree, charts));
    }
    if (json != null) {
      AtomicFile.write(json, tree.toPrettyString() + "\n");
      written.add(json);
    }
    if (csv != null) {
      StringWriter table = new StringWriter();
      ScoreTable.write(comparison.models(), table);
      AtomicFile.write(csv, table.toString());
      written.add(csv);
    }
    return written;
  }
}
