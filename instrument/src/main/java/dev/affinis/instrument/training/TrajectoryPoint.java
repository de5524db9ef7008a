package dev.affinis.instrument.training;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.affinis.signature.LayerScores;
import java.util.List;
import java.util.OptionalDouble;

/**
 * A network at one moment of its training.
 *
 * @param step number of updates of its weights before it was measured
 * @param epoch number of epochs that were complete by then
 * @param seconds training time until then, without what was spent on measuring
 * @param trainingLoss loss that this network has on the batch it is trained on next; empty at the
 *     end of an epoch and of the training
 * @param loss loss on the held-out samples; empty if they have no labels
 * @param accuracy share of the held-out samples that are classified correctly; empty if they have
 *     no labels, or the network does not give one value per class
 * @param layers scores of its sites, in the order of execution
 */
public record TrajectoryPoint(
    long step,
    int epoch,
    double seconds,
    OptionalDouble trainingLoss,
    OptionalDouble loss,
    OptionalDouble accuracy,
    List<LayerScores> layers) {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  /** Copies the list. */
  public TrajectoryPoint {
    layers = List.copyOf(layers);
  }

  /**
   * Returns this point as one line of JSON, with the keys {@code step}, {@code epoch}, {@code
   * seconds}, {@code training_loss}, {@code loss}, {@code accuracy} ({@code null} where empty) and
   * {@code layers}, each of which has {@code path}, {@code call}, {@code activation}, {@code
   * dimension}, and {@code scores} and {@code notes} as in a signature file.
   *
   * @return the line, without a line feed
   */
  public String toJson() {
    ObjectNode root = JSON.createObjectNode();
    root.put("step", step).put("epoch", epoch).put("seconds", seconds);
    put(root, "training_loss", trainingLoss);
    put(root, "loss", loss);
    put(root, "accuracy", accuracy);
    ArrayNode list = root.putArray("layers");
    for (LayerScores layer : layers) {
      ObjectNode node = list.addObject();
      node.put("path", layer.path())
          .put("call", layer.call())
          .put("activation", layer.activation())
          .put("dimension", layer.dimension());
      ObjectNode scores = node.putObject("scores");
      ObjectNode notes = node.putObject("notes");
      layer
          .scores()
          .forEach(
              (name, score) -> {
                put(scores, name, score.number());
                score.map(number -> notes, reason -> notes.put(name, reason));
              });
    }
    return root.toString();
  }

  /**
   * A number that is not finite, such as a loss that has overflowed, is null like a missing one.
   */
  private static void put(ObjectNode node, String key, OptionalDouble value) {
    if (value.isPresent() && Double.isFinite(value.getAsDouble())) {
      node.put(key, value.getAsDouble());
    } else {
      node.putNull(key);
    }
  }
}
