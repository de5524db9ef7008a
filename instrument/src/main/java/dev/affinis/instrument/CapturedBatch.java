package dev.affinis.instrument;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.affinis.instrument.data.BatchLoader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.stream.StreamSupport;

/**
 * What a measurement keeps of one batch, as it is written into a file: four bytes with the length
 * of a description in JSON, that description, and the arrays as the engine holds them, each from a
 * multiple of eight bytes on.
 *
 * @param captures rows and counts of the sites of one pass, in their order
 * @param labels class of each sample; empty if not known
 * @param seen which samples these are
 * @param position where the loader was after the batch
 */
record CapturedBatch(
    List<Capture> captures,
    List<Integer> labels,
    SampleLog.Seen seen,
    BatchLoader.Position position) {
  private static final int ALIGNMENT = 8;

  /** Number of samples. */
  int size() {
    return seen.indices().size();
  }

  /** The content of a file, in parts. */
  ByteBuffer[] toBuffers() {
    ObjectNode about = StateFile.JSON.createObjectNode();
    about.set("labels", StateFile.JSON.valueToTree(labels));
    about.set("seen", seen.toTree());
    about.set("position", StateFile.JSON.valueToTree(position));
    List<ByteBuffer> parts = new ArrayList<>();
    ArrayNode sites = about.putArray("sites");
    for (Capture capture : captures) {
      ObjectNode site = sites.addObject().put("site", capture.site().label());
      ArrayNode arrays = site.putArray("arrays");
      add(capture.pre(), arrays, parts);
      add(capture.post(), arrays, parts);
      capture
          .counts()
          .ifPresent(
              counts -> {
                site.set("tokens", StateFile.JSON.valueToTree(counts.tokens()));
                add(counts.smallPre(), arrays, parts);
                add(counts.smallPost(), arrays, parts);
                if (counts.bounded() != null) {
                  add(counts.bounded(), arrays, parts);
                }
              });
    }
    byte[] text = about.toString().getBytes(StandardCharsets.UTF_8);
    ByteBuffer head = ByteBuffer.allocate(aligned(Integer.BYTES + text.length));
    head.putInt(text.length).put(text).rewind();
    parts.add(0, head);
    return parts.toArray(ByteBuffer[]::new);
  }

  private static void add(NDArray array, ArrayNode shapes, List<ByteBuffer> parts) {
    ObjectNode shape = shapes.addObject().put("type", array.getDataType().name());
    shape.set("shape", StateFile.JSON.valueToTree(array.getShape().getShape()));
    ByteBuffer values = array.toByteBuffer();
    parts.add(values);
    parts.add(ByteBuffer.allocate(aligned(values.remaining()) - values.remaining()));
  }

  private static int aligned(int length) {
    return Math.addExact(length, Math.floorMod(-length, ALIGNMENT));
  }

  /**
   * Reads the content of a file.
   *
   * @param content what {@link #toBuffers} gave, in one piece; arrays may lie in it
   * @param sites the sites of the pass
   * @param manager owner of the arrays
   * @throws StateFile.DamagedException if it is of other sites
   */
  static CapturedBatch read(ByteBuffer content, List<Site> sites, NDManager manager)
      throws IOException {
    byte[] text = new byte[content.duplicate().getInt()];
    content.get(Integer.BYTES, text);
    JsonNode about = StateFile.JSON.readTree(text);
    Reader reader = new Reader(content, aligned(Integer.BYTES + text.length), manager);
    List<Capture> captures = new ArrayList<>();
    for (JsonNode part : about.path("sites")) {
      Site site = captures.size() < sites.size() ? sites.get(captures.size()) : null;
      if (site == null || !site.label().equals(part.path("site").asText())) {
        throw new StateFile.DamagedException("it holds other sites");
      }
      captures.add(capture(site, part, reader));
    }
    if (captures.size() < sites.size()) {
      throw new StateFile.DamagedException("it holds other sites");
    }
    return new CapturedBatch(
        captures,
        integers(about.path("labels")),
        SampleLog.Seen.of(about.path("seen")),
        StateFile.JSON.treeToValue(about.path("position"), BatchLoader.Position.class));
  }

  private static Capture capture(Site site, JsonNode part, Reader reader) {
    Iterator<JsonNode> arrays = part.path("arrays").iterator();
    NDArray pre = reader.next(arrays.next());
    NDArray post = reader.next(arrays.next());
    if (!arrays.hasNext()) {
      return new Capture(site, pre, post, Optional.empty());
    }
    NDArray smallPre = reader.next(arrays.next());
    NDArray smallPost = reader.next(arrays.next());
    NDArray bounded = arrays.hasNext() ? reader.next(arrays.next()) : null;
    List<Integer> tokens = integers(part.path("tokens"));
    return new Capture(
        site, pre, post, Optional.of(new TapCounts(smallPre, smallPost, bounded, tokens)));
  }

  static List<Integer> integers(JsonNode list) {
    return StreamSupport.stream(list.spliterator(), false).map(JsonNode::asInt).toList();
  }

  /** Makes arrays of one piece of memory, one after another. */
  private static final class Reader {
    private final ByteBuffer content;
    private final NDManager manager;
    private int at;

    Reader(ByteBuffer content, int at, NDManager manager) {
      this.content = content;
      this.at = at;
      this.manager = manager;
    }

    NDArray next(JsonNode about) {
      DataType type = DataType.valueOf(about.path("type").asText());
      Shape shape =
          new Shape(
              StreamSupport.stream(about.path("shape").spliterator(), false)
                  .mapToLong(JsonNode::asLong)
                  .toArray());
      int length = Math.toIntExact(shape.size() * type.getNumOfBytes());
      ByteBuffer values = content.slice(at, length).order(content.order());
      at += aligned(length);
      return manager.create(values, shape, type);
    }
  }
}
