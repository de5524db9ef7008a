package dev.affinis.instrument.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.affinis.fuzz.Fuzz;
import dev.affinis.instrument.CaptureForm;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.Layout;
import dev.affinis.instrument.SiteFilter;
import dev.affinis.instrument.TapOptions;
import dev.affinis.instrument.TappedModel;
import dev.affinis.signature.Pooling;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Models that are changed but still run: instrumented they run, too, with the same outputs. */
class SameOutputsFuzzTest {
  private static final TapOptions ROWS =
      new TapOptions(CaptureForm.POOLED, Pooling.CHANNEL, Layout.AUTO, SiteFilter.ALL);
  private static final int TRIES = 25;

  @TempDir Path folder;

  @Test
  void whatRunsPlainRunsInstrumented() throws IOException {
    Engine.getEngine("OnnxRuntime"); // has to be the first to ask for the environment
    List<byte[]> seeds =
        List.of(
            HostileGraphs.layers().build().toByteArray(),
            HostileGraphs.expressions().build().toByteArray());
    int wanted = Math.max(4, Fuzz.executions() / 1_000);
    int compared = 0;
    OnnxMutator mutator = new OnnxMutator(true);
    for (int i = 0; i < TRIES * wanted && compared < wanted; i++) {
      SplittableRandom random = new SplittableRandom(i);
      byte[] model = mutator.mutate(seeds.get(i % 2), random, seeds);
      if (loads(model)) {
        compared += compare(model, i % 2 == 0 ? new Shape(2, 2, 8, 8) : new Shape(2, 4), i) ? 1 : 0;
      }
    }
    assertTrue(compared >= wanted / 2, "only " + compared + " changed models run");
  }

  private static boolean loads(byte[] model) {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions();
        OrtSession session = environment.createSession(model, options)) {
      return session.getNumInputs() == 1;
    } catch (OrtException e) {
      return false;
    }
  }

  /** Whether the model runs on this input, with the same outputs both ways. */
  private boolean compare(byte[] bytes, Shape shape, int number) throws IOException {
    Path file = Files.write(folder.resolve("model.onnx"), bytes);
    String what = "mutation " + number;
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDList input =
          new NDList(manager.arange((float) shape.size()).mul(0.1f).sub(3).reshape(shape));
      OnnxInstrumenter instrumenter;
      try {
        instrumenter = new OnnxInstrumenter(file, Map.of());
      } catch (InvalidInputException e) {
        return false; // stricter than the engine, with a reason
      }
      List<float[]> plain;
      try {
        plain = values(instrumenter.runPlain(input));
      } catch (RuntimeException e) {
        return false; // the model takes other inputs, or gives outputs that are no numbers
      }
      try (TappedModel model = instrumenter.load(Device.cpu(), ROWS)) {
        ParameterStore store = new ParameterStore(model.model().getNDManager(), false);
        List<float[]> tapped = values(model.forward(store, input).outputs());
        assertEquals(plain.size(), tapped.size(), what);
        for (int i = 0; i < plain.size(); i++) {
          assertArrayEquals(plain.get(i), tapped.get(i), 1e-5f, what);
        }
      }
    }
    return true;
  }

  private static List<float[]> values(NDList outputs) {
    List<float[]> values = new ArrayList<>();
    for (NDArray array : outputs) {
      values.add(array.toFloatArray());
    }
    return values;
  }
}
