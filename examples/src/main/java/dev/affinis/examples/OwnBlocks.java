package dev.affinis.examples;

import ai.djl.Model;
import ai.djl.basicmodelzoo.cv.classification.ResNetV1;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import dev.affinis.instrument.InstrumentedModel;
import dev.affinis.instrument.data.Preprocessing;
import dev.affinis.instrument.data.SampleSource;
import dev.affinis.instrument.data.Selection;
import java.io.IOException;

/**
 * Measures a model that is written in Java, from DJL's own blocks: a ResNet-18 as its weights are
 * drawn, before any training. Its blocks are as they were once the instrumented model is closed.
 */
public final class OwnBlocks {
  private OwnBlocks() {}

  /**
   * Runs the example.
   *
   * @param args what to measure on, {@code random} if left out, and how many samples, 512 if left
   *     out
   * @throws IOException if a file cannot be read
   */
  public static void main(String[] args) throws IOException {
    String data = args.length > 0 ? args[0] : "random";
    Selection selection = Selection.first(args.length > 1 ? Integer.parseInt(args[1]) : 512);
    Preprocessing size = Preprocessing.builder().optInputSize(32).build();
    Block block =
        ResNetV1.builder()
            .setImageShape(new Shape(3, 32, 32))
            .setNumLayers(18)
            .setOutSize(10)
            .build();
    try (Model model = Model.newInstance("resnet18", "PyTorch")) {
      model.setBlock(block);
      block.initialize(model.getNDManager(), DataType.FLOAT32, new Shape(1, 3, 32, 32));
      try (InstrumentedModel<NDList, NDList> instrumented =
              InstrumentedModel.builder().setModel(model).build();
          SampleSource samples = SampleSource.open(data, size, selection)) {
        Architecture.print(instrumented.measure(samples), System.out);
      }
    }
  }
}
