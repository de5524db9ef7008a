package dev.affinis.fuzz;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamWriteConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Changes JSON as a tree, so that it stays JSON: members are removed, renamed, swapped, taken from
 * elsewhere, repeated and nested, values replaced. What is no JSON is changed as text.
 */
public final class JsonMutator implements Mutator {
  /** Writes what is nested too deeply to be read. */
  private static final JsonMapper JSON =
      new JsonMapper(
          JsonFactory.builder()
              .streamWriteConstraints(
                  StreamWriteConstraints.builder().maxNestingDepth(100_000).build())
              .build());

  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private static final List<JsonNode> ODD =
      List.of(
          NODES.nullNode(),
          NODES.booleanNode(true),
          NODES.numberNode(0),
          NODES.numberNode(1),
          NODES.numberNode(-1),
          NODES.numberNode(0.5),
          NODES.numberNode(1e308),
          NODES.numberNode(-1e308),
          NODES.numberNode(Double.MIN_VALUE),
          NODES.numberNode(Integer.MAX_VALUE),
          NODES.numberNode(Long.MAX_VALUE),
          NODES.numberNode(Long.MIN_VALUE),
          NODES.numberNode(BigInteger.ONE.shiftLeft(300)),
          NODES.textNode(""),
          NODES.textNode(" "),
          NODES.textNode("NaN"),
          NODES.textNode("__proto__"),
          NODES.textNode("</script><script>alert(1)</script>"),
          NODES.textNode("\u0000\u001b[31m\u202e\n"),
          NODES.textNode("=1+1"),
          NODES.textNode("long ".repeat(1_000)),
          NODES.arrayNode(),
          NODES.objectNode());

  private final TextMutator asText;
  private final List<String> words;

  /**
   * Makes a mutator.
   *
   * @param words that mean something in the format: keys and values
   */
  public JsonMutator(String... words) {
    this.words = List.of(words);
    asText = new TextMutator(words);
  }

  @Override
  public byte[] mutate(byte[] input, SplittableRandom random, List<byte[]> corpus) {
    JsonNode root;
    try {
      root = JSON.readTree(input);
    } catch (IOException e) {
      return asText.mutate(input, random, corpus);
    }
    List<JsonNode> places = new ArrayList<>();
    addContainers(root, places);
    if (places.isEmpty() || random.nextInt(10) == 0) {
      return asText.mutate(input, random, corpus);
    }
    int changes = 1 + (random.nextBoolean() ? random.nextInt(5) : 0);
    for (int i = 0; i < changes; i++) {
      change(places, random);
    }
    try {
      return JSON.writeValueAsString(root).getBytes(StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void addContainers(JsonNode node, List<JsonNode> places) {
    if (node.isContainerNode()) {
      if (!node.isEmpty()) {
        places.add(node);
      }
      node.forEach(child -> addContainers(child, places));
    }
  }

  private void change(List<JsonNode> places, SplittableRandom random) {
    JsonNode place = any(places, random);
    if (place instanceof ObjectNode object && !object.isEmpty()) {
      List<String> keys = new ArrayList<>();
      object.fieldNames().forEachRemaining(keys::add);
      String key = any(keys, random);
      switch (random.nextInt(5)) {
        case 0 -> object.remove(key);
        case 1 -> object.set(word(keys, random), object.remove(key));
        case 2 -> object.set(word(keys, random), value(places, random));
        default -> object.set(key, changed(object.get(key), places, random));
      }
    } else if (place instanceof ArrayNode array && !array.isEmpty()) {
      int at = random.nextInt(array.size());
      switch (random.nextInt(5)) {
        case 0 -> array.remove(at);
        case 1 -> repeat(array, at, random);
        case 2 -> array.insert(at, value(places, random));
        default -> array.set(at, changed(array.get(at), places, random));
      }
    }
  }

  private static void repeat(ArrayNode array, int at, SplittableRandom random) {
    int times = random.nextInt(1, random.nextInt(30) == 0 ? 500 : 3);
    JsonNode item = array.get(at);
    for (int i = 0; i < times; i++) {
      array.insert(at, item.deepCopy());
    }
  }

  private JsonNode changed(JsonNode old, List<JsonNode> places, SplittableRandom random) {
    return switch (random.nextInt(8)) {
      case 0 -> NODES.arrayNode().add(old);
      case 1 -> NODES.objectNode().set(any(words, random), old);
      case 2 -> NODES.textNode(old.asText());
      case 3 -> nested(old, random);
      default -> value(places, random);
    };
  }

  private static JsonNode nested(JsonNode old, SplittableRandom random) {
    JsonNode result = old;
    int depth = random.nextInt(random.nextInt(10) == 0 ? 900 : 20);
    for (int i = 0; i < depth; i++) {
      result = NODES.arrayNode().add(result);
    }
    return result;
  }

  private JsonNode value(List<JsonNode> places, SplittableRandom random) {
    return switch (random.nextInt(4)) {
      case 0 -> any(places, random).deepCopy();
      case 1 -> NODES.textNode(any(words, random));
      default -> any(ODD, random);
    };
  }

  private String word(List<String> keys, SplittableRandom random) {
    return any(random.nextBoolean() ? keys : words, random);
  }

  private static <T> T any(List<T> all, SplittableRandom random) {
    return all.get(random.nextInt(all.size()));
  }
}
