package dev.affinis.report;

import dev.affinis.report.ComparisonWarning.Kind;
import dev.affinis.signature.Signature;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;

/** Finds what was not the same when models were measured. */
public final class SettingsDifference {
  /** Settings that change a score by no more than the rounding of float32 does. */
  private static final Set<String> ROUNDING = Set.of("device", "engine", "batch_size", "affinis");

  /** Names in one list of a sentence; the rest is counted. */
  private static final int MOST_NAMES = 6;

  private SettingsDifference() {}

  /**
   * Compares how models were measured.
   *
   * @param models the models
   * @return one warning for each setting that is not the same for all of them
   */
  public static List<ComparisonWarning> of(List<ComparedModel> models) {
    List<Map<String, String>> data =
        models.stream().map(model -> data(model.signature().data())).toList();
    List<Map<String, String>> settings =
        models.stream().map(model -> settings(model.signature().settings())).toList();
    List<ComparisonWarning> all = new ArrayList<>();
    for (String key : keys(settings)) {
      Kind kind = ROUNDING.contains(key) ? Kind.ENGINE : Kind.SETTINGS;
      addDifference(kind, "setting " + key, key, settings, models, all);
    }
    for (String key : keys(data)) {
      addDifference(Kind.DATA, "data's " + key, key, data, models, all);
    }
    return all;
  }

  private static void addDifference(
      Kind kind,
      String what,
      String key,
      List<Map<String, String>> values,
      List<ComparedModel> models,
      List<ComparisonWarning> all) {
    Map<String, List<String>> names = new LinkedHashMap<>();
    for (int i = 0; i < models.size(); i++) {
      names
          .computeIfAbsent(values.get(i).getOrDefault(key, "not given"), v -> new ArrayList<>())
          .add(models.get(i).name());
    }
    if (names.size() > 1) {
      StringJoiner parts = new StringJoiner("; ");
      names.forEach((value, of) -> parts.add(value + " (" + list(of) + ")"));
      all.add(
          new ComparisonWarning(
              kind,
              models.stream().map(ComparedModel::name).toList(),
              "%s differs: %s".formatted(what, parts)));
    }
  }

  private static String list(List<String> names) {
    int rest = names.size() - MOST_NAMES;
    return rest <= 1
        ? String.join(", ", names)
        : String.join(", ", names.subList(0, MOST_NAMES)) + " and " + rest + " more";
  }

  private static Set<String> keys(List<Map<String, String>> all) {
    Set<String> keys = new LinkedHashSet<>();
    all.forEach(map -> keys.addAll(map.keySet()));
    return keys;
  }

  private static Map<String, String> settings(Signature.Settings settings) {
    Map<String, String> flat = new LinkedHashMap<>();
    flat.put("pooling", settings.pooling().word());
    flat.put("covariance", settings.covariance().word());
    flat.put("ridge", settings.ridge().word());
    flat.put("device", settings.device());
    flat.put("engine", settings.engine());
    flatten("", settings.more(), flat);
    return flat;
  }

  private static Map<String, String> data(Signature.Data data) {
    Map<String, String> flat = new LinkedHashMap<>();
    flat.put("source", data.source());
    flat.put("samples", String.valueOf(data.samples()));
    flat.put("seed", String.valueOf(data.seed()));
    flatten("preprocess.", data.preprocess(), flat);
    return flat;
  }

  private static void flatten(String prefix, Map<?, ?> values, Map<String, String> flat) {
    values.forEach(
        (key, value) -> {
          if (value instanceof Map<?, ?> inner) {
            flatten(prefix + key + ".", inner, flat);
          } else {
            flat.put(prefix + key, String.valueOf(value));
          }
        });
  }
}
