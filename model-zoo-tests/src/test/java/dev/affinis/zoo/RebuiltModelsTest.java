package dev.affinis.zoo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.Model;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.translate.NoopTranslator;
import ai.djl.translate.TranslateException;
import dev.affinis.instrument.data.BatchLoader;
import dev.affinis.instrument.data.Preprocessing;
import dev.affinis.instrument.data.SampleSource;
import dev.affinis.instrument.data.Selection;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** DJL's own blocks compute what the archives do whose weights they have. */
class RebuiltModelsTest {
  private static final int BATCH = 64;
  private static final int CLASSES = 10;

  /** The same kernels in another order or fusion; logits are about 1 to 10. */
  private static final float TOLERANCE = 1e-4f;

  @ParameterizedTest
  @MethodSource("dev.affinis.zoo.RebuiltModels#names")
  void logitsAreThoseOfTheArchive(String name) throws Exception {
    try (SampleSource source =
            SampleSource.open(
                "zoo/images.npz", Preprocessing.builder().build(), Selection.first(BATCH));
        NDManager manager = NDManager.newBaseManager("PyTorch");
        BatchLoader loader =
            BatchLoader.builder()
                .setSource(source)
                .setManager(manager)
                .setSelection(Selection.first(BATCH))
                .optBatchSize(BATCH)
                .build();
        BatchLoader.Batch batch = loader.next();
        Model archive = Model.newInstance(name, "PyTorch");
        Model rebuilt = RebuiltModels.load(name)) {
      archive.load(Path.of("zoo", "models", name + ".traced.pt"));
      float[] expected = logits(archive, new NDList(batch.data()));
      assertEquals(BATCH * CLASSES, expected.length);
      assertArrayEquals(expected, logits(rebuilt, new NDList(batch.data())), TOLERANCE);
    }
  }

  private static float[] logits(Model model, NDList images) throws TranslateException {
    try (Predictor<NDList, NDList> predictor = model.newPredictor(new NoopTranslator());
        NDList result = predictor.predict(images)) {
      return result.singletonOrThrow().toFloatArray();
    }
  }
}
