package dev.affinis.instrument.torchscript;

import dev.affinis.fuzz.ByteMutator;
import dev.affinis.fuzz.Fuzz;
import dev.affinis.fuzz.Mutator;
import dev.affinis.fuzz.TextMutator;
import dev.affinis.fuzz.ZipMutator;
import dev.affinis.instrument.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Archives that torch.jit.save would not have written: read, and copied with other source. */
class ScriptArchiveFuzzTest {
  private static final Mutator OF_SOURCE = new TextMutator(ScriptWords.ALL);
  private static final Mutator OF_BYTES = new ByteMutator();

  @TempDir Path folder;

  @Test
  void nothingButAClearError() throws IOException {
    Path model = folder.resolve("model.pt");
    Path copy = folder.resolve("copy.pt");
    Fuzz fuzz =
        Fuzz.builder()
            .setName("script-archive")
            .setTarget(
                archive -> {
                  Files.write(model, archive);
                  readAndCopy(model, copy);
                })
            .optAccepted(InvalidInputException.class)
            .optMutator(
                new ZipMutator(name -> name.endsWith(".py") ? OF_SOURCE : OF_BYTES, 40 << 20))
            .optBytes(128 << 20)
            .build();
    fuzz.run().requireBoth();
  }

  private static void readAndCopy(Path model, Path copy) throws IOException {
    try (ScriptArchive archive = ScriptArchive.open(model)) {
      archive.rootClass();
      archive.readConstants();
      archive.copyTo(copy, archive.readSources());
    }
  }
}
