package dev.affinis.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.affinis.report.ComparedModel;
import dev.affinis.report.Comparison;
import dev.affinis.report.ComparisonJson;
import dev.affinis.report.ComparisonOptions;
import dev.affinis.report.ComparisonWarning;
import dev.affinis.report.ReportPage;
import dev.affinis.signature.AtomicFile;
import dev.affinis.signature.Signature;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The measured models of a zoo side by side.
 *
 * @param comparison the comparison of all models
 * @param files what was written
 */
record ZooReport(Comparison comparison, List<Path> files) {
  private static final String JSON = "comparison.json";
  private static final String PAGE = "report.html";

  /**
   * Writes the report. By affinity, or by the first score there is if that was not measured.
   *
   * @param done the models, at least one, with their signatures
   * @param folder where they are, and the report goes
   * @return the report
   */
  static ZooReport write(Map<ZooModel, Signature> done, ZooFolder folder) throws IOException {
    List<ComparedModel> models = new ArrayList<>();
    Set<String> scores = new LinkedHashSet<>();
    for (Map.Entry<ZooModel, Signature> entry : done.entrySet()) {
      ZooModel model = entry.getKey();
      models.add(
          ComparedModel.of(folder.signatureFile(model.name()), entry.getValue())
              .withName(model.name())
              .withNumbers(model.numbers()));
      scores.addAll(entry.getValue().scoreNames());
    }
    ComparisonOptions options = ComparisonOptions.DEFAULT;
    if (!scores.isEmpty() && !scores.contains(options.score())) {
      options = options.withScore(scores.iterator().next());
    }
    Comparison comparison = Comparison.of(models, options);
    ObjectNode json = ComparisonJson.of(comparison);
    AtomicFile.write(folder.unfinished(JSON), json.toPrettyString() + "\n");
    ReportPage.write(json, folder.unfinished(PAGE));
    return new ZooReport(comparison, List.of(folder.publish(JSON), folder.publish(PAGE)));
  }

  /** What a reader should know before believing the comparison. */
  List<String> warnings() {
    return comparison.warnings().stream().map(ComparisonWarning::text).toList();
  }
}
