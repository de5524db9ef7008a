package dev.affinis.instrument.torchscript;

import static dev.affinis.instrument.torchscript.TestArchive.module;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import dev.affinis.instrument.CaptureForm;
import dev.affinis.instrument.Layout;
import dev.affinis.instrument.PlannedSite;
import dev.affinis.instrument.SiteFilter;
import dev.affinis.instrument.Tap;
import dev.affinis.instrument.TapOptions;
import dev.affinis.instrument.TappedModel;
import dev.affinis.signature.Pooling;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Activations that programs write as expressions: one site, with the expression's input and result,
 * whatever stands between them; and expressions that must be left in their parts.
 */
class CompositesTest {
  private static final String FUNCTIONAL =
      """
      def relu6(input: Tensor,
          inplace: bool=False) -> Tensor:
        if inplace:
          _0 = torch.relu6_(input)
        else:
          _0 = torch.relu6(input)
        return _0
      """;

  @TempDir Path folder;

  private Path archive(String source, double... constants) {
    TestArchive root = new TestArchive("M");
    for (double constant : constants) {
      root.constant(constant);
    }
    return root.write(folder.resolve("m.pt"), source);
  }

  private static String body(String... lines) {
    return module(
        "M",
        "",
        "def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n"
            + String.join("\n", lines).indent(2));
  }

  private static NDArray input(NDManager manager) {
    return manager.arange(15f).sub(7.3f).div(1.5f).reshape(new Shape(5, 3));
  }

  private TappedModel.Pass run(Path file, NDArray x) throws IOException {
    TapOptions options =
        new TapOptions(CaptureForm.POOLED, Pooling.CHANNEL, Layout.AUTO, SiteFilter.ALL);
    TorchScriptInstrumenter instrumenter = new TorchScriptInstrumenter(file, Map.of());
    float[] plain = instrumenter.runPlain(new NDList(x.duplicate())).head().toFloatArray();
    try (TappedModel model = instrumenter.load(Device.cpu(), options)) {
      TappedModel.Pass pass =
          model.forward(
              new ParameterStore(model.model().getNDManager(), false), new NDList(x.duplicate()));
      assertArrayEquals(plain, pass.outputs().head().toFloatArray());
      return pass;
    }
  }

