package dev.affinis.instrument.torchscript;

import static dev.affinis.instrument.torchscript.TestArchive.module;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.Capture;
import dev.affinis.instrument.InstrumentedModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TappedScriptTest {
  private static final String OPTIMIZER = "ai.djl.pytorch.graph_optimizer";

  /** The engine looks at a program in its first passes and runs another one afterwards. */
  private static final int PASSES = 4;

  @TempDir Path folder;

  @Test
  void theEnginesOptimiserWouldChangeNothing() throws IOException {
    String source =
        module(
            "M",
            "",
            """
            def forward(self: __torch__.M,
                x: Tensor) -> Tensor:
              y = torch.relu_(torch.add(torch.mul(x, 3), 0.5))
              z = torch.mul(torch.sigmoid(y), torch.tanh(torch.sub(x, y)))
              return torch.add(torch.gelu(z), torch.exp(z))
            """);
    Path file = new TestArchive("M").write(folder.resolve("m.pt"), source);
    List<float[]> ours = passes(file);
    System.setProperty(OPTIMIZER, "true");
    try {
      List<float[]> optimised = passes(file);
      assertEquals(ours.size(), optimised.size());
      for (int i = 0; i < ours.size(); i++) {
        assertArrayEquals(optimised.get(i), ours.get(i));
      }
    } finally {
      System.clearProperty(OPTIMIZER);
    }
  }

  /** Outputs and rows of several passes over the same inputs. */
  private static List<float[]> passes(Path file) throws IOException {
    List<float[]> values = new ArrayList<>();
    try (InstrumentedModel<?, ?> model = InstrumentedModel.builder().setModelPath(file).build();
        NDManager manager = model.newManager();
        NDArray inputs =
            manager.arange(-3f, 3f, .05f, DataType.FLOAT32).reshape(new Shape(6, 20))) {
      for (int i = 0; i < PASSES; i++) {
        InstrumentedModel.Run run = model.run(new NDList(inputs));
        run.outputs().forEach(output -> values.add(output.toFloatArray()));
        for (Capture capture : run.captures()) {
          values.add(capture.pre().toFloatArray());
          values.add(capture.post().toFloatArray());
        }
      }
    }
    assertEquals(PASSES * (1 + 2 * 4), values.size());
    return values;
  }
}
