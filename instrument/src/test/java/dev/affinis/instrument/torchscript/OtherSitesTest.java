package dev.affinis.instrument.torchscript;

import static dev.affinis.instrument.torchscript.TestArchive.module;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.Capture;
import dev.affinis.instrument.InstrumentedModel;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.SiteFilter;
import dev.affinis.instrument.SkippedSite;
import dev.affinis.signature.TokenPolicy;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs written by hand with pools, norms, attention and modules, run by the engine. */
class OtherSitesTest {
  @TempDir Path folder;

  private static String root(String attributes, String... body) {
    return module(
        "M",
        attributes,
        "def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n"
            + String.join("\n", body).indent(2));
  }

  private InstrumentedModel<?, ?> model(String source, TestArchive root, String... sites)
      throws IOException {
    return InstrumentedModel.builder()
        .setModelPath(root.write(folder.resolve("m.pt"), source))
        .optSites(SiteFilter.of(List.of(sites)))
        .build();
  }

  private InstrumentedModel<?, ?> model(String source, String... sites) throws IOException {
    return model(source, new TestArchive("M"), sites);
  }

  private static String describe(Capture capture) {
    return capture.site().path() + " " + capture.site().kind().word();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "torch.max_pool2d(y, [2, 2], [2, 2], [0, 0], [1, 1], False) | max_pool",
        "torch.avg_pool2d(y, [2, 2], [2, 2], [0, 0], False, True, None) | average_pool",
        "torch.adaptive_avg_pool2d(y, [1, 1]) | average_pool",
        "(torch.adaptive_max_pool2d(y, [1, 1]))[0] | max_pool",
        "(torch.max_pool2d_with_indices(y, [2, 2], [2, 2], [0, 0], [1, 1], False))[0] | max_pool",
        "torch.batch_norm(y, None, None, torch.zeros([4]), torch.full([4], 2.), False, 0.1, 0., True)"
            + " | batch_norm",
        "torch.group_norm(y, 2, None, None, 1e-05, True) | group_norm",
        "torch.instance_norm(y, None, None, None, None, True, 0.1, 1e-05, True) | instance_norm"
      })
  void inputAndOutputAreMeansOverPositions(String expression, String kind) throws IOException {
    String source = root("", "y = torch.mul(x, 2.)", "return " + expression);
    try (InstrumentedModel<?, ?> model = model(source, "pooling", "normalisation");
        NDManager manager = model.newManager()) {
      NDArray x = manager.randomNormal(new Shape(3, 4, 6, 6));
      InstrumentedModel.Run run = model.run(new NDList(x));
      assertEquals(
          List.of("(root) " + kind),
          run.captures().stream().map(OtherSitesTest::describe).toList());
      Capture capture = run.captures().get(0);
      NDArray output = run.outputs().head();
      assertEquals(output.getShape().slice(1), capture.site().shape());
      assertArrayEquals(
          x.mul(2).mean(new int[] {3}).mean(new int[] {2}).toFloatArray(),
          capture.pre().toFloatArray(),
          1e-6f);
      assertArrayEquals(
          output.mean(new int[] {3}).mean(new int[] {2}).toFloatArray(),
          capture.post().toFloatArray(),
          1e-6f);
      if (kind.equals("batch_norm")) {
        NDArray expected = capture.pre().div(Math.sqrt(2));
        assertArrayEquals(expected.toFloatArray(), capture.post().toFloatArray(), 1e-6f);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "torch.layer_norm(y, [4], None, None, 1e-05, True)",
        "torch.rms_norm(y, [4], None, 1e-05)"
      })
  void normOverOneAxisHasItsChannelsLast(String expression) throws IOException {
    // A permutation that says nothing of the layout.
    String source = root("", "y = torch.permute(x, [0, 3, 2, 1])", "return " + expression);
    try (InstrumentedModel<?, ?> model = model(source, "normalisation");
        NDManager manager = model.newManager()) {
      NDArray x = manager.randomNormal(new Shape(3, 4, 5, 6));
      InstrumentedModel.Run run = model.run(new NDList(x));
      Capture capture = run.captures().get(0);
      assertEquals(4, capture.site().dimension());
      assertArrayEquals(
          x.mean(new int[] {3}).mean(new int[] {2}).toFloatArray(),
          capture.pre().toFloatArray(),
          1e-6f);
    }
  }

  @Test
  void attentionIsTheMeanThatEachKeyGets() throws IOException {
    String source = root("", "return torch.softmax(x, -1)");
    try (InstrumentedModel<?, ?> model = model(source, "attention");
        NDManager manager = model.newManager()) {
      NDArray x = manager.randomNormal(new Shape(2, 3, 5, 6));
      InstrumentedModel.Run run = model.run(new NDList(x));
      Capture capture = run.captures().get(0);
      assertArrayEquals(
          run.outputs().head().mean(new int[] {2}).mean(new int[] {1}).toFloatArray(),
          capture.post().toFloatArray(),
          1e-6f);
      assertEquals(6, capture.site().dimension());
      // The softmax of logits is none of attention's, nor is one over channels.
      assertEquals(0, model.run(new NDList(manager.ones(new Shape(2, 3)))).captures().size());
    }
    String channels = root("", "return torch.softmax(x, 1)");
    try (InstrumentedModel<?, ?> model = model(channels, "attention");
        NDManager manager = model.newManager()) {
      assertEquals(0, model.run(new NDList(manager.ones(new Shape(2, 3, 4)))).captures().size());
    }
  }

  @Test
  void headsThatShareTheFirstAxisWithSamplesAreToldApart() throws IOException {
    String source =
        root(
            "",
            "y = torch.reshape(x, [-1, 4, 4])",
            "z = torch.softmax(y, -1)",
            "return torch.reshape(z, [-1, 3, 4, 4])");
    try (InstrumentedModel<?, ?> model = model(source, "attention");
        NDManager manager = model.newManager()) {
      NDArray x = manager.randomNormal(new Shape(2, 3, 4, 4));
      InstrumentedModel.Run run = model.run(new NDList(x));
      Capture capture = run.captures().get(0);
      assertEquals(new Shape(3, 4, 4), capture.site().shape());
      assertArrayEquals(
          run.outputs().head().mean(new int[] {2}).mean(new int[] {1}).toFloatArray(),
          capture.post().toFloatArray(),
          1e-6f);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "torch.scaled_dot_product_attention(x, x, x, None, 0., False)",
        "(torch._native_multi_head_attention(x, x, x, 4, 2, x, x, x, x, None, True, True, None))[0]",
      })
  void fusedAttentionIsReported(String expression) throws IOException {
    String source = root("", "y = torch.relu(x)", "return " + expression.replace("x", "y"));
    try (InstrumentedModel<?, ?> model = model(source, "activations", "attention")) {
      SkippedSite hidden = model.hiddenSites().get(0);
      assertTrue(
          hidden.reason().contains("fused operator " + hidden.activation()), hidden::toString);
    }
    // Who does not ask for attention does not hear of it.
    try (InstrumentedModel<?, ?> model = model(source)) {
      assertEquals(List.of(), model.hiddenSites());
    }
    InvalidInputException e =
        assertThrows(InvalidInputException.class, () -> model(source, "attention").close());
    assertTrue(e.getMessage().contains("no attention that can be captured"), e.getMessage());
    assertTrue(e.getMessage().contains("fused operator"), e.getMessage());
  }

  private static final String INNER =
      module(
              "Add",
              "",
              "def forward(self: __torch__.Add,\n    x: Tensor,\n    y: Tensor) -> Tensor:\n"
                  + "  return torch.add_(x, y)")
          + module(
              "Pair",
              "",
              "def forward(self: __torch__.Pair,\n    x: Tensor) -> Tuple[Tensor, Tensor]:\n"
                  + "  return (x, x)")
          + module(
              "Masked",
              "",
              "def forward(self: __torch__.Masked,\n    x: Tensor,\n    mask: Optional[Tensor]=None)"
                  + " -> Tensor:\n"
                  + "  return torch.slice(torch.relu_(x), 1, 0, 2)");

  private static final String OUTER =
      root(
              "add : __torch__.Add\npair : __torch__.Pair\nmasked : __torch__.Masked",
              "y = (self.masked).forward(torch.mul(x, 1.), None, )",
              "z, w, = (self.pair).forward(y, )",
              "return (self.add).forward(z, torch.mul(w, 2.), )")
          + INNER;

  private static TestArchive tree() {
    return new TestArchive("M")
        .attribute("add", new TestArchive("Add"))
        .attribute("pair", new TestArchive("Pair"))
        .attribute("masked", new TestArchive("Masked"));
  }

  @Test
  void moduleIsItsInputAsItWasAndItsOutputOfAnyWidth() throws IOException {
    try (InstrumentedModel<?, ?> model = model(OUTER, tree(), "module:*", "activations");
        NDManager manager = model.newManager()) {
      NDArray x = manager.randomNormal(new Shape(3, 4));
      InstrumentedModel.Run run = model.run(new NDList(x));
      assertEquals(
          List.of("masked relu", "masked module"),
          run.captures().stream().map(OtherSitesTest::describe).toList());
      Capture module = run.captures().get(1);
      assertArrayEquals(x.toFloatArray(), module.pre().toFloatArray());
      assertEquals(new Shape(3, 2), module.post().getShape());
      assertEquals(2, module.site().dimension());
      assertEquals(
          List.of("pair", "add"), model.hiddenSites().stream().map(SkippedSite::path).toList());
      assertTrue(model.hiddenSites().get(0).reason().contains("returns Tuple[Tensor, Tensor]"));
      assertTrue(model.hiddenSites().get(1).reason().contains("takes Tensor, Tensor"));
    }
  }

  @Test
  void moduleThatIsAPartOfAnExpressionStaysASite() throws IOException {
    String half =
        module(
            "Half",
            "",
            "def forward(self: __torch__.Half,\n    x: Tensor) -> Tensor:\n"
                + "  return torch.relu6(torch.add(x, 3))");
    String source =
        root(
                "half : __torch__.Half",
                "y = torch.mul(x, torch.div((self.half).forward(x, ), 6))",
                "return torch.mul(y, torch.sigmoid(y))")
            + half;
    TestArchive root = new TestArchive("M").attribute("half", new TestArchive("Half"));
    try (InstrumentedModel<?, ?> model = model(source, root, "activations", "module:half");
        NDManager manager = model.newManager()) {
      NDArray x = manager.randomNormal(new Shape(3, 4));
      InstrumentedModel.Run run = model.run(new NDList(x));
      assertEquals(
          List.of("half relu6", "half module", "(root) silu"),
          run.captures().stream().map(OtherSitesTest::describe).toList());
      assertArrayEquals(x.toFloatArray(), run.captures().get(1).pre().toFloatArray());
    }
  }

  @Test
  void moduleWithOneTokenHasNoPatches() throws IOException {
    String widen =
        module(
            "Widen",
            "",
            "def forward(self: __torch__.Widen,\n    x: Tensor) -> Tensor:\n"
                + "  return torch.expand(x, [-1, 5, -1])");
    String source =
        root(
                "widen : __torch__.Widen",
                "y = (self.widen).forward(torch.slice(x, 1, 0, 1), )",
                "return torch.add(torch.relu(x), y)")
            + widen;
    TestArchive root = new TestArchive("M").attribute("widen", new TestArchive("Widen"));
    Path file = root.write(folder.resolve("m.pt"), source);
    for (TokenPolicy tokens : List.of(TokenPolicy.ALL, TokenPolicy.CLASS, TokenPolicy.PATCHES)) {
      try (InstrumentedModel<?, ?> model =
              InstrumentedModel.builder()
                  .setModelPath(file)
                  .optSites(SiteFilter.of(List.of("activations", "module:widen")))
                  .optTokens(tokens)
                  .build();
          NDManager manager = model.newManager()) {
        InstrumentedModel.Run run = model.run(new NDList(manager.ones(new Shape(3, 5, 4))));
        boolean isThere = !tokens.equals(TokenPolicy.PATCHES);
        assertEquals(isThere ? 2 : 1, run.captures().size());
        assertEquals(isThere ? 0 : 1, run.skipped().size());
        if (!isThere) {
          assertTrue(run.skipped().get(0).reason().contains("no patches"), run::toString);
        }
      }
    }
  }

  @Test
  void patternThatFitsNoModuleIsAnErrorWithNearNames() {
    InvalidInputException e =
        assertThrows(
            InvalidInputException.class, () -> model(OUTER, tree(), "module:maksed").close());
    assertTrue(e.getMessage().contains("fits maksed: near are masked"), e.getMessage());
    e = assertThrows(InvalidInputException.class, () -> model(OUTER, tree(), "msked*").close());
    assertTrue(e.getMessage().contains("path that fits msked*"), e.getMessage());
    assertTrue(e.getMessage().contains("such as masked"), e.getMessage());
    e = assertThrows(InvalidInputException.class, () -> model(OUTER, tree(), "pooling").close());
    assertTrue(e.getMessage().contains("no pooling that can be captured"), e.getMessage());
    e = assertThrows(InvalidInputException.class, () -> model(OUTER, tree(), "module:add").close());
    assertTrue(e.getMessage().contains("takes Tensor, Tensor"), e.getMessage());
  }
}
