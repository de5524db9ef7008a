package dev.affinis.instrument;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * All that the bits of a measurement depend on: what one run kept, another may use only if its key
 * is the same. Not in it is what makes no difference: where captures lie, how much memory they may
 * take, how many sites are scored at once, and where the model and the data are.
 *
 * @param parts by name; JSON, in a fixed order
 */
record RunKey(JsonNode parts) {
  /** Its name among the parts. */
  static final String BATCH_SIZE = "batch_size";

  private static final int DIGITS = 32;

  /** Characters of a part that is shown as it is, and digits of the checksum of a longer one. */
  private static final int SHOWN = 60;

  private static final int FEW = 8;

  /** What Linux says of a processor: its name, or parts of that, and what it can. */
  private static final Set<String> PROCESSOR =
      Set.of("model name", "flags", "CPU implementer", "CPU part", "Features");

  /** How the names of variables begin by which engines choose instructions or precision. */
  private static final List<String> ENGINES =
      List.of("ATEN_", "DNNL_", "MKL_", "NVIDIA_TF32_", "ONEDNN_", "TORCH_ALLOW_TF32_");

  /**
   * Makes a key.
   *
   * @param parts numbers, text, lists and maps by name
   */
  static RunKey of(Map<String, Object> parts) {
    // Read back, so that a number has the same type as in a key that comes from a file.
    try {
      ObjectNode tree = StateFile.JSON.createObjectNode().put("schema", StateFile.SCHEMA);
      tree.setAll((ObjectNode) StateFile.JSON.valueToTree(parts));
      return new RunKey(StateFile.JSON.readTree(tree.toString()));
    } catch (IOException e) {
      throw new UncheckedIOException(e); // text in memory
    }
  }

  /** A name for the run. */
  String id() {
    return checksum(parts.toString(), DIGITS);
  }

  private static String checksum(String text, int digits) {
    try {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      return Sha256.of(out -> out.write(bytes)).substring(0, digits);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // bytes in memory
    }
  }

  /** In which parts another key differs from this one, with the values of both where short. */
  List<String> differences(RunKey now) {
    List<String> differences = new ArrayList<>();
    now.parts
        .properties()
        .forEach(
            part -> {
              JsonNode old = parts.path(part.getKey());
              if (!old.equals(part.getValue())) {
                boolean isShort =
                    part.getValue().isValueNode() && part.getValue().asText().length() < DIGITS;
                differences.add(
                    part.getKey()
                        + (isShort
                            ? " " + part.getValue().asText() + " instead of " + old.asText()
                            : ""));
              }
            });
    return differences;
  }

  /** All parts in a few words each, in their order: a long one by its name and a checksum. */
  Map<String, String> inShort() {
    Map<String, String> words = new LinkedHashMap<>();
    parts
        .properties()
        .forEach(
            part -> {
              String text =
                  part.getValue().isValueNode()
                      ? part.getValue().asText()
                      : part.getValue().toString();
              words.put(part.getKey(), text.length() <= SHOWN ? text : "#" + checksum(text, FEW));
            });
    return words;
  }

  /** Whether another key differs in nothing but the size of batches. */
  boolean equalsButForBatchSize(RunKey other) {
    return parts instanceof ObjectNode own
        && other.parts instanceof ObjectNode others
        && own.deepCopy().without(BATCH_SIZE).equals(others.deepCopy().without(BATCH_SIZE));
  }

  /** Whether another key is of the same model and data. */
  boolean isRelated(RunKey other) {
    return parts.path("model").equals(other.parts.path("model"))
        && parts.path("data").equals(other.parts.path("data"));
  }

  /**
   * The variables by which a user tells engines which instructions or precision to take.
   *
   * @param all all variables of the environment
   */
  static Map<String, String> environment(Map<String, String> all) {
    Map<String, String> chosen = new TreeMap<>(all);
    chosen.keySet().removeIf(name -> ENGINES.stream().noneMatch(name::startsWith));
    return chosen;
  }

  /** The machine, as far as an engine chooses its instructions by it. */
  static String machine() {
    String system = System.getProperty("os.name") + " " + System.getProperty("os.arch");
    Path processors = Path.of("/proc/cpuinfo"); // Linux
    if (!Files.isReadable(processors)) {
      return system;
    }
    try (var lines = Files.lines(processors, StandardCharsets.ISO_8859_1)) {
      return system
          + lines
              .takeWhile(line -> !line.isBlank()) // the first of them
              .filter(line -> PROCESSOR.contains(line.split(":", 2)[0].strip()))
              .map(line -> line.substring(line.indexOf(':') + 1))
              .collect(Collectors.joining());
    } catch (IOException | UncheckedIOException e) {
      return system;
    }
  }
}