  private static List<String> kinds(TappedModel.Pass pass) {
    return pass.taps().stream().map(tap -> tap.kind().word()).toList();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "mul(mul(x, 0.5), add(tanh(mul(add(x, mul(pow(x, 3), 0.044715)), 0.7978845608)), 1)) | gelu",
        "mul(mul(add(tanh(mul(mul(x, 0.79788456), add(mul(mul(x, x), 0.044715), 1))), 1.), 0.5), x) | gelu",
        "mul(x, mul(0.5, add(tanh(mul(add(mul(mul(mul(x, x), x), 0.044715), x), sqrt(div(2., 3.1415926535897931)))), 1))) | gelu",
        "mul(mul(x, 0.5), add(erf(div(x, 1.4142135623730951)), 1., alpha=1)) | gelu",
        "mul(mul(x, 0.5), rsub(erf(mul(neg(x), 0.70710678)), 1)) | gelu",
        "mul(x, sigmoid(mul(x, 1.702))) | swish",
        "mul(sigmoid(x), x) | silu",
        "div(mul(x, relu6(add(x, 3))), 6) | hardswish",
        "div(mul(x, hardtanh(add(x, 3), 0., 6.)), 6) | hardswish",
        "mul(x, div(clamp(add(x, 3), 0, 6), 6)) | hardswish",
        "mul(x, hardsigmoid(x)) | hardswish",
        "div(relu6(add(x, 3)), 6.) | hardsigmoid",
        "clamp(add(mul(x, 0.2), 0.5), 0., 1.) | hardsigmoid",
        "mul(x, tanh(softplus(x))) | mish",
        "mul(x, tanh(log1p(exp(x)))) | mish",
        "log(add(exp(x), 1)) | softplus",
        "neg(softplus(neg(x))) | log_sigmoid",
        "log(sigmoid(x)) | log_sigmoid",
        "sub(x, tanh(x)) | tanhshrink",
        "div(x, add(abs(x), 1)) | softsign",
        "max(x, mul(x, 0.1)) | leaky_relu",
        "where(gt(x, 0), x, mul(x, 0.1)) | leaky_relu",
        "where(gt(x, 0), x, sub(exp(x), 1)) | elu",
        "mul(where(gt(x, 0), x, mul(expm1(x), 1.6732632423543772)), 1.0507009873554805) | selu",
        "where(gt(abs(x), 0.5), x, mul(x, 0.)) | hardshrink",
        "clamp(x, 0) | relu",
        "clamp(x, 0.) | relu",
        "clamp_min(x, 0.) | relu",
        "clamp(x, -1, 1) | hardtanh",
        "clamp(x, 0, 6) | relu6",
        "clamp_max(relu(x), 6.) | relu6",
        "clamp(clamp(x, None, 6), 0) | relu6"
      })
  void anExpressionIsOneSite(String expression, String kind) throws IOException {
    String source =
        body(
            "y = torch.mul(x, 1.)",
            "return "
                + expression.replaceAll("\\bx\\b", "y").replaceAll("([a-z]\\w*)\\(", "torch.$1("));
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray x = input(manager);
      TappedModel.Pass pass = run(archive(source), x);
      assertEquals(List.of(kind), kinds(pass));
      assertArrayEquals(x.toFloatArray(), pass.taps().get(0).pre().toFloatArray());
      assertArrayEquals(
          pass.outputs().head().toFloatArray(), pass.taps().get(0).post().toFloatArray());
    }
  }

  @Test
  void constantsOfATracedProgramAreRead() throws IOException {
    String source =
        body(
            "_0 = torch.mul(x, CONSTANTS.c0)",
            "_1 = torch.div(x, CONSTANTS.c1)",
            "_2 = torch.add(torch.erf(_1), CONSTANTS.c2)",
            "_3 = torch.mul(_0, _2)",
            "return _3");
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray x = input(manager);
      Path file = archive(source, 0.5, Math.sqrt(2), 1);
      TappedModel.Pass pass = run(file, x);
      assertEquals(List.of("gelu"), kinds(pass));
      assertArrayEquals(x.toFloatArray(), pass.taps().get(0).pre().toFloatArray());
      // More than three constants are pickled in another way.
      assertEquals(List.of("gelu"), kinds(run(archive(source, 0.5, Math.sqrt(2), 1, 7), x)));
      Path other = archive(source, 0.5, 2, 1);
      assertEquals(List.of(), new TorchScriptInstrumenter(other, Map.of()).sites());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "s = torch.sigmoid(x); y = torch.mul(x, s); return torch.add(y, s) | sigmoid",
        "s = torch.sigmoid(x); y = torch.mul(x, s); return torch.add(y, x) | silu",
        "s = torch.sigmoid(torch.abs(x)); return torch.mul(x, s) | sigmoid",
        "y = torch.mul(x, 1.); s = torch.sigmoid(y); z = torch.add_(y, 1.); return torch.mul(y, s) | sigmoid",
        "y = torch.mul(x, 1.); s = torch.sigmoid(y); z = __torch__.change(y, ); return torch.mul(y, s) | sigmoid",
        "y = torch.mul(x, 1.); h = torch.mul_(y, 0.5); e = torch.erf(torch.div(y, 1.4142135623730951)); return torch.mul(h, torch.add(e, 1)) | ''",
        "y = torch.mul(x, 1.); c = torch.clamp(torch.add(y, 3), 0, 6); z = torch.add_(y, 1.); return torch.div(torch.mul(y, c), 6) | relu6",
        "b = torch.mul(x, 1.702); s = torch.sigmoid(b); t = torch.tanh(b); return torch.add(torch.mul(x, s), t) | tanh swish",
        "b = torch.neg(x); s = torch.softplus(b); g = torch.sigmoid(b); return torch.add(torch.neg(s), torch.mul(x, g)) | log_sigmoid swish",
        "s = torch.sigmoid(x); if torch.gt(torch.dim(x), 1):; '  'y = torch.mul(x, s); else:; '  'y = x; return y | sigmoid",
        "a = torch.neg(x); if torch.gt(torch.dim(x), 1):; '  'a = torch.abs(x); else:; '  'a = x; s = torch.sigmoid(a); return torch.mul(a, s) | sigmoid",
        "return torch.clamp(x, 1.0e-06) | ''",
        "return torch.clamp(x, None, 3) | ''",
        "i = torch.to(torch.mul(x, 4), 4); return torch.add(torch.relu(x), torch.clamp(i, 0, 6)) | relu",
        "return torch.mul(torch.add(x, torch.tanh(x), alpha=-1), 2.) | tanh",
        "return torch.mul(torch.tanh(x), torch.sigmoid(x)) | tanh sigmoid"
      })
  void anExpressionThatIsNoneOrNotSafeIsLeftInItsParts(String lines, String kinds)
      throws IOException {
    String change = "def change(x: Tensor) -> Tensor:\n  return torch.add_(x, 1.)\n";
    String source = body(lines.replace("'  '", "  ").split("; ?", -1)) + change;
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      Path file = archive(source);
      boolean isNone = new TorchScriptInstrumenter(file, Map.of()).sites().isEmpty();
      assertEquals(kinds, isNone ? "" : String.join(" ", kinds(run(file, input(manager)))));
    }
  }

  @Test
  void operatorsInPlaceDoNotOverwriteTheInput() throws IOException {
    String source =
        body(
            "y = torch.mul(x, 1.)",
            "g = torch.add_(torch.tanh_(torch.softplus(y)), 0.)",
            "z = torch.mul_(y, g)",
            "w = torch.add_(z, 100.)",
            "return w");
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray x = input(manager);
      // The addition of 0 keeps it from being a mish; without it all three are one.
      assertEquals(List.of("softplus", "tanh"), kinds(run(archive(source), x)));
      TappedModel.Pass pass =
          run(
              archive(
                  source.replace(
                      "torch.add_(torch.tanh_(torch.softplus(y)), 0.)",
                      "torch.tanh_(torch.softplus(y))")),
              x);
      assertEquals(List.of("mish"), kinds(pass));
      Tap tap = pass.taps().get(0);
      assertArrayEquals(x.toFloatArray(), tap.pre().toFloatArray());
      assertArrayEquals(
          pass.outputs().head().sub(100f).toFloatArray(), tap.post().toFloatArray(), 1e-5f);
    }
  }

  @Test
  void otherSitesMayStandBetweenInputAndResult() throws IOException {
    String source =
        body(
            "e = torch.erf(torch.div(x, 1.4142135623730951))",
            "r = torch.relu(torch.neg(x))",
            "y = torch.mul(torch.mul(x, 0.5), torch.add(e, 1))",
            "return torch.add(y, r)");
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray x = input(manager);
      TappedModel.Pass pass = run(archive(source), x);
      assertEquals(List.of("relu", "gelu"), kinds(pass));
      assertArrayEquals(x.neg().toFloatArray(), pass.taps().get(0).pre().toFloatArray());
      assertArrayEquals(x.toFloatArray(), pass.taps().get(1).pre().toFloatArray());
    }
  }

  @Test
  void aFunctionThatIsAPartIsNoSiteThere_butElsewhere() throws IOException {
    String source =
        body(
            "_0 = __torch__.torch.nn.functional.relu6",
            "c = torch.mul(x, _0(torch.add(torch.relu(x), 3), True, ))",
            "d = torch.mul(x, _0(torch.add(x, 3), False, ))",
            "return torch.add(_0(torch.div(d, 6), False, ), c)");
    Path file =
        new TestArchive("M")
            .source("__torch__/torch/nn/functional.py", FUNCTIONAL)
            .write(folder.resolve("f.pt"), source);
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray x = input(manager);
      TappedModel.Pass pass = run(file, x);
      assertEquals(List.of("relu", "relu6", "hardswish", "relu6"), kinds(pass));
      assertArrayEquals(x.toFloatArray(), pass.taps().get(2).pre().toFloatArray());
      assertArrayEquals(
          pass.taps().get(2).post().toFloatArray(), pass.taps().get(3).pre().toFloatArray());
    }
  }

  @Test
  void aClampMayFindIntegersWhenTheModelRuns() throws IOException {
    Path file = archive(body("return torch.clamp(torch.tanh(x), -0.5, 0.5)"));
    List<PlannedSite> sites = new TorchScriptInstrumenter(file, Map.of()).sites();
    assertEquals(List.of(false, true), sites.stream().map(PlannedSite::conditional).toList());
    assertTrue(sites.stream().allMatch(site -> site.path().equals("(root)")));
  }
}
