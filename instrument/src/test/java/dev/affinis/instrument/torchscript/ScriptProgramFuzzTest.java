package dev.affinis.instrument.torchscript;

import dev.affinis.fuzz.ByteMutator;
import dev.affinis.fuzz.Fuzz;
import dev.affinis.fuzz.Mutator;
import dev.affinis.fuzz.TextMutator;
import dev.affinis.instrument.CaptureForm;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.Layout;
import dev.affinis.instrument.SiteFilter;
import dev.affinis.instrument.TapOptions;
import dev.affinis.signature.Pooling;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Whole programs that torch.jit.save would not have written: read, planned, and printed with their
 * sites observed. A program is one text; a line {@code # file: PATH} begins each of its files, and
 * {@code # root: CLASS} names the root module's class.
 */
class ScriptProgramFuzzTest {
  private static final SiteFilter ALL_TYPES =
      SiteFilter.of(
          List.of("activations", "pooling", "normalisation", "gates", "attention", "module:**"));

  private static final List<Double> CONSTANTS =
      Arrays.asList(0.5, 6., null, Double.NaN, Double.POSITIVE_INFINITY, -0., 1e300);

  private static final Fuzz FUZZ =
      Fuzz.builder()
          .setName("script-program")
          .setTarget(text -> rewrite(new String(text, StandardCharsets.UTF_8)))
          .optAccepted(InvalidInputException.class)
          .optMutator(
              Mutator.anyOf(
                  new TextMutator(ScriptWords.ALL),
                  new TextMutator(ScriptWords.ALL),
                  new ByteMutator(ScriptWords.ALL)))
          .optBytes(256 << 20)
          .build();

  static ScriptProgram read(String text) {
    String root = "__torch__.M";
    Map<String, String> sources = new LinkedHashMap<>();
    String file = "__torch__.py";
    StringBuilder source = new StringBuilder();
    for (String line : text.lines().toList()) {
      if (line.startsWith("# root: ")) {
        root = line.substring(8);
      } else if (line.startsWith("# file: ") && line.endsWith(".py")) {
        sources.put(file, source.toString());
        file = line.substring(8);
        source.setLength(0);
      } else {
        source.append(line).append('\n');
      }
    }
    sources.put(file, source.toString());
    return new ScriptProgram("m.pt", root, CONSTANTS, sources);
  }

  static void rewrite(String text) {
    ScriptProgram program = read(text);
    program.inputs();
    for (SiteFilter filter : List.of(SiteFilter.ALL, ALL_TYPES)) {
      program.sites(filter);
      program.hiddenSites(filter);
      program.instrumented(options(filter));
    }
    program.flattened();
  }

  static TapOptions options(SiteFilter filter) {
    return new TapOptions(CaptureForm.POOLED, Pooling.CHANNEL, Layout.AUTO, filter);
  }

  /** Called by Jazzer. */
  public static void fuzzerTestOneInput(byte[] input) {
    FUZZ.execute(input);
  }

  @Test
  void nothingButAClearError() {
    FUZZ.run().requireBoth();
  }
}
