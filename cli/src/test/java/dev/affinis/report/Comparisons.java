package dev.affinis.report;

import com.fasterxml.jackson.databind.JsonNode;
import dev.affinis.signature.LayerScores;
import dev.affinis.signature.Score;
import dev.affinis.signature.Signature;
import dev.affinis.signature.compare.DynamicTimeWarping;
import dev.affinis.signature.compare.Linkage;
import dev.affinis.signature.compare.ScoreSeries;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;

/** Comparisons made for tests of the report. */
final class Comparisons {
  /** Names that would do harm, or not show, if they were anything but text. */
  static final List<String> HOSTILE =
      List.of(
          "<script>window.hacked=1</script>",
          "</script><script>window.hacked=1</script>",
          "<img src=x onerror=\"window.hacked=1\">",
          "\"quoted\" 'single' & &lt;b&gt;",
          "{a|b} {b} {c} ${d} {{style}}",
          "\u0645\u0631\u062d\u0628\u0627 \u202e\u0628\u0627\u0644\u0639\u0627\u0644\u0645",
          "x".repeat(300),
          "control\u0001 \ud800 \u2028 \u0000 end");

  private static final List<String> KINDS = List.of("relu", "gelu", "silu");

  private Comparisons() {}

  /** Models of so many sites with so many scores; of every tenth site the last is missing. */
  static JsonNode of(List<String> names, int sites, int scores) {
    Random random = new Random(7);
    List<ComparedModel> models = new ArrayList<>();
    for (String name : names) {
      models.add(model(name, sites, scores, random));
    }
    return ComparisonJson.of(
        Comparison.of(
            models,
            new ComparisonOptions(
                "affinity",
                ScoreSeries.View.CALLS,
                DynamicTimeWarping.FREE,
                Linkage.AVERAGE,
                names.size() > 2 ? OptionalInt.of(2) : OptionalInt.empty(),
                true)));
  }

  /** Models with plain names. */
  static JsonNode of(int models, int sites, int scores) {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < models; i++) {
      names.add("network-" + i);
    }
    return of(names, sites, scores);
  }

  private static ComparedModel model(String name, int sites, int scores, Random random) {
    List<LayerScores> layers = new ArrayList<>();
    for (int i = 0; i < sites; i++) {
      Map<String, Score> values = new LinkedHashMap<>();
      for (int k = 0; k < scores; k++) {
        values.put(
            k == 0 ? "affinity" : "score_" + k,
            k == scores - 1 && i % 10 == 9
                ? Score.unavailable("too few samples for <b>" + name + "</b>")
                : Score.of(.3 + .6 * random.nextDouble()));
      }
      layers.add(
          new LayerScores(
              i,
              "layer" + i + "." + name,
              1,
              KINDS.get(i % KINDS.size()),
              i == 4 ? "pooling" : LayerScores.ACTIVATION,
              List.of(i == 2 ? 300L : 4L, 2L, 2L),
              i == 2 ? 300 : 4,
              values,
              Map.of(),
              Map.of(),
              Map.of()));
    }
    Signature signature = Signatures.of(name, 256, layers);
    return new ComparedModel(
        name,
        Path.of("signature.json"),
        Instant.EPOCH,
        signature,
        Map.of("accuracy", random.nextDouble()));
  }
}
