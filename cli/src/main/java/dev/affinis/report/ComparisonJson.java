package dev.affinis.report;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.affinis.signature.LayerScores;
import dev.affinis.signature.SignatureFile;
import dev.affinis.signature.compare.Atlas;
import dev.affinis.signature.compare.Correlation;
import dev.affinis.signature.compare.Dendrogram;
import dev.affinis.signature.compare.DynamicTimeWarping;
import dev.affinis.signature.compare.ScoreSeries;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * A comparison as JSON, schema {@value #SCHEMA}: what {@code affinis compare --json} writes and
 * what the report shows. Numbers are finite, or null where something could not be computed; the
 * reason stands beside them. docs/comparison.md says what each key holds.
 */
public final class ComparisonJson {
  /** The schema, value of the key {@code schema}. */
  public static final String SCHEMA = "affinis.comparison/1";

  /** How many published networks are named for each model. */
  private static final int NEAREST = 3;

  private static final JsonMapper JSON = new JsonMapper();

  private final Comparison comparison;

  private ComparisonJson(Comparison comparison) {
    this.comparison = comparison;
  }

  /**
   * Turns a comparison into JSON.
   *
   * @param comparison what to write
   * @return the object, keys in the order of the schema
   */
  public static ObjectNode of(Comparison comparison) {
    return new ComparisonJson(comparison).write();
  }

  private ObjectNode write() {
    ComparisonOptions options = comparison.options();
    ObjectNode root = JSON.createObjectNode().put("schema", SCHEMA);
    root.put("version", ComparisonJson.class.getPackage().getImplementationVersion());
    ObjectNode chosen =
        root.putObject("options")
            .put("score", options.score())
            .put("view", word(options.view()))
            .put("distance", options.distance().name());
    chosen.put(
        "band",
        options.distance() instanceof DynamicTimeWarping warping && warping.band().isPresent()
            ? (Integer) warping.band().getAsInt()
            : null);
    chosen.put("linkage", word(options.linkage()));
    chosen.put(
        "groups", options.groups().isPresent() ? (Integer) options.groups().getAsInt() : null);
    comparison.scores().forEach(root.putArray("scores")::add);
    ArrayNode models = root.putArray("models");
    comparison.models().forEach(model -> write(model, models.addObject()));
    root.set("published", JSON.valueToTree(options.published() ? Atlas.published() : null));
    writeDistances(root.putObject("distances"));
    writeCorrelations(root);
    ArrayNode warnings = root.putArray("warnings");
    for (ComparisonWarning warning : comparison.warnings()) {
      ObjectNode node = warnings.addObject().put("kind", warning.kind().word());
      warning.models().forEach(node.putArray("models")::add);
      node.put("text", warning.text());
    }
    return root;
  }

  private static String word(Enum<?> mode) {
    return mode.name().toLowerCase(Locale.ROOT);
  }

  private void write(ComparedModel model, ObjectNode node) {
    ObjectNode file = SignatureFile.toTree(model.signature());
    node.put("name", model.name())
        .put("file", model.file().toString())
        .put("measured", model.measured().toString());
    node.setAll(((ObjectNode) file.get("model")).<ObjectNode>without("name"));
    node.set("data", file.get("data"));
    node.set("settings", file.get("settings"));
    ObjectNode numbers = node.putObject("numbers");
    model.numbers().forEach(numbers::put);
    ArrayNode layers = node.putArray("layers");
    List<LayerScores> sites = model.signature().layers();
    for (LayerScores site : sites) {
      ObjectNode layer = layers.addObject();
      ObjectNode written = (ObjectNode) file.get("layers").get(site.index());
      layer.setAll(written.<ObjectNode>without(List.of("gaps", "values")));
      layer.put("label", site.label()).put("type", site.type());
    }
    writeModules(model, node.putArray("modules"));
    node.set("skipped", file.get("skipped"));
    ObjectNode statistics = node.putObject("statistics");
    for (String score : comparison.scores()) {
      writeStatistics(model, score, statistics);
    }
    ArrayNode nearest = node.putArray("nearest");
    for (Atlas.Neighbour neighbour : Comparison.nearest(model, NEAREST)) {
      nearest
          .addObject()
          .put("name", neighbour.network().name())
          .put("family", neighbour.network().family())
          .put("distance", neighbour.distance());
    }
  }

  private void writeModules(ComparedModel model, ArrayNode modules) {
    Map<String, Map<String, Double>> means = new LinkedHashMap<>();
    for (String score : comparison.scores()) {
      Map<String, Double> values = new LinkedHashMap<>();
      Comparison.series(model, score, ScoreSeries.View.MODULES)
          .ifPresent(series -> series.points().forEach(p -> values.put(p.label(), p.value())));
      means.put(score, values);
    }
    Map<String, List<LayerScores>> calls =
        model.signature().layers().stream()
            .collect(
                Collectors.groupingBy(
                    LayerScores::module, LinkedHashMap::new, Collectors.toList()));
    calls.forEach(
        (label, of) -> {
          ObjectNode module = modules.addObject().put("label", label);
          ArrayNode kinds = module.putArray("kinds");
          of.stream().map(LayerScores::activation).distinct().forEach(kinds::add);
          module.put("type", of.get(0).type());
          ArrayNode layers = module.putArray("layers");
          of.forEach(layer -> layers.add(layer.index()));
          ObjectNode scores = module.putObject("scores");
          means.forEach((score, values) -> scores.put(score, values.get(label)));
        });
  }

  private static void writeStatistics(ComparedModel model, String score, ObjectNode statistics) {
    for (ScoreSeries.View view : ScoreSeries.View.values()) {
      Optional<ScoreSeries> series = Comparison.series(model, score, view);
      if (series.isPresent()) {
        ObjectNode node = statistics.withObjectProperty(score).putObject(word(view));
        Comparison.statistics(series.get()).forEach(node::put);
      }
    }
  }

  private void writeDistances(ObjectNode distances) {
    for (String score : comparison.scores()) {
      for (ScoreSeries.View view : ScoreSeries.View.values()) {
        comparison
            .clusters(score, view)
            .ifPresent(
                clusters ->
                    write(clusters, distances.withObjectProperty(score).putObject(word(view))));
      }
    }
  }

  private void write(Dendrogram clusters, ObjectNode node) {
    node.set("models", JSON.valueToTree(clusters.distances().names()));
    node.set("matrix", JSON.valueToTree(clusters.distances().rows()));
    node.set("order", JSON.valueToTree(clusters.leafOrder()));
    node.set("merges", JSON.valueToTree(clusters.merges()));
    node.set("groups", JSON.valueToTree(comparison.groups(clusters).orElse(null)));
  }

  private void writeCorrelations(ObjectNode root) {
    ArrayNode sites = root.putArray("correlations");
    for (Comparison.OverSites over : comparison.overSites()) {
      ObjectNode node =
          sites
              .addObject()
              .put("x", comparison.options().score())
              .put("y", over.other())
              .put("over", "sites")
              .put("model", over.model().orElse(null));
      write(over.correlation(), node);
    }
    ArrayNode against = root.putArray("against");
    for (Comparison.OverModels over : comparison.overModels()) {
      ObjectNode node =
          against
              .addObject()
              .put("number", over.number())
              .put("score", over.score())
              .put("statistic", over.statistic());
      write(over.correlation(), node);
    }
  }

  private static void write(Correlation correlation, ObjectNode node) {
    node.put("method", word(correlation.method())).put("pairs", correlation.pairs());
    correlation
        .coefficient()
        .map(
            value -> node.put("coefficient", value).putNull("reason"),
            reason -> node.putNull("coefficient").put("reason", reason));
    node.put("low", correlation.interval().map(Correlation.Interval::low).orElse(null));
    node.put("high", correlation.interval().map(Correlation.Interval::high).orElse(null));
  }
}
