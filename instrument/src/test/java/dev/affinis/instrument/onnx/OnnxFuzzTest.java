package dev.affinis.instrument.onnx;

import dev.affinis.fuzz.ByteMutator;
import dev.affinis.fuzz.ClearError;
import dev.affinis.fuzz.Fuzz;
import dev.affinis.fuzz.Mutator;
import dev.affinis.instrument.CaptureForm;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.Layout;
import dev.affinis.instrument.SiteFilter;
import dev.affinis.instrument.SiteType;
import dev.affinis.instrument.TapOptions;
import dev.affinis.signature.Pooling;
import dev.affinis.signature.TokenPolicy;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

/** ONNX files that no exporter writes: read, searched for sites and instrumented, not run. */
class OnnxFuzzTest {
  private static final SiteFilter EVERYTHING =
      SiteFilter.ALL.types(
          SiteType.ACTIVATION,
          SiteType.POOLING,
          SiteType.NORMALISATION,
          SiteType.GATE,
          SiteType.ATTENTION,
          SiteType.MODULE);

  private static final List<TapOptions> OPTIONS =
      List.of(
          new TapOptions(
              CaptureForm.POOLED,
              Pooling.CHANNEL,
              Layout.AUTO,
              EVERYTHING,
              TokenPolicy.ALL,
              OptionalDouble.of(0.001)),
          new TapOptions(CaptureForm.POOLED, Pooling.REFERENCE, Layout.AUTO, EVERYTHING),
          new TapOptions(CaptureForm.RAW, Pooling.CHANNEL, Layout.CHANNELS_LAST, EVERYTHING));

  private static final Path FOLDER = folder();

  private static final Fuzz FUZZ = fuzz();

  private static Path folder() {
    try {
      Path folder = Fuzz.temporaryFolder();
      Files.write(folder.resolve("weights.bin"), new byte[16]);
      Files.write(folder.resolve("w.bin"), new byte[16]);
      Files.createSymbolicLink(folder.resolve("link.bin"), Path.of("/etc/hostname"));
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Fuzz fuzz() {
    Fuzz.Builder builder =
        Fuzz.builder()
            .setName("onnx")
            .setTarget(OnnxFuzzTest::read)
            .optAccepted(InvalidInputException.class)
            .optMutator(
                Mutator.anyOf(new OnnxMutator(false), new OnnxMutator(false), new ByteMutator()))
            // A function's body is looked at for each of its calls: some kB for each node.
            .optBytes(256 << 20);
    HostileGraphs.all().forEach(graph -> builder.optSeed(graph.build().toByteArray()));
    return builder.build();
  }

  private static void read(byte[] bytes) throws IOException {
    Path file = FOLDER.resolve("model.onnx");
    Files.write(file, bytes);
    try {
      OnnxInstrumenter model = new OnnxInstrumenter(file, Map.of());
      model.externalFiles();
      model.inputNames();
      model.sites(EVERYTHING);
      model.hiddenSites(EVERYTHING);
      OPTIONS.forEach(model::added);
    } catch (InvalidInputException e) {
      throw ClearError.check(e, "model.onnx");
    }
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
