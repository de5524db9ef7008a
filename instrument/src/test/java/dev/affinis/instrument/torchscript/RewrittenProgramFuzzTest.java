package dev.affinis.instrument.torchscript;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.Device;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import dev.affinis.fuzz.Fuzz;
import dev.affinis.instrument.CaptureForm;
import dev.affinis.instrument.Layout;
import dev.affinis.instrument.SiteFilter;
import dev.affinis.instrument.TapOptions;
import dev.affinis.instrument.TappedModel;
import dev.affinis.signature.Pooling;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Valid programs in odd forms, drawn at random: names that the rewriter or the engine might take
 * for something else, brackets and lines without need, strings full of brackets, conditions,
 * methods and functions. The rewritten program must give what the plain one does, bit for bit, and
 * see as many activations as ran.
 */
class RewrittenProgramFuzzTest {
  private static final List<String> NAMES =
      List.of(
          "taps",
          "scope",
          "affinis",
          "pre",
          "post",
          "begin",
          "end",
          "relu",
          "forward_",
          "self_",
          "T",
          "x1",
          "definition",
          "classy",
          "returned",
          "iffy",
          "_",
          "__",
          "mute",
          "e5",
          "Tensor_");

  private static final List<String> STRINGS =
      List.of(
          "\"(\"",
          "\"torch.relu(x)\"",
          "\"\\\"\"",
          "'\\''",
          "\"\\\\\"",
          "\"# no comment\"",
          "\")]}\"",
          "\"\\n  def forward(\"",
          "\"class M(Module):\"",
          "\"é ☃\"",
          "\"\"");

  private static final List<String> PLAIN =
      List.of("neg", "sin", "abs", "cos", "square", "clone", "detach");

  /** Two clippings in a row would count as one. */
  private static final List<String> ACTIVATIONS =
      List.of("sigmoid", "tanh", "gelu", "silu", "hardswish", "elu", "selu", "mish");

  @TempDir Path folder;

  private SplittableRandom random;
  private List<String> locals;
  private int ran;

  private String any(List<String> list) {
    return list.get(random.nextInt(list.size()));
  }

  private String expression(int depth) {
    String operand = depth == 0 ? any(locals) : expression(depth - 1);
    int brackets = random.nextInt(4) == 0 ? random.nextInt(1, 12) : 0;
    String value = "(".repeat(brackets) + operand + ")".repeat(brackets);
    String comma = random.nextBoolean() ? ", " : "";
    return switch (random.nextInt(9)) {
      case 0, 1 -> {
        ran++;
        yield "torch." + any(ACTIVATIONS) + "(" + value + comma + ")";
      }
      case 2 -> {
        ran++;
        yield "(self.act).forward(" + value + comma + ")";
      }
      case 3 -> {
        ran++;
        yield "__torch__.helper(" + value + ", " + any(STRINGS) + comma + ")";
      }
      case 4 -> "torch.add(" + value + ", " + any(locals) + ", alpha=1)";
      case 5 -> "torch.mul(\n      " + value + ",\n " + any(locals) + ")";
      case 6 -> "(torch.chunk(torch.cat([" + value + ", " + any(locals) + "], 0), 2))[0]";
      default -> "torch." + any(PLAIN) + "(" + value + comma + ")";
    };
  }

  private String program(int seed) {
    random = new SplittableRandom(seed);
    locals = new ArrayList<>(List.of("x"));
    ran = 0;
    StringBuilder body = new StringBuilder();
    int lines = random.nextInt(1, 9);
    for (int i = 0; i < lines; i++) {
      String name = any(NAMES);
      switch (random.nextInt(6)) {
        case 0 -> body.append("    # torch.relu(x) \" ( '\n\n");
        case 1 -> body.append("    s").append(i).append(" = ").append(any(STRINGS)).append('\n');
        case 2 -> {
          // Only one of the two runs, and both have as many activations.
          String value = expression(1);
          body.append("    if torch.gt(torch.dim(x), ")
              .append(random.nextInt(4))
              .append("):\n")
              .append("      ")
              .append(name)
              .append(" = ")
              .append(value)
              .append("\n    else:\n")
              .append("      ")
              .append(name)
              .append(" = ")
              .append(value)
              .append('\n');
        }
        default ->
            body.append("    ")
                .append(name)
                .append(" = ")
                .append(expression(random.nextInt(3)))
                .append('\n');
      }
      if (body.indexOf(" " + name + " = ") >= 0 && !locals.contains(name)) {
        locals.add(name);
      }
    }
    return "def helper(x: Tensor, taps: str=\"(\") -> Tensor:\n  return torch.tanh(x)\n"
        + "class Act(Module):\n  def forward(self: __torch__.Act,\n    scope: Tensor) -> Tensor:\n"
        + "    return torch.relu(scope)\n"
        + "class M(Module):\n  act : __torch__.Act\n"
        + "  def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n"
        + body
        + "    return "
        + expression(1)
        + "\n";
  }

  @Test
  void rewrittenProgramsGiveWhatPlainOnesDo() throws Exception {
    int executions = Math.max(20, Fuzz.executions() / 200);
    TapOptions options =
        new TapOptions(CaptureForm.POOLED, Pooling.CHANNEL, Layout.AUTO, SiteFilter.ALL);
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDList inputs = new NDList(manager.arange(12f).sub(6).div(3).reshape(new Shape(3, 4)));
      for (int seed = 0; seed < executions; seed++) {
        String source = program(seed);
        Path file =
            new TestArchive("M")
                .attribute("act", new TestArchive("Act"))
                .write(folder.resolve("m.pt"), source);
        TorchScriptInstrumenter instrumenter = new TorchScriptInstrumenter(file, Map.of());
        if (ran == 0) {
          assertEquals(List.of(), instrumenter.sites(SiteFilter.ALL), source);
          continue;
        }
        try (NDList plain = instrumenter.runPlain(inputs);
            TappedModel tapped = instrumenter.load(Device.cpu(), options)) {
          TappedModel.Pass pass = tapped.forward(new ParameterStore(manager, false), inputs);
          String what = "seed " + seed + "\n" + source;
          assertArrayEquals(
              plain.head().toFloatArray(), pass.outputs().head().toFloatArray(), what);
          assertEquals(ran, pass.taps().size(), what);
        }
      }
    }
  }
}
