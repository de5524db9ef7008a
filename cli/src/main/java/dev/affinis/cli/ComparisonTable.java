package dev.affinis.cli;

import com.github.freva.asciitable.ColumnData;
import dev.affinis.report.ComparedModel;
import dev.affinis.report.Comparison;
import dev.affinis.report.ComparisonOptions;
import dev.affinis.signature.compare.Atlas;
import dev.affinis.signature.compare.Dendrogram;
import dev.affinis.signature.compare.ScoreSeries;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** Comparisons as text. */
final class ComparisonTable {
  /** Models that have a column in the table of distances; more would not fit into a line. */
  private static final int MOST_DISTANCES = 12;

  private static final int NAME_WIDTH = 40;

  private final Comparison comparison;
  private final ComparisonOptions options;

  private ComparisonTable(Comparison comparison) {
    this.comparison = comparison;
    this.options = comparison.options();
  }

  /** A row for each model, and the distances of few models. */
  static String render(Comparison comparison) {
    return new ComparisonTable(comparison).render();
  }

  private String render() {
    List<String> parts = new ArrayList<>();
    parts.add(
        "%s of %s %s, by %s"
            .formatted(
                TerminalWriter.harmless(options.score()),
                comparison.models().size(),
                comparison.models().size() == 1 ? "model" : "models",
                options.view() == ScoreSeries.View.CALLS ? "call" : "module"));
    Map<String, Integer> groups = new HashMap<>();
    Dendrogram clusters = comparison.clusters(options.score(), options.view()).orElse(null);
    if (clusters != null) {
      List<String> names = clusters.distances().names();
      comparison
          .groups(clusters)
          .ifPresent(
              of -> {
                for (int i = 0; i < names.size(); i++) {
                  groups.put(names.get(i), of.get(i) + 1);
                }
              });
    }
    parts.add(statistics(groups));
    if (clusters != null && clusters.distances().size() > 1) {
      parts.add(distances(clusters));
    }
    return String.join(System.lineSeparator(), parts);
  }

  private String statistics(Map<String, Integer> groups) {
    Map<ComparedModel, Map<String, Double>> statistics = new HashMap<>();
    for (ComparedModel model : comparison.models()) {
      statistics.put(
          model,
          Comparison.series(model, options.score(), options.view())
              .map(Comparison::statistics)
              .orElse(Map.of()));
    }
    List<ColumnData<ComparedModel>> columns = new ArrayList<>();
    columns.add(TextTable.left("model").maxWidth(NAME_WIDTH).with(ComparedModel::name));
    columns.add(
        TextTable.right("sites")
            .with(
                model ->
                    String.valueOf(statistics.get(model).getOrDefault("sites", 0.).intValue())));
    for (String name : List.of("mean", "std", "min", "median", "max")) {
      columns.add(TextTable.right(name).with(model -> number(statistics.get(model).get(name))));
    }
    for (String number : comparison.numbers()) {
      columns.add(
          TextTable.right(number)
              .maxWidth(NAME_WIDTH)
              .with(model -> number(model.numbers().get(number))));
    }
    if (!groups.isEmpty()) {
      columns.add(
          TextTable.right("group")
              .with(
                  model -> groups.containsKey(model.name()) ? "" + groups.get(model.name()) : "-"));
    }
    if (options.published()) {
      columns.add(TextTable.left("nearest published").with(ComparisonTable::nearest));
    }
    return table(comparison.models(), columns);
  }

  private static String nearest(ComparedModel model) {
    return Comparison.nearest(model, 1).stream()
        .map(
            (Atlas.Neighbour near) ->
                near.network().name() + " (" + number(near.distance()) + " away)")
        .collect(Collectors.joining());
  }

  private String distances(Dendrogram clusters) {
    String title =
        System.lineSeparator()
            + "distances (%s), in the order of their %s clustering"
                .formatted(
                    options.distance().name(), options.linkage().name().toLowerCase(Locale.ROOT));
    int size = clusters.distances().size();
    if (size > MOST_DISTANCES) {
      return title + ": %s models are too many for a table, see --html, --json".formatted(size);
    }
    List<String> names = clusters.distances().names();
    List<Integer> order = clusters.leafOrder();
    List<ColumnData<Integer>> columns = new ArrayList<>();
    columns.add(TextTable.left("").maxWidth(NAME_WIDTH).with(names::get));
    for (int j : order) {
      columns.add(
          TextTable.right(names.get(j))
              .maxWidth(NAME_WIDTH)
              .with(i -> number(clusters.distances().between(i, j))));
    }
    return title + System.lineSeparator() + table(order, columns);
  }

  private static <T> String table(List<T> rows, List<ColumnData<T>> columns) {
    return TextTable.table(rows, columns)
        .lines()
        .map(String::stripTrailing)
        .collect(Collectors.joining(System.lineSeparator()));
  }

  private static String number(Double value) {
    return value == null ? "-" : TextTable.number(value);
  }
}
