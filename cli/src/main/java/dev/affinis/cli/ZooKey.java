package dev.affinis.cli;

import ai.djl.Device;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.affinis.instrument.FileIdentity;
import dev.affinis.instrument.ModelSource;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a signature depends on: as long as this is the same, it need not be measured again. Of what
 * is downloaded by an address ({@code djl:}, {@code https:}) the address alone counts.
 *
 * @param version which Affinis measures
 * @param model checksum of the model, or its address
 * @param source the data, as the signature calls them
 * @param data checksum of the data, or what DJL calls them
 * @param settings all settings by name
 */
record ZooKey(
    String version, String model, String source, String data, Map<String, String> settings) {
  private static final String SCHEMA = "affinis.zoo-record/1";
  private static final Pattern PLACE = Pattern.compile("djl:[^=]*=(.+)");
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

  /**
   * Computes the key of a model, which reads all of its file.
   *
   * @param model the model
   * @param version which Affinis measures
   * @return the key
   * @throws IOException if a file cannot be read
   * @throws dev.affinis.instrument.InvalidInputException if it is no model
   */
  static ZooKey of(ZooModel model, String version) throws IOException {
    return new ZooKey(
        version,
        identity(model),
        model.source(),
        data(model.data()),
        model.settings().check(model.data(), false));
  }

  private static String identity(ZooModel model) throws IOException {
    if (model.file().isPresent()) {
      try (ModelSource<?, ?> source = ModelSource.open(model.model(), Device.cpu())) {
        return source.sha256();
      }
    }
    String address = model.model();
    if (address.startsWith("file:")) {
      Path path = Path.of(URI.create(address.replaceFirst("[?#].*", "")));
      return address + " " + FileIdentity.of(path);
    }
    return ZooPaths.isAddress(address) ? address : FileIdentity.of(Path.of(address));
  }

  private static String data(String data) throws IOException {
    Matcher placed = PLACE.matcher(data);
    if (placed.matches()) {
      return FileIdentity.of(Path.of(placed.group(1)));
    }
    return data.equals("random") || data.startsWith("djl:") ? data : FileIdentity.of(Path.of(data));
  }

  /** Says in what another key differs from this one. */
  String difference(ZooKey now) {
    List<String> parts = new ArrayList<>();
    if (!model.equals(now.model)) {
      parts.add("another model file");
    }
    if (!source.equals(now.source) || !data.equals(now.data)) {
      parts.add("other data");
    }
    now.settings.forEach(
        (name, value) -> {
          String old = settings.getOrDefault(name, "not known");
          if (!value.equals(old)) {
            parts.add("%s %s instead of %s".formatted(name, value, old));
          }
        });
    if (!version.equals(now.version)) {
      parts.add("another version of affinis");
    }
    return parts.isEmpty() ? "other settings" : String.join(", ", parts);
  }

  /** The record of a finished signature. */
  String toJson(String signatureChecksum) {
    ObjectNode root = JSON.createObjectNode().put("schema", SCHEMA);
    root.put("signature", signatureChecksum)
        .put("version", version)
        .put("model", model)
        .put("source", source)
        .put("data", data);
    settings.forEach(root.putObject("settings")::put);
    return root.toPrettyString() + "\n";
  }

  /**
   * A record that was read.
   *
   * @param key what the signature was measured with
   * @param signature checksum of the signature file
   */
  record Finished(ZooKey key, String signature) {}

  /**
   * Reads a record.
   *
   * @throws IllegalArgumentException if it is none, or damaged
   */
  static Finished parse(byte[] json) throws IOException {
    JsonNode root;
    try {
      root = JSON.readTree(json);
    } catch (IOException e) {
      throw new IllegalArgumentException("record is no JSON", e);
    }
    if (!root.path("schema").asText().equals(SCHEMA) || !root.path("settings").isObject()) {
      throw new IllegalArgumentException("record is not of schema " + SCHEMA);
    }
    Map<String, String> settings = new LinkedHashMap<>();
    root.get("settings")
        .properties()
        .forEach(field -> settings.put(field.getKey(), field.getValue().asText()));
    return new Finished(
        new ZooKey(
            root.path("version").asText(),
            root.path("model").asText(),
            root.path("source").asText(),
            root.path("data").asText(),
            settings),
        root.path("signature").asText());
  }
}
