package dev.affinis.cli;

import dev.affinis.instrument.SiteKind;
import dev.affinis.signature.BatchScores;
import dev.affinis.signature.LayerScores;
import dev.affinis.signature.Score;
import dev.affinis.signature.ScoreFunction;
import dev.affinis.signature.Signature;
import dev.affinis.signature.score.ScoreCatalogue;
import dev.affinis.signature.score.ScoreOptions;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Signatures as text. */
final class SignatureTable {
  private static final int BAR_LENGTH = 20;
  private static final String FULL = "█";

  /** Scores that have a column; more would not fit into a line. */
  private static final int MOST_SCORES = 4;

  private SignatureTable() {}

  /** A table with a row per site, or with a line instead if there is none. */
  static String render(Signature signature) {
    List<String> names =
        signature.layers().isEmpty()
            ? List.of()
            : List.copyOf(signature.layers().get(0).scores().keySet());
    List<com.github.freva.asciitable.ColumnData<LayerScores>> columns = new ArrayList<>();
    columns.add(TextTable.right("#").with(l -> String.valueOf(l.index())));
    columns.add(TextTable.left("site").with(LayerScores::label));
    columns.add(TextTable.left("kind").with(LayerScores::activation));
    columns.add(TextTable.right("channels").with(l -> String.valueOf(l.dimension())));
    for (String name : names.subList(0, Math.min(MOST_SCORES, names.size()))) {
      columns.add(TextTable.right(name).with(l -> number(l, name)));
    }
    columns.add(
        TextTable.left("").maxWidth(BAR_LENGTH + 2).with(l -> bar(l.scores().get(names.get(0)))));
    String table = TextTable.table(signature.layers(), columns).stripTrailing();
    int left = names.size() - MOST_SCORES;
    return left <= 0
        ? table
        : table + System.lineSeparator() + "  (" + left + " more scores are in the signature file)";
  }

  /** The score and, if there is one, its standard error or its deviation over sample sets. */
  private static String number(LayerScores layer, String name) {
    String score = TextTable.number(layer.scores().get(name));
    Optional<Score> spread = Optional.ofNullable(layer.errors().get(name));
    BatchScores batches = layer.batches().get(name);
    if (batches != null) {
      spread = batches.deviation().stream().mapToObj(Score::of).findFirst();
    }
    String sign = canPrint("±") ? " ± " : " +- ";
    return spread.map(deviation -> score + sign + TextTable.number(deviation)).orElse(score);
  }

  private static boolean canPrint(String text) {
    return AffinisCommand.terminalCharset().newEncoder().canEncode(text);
  }

  private static String bar(Score score) {
    String block = canPrint(FULL) ? FULL : "#";
    double value = score.number().orElse(0);
    return block.repeat((int) Math.round(BAR_LENGTH * Math.max(0, Math.min(1, value))));
  }

  /**
   * Prints why scores, some of a score's sample sets, or standard errors that were asked for, are
   * missing.
   *
   * @param optional names of scores that nobody asked for by name: where such a score does not
   *     exist (one of classes without labels, of bounds for a function without) it is not missing,
   *     and told only if that is so at all sites
   * @return whether any is
   */
  static boolean reportMissing(Signature signature, Set<String> optional, PrintWriter err) {
    Map<String, List<String>> everywhere = missingEverywhere(signature.layers());
    everywhere.forEach(
        (reason, names) ->
            err.println(
                signature.model().name()
                    + ": no "
                    + String.join(", ", names)
                    + " for any site: "
                    + reason));
    boolean missing = false;
    for (LayerScores layer : signature.layers()) {
      String where = " for " + layer.label() + ": ";
      Map<String, Score> scores = new LinkedHashMap<>(layer.scores());
      scores
          .keySet()
          .removeIf(name -> optional.contains(name) && isUndefined(name, layer, signature));
      missing |= scores.values().stream().anyMatch(score -> score.number().isEmpty());
      everywhere.values().forEach(scores.keySet()::removeAll);
      report(scores, signature.model().name() + ": no ", where, err);
      missing |= reportBatches(layer, signature.model().name() + ": no ", where, err);
      missing |=
          report(layer.errors(), signature.model().name() + ": no standard error of ", where, err);
    }
    return missing;
  }

  /** Whether no data of this kind, or no site like this, can have a score. */
  private static boolean isUndefined(String name, LayerScores layer, Signature signature) {
    ScoreFunction score = ScoreCatalogue.of(name, ScoreOptions.DEFAULTS);
    return (score.needsLabels() && signature.data().classes().isEmpty())
        || (score.needsBounds() && SiteKind.ofWord(layer.activation()).bounds().isEmpty());
  }

  private static boolean reportBatches(
      LayerScores layer, String before, String where, PrintWriter err) {
    boolean missing = false;
    for (String name : layer.batches().keySet()) {
      List<Score> values = layer.batches().get(name).values();
      for (int i = 0; i < values.size() && layer.scores().get(name).number().isPresent(); i++) {
        String batch = name + " of batch " + (i + 1) + " of " + values.size();
        missing |= report(Map.of(batch, values.get(i)), before, where, err);
      }
    }
    return missing;
  }

  /** By reason, the scores that several sites all lack for it. */
  private static Map<String, List<String>> missingEverywhere(List<LayerScores> layers) {
    Map<String, List<String>> everywhere = new LinkedHashMap<>();
    if (layers.size() > 1) {
      for (String name : layers.get(0).scores().keySet()) {
        List<Score> all = layers.stream().map(l -> l.scores().get(name)).distinct().toList();
        if (all.size() == 1 && all.get(0) instanceof Score.Unavailable missing) {
          everywhere.computeIfAbsent(missing.reason(), reason -> new ArrayList<>()).add(name);
        }
      }
    }
    return everywhere;
  }

  private static boolean report(
      Map<String, Score> scores, String before, String where, PrintWriter err) {
    boolean missing = false;
    for (String name : scores.keySet()) {
      String reason = scores.get(name).map(value -> null, r -> r);
      if (reason != null) {
        missing = true;
        err.println(before + name + where + reason);
      }
    }
    return missing;
  }
}
