package dev.affinis.zoo;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.translate.Batchifier;
import ai.djl.translate.Translator;
import ai.djl.translate.TranslatorContext;
import dev.affinis.instrument.Capture;
import dev.affinis.instrument.InstrumentedModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Several predictors on one instrumented model, each on a thread of its own. */
class SharedModelTest {
  private static final int THREADS = 3;
  private static final int PASSES = 15;

  /** From the seed of an image to the logits. */
  private static final class Seeded implements Translator<Integer, float[]> {
    @Override
    public NDList processInput(TranslatorContext context, Integer seed) {
      float[] values = new float[3 * ZooImages.SIZE * ZooImages.SIZE];
      java.util.Random random = new java.util.Random(seed);
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) random.nextGaussian();
      }
      Shape shape = new Shape(3, ZooImages.SIZE, ZooImages.SIZE);
      return new NDList(context.getNDManager().create(values, shape));
    }

    @Override
    public float[] processOutput(TranslatorContext context, NDList list) {
      return list.head().toFloatArray();
    }

    @Override
    public Batchifier getBatchifier() {
      return Batchifier.STACK;
    }
  }

  /** What a prediction gave, and what its activations saw. */
  private record Seen(List<Float> logits, List<List<Float>> captures) {}

  /** Collects the captures of the passes that run on the current thread. */
  private static final ThreadLocal<List<List<Float>>> CAPTURES = new ThreadLocal<>();

  private static void keep(InstrumentedModel.Run run) {
    CAPTURES.set(run.captures().stream().map(SharedModelTest::values).toList());
  }

  private static List<Float> values(Capture capture) {
    List<Float> values = new ArrayList<>(list(capture.pre().toFloatArray()));
    values.addAll(list(capture.post().toFloatArray()));
    return values;
  }

  private static List<Float> list(float[] values) {
    List<Float> list = new ArrayList<>();
    for (float value : values) {
      list.add(value);
    }
    return list;
  }

  private static List<Seen> predict(InstrumentedModel<?, ?> model, int... seeds) throws Exception {
    List<Seen> seen = new ArrayList<>();
    try (Predictor<Integer, float[]> predictor = model.newPredictor(new Seeded())) {
      for (int seed : seeds) {
        List<Float> logits = list(predictor.predict(seed));
        seen.add(new Seen(logits, CAPTURES.get()));
      }
    }
    return seen;
  }

  private static void requireTheSameOnEveryThread(InstrumentedModel<?, ?> model) throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(THREADS);
    List<Future<List<Seen>>> futures = new ArrayList<>();
    for (int t = 0; t < THREADS; t++) {
      int first = t * PASSES;
      futures.add(pool.submit(() -> predict(model, seeds(first))));
    }
    for (int t = 0; t < THREADS; t++) {
      assertEquals(predict(model, seeds(t * PASSES)), futures.get(t).get());
    }
    pool.shutdown();
  }

  private static int[] seeds(int first) {
    int[] seeds = new int[PASSES];
    Arrays.setAll(seeds, i -> first + i);
    return seeds;
  }

  @ParameterizedTest
  @ValueSource(strings = {"vit.traced.pt", "vit.onnx"})
  void predictorsOnModelFilesDoNotMeet(String file) throws Exception {
    try (InstrumentedModel<?, ?> model =
        InstrumentedModel.builder()
            .setModelPath(Path.of("zoo", "models", file))
            .optListener(SharedModelTest::keep)
            .build()) {
      requireTheSameOnEveryThread(model);
    }
  }

  @Test
  void predictorsOnBlocksDoNotMeet() throws Exception {
    try (Model block = RebuiltModels.load("vit");
        InstrumentedModel<?, ?> model =
            InstrumentedModel.builder()
                .setModel(block)
                .optListener(SharedModelTest::keep)
                .build()) {
      requireTheSameOnEveryThread(model);
    }
  }

  @Test
  void arraysOfManyPassesAreFreed() throws IOException, MalformedModelException {
    for (String file : List.of("vit.traced.pt", "vit.onnx", "djl")) {
      try (Model block = RebuiltModels.load("vit");
          InstrumentedModel<?, ?> model =
              file.equals("djl")
                  ? InstrumentedModel.builder().setModel(block).build()
                  : InstrumentedModel.builder()
                      .setModelPath(Path.of("zoo", "models", file))
                      .build();
          NDManager manager = NDManager.newBaseManager("PyTorch")) {
        Shape images = new Shape(2, 3, ZooImages.SIZE, ZooImages.SIZE);
        int before = 0;
        for (int pass = 0; pass < 200; pass++) {
          try (NDManager scratch = manager.newSubManager()) {
            model.run(new NDList(scratch.zeros(images)));
          }
          int arrays =
              manager.getManagedArrays().size() + model.getNDManager().getManagedArrays().size();
          before = pass == 0 ? arrays : before;
          assertEquals(before, arrays, file + " after pass " + pass);
        }
      }
    }
  }
}
