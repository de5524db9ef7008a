package dev.affinis.instrument.torchscript;

import static dev.affinis.instrument.torchscript.TestArchive.module;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Model;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.PlannedSite;
import dev.affinis.instrument.SiteFilter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs that reach for files: what the engine lets them do, and that they are refused. */
class FileOperatorsTest {
  @TempDir Path folder;

  private Path write(String body) {
    return new TestArchive("M")
        .write(
            folder.resolve("m.pt"),
            module(
                "M",
                "",
                "def forward(self: __torch__.M, x: Tensor) -> Tensor:\n" + body.indent(2)));
  }

  /** The engine by itself, without Affinis. */
  private float[] run(Path file) throws Exception {
    try (Model model = Model.newInstance("m", "PyTorch")) {
      model.load(file.toAbsolutePath());
      NDList inputs = new NDList(model.getNDManager().ones(new Shape(1, 4)));
      ParameterStore parameters = new ParameterStore(model.getNDManager(), false);
      return model.getBlock().forward(parameters, inputs, false).head().toFloatArray();
    }
  }

  private void assertRefused(Path file, String operator) {
    InvalidInputException error =
        assertThrows(
            InvalidInputException.class, () -> new TorchScriptInstrumenter(file, Map.of()));
    assertTrue(error.getMessage().contains(operator), error.getMessage());
  }

  @Test
  void theEngineLetsProgramsWriteAnyFileWhichIsRefused() throws Exception {
    Path target = folder.resolve("written");
    Path file = write("_0 = torch.save(x, \"" + target + "\")\nreturn torch.relu(x)");
    assertRefused(file, "operator save in __torch__.py");
    assertFalse(Files.exists(target));
    assertEquals(4, run(file).length);
    assertTrue(Files.size(target) > 0);
  }

  @Test
  void theEngineLetsProgramsChangeAnyFileWhichIsRefused() throws Exception {
    Path target = Files.writeString(folder.resolve("victim"), "0123456789abcdef");
    Path file =
        write(
            "f = torch.from_file(\""
                + target
                + "\", True, 4, dtype=6)\n"
                + "y = torch.copy_(f, torch.squeeze(x))\nreturn torch.relu(y)");
    assertRefused(file, "operator from_file in __torch__.py");
    assertEquals("0123456789abcdef", Files.readString(target));
    assertEquals(4, run(file).length);
    assertEquals((byte) 0x3f, Files.readAllBytes(target)[3]); // 1f, little-endian
  }

  @Test
  void theEngineLetsProgramsReadAnyFileWhichIsRefused() throws Exception {
    Path target = Files.write(folder.resolve("secret"), new byte[] {7, 7, 7, 7});
    Path file = write("return ops.aten.from_file(\"" + target + "\", False, 4, dtype=0)\n");
    assertRefused(file, "operator from_file");
    file = write("return torch.to(ops.aten.from_file(\"" + target + "\", False, 4, dtype=0), 6)\n");
    assertEquals(7, run(file)[0]);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "_0 = torch\nreturn _0.relu(x)",
        "_0 = ops.aten\nreturn _0.relu(x)",
        "return (getattr(torch, \"relu\"))(x)",
        "return (getattr(ops.aten, \"relu\"))(x)",
        "return (torch).relu(x)",
      })
  void operatorsMustBeNamed(String body) {
    assertRefused(write(body), "hides which operator it calls");
  }

  @ParameterizedTest
  @ValueSource(strings = {"read_video_from_file", "probe_video_from_file"})
  void operatorsOfTorchvisionAreRefused(String operator) {
    assertRefused(write("_0 = ops.video_reader." + operator + "(\"v\")\nreturn x"), operator);
  }

  @Test
  void membersMayBeCalledAsTheNamespacesAre() throws Exception {
    String act =
        module(
            "Act",
            "",
            "def forward(self: __torch__.Act, x: Tensor) -> Tensor:\n  return torch.relu(x)\n"
                + "def ops(self: __torch__.Act, x: Tensor) -> Tensor:\n  return torch.neg(x)");
    String root =
        module(
            "M",
            "ops : __torch__.Act\ntorch : __torch__.Act",
            "def forward(self: __torch__.M, x: Tensor) -> Tensor:\n"
                + "  y = (self.ops).forward((self.torch).ops(x, ), )\n  return y");
    Path file = new TestArchive("M").write(folder.resolve("m.pt"), act + root);
    List<PlannedSite> sites = new TorchScriptInstrumenter(file, Map.of()).sites(SiteFilter.ALL);
    assertEquals(List.of("ops"), sites.stream().map(PlannedSite::path).toList());
  }

  @Test
  void othersMayHaveTheSameName() throws IOException {
    Path file = write("save = torch.relu(x)\nload = torch.add(save, 1)\nreturn load");
    assertEquals(1, new TorchScriptInstrumenter(file, Map.of()).sites(SiteFilter.ALL).size());
  }
}
