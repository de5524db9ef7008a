package dev.affinis.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.affinis.instrument.InvalidInputException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/**
 * The options of {@code measure} under their names, for a model of a zoo: read from YAML, checked
 * and given back as a command line by {@code measure} itself.
 */
final class ZooSettings {
  private static final String PREFIX = "--";

  /** What the zoo decides itself. */
  private static final Set<String> OWN =
      Set.of(
          "data",
          "out",
          "dry-run",
          "quiet",
          "help",
          "version",
          "debug",
          "resume",
          "resume-if-possible",
          "cache");

  /** Where and how much memory is used: the signature is the same. */
  private static final Set<String> WITHOUT_EFFECT = Set.of("memory", "spill-dir");

  /** The value of an option that was not given and has no value then. */
  private static final String DEFAULT = "default";

  private final Map<String, List<String>> options;

  private ZooSettings(Map<String, List<String>> options) {
    this.options = options;
  }

  /** The names that settings can have. */
  static List<String> names() {
    return options(measure().getCommandSpec()).keySet().stream()
        .filter(name -> !OWN.contains(name))
        .toList();
  }

  private static CommandLine measure() {
    return new CommandLine(new MeasureCommand());
  }

  private static Map<String, OptionSpec> options(CommandSpec spec) {
    return spec.options().stream()
        .filter(option -> option.longestName().startsWith(PREFIX))
        .collect(
            Collectors.toMap(
                option -> option.longestName().substring(PREFIX.length()),
                option -> option,
                (first, second) -> first,
                LinkedHashMap::new));
  }

  /**
   * Reads settings.
   *
   * @param fields a map with names of options as keys
   * @throws InvalidInputException if there is no option of a name, or a value has the wrong form;
   *     whether values make sense is for {@link #check}
   */
  static ZooSettings read(YamlFields fields) {
    fields.requireKeys(names());
    Map<String, OptionSpec> specs = options(measure().getCommandSpec());
    Map<String, List<String>> options = new LinkedHashMap<>();
    for (String name : fields.keys()) {
      options.put(name, arguments(specs.get(name), fields.value(name), fields));
    }
    return new ZooSettings(options);
  }

  private static List<String> arguments(OptionSpec option, JsonNode value, YamlFields fields) {
    String name = option.longestName();
    if (option.arity().max() == 0) {
      if (!value.isBoolean()) {
        throw fields.error(name.substring(PREFIX.length()), "must be true or false, got " + value);
      }
      return value.asBoolean() ? List.of(name) : List.of();
    }
    List<String> values = new ArrayList<>();
    if (value.isArray()) {
      value.forEach(item -> values.add(item.asText()));
    } else {
      values.add(value.asText());
    }
    if (value.isArray() && !option.isMultiValue()) {
      throw fields.error(name.substring(PREFIX.length()), "takes one value, got " + value);
    }
    return option.splitRegex().isEmpty()
        ? values.stream().map(one -> name + "=" + one).toList()
        : List.of(name + "=" + String.join(",", values));
  }

  /** These settings, with others in the place of those that have the same name. */
  ZooSettings with(ZooSettings others) {
    Map<String, List<String>> all = new LinkedHashMap<>(options);
    all.putAll(others.options);
    return new ZooSettings(all);
  }

  /** The options as arguments of {@code measure}. */
  List<String> arguments() {
    return options.values().stream().flatMap(List::stream).toList();
  }

  /**
   * Has {@code measure} check the settings.
   *
   * @param data the data they are used with
   * @param withData whether the data are opened
   * @return every setting that has an effect on a signature, with its value, defaults included
   * @throws InvalidInputException if a value is none, or the data cannot be used
   */
  Map<String, String> check(String data, boolean withData) {
    CommandLine line = measure();
    try {
      ParseResult parsed = parse(line, data);
      MeasureCommand command = line.getCommand();
      command.checkOptions();
      if (withData) {
        command.checkData();
      }
      return values(line.getCommandSpec(), parsed);
    } catch (ParameterException e) {
      throw new InvalidInputException(e.getMessage(), e);
    }
  }

  private ParseResult parse(CommandLine measure, String data) {
    List<String> args = new ArrayList<>(List.of("model", "--data=" + data, "--dry-run"));
    args.addAll(arguments());
    return measure.parseArgs(args.toArray(String[]::new));
  }

  /** The scores that nobody asks for by name, see {@link MeasureCommand#optionalScores}. */
  Set<String> optionalScores() {
    CommandLine line = measure();
    parse(line, "random");
    MeasureCommand command = line.getCommand();
    return command.optionalScores();
  }

  private static Map<String, String> values(CommandSpec spec, ParseResult parsed) {
    Map<String, String> values = new LinkedHashMap<>();
    options(spec)
        .forEach(
            (name, option) -> {
              if (!OWN.contains(name) && !WITHOUT_EFFECT.contains(name)) {
                values.put(
                    name,
                    parsed.hasMatchedOption(option)
                        ? String.join(",", option.originalStringValues())
                        : Objects.requireNonNullElse(option.defaultValue(), DEFAULT));
              }
            });
    return values;
  }
}
