package dev.affinis.zoo;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Models of the bundled zoo made again from DJL's own blocks, as one would write them in Java, with
 * the weights of the TorchScript archives. The activations are the same, in the same order; so are
 * their paths where the structure is.
 */
final class RebuiltModels {
  private static final Path ARCHIVES = Path.of("zoo", "models");

  private RebuiltModels() {}

  /** The models there are, by their names in the zoo. */
  static List<String> names() {
    return List.of("alexnet", "resnet", "vit");
  }

  /**
   * Makes a model, with frozen weights, ready for inference.
   *
   * @param name one of {@link #names()}
   * @return the model, which takes N x 3 x 32 x 32 and returns N x 10; to be closed by the caller
   */
  static Model load(String name) throws IOException, MalformedModelException {
    Model model = Model.newInstance(name, "PyTorch");
    Path archive = ARCHIVES.resolve(name + ".traced.pt");
    try (TorchWeights weights = TorchWeights.open(archive, model.getNDManager())) {
      Block block = build(name, weights);
      weights.requireAllUsed();
      Shape oneImage = new Shape(1, 3, ZooImages.SIZE, ZooImages.SIZE);
      block.initialize(model.getNDManager(), DataType.FLOAT32, oneImage);
      model.setBlock(block);
      return model;
    } catch (IOException | MalformedModelException | RuntimeException e) {
      model.close();
      throw e;
    }
  }

  private static Block build(String name, TorchWeights weights) {
    return switch (name) {
      case "alexnet" -> BlockAlexNet.build(weights);
      case "resnet" -> BlockResNet.build(weights);
      case "vit" -> new BlockVit(weights);
      default -> throw new IllegalArgumentException(name + " is none of " + names());
    };
  }
}
