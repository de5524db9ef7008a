package dev.affinis.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.affinis.report.Signatures;
import dev.affinis.signature.LayerScores;
import dev.affinis.signature.Score;
import dev.affinis.signature.Signature;
import dev.affinis.signature.SignatureFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Names that would clear the screen, forge a line, or turn what follows them round. */
class TerminalWriterTest {
  private static final String HOSTILE = "a\u001b[2J\nwrote nothing\u202E\u009b\u0007b";
  private static final String SHOWN = "a\uFFFD[2J\uFFFDwrote nothing\uFFFD\uFFFD\uFFFDb";

  /** What the file system of any locale takes. */
  private static final String FILE = "a\u001b[2J\nwrote nothing\u0007b";

  @TempDir Path folder;

  private static void assertHarmless(CommandRun run, int code, String shown) {
    String all = run.out() + run.err();
    assertEquals(code, run.code(), all);
    assertTrue(all.contains(shown), all);
    for (String line : all.split("\\R", -1)) {
      assertEquals(TerminalWriter.harmless(line), line);
      assertFalse(line.strip().startsWith("wrote nothing"), all);
    }
  }

  private Signature signature(String path, double affinity, String reason) {
    List<LayerScores> layers =
        List.of(
            Signatures.layer(0, path, 1, Map.of("affinity", Score.of(affinity))),
            Signatures.layer(1, "c", 1, Map.of("affinity", Score.unavailable(reason))));
    Signature plain = Signatures.of(HOSTILE, 256, layers);
    return new Signature(
        plain.model(),
        plain.data(),
        plain.settings(),
        layers,
        List.of(new Signature.Skipped(HOSTILE, 1, "relu", HOSTILE)));
  }

  @Test
  void signaturesOfStrangersAreShownHarmless() throws IOException {
    Path old = Signatures.write(signature(HOSTILE, .5, HOSTILE), folder, "old.json");
    Path other = Signatures.write(signature(HOSTILE, .75, HOSTILE), folder, "new.json");
    assertEquals(HOSTILE, SignatureFile.read(old).model().name());
    Path known = Signatures.write(Signatures.of("m", .5, .25), folder, "known.json");
    Path json = folder.resolve("comparison.json");
    assertHarmless(
        CommandRun.of("compare", old, other, known, "--json", json), ExitCodes.DONE, SHOWN);
    assertTrue(new ObjectMapper().readTree(json.toFile()).toString().contains("a\\u001B[2J"));
    assertHarmless(CommandRun.of("diff", old, other), ExitCodes.DIFFERENT, SHOWN);
    assertHarmless(CommandRun.of("diff", old, known, "--all"), ExitCodes.DIFFERENT, SHOWN);
  }

  @Test
  void filesOfStrangersAreShownHarmless() throws IOException {
    Path model = folder.resolve(FILE + ".pt");
    Path out = folder.resolve(FILE + ".json");
    try (InputStream in =
        TerminalWriterTest.class.getResourceAsStream("/dev/affinis/zoo/models/vgg.traced.pt")) {
      Files.copy(in, model);
    }
    String shown = "a\uFFFD[2J\uFFFDwrote nothing\uFFFDb";
    assertHarmless(CommandRun.of("list", model, "--input-size", 32), ExitCodes.DONE, shown);
    CommandRun measured =
        CommandRun.of(
            "measure", model, "--data=random", "--samples=8", "--input-size=32", "--out", out);
    assertHarmless(measured, ExitCodes.DONE, shown + ".json");
    assertEquals(FILE, SignatureFile.read(out).model().name());
  }
}
