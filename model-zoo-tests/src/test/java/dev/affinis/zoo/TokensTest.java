package dev.affinis.zoo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.MalformedModelException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.Capture;
import dev.affinis.instrument.CaptureForm;
import dev.affinis.instrument.InstrumentedModel;
import dev.affinis.instrument.Measurement;
import dev.affinis.instrument.MeasurementListener;
import dev.affinis.instrument.ModelSource;
import dev.affinis.instrument.data.RandomSource;
import dev.affinis.instrument.data.Selection;
import dev.affinis.signature.Pooling;
import dev.affinis.signature.Signature;
import dev.affinis.signature.TokenPolicy;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The rows are those of the tokens that were asked for, whatever runs the model. */
class TokensTest {
  /** The same sums in another order, and the same features from other kernels. */
  private static final float ROUNDING = 2e-5f;

  @ParameterizedTest
  @ValueSource(strings = {"all", "class", "patches"})
  void rowsAreMeansOfTheTokensThatWereChosen(String word)
      throws IOException, MalformedModelException {
    TokenPolicy tokens = TokenPolicy.parse(word);
    List<List<float[]>> rows = new ArrayList<>();
    ZooRuns.inEveryForm(
        "vit",
        model -> {
          try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
            List<Capture> raw = ZooRuns.captures(model, b -> b.optForm(CaptureForm.RAW), manager);
            List<Capture> pooled = ZooRuns.captures(model, b -> b.optTokens(tokens), manager);
            assertTrue(pooled.stream().allMatch(capture -> capture.site().hasTokens()));
            List<float[]> found = new ArrayList<>();
            for (int i = 0; i < raw.size(); i++) {
              requireMean(raw.get(i).pre(), pooled.get(i).pre(), tokens);
              requireMean(raw.get(i).post(), pooled.get(i).post(), tokens);
              found.add(pooled.get(i).pre().toFloatArray());
              found.add(pooled.get(i).post().toFloatArray());
            }
            rows.add(found);
          }
        });
    assertEquals(4, rows.size());
    for (List<float[]> form : rows) {
      assertEquals(rows.get(0).size(), form.size());
      for (int i = 0; i < form.size(); i++) {
        assertArrayEquals(rows.get(0).get(i), form.get(i), ROUNDING);
      }
    }
  }

  private static void requireMean(NDArray tensor, NDArray rows, TokenPolicy tokens) {
    int samples = (int) tensor.getShape().get(0);
    int count = (int) tensor.getShape().get(1);
    int channels = (int) tensor.getShape().get(2);
    int from = tokens.equals(TokenPolicy.PATCHES) ? 1 : 0;
    int to = tokens.equals(TokenPolicy.CLASS) ? 1 : count;
    float[] values = tensor.toFloatArray();
    float[] expected = new float[samples * channels];
    for (int sample = 0; sample < samples; sample++) {
      for (int channel = 0; channel < channels; channel++) {
        double sum = 0;
        for (int token = from; token < to; token++) {
          sum += values[(sample * count + token) * channels + channel];
        }
        expected[sample * channels + channel] = (float) (sum / (to - from));
      }
    }
    assertArrayEquals(expected, rows.toFloatArray(), ROUNDING);
  }

  @ParameterizedTest
  @ValueSource(strings = {"resnet", "convnext"})
  void activationsOfImagesStayAsTheyAre(String name) throws IOException, MalformedModelException {
    ZooRuns.inEveryForm(
        name,
        model -> {
          try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
            List<Capture> all = ZooRuns.captures(model, b -> b, manager);
            List<Capture> chosen =
                ZooRuns.captures(model, b -> b.optTokens(TokenPolicy.PATCHES), manager);
            assertEquals(all.size(), chosen.size());
            for (int i = 0; i < all.size(); i++) {
              float[] expected = all.get(i).post().toFloatArray();
              assertArrayEquals(expected, chosen.get(i).post().toFloatArray());
            }
          }
        });
  }

  private static Signature measure(String name, TokenPolicy tokens, List<String> notices)
      throws IOException {
    MeasurementListener listener =
        new MeasurementListener() {
          @Override
          public void notice(String message) {
            notices.add(message);
          }
        };
    Path file = Path.of("zoo", "models", name + ".traced.pt");
    try (ModelSource<?, ?> model = ModelSource.of(file);
        RandomSource random =
            new RandomSource(new Shape(3, ZooImages.SIZE, ZooImages.SIZE), 8, 1)) {
      return Measurement.builder()
          .setModel(model)
          .setSource(random)
          .optSelection(Selection.first(8))
          .optTokens(tokens)
          .optListener(listener)
          .build()
          .run();
    }
  }

  @Test
  void whatWasUsedStandsInTheSettings() throws IOException {
    List<String> notices = new ArrayList<>();
    Map<String, Object> settings = measure("vit", TokenPolicy.CLASS, notices).settings().more();
    assertEquals("class", settings.get("tokens"));
    assertTrue((Integer) settings.get("token_sites") > 0);
    assertEquals(List.of(), notices);
    assertEquals("all", measure("vit", TokenPolicy.ALL, notices).settings().more().get("tokens"));
    assertEquals(List.of(), notices);
    settings = measure("resnet", TokenPolicy.CLASS, notices).settings().more();
    assertEquals(0, settings.get("token_sites"));
    assertTrue(notices.get(0).contains("--tokens class changes nothing"), notices.get(0));
  }

  @Test
  void tokensNeedThePoolingThatKnowsThem() {
    assertThrows(
        IllegalArgumentException.class,
        () -> Measurement.builder().optTokens(TokenPolicy.CLASS).optPooling(Pooling.REFERENCE));
    Path file = Path.of("zoo", "models", "vit.traced.pt");
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                InstrumentedModel.builder()
                    .setModelPath(file)
                    .optTokens(TokenPolicy.PATCHES)
                    .optPooling(Pooling.REFERENCE)
                    .build());
    assertTrue(e.getMessage().contains("pooling channel"), e.getMessage());
  }
}
