package dev.affinis.instrument.torchscript;

import ai.djl.Device;
import ai.djl.Model;
import dev.affinis.instrument.EngineErrors;
import dev.affinis.instrument.Instrumenter;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.PlainModel;
import dev.affinis.instrument.PlannedSite;
import dev.affinis.instrument.SiteFilter;
import dev.affinis.instrument.SkippedSite;
import dev.affinis.instrument.TapOptions;
import dev.affinis.instrument.TappedModel;
import dev.affinis.signature.Signature.ModelRuntime;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes copies of a TorchScript archive whose forward also returns what its sites saw.
 *
 * <p>The forward of an instrumented copy returns the model's own result followed by a dictionary:
 * for each observed call two entries, input and output, under a {@link TapKey}, each pooled to one
 * row per sample. Weights are copied as they are. Only the archive's source is held in memory.
 */
public final class TorchScriptInstrumenter implements Instrumenter {
  private static final String ENGINE = "PyTorch";

  private final Path model;
  private final Map<String, String> loading = new HashMap<>();
  private final ScriptProgram program;

  /**
   * Reads an archive.
   *
   * @param model path of a TorchScript file
   * @param options what DJL is told when the model is loaded, see {@link Model#load(Path, String,
   *     Map)}
   * @throws InvalidInputException if it is no TorchScript archive, is damaged, or cannot be
   *     instrumented
   * @throws IOException if it cannot be read
   */
  public TorchScriptInstrumenter(Path model, Map<String, String> options) throws IOException {
    this.model = model;
    loading.putAll(options);
    // Without it the engine puts weights on the device they were saved from.
    loading.put("mapLocation", "true");
    try (ScriptArchive archive = ScriptArchive.open(model)) {
      program =
          new ScriptProgram(
              model.toString(),
              archive.rootClass(),
              archive.readConstants(),
              archive.readSources());
    }
  }

  @Override
  public ModelRuntime runtime() {
    return ModelRuntime.TORCHSCRIPT;
  }

  @Override
  public List<String> inputNames() {
    return program.inputs();
  }

  @Override
  public List<PlannedSite> sites(SiteFilter filter) {
    return program.sites(filter).stream()
        .filter(site -> filter.observes(site.path(), site.kind()))
        .toList();
  }

  @Override
  public List<SkippedSite> hiddenSites(SiteFilter filter) {
    return program.hiddenSites(filter);
  }

  @Override
  public PlainModel loadPlain(Device device) throws IOException {
    // DJL cannot hand back every result as it is: then the plain model, too, is loaded from a copy.
    return PlainModel.of(
        new TappedScript(
            program.needsFlattening()
                ? loadCopy(device, copy -> write(copy, program.flattened()))
                : loadFile(model, device)));
  }

  @Override
  public TappedModel load(Device device, TapOptions options) throws IOException {
    return new TappedScript(loadCopy(device, copy -> writeInstrumented(copy, options)));
  }

  private interface Writer {
    void write(Path target) throws IOException;
  }

  private Model loadCopy(Device device, Writer writer) throws IOException {
    Path copy = Files.createTempFile("affinis-", ".pt");
    try {
      writer.write(copy);
      return loadFile(copy, device);
    } finally {
      // The engine has read the weights into memory by now.
      Files.deleteIfExists(copy);
    }
  }

  private Model loadFile(Path file, Device device) throws IOException {
    return EngineErrors.load(
        model, device, ENGINE, loaded -> loaded.load(file.toAbsolutePath(), null, loading));
  }

  /**
   * Writes an instrumented copy.
   *
   * @param target file to write
   * @param options how tensors are captured
   * @throws IOException if it cannot be written
   */
  void writeInstrumented(Path target, TapOptions options) throws IOException {
    write(target, program.instrumented(options));
  }

  private void write(Path target, Map<String, String> sources) throws IOException {
    try (ScriptArchive archive = ScriptArchive.open(model)) {
      archive.copyTo(target, sources);
    }
  }
}
