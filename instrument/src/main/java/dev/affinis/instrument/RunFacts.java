package dev.affinis.instrument;

import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.affinis.instrument.MemoryPlan.Place;
import dev.affinis.instrument.MemoryPlan.SiteMemory;
import dev.affinis.signature.transport.Workspace;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * What the first batch shows of a model, and what was planned then: enough to go on without running
 * that batch again.
 *
 * @param plan where captures lie and in which passes they are made
 * @param skipped calls that cannot be measured, with reasons
 * @param notPerSample labels of the sites that are not one value per sample
 * @param unmasked sites with positions that no mask applies to
 * @param parameterCount number of the model's parameters
 * @param engines what ran the model and what computes the scores, with versions
 */
record RunFacts(
    MemoryPlan plan,
    List<SkippedSite> skipped,
    Set<String> notPerSample,
    List<Site> unmasked,
    long parameterCount,
    String engines) {

  JsonNode toTree() {
    ObjectNode root = StateFile.JSON.createObjectNode();
    root.put("engines", engines).put("parameters", parameterCount);
    ObjectNode planned = root.putObject("plan");
    planned.put("budget", plan.budget()).put("place", plan.place().name());
    planned.set("passes", StateFile.JSON.valueToTree(plan.passes()));
    ArrayNode sites = planned.putArray("sites");
    for (SiteMemory memory : plan.sites()) {
      write(memory.site(), sites.addObject())
          .put("captures", memory.captureBytes())
          .put("device", memory.workspace().deviceBytes())
          .put("heap", memory.workspace().heapBytes());
    }
    ArrayNode masks = root.putArray("unmasked");
    unmasked.forEach(site -> write(site, masks.addObject()));
    root.set("skipped", StateFile.JSON.valueToTree(skipped));
    root.set("not_per_sample", StateFile.JSON.valueToTree(new TreeSet<>(notPerSample)));
    return root;
  }

  private static ObjectNode write(Site site, ObjectNode node) {
    node.put("path", site.path()).put("call", site.call()).put("kind", site.kind().word());
    node.set("shape", StateFile.JSON.valueToTree(site.shapeList()));
    return node.put("dimension", site.dimension());
  }

  /**
   * Reads what {@link #toTree} gave.
   *
   * @param root the tree
   * @param limits what the run may take now: if its budget is the same, so is the plan, though the
   *     disk may have less room by what the run itself keeps
   */
  static RunFacts of(JsonNode root, MemoryLimits limits) {
    JsonNode planned = root.path("plan");
    List<SiteMemory> sites = new ArrayList<>();
    for (JsonNode site : planned.path("sites")) {
      Workspace workspace = new Workspace(site.path("device").asLong(), site.path("heap").asLong());
      sites.add(new SiteMemory(site(site), site.path("captures").asLong(), workspace));
    }
    List<List<Integer>> passes = new ArrayList<>();
    planned.path("passes").forEach(pass -> passes.add(CapturedBatch.integers(pass)));
    Place place = Place.valueOf(planned.path("place").asText());
    MemoryPlan plan =
        limits.isBudget(planned.path("budget").asLong())
            ? limits.plan(sites, place, passes)
            : limits.plan(sites);
    List<SkippedSite> skipped = new ArrayList<>();
    for (JsonNode one : root.path("skipped")) {
      skipped.add(
          new SkippedSite(
              one.path("path").asText(),
              one.path("call").asInt(),
              one.path("activation").asText(),
              one.path("reason").asText()));
    }
    return new RunFacts(
        plan,
        skipped,
        Set.copyOf(texts(root.path("not_per_sample"))),
        stream(root.path("unmasked")).map(RunFacts::site).toList(),
        root.path("parameters").asLong(),
        root.path("engines").asText());
  }

  /** The passes that a file was written for. */
  static List<List<Integer>> passes(JsonNode root) {
    return stream(root.path("plan").path("passes")).map(CapturedBatch::integers).toList();
  }

  private static Site site(JsonNode node) {
    long[] shape = stream(node.path("shape")).mapToLong(JsonNode::asLong).toArray();
    return new Site(
        node.path("path").asText(),
        node.path("call").asInt(),
        SiteKind.ofWord(node.path("kind").asText()),
        new Shape(shape),
        node.path("dimension").asInt());
  }

  static List<String> texts(JsonNode list) {
    return stream(list).map(JsonNode::asText).toList();
  }

  private static Stream<JsonNode> stream(JsonNode list) {
    return StreamSupport.stream(list.spliterator(), false);
  }
}
