package dev.affinis.instrument.block;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.basicmodelzoo.cv.classification.ResNetV1;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import dev.affinis.instrument.Measurement;
import dev.affinis.instrument.ModelSource;
import dev.affinis.instrument.data.RandomSource;
import dev.affinis.instrument.data.Selection;
import dev.affinis.signature.LayerScores;
import dev.affinis.signature.Signature;
import dev.affinis.signature.Signature.ModelRuntime;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole measurements of models made of blocks, with all self-checks. */
class BlockMeasurementTest {
  private static final Shape IMAGE = new Shape(3, 28, 28);

  private static Block resnet() {
    return ResNetV1.builder().setImageShape(IMAGE).setNumLayers(20).setOutSize(10).build();
  }

  private static Signature measure(ModelSource<?, ?> source, Shape sample) throws IOException {
    return Measurement.builder()
        .setModel(source)
        .setSource(new RandomSource(sample, 24, 1))
        .optSelection(Selection.first(24))
        .optBatchSize(8)
        .build()
        .run();
  }

  @Test
  void aSavedModelHasTheSameSignature(@TempDir Path folder)
      throws IOException, MalformedModelException {
    Signature first;
    try (Model model = TestBlocks.model(resnet(), new Shape(1, 3, 28, 28));
        ModelSource<?, ?> source = ModelSource.of(model)) {
      first = measure(source, IMAGE);
      model.save(folder, "resnet");
    }
    try (ModelSource<?, ?> source =
        ModelSource.of(resnet(), folder.resolve("resnet-0000.params"), Device.cpu())) {
      Signature again = measure(source, IMAGE);
      assertEquals(ModelRuntime.DJL, again.model().runtime());
      assertEquals(first.model().sha256(), again.model().sha256());
      assertEquals(first.layers(), again.layers());
    }
    assertEquals(18, first.layers().size());
    assertEquals(0, first.skipped().size());
    for (LayerScores layer : first.layers()) {
      assertTrue(layer.scores().get("affinity").toString().startsWith("Value"), layer.path());
    }
  }

  @Test
  void aTransformerIsMeasured() throws IOException {
    try (Model model = TestBlocks.model(new TestBlocks.Vit(), new Shape(1, 3, 8, 8));
        ModelSource<?, ?> source = ModelSource.of(model)) {
      Signature signature = measure(source, new Shape(3, 8, 8));
      assertEquals(2, signature.layers().size());
      assertEquals(48, signature.layers().get(0).dimension());
    }
  }
}
