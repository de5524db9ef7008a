package dev.affinis.cli;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.NearNames;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The keys of one map in a YAML file. What is not as expected is an error that names the file, the
 * key and what was expected.
 */
final class YamlFields {
  /** The parser moves what it has read of a long word, which takes the square of its length. */
  private static final long MOST_BYTES = 1 << 18;

  /** Numbers whose squares can be added. */
  private static final double LARGEST = 1e150;

  private static final YAMLMapper YAML =
      YAMLMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private final Path file;
  private final String where;
  private final JsonNode node;

  private YamlFields(Path file, String where, JsonNode node) {
    this.file = file;
    this.where = where;
    this.node = node;
  }

  /**
   * Reads a file whose top level is a map.
   *
   * @throws InvalidInputException if it is no such YAML
   * @throws IOException if it cannot be read
   */
  static YamlFields read(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new InvalidInputException(
          file
              + (Files.exists(file) ? " is no file" : " does not exist")
              + ": give a YAML file that lists models");
    }
    if (Files.size(file) > MOST_BYTES) {
      throw new InvalidInputException(
          file + " has more than " + MOST_BYTES + " bytes: give a YAML file that lists models");
    }
    YamlFields fields = new YamlFields(file, "", parse(file, Files.readAllBytes(file)));
    fields.require(fields.node.isObject(), "", "a map with the key models");
    return fields;
  }

  private static JsonNode parse(Path file, byte[] yaml) {
    try {
      return YAML.readTree(yaml);
    } catch (JsonProcessingException e) {
      JsonLocation at = e.getLocation();
      throw new InvalidInputException(
          file
              + " is no YAML"
              + (at == null ? "" : " in line " + at.getLineNr())
              + ": "
              + e.getOriginalMessage().lines().findFirst().orElse(""),
          e);
    } catch (IOException e) {
      throw new InvalidInputException(file + " is no YAML: " + e.getMessage(), e);
    }
  }

  /** Refuses keys that mean nothing here. */
  void requireKeys(Collection<String> allowed) {
    node.fieldNames()
        .forEachRemaining(
            key -> {
              if (!allowed.contains(key)) {
                throw unknown("key", key, allowed);
              }
            });
  }

  /** The error about a name that is none: what is most like it, and all there are. */
  InvalidInputException unknown(String what, String name, Collection<String> allowed) {
    return error(
        name,
        "there is no such "
            + what
            + ": near are "
            + String.join(", ", NearNames.of(name, allowed))
            + (allowed.size() > 3 ? "; there are " + String.join(", ", allowed) : ""));
  }

  boolean has(String key) {
    return node.has(key);
  }

  List<String> keys() {
    List<String> keys = new ArrayList<>();
    node.fieldNames().forEachRemaining(keys::add);
    return keys;
  }

  /** A value that is no map. */
  JsonNode value(String key) {
    JsonNode value = node.get(key);
    require(!value.isNull() && !value.isObject(), key, "a value or a list of values");
    for (JsonNode item : value) {
      require(item.isValueNode() && !item.isNull(), key, "a value or a list of values");
    }
    return value;
  }

  Optional<String> text(String key) {
    JsonNode value = node.path(key);
    if (value.isMissingNode()) {
      return Optional.empty();
    }
    // A name such as 18 is a number to YAML.
    require(value.isTextual() || value.isNumber(), key, "a text");
    require(!value.asText().isBlank(), key, "a text");
    return Optional.of(value.asText());
  }

  boolean flag(String key) {
    JsonNode value = node.path(key);
    require(value.isMissingNode() || value.isBoolean(), key, "true or false");
    return value.asBoolean();
  }

  /** The map under a key; an empty one if there is none. */
  YamlFields map(String key) {
    JsonNode value = node.path(key);
    require(value.isMissingNode() || value.isObject(), key, "a map");
    return new YamlFields(file, name(key), value.isMissingNode() ? YAML.createObjectNode() : value);
  }

  /** The maps in the list under a key; a text stands for a map with that text under one key. */
  List<YamlFields> list(String key, String textKey) {
    JsonNode list = node.path(key);
    require(list.isArray() && !list.isEmpty(), key, "a list with at least one entry");
    List<YamlFields> entries = new ArrayList<>();
    for (JsonNode entry : list) {
      String name = name(key) + "[" + entries.size() + "]";
      YamlFields fields =
          new YamlFields(
              file, name, entry.isObject() ? entry : YAML.createObjectNode().set(textKey, entry));
      if (!entry.isObject() && !entry.isTextual()) {
        throw new InvalidInputException(
            file + ": " + name + " must be a text or a map, got " + shown(entry));
      }
      entries.add(fields);
    }
    return entries;
  }

  /** The map of numbers under a key. */
  Map<String, Double> numbers(String key) {
    YamlFields map = map(key);
    Map<String, Double> numbers = new LinkedHashMap<>();
    map.keys().forEach(name -> numbers.put(name, map.number(name)));
    return numbers;
  }

  double number(String key) {
    JsonNode value = node.path(key);
    require(
        value.isNumber() && Math.abs(value.asDouble()) <= LARGEST,
        key,
        "a finite number such as 0.76");
    return value.asDouble();
  }

  /** An error about a key; about the whole map if it is empty. */
  InvalidInputException error(String key, String message) {
    return new InvalidInputException(file + ": " + name(key) + ": " + message);
  }

  private void require(boolean valid, String key, String expected) {
    if (!valid) {
      JsonNode value = key.isEmpty() ? node : node.path(key);
      String name = name(key);
      throw new InvalidInputException(
          file
              + (name.isEmpty() ? "" : ": " + name)
              + " must be "
              + expected
              + ", got "
              + shown(value));
    }
  }

  private static String shown(JsonNode value) {
    if (value == null || value.isMissingNode() || value.isNull()) {
      return "nothing";
    }
    String text = value.toString();
    return text.length() > 60 ? text.substring(0, 60) + " ..." : text;
  }

  private String name(String key) {
    return where.isEmpty() || key.isEmpty() ? where + key : where + "." + key;
  }
}
