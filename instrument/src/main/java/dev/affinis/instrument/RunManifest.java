package dev.affinis.instrument;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * What a run is, for those who look into a cache.
 *
 * @param model name of the model
 * @param data where the samples come from
 * @param samples number of samples, over all sets
 * @param batchSize samples in each batch
 * @param key what its results depend on
 */
record RunManifest(String model, String data, int samples, int batchSize, RunKey key) {
  JsonNode toTree() {
    ObjectNode root = StateFile.JSON.createObjectNode();
    root.put("model", model).put("data", data).put("samples", samples).put("batch_size", batchSize);
    root.set("key", key.parts());
    return root;
  }

  static RunManifest of(JsonNode root) {
    return new RunManifest(
        root.path("model").asText(),
        root.path("data").asText(),
        root.path("samples").asInt(),
        root.path("batch_size").asInt(),
        new RunKey(root.path("key")));
  }
}
