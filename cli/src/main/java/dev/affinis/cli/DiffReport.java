package dev.affinis.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.affinis.report.ComparedModel;
import dev.affinis.report.ComparisonWarning;
import dev.affinis.signature.LayerScores;
import dev.affinis.signature.Score;
import dev.affinis.signature.compare.SignatureDifference;
import dev.affinis.signature.compare.SignatureDifference.Change;
import dev.affinis.signature.compare.SignatureDifference.Site;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What {@code affinis diff} prints and writes.
 *
 * @param before the first signature and its file
 * @param after the second
 * @param tolerances the compared scores, with how far they may be apart
 * @param warnings what was not the same when they were measured
 * @param difference what was found
 */
record DiffReport(
    ComparedModel before,
    ComparedModel after,
    Map<String, Double> tolerances,
    List<ComparisonWarning> warnings,
    SignatureDifference difference) {
  /** The value of the key {@code schema} in the file. */
  private static final String SCHEMA = "affinis.diff/1";

  /** Smaller changes are written with an exponent. */
  private static final double SMALL = 1e-3;

  private record Row(
      String site, String kind, String score, String before, String after, String change) {}

  /**
   * A table, then lines about what it cannot show, then a summary.
   *
   * @param all whether sites that are the same are shown, too
   */
  String render(boolean all) {
    List<String> lines = new ArrayList<>();
    List<Row> rows = new ArrayList<>();
    for (Site site : difference.sites()) {
      if (all || site.differs()) {
        rows.addAll(rows(site, all));
      }
    }
    lines.addAll(reasons());
    addUncompared("old", before, after, lines);
    addUncompared("new", after, before, lines);
    tolerances.forEach((score, tolerance) -> lines.add(summary(score, tolerance)));
    addOnly("old", difference.sites().stream().filter(s -> s.after().isEmpty()).count(), lines);
    addOnly("new", difference.sites().stream().filter(s -> s.before().isEmpty()).count(), lines);
    int differing = difference.differing().size();
    lines.add(
        differing == 0
            ? "no site differs"
            : differing + " of " + difference.sites().size() + " sites differ");
    String text =
        lines.stream()
            .map(TerminalWriter::harmless)
            .collect(Collectors.joining(System.lineSeparator()));
    return rows.isEmpty() ? text : table(rows) + System.lineSeparator() + text;
  }

  /** Scores that were left out because the other file does not have them. */
  private void addUncompared(
      String side, ComparedModel with, ComparedModel without, List<String> lines) {
    Set<String> names = with.signature().scoreNames();
    names.removeAll(without.signature().scoreNames());
    names.removeAll(tolerances.keySet());
    if (!names.isEmpty()) {
      lines.add("not compared, in the " + side + " file only: " + String.join(", ", names));
    }
  }

  private static void addOnly(String side, long count, List<String> lines) {
    if (count > 0) {
      lines.add(
          count + (count == 1 ? " site is" : " sites are") + " in the " + side + " file only");
    }
  }

  private static List<Row> rows(Site site, boolean all) {
    LayerScores layer = site.either();
    if (!site.isShared()) {
      String where = site.before().isPresent() ? "only in old" : "only in new";
      return List.of(new Row(layer.label(), layer.activation(), "", "", "", where));
    }
    return site.changes().stream()
        .filter(change -> all || change.differs())
        .map(
            change ->
                new Row(
                    layer.label(),
                    layer.activation(),
                    change.score(),
                    TextTable.number(change.before()),
                    TextTable.number(change.after()),
                    describe(change)))
        .toList();
  }

  private static String describe(Change change) {
    if (change.difference().isPresent()) {
      return signed(change.difference().getAsDouble()) + (change.differs() ? " *" : "  ");
    }
    return change.differs()
        ? "missing in " + (change.before().number().isPresent() ? "new" : "old") + " *"
        : "missing  ";
  }

  private static String table(List<Row> rows) {
    return TextTable.table(
            rows,
            List.of(
                TextTable.left("site").with(Row::site),
                TextTable.left("kind").with(Row::kind),
                TextTable.left("score").with(Row::score),
                TextTable.right("old").with(Row::before),
                TextTable.right("new").with(Row::after),
                TextTable.right("change  ").with(Row::change)))
        .stripTrailing();
  }

  /** Why scores are missing that the other file has. */
  private List<String> reasons() {
    List<String> lines = new ArrayList<>();
    for (Site site : difference.differing()) {
      for (Change change : site.changes()) {
        if (change.differs() && change.difference().isEmpty()) {
          boolean isOld = change.after().number().isPresent();
          Score missing = isOld ? change.before() : change.after();
          lines.add(
              "%s: no %s for %s: %s"
                  .formatted(
                      (isOld ? before : after).file(),
                      change.score(),
                      site.either().label(),
                      missing.map(value -> "", reason -> reason)));
        }
      }
    }
    return lines;
  }

  private long count(String score) {
    return difference.sites().stream()
        .flatMap(site -> site.changes().stream())
        .filter(change -> change.score().equals(score) && change.differs())
        .count();
  }

  private String summary(String score, double tolerance) {
    return "%s: %s of %s common sites differ by more than %s; %s"
        .formatted(
            score,
            count(score),
            difference.sites().stream().filter(Site::isShared).count(),
            BigDecimal.valueOf(tolerance).stripTrailingZeros().toPlainString(),
            difference
                .largest(score)
                .map(DiffReport::describe)
                .orElse("none has it in both files"));
  }

  private static String describe(SignatureDifference.Largest largest) {
    Change change = largest.change();
    double size = change.difference().orElseThrow();
    return size == 0
        ? "no change at all"
        : "largest change %s at %s, from %s to %s"
            .formatted(
                signed(size),
                largest.site().either().label(),
                TextTable.number(change.before()),
                TextTable.number(change.after()));
  }

  private static String signed(double change) {
    return String.format(
        Locale.ROOT, change == 0 || Math.abs(change) >= SMALL ? "%+.4f" : "%+.1e", change);
  }

  /** All of it as JSON, schema {@value #SCHEMA}. */
  String toJson() {
    ObjectNode root = new ObjectMapper().createObjectNode().put("schema", SCHEMA);
    root.put("different", !difference.differing().isEmpty());
    describe(before, root.putObject("old"));
    describe(after, root.putObject("new"));
    tolerances.forEach(root.putObject("tolerances")::put);
    ObjectNode largest = root.putObject("largest");
    for (String score : tolerances.keySet()) {
      difference
          .largest(score)
          .ifPresent(
              found ->
                  largest
                      .putObject(score)
                      .put("site", found.site().either().label())
                      .put("difference", found.change().difference().orElseThrow()));
    }
    ArrayNode warned = root.putArray("warnings");
    warnings.forEach(w -> warned.addObject().put("kind", w.kind().word()).put("text", w.text()));
    ArrayNode sites = root.putArray("sites");
    difference.sites().forEach(site -> write(site, sites.addObject()));
    return root.toPrettyString() + "\n";
  }

  private static void describe(ComparedModel model, ObjectNode node) {
    node.put("file", model.file().toString())
        .put("model", model.signature().model().name())
        .put("sha256", model.signature().model().sha256());
  }

  private static void write(Site site, ObjectNode node) {
    LayerScores layer = site.either();
    node.put("path", layer.path())
        .put("call", layer.call())
        .put("activation", layer.activation())
        .put("type", layer.type())
        .put("in", site.isShared() ? "both" : site.before().isPresent() ? "old" : "new")
        .put("differs", site.differs());
    putDimension("old_dimension", site.before(), node);
    putDimension("new_dimension", site.after(), node);
    ObjectNode scores = node.putObject("scores");
    for (Change change : site.changes()) {
      ObjectNode score = scores.putObject(change.score());
      put("old", change.before(), score);
      put("new", change.after(), score);
      change.difference().ifPresent(value -> score.put("difference", value));
      score.put("differs", change.differs());
    }
  }

  private static void putDimension(String key, Optional<LayerScores> layer, ObjectNode node) {
    layer.ifPresent(site -> node.put(key, site.dimension()));
  }

  private static void put(String key, Score score, ObjectNode node) {
    score.map(
        value -> node.put(key, value),
        reason -> {
          node.putNull(key);
          return node.put(key + "_missing", reason);
        });
  }
}
