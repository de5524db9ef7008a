package dev.affinis.benchmarks;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.basicmodelzoo.cv.classification.ResNetV1;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import ai.djl.training.initializer.XavierInitializer;
import dev.affinis.instrument.InstrumentedModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/**
 * A model that a benchmark runs both ways, plain and instrumented: a TorchScript or ONNX file, or
 * {@value #BLOCK}, DJL's own ResNet-50 with random weights.
 */
final class Subject implements AutoCloseable {
  /** The name of the model that is made of DJL's own blocks. */
  static final String BLOCK = "djl:resnet50";

  private static final int CLASSES = 1000;

  private final Model plain;
  private final InstrumentedModel<?, ?> instrumented;

  private Subject(Model plain, InstrumentedModel<?, ?> instrumented) {
    this.plain = plain;
    this.instrumented = instrumented;
  }

  /**
   * Opens a model both ways.
   *
   * @param name path of a file, or {@value #BLOCK}
   * @param pixels side of the images
   */
  static Subject open(String name, int pixels) throws IOException, MalformedModelException {
    if (name.equals(BLOCK)) {
      Model model = block(pixels);
      // The same block both ways: outside of an instrumented pass it runs as it did before.
      return new Subject(model, InstrumentedModel.builder().setModel(model).build());
    }
    Model model = load(Path.of(name));
    return new Subject(model, InstrumentedModel.builder().setModelPath(Path.of(name)).build());
  }

  /** Loads a model file as it is. */
  static Model load(Path file) throws IOException, MalformedModelException {
    boolean onnx = file.toString().endsWith(".onnx");
    Model model = Model.newInstance("plain", onnx ? "OnnxRuntime" : "PyTorch");
    model.load(file.toAbsolutePath(), null, onnx ? Map.of() : Map.of("mapLocation", "true"));
    return model;
  }

  /** Outputs of a model as it is, attached to the inputs' manager. */
  static NDList forward(Model model, NDList inputs) {
    return model.getBlock().forward(new ParameterStore(model.getNDManager(), false), inputs, false);
  }

  private static Model block(int pixels) {
    Shape image = new Shape(3, pixels, pixels);
    Block block =
        ResNetV1.builder().setImageShape(image).setNumLayers(50).setOutSize(CLASSES).build();
    block.setInitializer(new XavierInitializer(), Parameter.Type.WEIGHT);
    Engine.getEngine("PyTorch").setRandomSeed(0);
    Model model = Model.newInstance("resnet50", "PyTorch");
    model.setBlock(block);
    block.initialize(model.getNDManager(), DataType.FLOAT32, new Shape(1).addAll(image));
    block.freezeParameters(true);
    return model;
  }

  /** Outputs of the plain model, attached to the inputs' manager. */
  NDList plain(NDList inputs) {
    return forward(plain, inputs);
  }

  InstrumentedModel<?, ?> instrumented() {
    return instrumented;
  }

  @Override
  public void close() {
    instrumented.close();
    plain.close();
  }
}
