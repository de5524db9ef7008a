package dev.affinis.cli;

import ai.djl.Device;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.ModelSource;
import dev.affinis.instrument.ZooAddress;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The models of a zoo, as a YAML file lists them. Paths in it are relative to its folder. Reading
 * it checks all that can be checked before anything is measured: keys, names, that each model and
 * the data are there, and each setting's value.
 *
 * @param models the models in the order of the file, at least one, no two of one name
 * @param shared whether the file asks for one process for all of them
 */
record ZooFile(List<ZooModel> models, boolean shared) {
  private static final String MODELS = "models";
  private static final String MODEL = "model";
  private static final String NAME = "name";
  private static final String DATA = "data";
  private static final String SETTINGS = "settings";
  private static final String NUMBERS = "numbers";
  private static final String ACCURACY = "accuracy";
  private static final String SHARED = "shared";

  /** What the name of a file can be on every system, without a point in front. */
  private static final Pattern FILE_NAME =
      Pattern.compile("(?!\\.)[^/\\\\:*?\"<>|\\p{Cntrl}]{1,100}(?<![. ])");

  ZooFile {
    models = List.copyOf(models);
  }

  /**
   * Reads a file.
   *
   * @param file the YAML file
   * @return its models
   * @throws InvalidInputException if anything in it is not as it should be, or a model or data do
   *     not exist
   * @throws IOException if it cannot be read
   */
  static ZooFile read(Path file) throws IOException {
    YamlFields root = YamlFields.read(file);
    root.requireKeys(List.of(DATA, SETTINGS, MODELS, NUMBERS, SHARED));
    Reader reader = new Reader(new ZooPaths(file), root, ZooSettings.read(root.map(SETTINGS)));
    return new ZooFile(reader.models(), root.flag(SHARED));
  }

  private record Reader(ZooPaths paths, YamlFields root, ZooSettings settings) {
    List<ZooModel> models() throws IOException {
      List<ZooModel> models = new ArrayList<>();
      Map<String, ZooModel> names = new HashMap<>();
      Set<List<Object>> checked = new LinkedHashSet<>();
      List<YamlFields> entries = root.list(MODELS, MODEL);
      Set<String> named = named(entries);
      for (YamlFields entry : entries) {
        for (ZooModel model : models(entry, named)) {
          // Some file systems take names that differ in case for the same.
          ZooModel other = names.put(model.name().toLowerCase(Locale.ROOT), model);
          if (other != null) {
            throw entry.error(
                "",
                "two models are called %s: %s and %s; give one of them another name, as"
                        .formatted(model.name(), other.model(), model.model())
                    + " {model: FILE, name: NAME}");
          }
          check(model, entry, checked);
          models.add(model);
        }
      }
      return withNumbers(models);
    }

    /** Where the models are that have an entry of their own. */
    private Set<String> named(List<YamlFields> entries) throws IOException {
      Set<String> named = new HashSet<>();
      for (YamlFields entry : entries) {
        entry.requireKeys(List.of(MODEL, NAME, DATA, SETTINGS, ACCURACY, NUMBERS));
        if (!paths.isPattern(written(entry))) {
          named.addAll(paths.models(written(entry), entry));
        }
      }
      return named;
    }

    private static String written(YamlFields entry) {
      return entry
          .text(MODEL)
          .orElseThrow(() -> entry.error("", "needs the key model, a file or an address"));
    }

    /** A pattern leaves out what has an entry of its own. */
    private List<ZooModel> models(YamlFields entry, Set<String> named) throws IOException {
      String written = written(entry);
      List<String> found = new ArrayList<>(paths.models(written, entry));
      if (paths.isPattern(written)) {
        found.removeAll(named);
      }
      if (found.size() > 1 && (entry.has(NAME) || entry.has(ACCURACY) || entry.has(NUMBERS))) {
        throw entry.error(
            MODEL,
            "%s are %s models: name and numbers are those of one; numbers of several go under the"
                    .formatted(written, found.size())
                + " key numbers of the file, by the names of the models");
      }
      List<ZooModel> models = new ArrayList<>();
      for (String model : found) {
        models.add(model(model, entry));
      }
      return models;
    }

    private ZooModel model(String model, YamlFields entry) throws IOException {
      String source =
          entry
              .text(DATA)
              .or(() -> root.text(DATA))
              .orElseThrow(
                  () -> root.error(DATA, "is missing: a folder of images, an .npz or random"));
      String name = entry.text(NAME).orElse(ZooPaths.nameOf(model));
      if (!FILE_NAME.matcher(name).matches()) {
        throw entry.error(
            NAME,
            "'%s' cannot be the name of a file on every system: give the model another name"
                .formatted(name));
      }
      return new ZooModel(
          name,
          model,
          findFile(model, entry),
          source,
          paths.data(source),
          settings.with(ZooSettings.read(entry.map(SETTINGS))),
          numbers(entry));
    }

    private static Optional<Path> findFile(String model, YamlFields entry) throws IOException {
      try {
        Optional<Path> found = ModelSource.findFile(model);
        if (found.isEmpty()) {
          ZooAddress.criteria(model, Device.cpu());
        }
        return found;
      } catch (InvalidInputException e) {
        throw entry.error(MODEL, e.getMessage());
      }
    }

    private static Map<String, Double> numbers(YamlFields entry) {
      Map<String, Double> numbers = new LinkedHashMap<>();
      if (entry.has(ACCURACY)) {
        numbers.put(ACCURACY, entry.number(ACCURACY));
      }
      entry
          .numbers(NUMBERS)
          .forEach(
              (name, value) -> {
                if (numbers.put(name, value) != null) {
                  throw entry.error(NUMBERS, name + " is given twice: keep one");
                }
              });
      return numbers;
    }

    /** Data and settings that several models share are looked at once. */
    private static void check(ZooModel model, YamlFields entry, Set<List<Object>> checked) {
      try {
        boolean isNew = checked.add(List.of(model.data(), model.settings().arguments()));
        model.settings().check(model.data(), isNew);
      } catch (InvalidPathException e) {
        throw entry.error(DATA, model.source() + " is no valid path: " + e.getReason());
      } catch (InvalidInputException e) {
        throw entry.error("", e.getMessage());
      }
    }

    /** Numbers that stand together, by name of the model, go before none of a model's own. */
    private List<ZooModel> withNumbers(List<ZooModel> models) {
      YamlFields all = root.map(NUMBERS);
      List<String> names = models.stream().map(ZooModel::name).toList();
      for (String name : all.keys()) {
        if (!names.contains(name)) {
          throw all.unknown("model", name, names);
        }
      }
      List<ZooModel> known = new ArrayList<>();
      for (ZooModel model : models) {
        Map<String, Double> numbers = new LinkedHashMap<>(all.numbers(model.name()));
        numbers.putAll(model.numbers());
        known.add(
            new ZooModel(
                model.name(),
                model.model(),
                model.file(),
                model.source(),
                model.data(),
                model.settings(),
                numbers));
      }
      return known;
    }
  }
}
