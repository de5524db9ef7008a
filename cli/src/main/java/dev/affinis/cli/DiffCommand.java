package dev.affinis.cli;

import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.NearNames;
import dev.affinis.report.ComparedModel;
import dev.affinis.report.ComparisonWarning;
import dev.affinis.report.SettingsDifference;
import dev.affinis.signature.AtomicFile;
import dev.affinis.signature.Signature;
import dev.affinis.signature.compare.SignatureDifference;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code affinis diff}: what changed between two signatures of one architecture. */
@Command(
    name = "diff",
    description =
        "Compares two signatures of one architecture site by site, such as those of a model and its "
            + "fine-tuned, pruned or quantised copy, and says by its exit code whether they differ. Sites "
            + "are the same if path, call, kind and type are; one that only one file has is a difference, "
            + "as is a score that only one of them could compute.",
    exitCodeListHeading = "%nExit codes, those of diff(1):%n",
    exitCodeList = {
      "0:the same, within the tolerance",
      "1:different (or a bug, which says so)",
      "2:wrong use of the command line",
      "3:a file is no signature, or with --strict, data or settings are not the same"
    },
    mixinStandardHelpOptions = true,
    sortOptions = false,
    usageHelpAutoWidth = true)
final class DiffCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "OLD.json", description = "A signature file.")
  private Path before;

  @Parameters(index = "1", paramLabel = "NEW.json", description = "Another one.")
  private Path after;

  @Option(
      names = "--tolerance",
      paramLabel = "T|SCORE=T",
      split = ",",
      defaultValue = "0",
      description =
          "How far a score may be apart, for all scores or for one: 0.01,effective_rank_post=0.5 "
              + "(default: ${DEFAULT-VALUE}).")
  private List<String> tolerances;

  @Option(
      names = {"--score", "--scores"},
      paramLabel = "NAME",
      split = ",",
      description = "Compare these scores only (default: all that both files have).")
  private List<String> scores = List.of();

  @Option(names = "--all", description = "Show all sites, not only those that differ.")
  private boolean all;

  @Option(
      names = "--strict",
      description = "Data or settings that are not the same are an error, not a warning.")
  private boolean strict;

  @Option(names = "--json", paramLabel = "FILE", description = "Write the differences to a file.")
  private Path json;

  @Override
  public Integer call() throws IOException {
    if (json != null) {
      OutputFile.requireWritable(json);
    }
    ComparedModel left = read(before, "old");
    ComparedModel right = read(after, "new");
    Map<String, Double> compared = tolerances(chosen(left.signature(), right.signature()));
    SignatureDifference difference;
    try {
      difference =
          SignatureDifference.of(
              left.signature(), right.signature(), List.copyOf(compared.keySet()), compared::get);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
    List<ComparisonWarning> warnings = SettingsDifference.of(List.of(left, right));
    if (strict) {
      ComparisonWarning.requireAlike(warnings, "old and new", "measure one again");
    }
    PrintWriter err = spec.commandLine().getErr();
    warnings.forEach(warning -> err.println("warning: " + warning.text()));
    err.flush();
    DiffReport report = new DiffReport(left, right, compared, warnings, difference);
    PrintWriter out = spec.commandLine().getOut();
    TerminalWriter.printLines(report.render(all), out);
    out.flush();
    if (json != null) {
      AtomicFile.write(json, report.toJson());
    }
    return difference.differing().isEmpty() ? ExitCodes.DONE : ExitCodes.DIFFERENT;
  }

  private static ComparedModel read(Path file, String role) throws IOException {
    return ComparedModel.read(List.of(file)).get(0).withName(role);
  }

  /** The scores to compare: those asked for, or all that both have. */
  private List<String> chosen(Signature left, Signature right) {
    if (!scores.isEmpty()) {
      return scores.stream().distinct().toList();
    }
    Set<String> others = right.scoreNames();
    List<String> both = left.scoreNames().stream().filter(others::contains).toList();
    if (both.isEmpty()) {
      throw new InvalidInputException(
          "%s and %s have no score in common (%s; %s): measure both with the same --scores"
              .formatted(
                  before, after, String.join(", ", left.scoreNames()), String.join(", ", others)));
    }
    return both;
  }

  private Map<String, Double> tolerances(List<String> names) {
    double general = 0;
    Map<String, Double> own = new LinkedHashMap<>();
    for (String given : tolerances) {
      int equals = given.indexOf('=');
      double value = number(given.substring(equals + 1));
      if (equals < 0) {
        general = value;
      } else {
        own.put(given.substring(0, equals).strip(), value);
      }
    }
    for (String name : own.keySet()) {
      if (!names.contains(name)) {
        throw new ParameterException(
            spec.commandLine(),
            "--tolerance %s: no such score is compared: near are %s"
                .formatted(name, String.join(", ", NearNames.of(name, names))));
      }
    }
    Map<String, Double> result = new LinkedHashMap<>();
    for (String name : names) {
      result.put(name, own.getOrDefault(name, general));
    }
    return result;
  }

  private double number(String text) {
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException e) {
      throw new ParameterException(
          spec.commandLine(), "--tolerance must be a number or SCORE=NUMBER, got " + text, e);
    }
  }
}
