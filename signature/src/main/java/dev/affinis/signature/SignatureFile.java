package dev.affinis.signature;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.affinis.signature.covariance.Covariance;
import dev.affinis.signature.covariance.Ridge;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * Reads and writes signatures as JSON, schema {@value #SCHEMA}.
 *
 * <p>A score that is a number is that number in {@code scores}; one that is not is {@code null}
 * there and its reason stands in {@code notes}. Standard errors stand in {@code errors} under the
 * names of their scores, a reason in {@code notes} under {@code errors.NAME}; layers without any
 * have no such key. A layer that is no activation has its family under {@code type}. A score over
 * several sample sets is the mean; {@code deviations} (n - 1 in the denominator), {@code counts}
 * (of sets that have it) and {@code values} (of each set, {@code null} with a reason under {@code
 * values.NAME.NUMBER} in {@code notes}) stand beside it. What was optimised for a score may miss
 * its optimum by the share in {@code gaps}. Keys this version does not know are kept in {@code
 * settings} and {@code data.preprocess} and ignored elsewhere.
 */
public final class SignatureFile {
  /** The schema this class writes, value of the key {@code schema}. */
  public static final String SCHEMA = "affinis.signature/1";

  /** As many sites as are read take a third of that, with all scores; more over many batches. */
  private static final long MOST_BYTES = 1 << 28;

  /** Sites of a model: to compare two takes as much work as the product of their numbers. */
  private static final int MOST_LAYERS = 10_000;

  /** A signature has five; what is free in form may have more, and Java's stack has its end. */
  private static final int MOST_LEVELS = 100;

  /** How much of a wrong value an error shows. */
  private static final int SHOWN = 60;

  private static final int LONGEST = 1_000;

  /** Scores whose squares can be added; none comes near. */
  private static final double LARGEST = 1e150;

  /** What comes before the name of a score in the notes about its standard error. */
  private static final String ERRORS = "errors.";

  /** Half of a character, without its other half: UTF-8 has none, JSON's escapes do. */
  private static final Pattern LONE_SURROGATE = Pattern.compile("\\p{Cs}");

  /** The scores of several sample sets, and what comes before the name in the notes about them. */
  private static final String VALUES = "values";

  private static final JsonMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder().maxNestingDepth(MOST_LEVELS).build())
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
          .disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET)
          .build();

  private static final TypeReference<LinkedHashMap<String, Object>> MAP = new TypeReference<>() {};
  private static final Set<String> NAMED_SETTINGS =
      Set.of("pooling", "covariance", "ridge", "device", "engine");

  private SignatureFile() {}

  /**
   * Writes a signature in one step, see {@link AtomicFile}, if {@link #read} will take it: what is
   * written is parsed first.
   *
   * @param signature what to write
   * @param file where, replaced if it exists; its folder must exist
   * @throws IOException if the folder cannot be written to; an old file is then left as it was
   * @throws IllegalArgumentException if it could not be read again: it has more than 10,000 layers
   *     or 100 levels, a number that is not finite, a score beyond 1e150, no name, or takes more
   *     than 256 MiB; the message names the key, and an old file is left as it was
   */
  public static void write(Signature signature, Path file) throws IOException {
    ObjectNode tree = toTree(signature);
    byte[] json = toText(tree).getBytes(StandardCharsets.UTF_8);
    try {
      requireSize(json.length);
      requireFinite(tree);
      parse(JSON.readTree(json));
    } catch (IllegalArgumentException | JsonProcessingException e) {
      throw new IllegalArgumentException(
          "the signature of %s is not written to %s, as it could not be read again: %s"
              .formatted(signature.model().name(), file, oneLine(e.getMessage())),
          e);
    }
    AtomicFile.write(file, ByteBuffer.wrap(json));
  }

  private static void requireSize(long bytes) {
    if (bytes > MOST_BYTES) {
      throw new IllegalArgumentException(
          "it has %s bytes, but a signature at most %s".formatted(bytes, MOST_BYTES));
    }
  }

  /**
   * Reads a signature.
   *
   * @param file a file written by {@link #write} or by another program to the same schema
   * @return the signature
   * @throws IOException if the file cannot be read
   * @throws IllegalArgumentException if it is no complete signature of this schema; the message
   *     names the file and the key
   */
  public static Signature read(Path file) throws IOException {
    JsonNode root;
    try {
      requireSize(Files.size(file));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          file + ": " + e.getMessage() + ": give a file that a measurement wrote", e);
    }
    byte[] json = Files.readAllBytes(file);
    try {
      root = JSON.readTree(json);
    } catch (IOException e) {
      String reason =
          e instanceof JsonProcessingException damage
              ? damage.getOriginalMessage()
              : e.getMessage();
      throw new IllegalArgumentException(
          "%s is not complete JSON (%s): measure the model again".formatted(file, oneLine(reason)),
          e);
    }
    try {
      return parse(root);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(file + ": " + oneLine(e.getMessage()), e);
    }
  }

  /** Names in messages are from files, which may have written anything into them. */
  private static String oneLine(String message) {
    String line = String.valueOf(message).replaceAll("\\p{Cntrl}+", " ");
    return line.length() <= LONGEST ? line : line.substring(0, LONGEST) + "...";
  }

  /**
   * Returns a signature as JSON text, keys in the order of the schema. UTF-8 has all of its
   * characters: half of a surrogate pair is escaped.
   *
   * @param signature what to write
   * @return the text, ending in a line feed
   */
  public static String toJson(Signature signature) {
    return toText(toTree(signature));
  }

  private static String toText(ObjectNode tree) {
    return LONE_SURROGATE
        .matcher(tree.toPrettyString() + "\n")
        .replaceAll(half -> "\\\\u%x".formatted(half.group().codePointAt(0)));
  }

  /**
   * Returns a signature as a tree of JSON, keys in the order of the schema.
   *
   * @param signature what to write
   * @return a new tree
   */
  public static ObjectNode toTree(Signature signature) {
    ObjectNode root = JSON.createObjectNode().put("schema", SCHEMA);
    Signature.Model model = signature.model();
    root.putObject("model")
        .put("name", model.name())
        .put("runtime", model.runtime().word())
        .put("sha256", model.sha256())
        .put("parameters", model.parameters());
    Signature.Data data = signature.data();
    ObjectNode samples =
        root.putObject("data")
            .put("source", data.source())
            .put("samples", data.samples())
            .put("seed", data.seed());
    data.classes()
        .ifPresent(
            classes ->
                samples.put("classes", classes.count()).put("smallest_class", classes.smallest()));
    samples.set("preprocess", JSON.valueToTree(data.preprocess()));
    Signature.Settings settings = signature.settings();
    root.putObject("settings")
        .put("pooling", settings.pooling().word())
        .put("covariance", settings.covariance().word())
        .put("ridge", settings.ridge().word())
        .put("device", settings.device())
        .put("engine", settings.engine())
        .setAll((ObjectNode) JSON.valueToTree(settings.more()));
    ArrayNode layers = root.putArray("layers");
    signature.layers().forEach(layer -> write(layer, layers.addObject()));
    ArrayNode skipped = root.putArray("skipped");
    for (Signature.Skipped site : signature.skipped()) {
      skipped
          .addObject()
          .put("path", site.path())
          .put("call", site.call())
          .put("activation", site.activation())
          .put("reason", site.reason());
    }
    return root;
  }

  /**
   * Returns the scores of one site as a tree of JSON, as they stand in a signature.
   *
   * @param layer what to write
   * @return a new tree
   */
  public static ObjectNode toTree(LayerScores layer) {
    ObjectNode node = JSON.createObjectNode();
    write(layer, node);
    return node;
  }

  /**
   * Reads the scores of one site.
   *
   * @param tree what {@link #toTree(LayerScores)} gave; numbers are the same, bit for bit
   * @return the scores
   * @throws IllegalArgumentException if the tree is none; the message names the key
   */
  public static LayerScores parseLayer(JsonNode tree) {
    return parseLayer(
        new Fields(Fields.require(tree.isObject(), "layer", tree, "an object"), "layer"));
  }

  private static void write(LayerScores layer, ObjectNode node) {
    node.put("index", layer.index())
        .put("path", layer.path())
        .put("call", layer.call())
        .put("activation", layer.activation());
    if (!layer.type().equals(LayerScores.ACTIVATION)) {
      node.put("type", layer.type());
    }
    ArrayNode shape = node.putArray("shape");
    layer.shape().forEach(shape::add);
    node.put("dimension", layer.dimension());
    ObjectNode scores = node.putObject("scores");
    ObjectNode errors = JSON.createObjectNode();
    ObjectNode notes = JSON.createObjectNode();
    write(layer.scores(), scores, "", notes);
    write(layer.errors(), errors, ERRORS, notes);
    if (!errors.isEmpty()) {
      node.set("errors", errors);
    }
    if (!layer.gaps().isEmpty()) {
      ObjectNode gaps = node.putObject("gaps");
      layer.gaps().forEach(gaps::put);
    }
    if (!layer.batches().isEmpty()) {
      writeBatches(layer.batches(), node, notes);
    }
    node.set("notes", notes);
  }

  private static void writeBatches(
      Map<String, BatchScores> batches, ObjectNode node, ObjectNode notes) {
    ObjectNode deviations = node.putObject("deviations");
    ObjectNode counts = node.putObject("counts");
    ObjectNode values = node.putObject(VALUES);
    batches.forEach(
        (name, scores) -> {
          scores.deviation().ifPresent(deviation -> deviations.put(name, deviation));
          counts.put(name, scores.count());
          ArrayNode list = values.putArray(name);
          for (Score score : scores.values()) {
            String note = note(name, list.size());
            score.map(
                list::add,
                reason -> {
                  notes.put(note, reason);
                  return list.addNull();
                });
          }
        });
  }

  /** The note about a score that is missing on one sample set. */
  private static String note(String name, int set) {
    return VALUES + "." + name + "." + (set + 1);
  }

  private static void write(
      Map<String, Score> scores, ObjectNode values, String prefix, ObjectNode notes) {
    scores.forEach(
        (name, score) ->
            score.map(
                value -> values.put(name, value),
                reason -> {
                  notes.put(prefix + name, reason);
                  return values.putNull(name);
                }));
  }

  private static Signature parse(JsonNode root) {
    String schema = root.isObject() ? root.path("schema").asText("missing") : "missing";
    if (!schema.equals(SCHEMA)) {
      throw new IllegalArgumentException(
          "schema must be %s, got %s: this is no signature, or one of another version"
              .formatted(SCHEMA, schema));
    }
    requireFinite(root);
    Fields model = Fields.of(root, "model");
    Fields data = Fields.of(root, "data");
    Fields settings = Fields.of(root, "settings");
    List<LayerScores> layers = new ArrayList<>();
    for (Fields layer : Fields.list(root, "layers")) {
      layers.add(parseLayer(layer));
    }
    if (layers.size() > MOST_LAYERS) {
      throw new IllegalArgumentException(
          "layers must be at most %s, got %s".formatted(MOST_LAYERS, layers.size()));
    }
    List<Signature.Skipped> skipped = new ArrayList<>();
    for (Fields site : Fields.list(root, "skipped")) {
      skipped.add(
          new Signature.Skipped(
              site.text("path"),
              site.integer("call"),
              site.text("activation"),
              site.text("reason")));
    }
    Map<String, Object> more = settings.map();
    more.keySet().removeAll(NAMED_SETTINGS);
    return new Signature(
        new Signature.Model(
            model.text("name"),
            model.mode("runtime", Signature.ModelRuntime.values(), Signature.ModelRuntime::word),
            model.text("sha256"),
            model.whole("parameters")),
        new Signature.Data(
            data.text("source"),
            data.integer("samples"),
            data.whole("seed"),
            data.object("preprocess").map(),
            data.has("classes")
                ? Optional.of(
                    new Signature.Classes(data.integer("classes"), data.integer("smallest_class")))
                : Optional.empty()),
        new Signature.Settings(
            settings.mode("pooling", Pooling.values(), Pooling::word),
            settings.mode("covariance", Covariance.values(), Covariance::word),
            settings.mode("ridge", Ridge.values(), Ridge::word),
            settings.text("device"),
            settings.text("engine"),
            more),
        layers,
        skipped);
  }

  /** What is free in form has numbers of any size in JSON, which would be none for its readers. */
  private static void requireFinite(JsonNode root) {
    JsonNode data = root.path("data");
    requireFinite(data.path("preprocess"), "preprocess", "data");
    requireFinite(root.path("settings"), "settings", "settings");
  }

  private static void requireFinite(JsonNode node, String key, String where) {
    boolean isFinite = !node.isNumber() || Double.isFinite(node.doubleValue());
    Fields.require(isFinite, key + " in " + where, node, "at most " + Double.MAX_VALUE);
    node.properties().forEach(one -> requireFinite(one.getValue(), one.getKey(), where));
    if (node.isArray()) {
      node.forEach(one -> requireFinite(one, key, where));
    }
  }

  private static boolean isWhole(JsonNode value) {
    return value.isIntegralNumber() && value.canConvertToLong();
  }

  private static String shown(JsonNode value) {
    if (value.isMissingNode()) {
      return "nothing";
    }
    if (value.isContainerNode()) {
      return "a " + value.getNodeType();
    }
    String text = value.isNumber() ? value.asText() : value.toString();
    return text.length() > SHOWN ? text.substring(0, SHOWN) + "..." : text;
  }

  private static LayerScores parseLayer(Fields layer) {
    List<Long> shape = new ArrayList<>();
    for (JsonNode size : layer.array("shape")) {
      shape.add(Fields.require(isWhole(size), "shape", size, "a list of integers").longValue());
    }
    Map<String, Object> notes = layer.object("notes").map();
    Map<String, Score> scores = parseScores(layer.object("scores"), "", notes);
    Map<String, Score> errors =
        layer.has("errors") ? parseScores(layer.object("errors"), ERRORS, notes) : Map.of();
    return new LayerScores(
        layer.integer("index"),
        layer.text("path"),
        layer.integer("call"),
        layer.text("activation"),
        layer.has("type") ? layer.text("type") : LayerScores.ACTIVATION,
        shape,
        layer.whole("dimension"),
        scores,
        errors,
        layer.has("gaps") ? parseGaps(layer.object("gaps")) : Map.of(),
        layer.has(VALUES) ? parseBatches(layer.object(VALUES), notes) : Map.of());
  }

  private static Map<String, BatchScores> parseBatches(Fields named, Map<String, Object> notes) {
    Map<String, BatchScores> batches = new LinkedHashMap<>();
    for (String name : named.map().keySet()) {
      List<Score> scores = new ArrayList<>();
      for (JsonNode value : named.array(name)) {
        scores.add(
            value.isNull()
                ? missing(notes, note(name, scores.size()))
                : Score.of(Fields.score(value, VALUES + "." + name)));
      }
      batches.put(name, new BatchScores(scores));
    }
    return batches;
  }

  private static Score missing(Map<String, Object> notes, String note) {
    return Score.unavailable(
        Objects.requireNonNullElse(notes.get(note), "no reason given").toString());
  }

  private static Map<String, Double> parseGaps(Fields named) {
    Map<String, Double> gaps = new LinkedHashMap<>();
    for (String name : named.map().keySet()) {
      gaps.put(name, named.score(name));
    }
    return gaps;
  }

  private static Map<String, Score> parseScores(
      Fields named, String prefix, Map<String, Object> notes) {
    Map<String, Score> scores = new LinkedHashMap<>();
    for (String name : named.map().keySet()) {
      scores.put(
          name, named.isNull(name) ? missing(notes, prefix + name) : Score.of(named.score(name)));
    }
    return scores;
  }

  /** The members of one JSON object; a missing or mistyped one is an error that names it. */
  private record Fields(JsonNode node, String where) {

    static Fields of(JsonNode parent, String key) {
      JsonNode found = parent.path(key);
      return new Fields(require(found.isObject(), key, found, "an object"), key);
    }

    static List<Fields> list(JsonNode parent, String key) {
      JsonNode array = parent.path(key);
      List<Fields> items = new ArrayList<>();
      for (JsonNode item : require(array.isArray(), key, array, "a list")) {
        String where = key + "[" + items.size() + "]";
        items.add(new Fields(require(item.isObject(), where, item, "an object"), where));
      }
      return items;
    }

    String text(String key) {
      return member(key, node.path(key).isTextual(), "a string").textValue();
    }

    double score(String key) {
      return score(node.path(key), where + "." + key);
    }

    static double score(JsonNode value, String name) {
      boolean isModest = value.isNumber() && Math.abs(value.doubleValue()) <= LARGEST;
      return require(isModest, name, value, "a number, or null with a note").doubleValue();
    }

    long whole(String key) {
      return member(key, isWhole(node.path(key)), "an integer").longValue();
    }

    int integer(String key) {
      return member(key, node.path(key).isInt(), "an integer").intValue();
    }

    JsonNode array(String key) {
      return member(key, node.path(key).isArray(), "a list");
    }

    Fields object(String key) {
      return new Fields(member(key, node.path(key).isObject(), "an object"), where + "." + key);
    }

    boolean has(String key) {
      return node.has(key);
    }

    boolean isNull(String key) {
      return node.path(key).isNull();
    }

    Map<String, Object> map() {
      return JSON.convertValue(node, MAP);
    }

    <E> E mode(String key, E[] modes, Function<E, String> word) {
      String text = text(key);
      for (E mode : modes) {
        if (word.apply(mode).equals(text)) {
          return mode;
        }
      }
      throw new IllegalArgumentException(
          "%s.%s must be one of %s, got %s"
              .formatted(
                  where, key, Arrays.stream(modes).map(word).toList(), shown(node.path(key))));
    }

    private JsonNode member(String key, boolean valid, String expected) {
      return require(valid, where + "." + key, node.path(key), expected);
    }

    private static JsonNode require(boolean valid, String name, JsonNode found, String expected) {
      if (!valid) {
        throw new IllegalArgumentException(
            "%s must be %s, got %s".formatted(name, expected, shown(found)));
      }
      return found;
    }
  }
}
