package dev.affinis.instrument.torchscript;

import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.Layout;
import dev.affinis.instrument.PlannedSite;
import dev.affinis.instrument.SkippedSite;
import dev.affinis.instrument.torchscript.ScriptFile.ScriptClass;
import dev.affinis.signature.Pooling;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes copies of a TorchScript archive whose forward also returns what its activations saw.
 *
 * <p>The forward of an instrumented copy returns the model's own result followed by a dictionary:
 * for each activation call two entries, input and output, under a {@link TapKey}, each pooled to
 * one row per sample. Weights are copied as they are. Only the archive's source is held in memory.
 */
public final class TorchScriptInstrumenter {
  private static final String TAPS_FILE = "__torch__/affinis.py";

  private final Path model;
  private final List<ScriptFile> files = new ArrayList<>();
  private final CallGraph graph;
  private final TapPlan plan;
  private final ScriptFunction forward;

  /**
   * Reads an archive.
   *
   * @param model path of a TorchScript file
   * @throws InvalidInputException if it is no TorchScript archive, is damaged, or cannot be
   *     instrumented
   * @throws IOException if it cannot be read
   */
  public TorchScriptInstrumenter(Path model) throws IOException {
    this.model = model;
    String root;
    try (ScriptArchive archive = ScriptArchive.open(model)) {
      root = archive.rootClass();
      for (Map.Entry<String, String> source : archive.readSources().entrySet()) {
        files.add(ScriptParser.parse(source.getKey(), source.getValue()));
      }
    }
    if (files.stream().anyMatch(f -> f.name().equals(TAPS_FILE))) {
      throw new InvalidInputException(
          "model " + model + " is instrumented already: give the original model");
    }
    graph = new CallGraph(files);
    ScriptClass rootClass = graph.type(root);
    if (rootClass == null || !rootClass.methods().containsKey("forward")) {
      throw new InvalidInputException(
          "model "
              + model
              + " has no forward method (root class "
              + root
              + "): export the module itself with torch.jit.save");
    }
    forward = rootClass.methods().get("forward");
    plan = new TapPlan(graph);
  }

  /**
   * Lists every activation call in the source that can be reached from the root's forward.
   *
   * @return the calls in the order of the source; a path stands there once for each call
   */
  public List<PlannedSite> sites() {
    return plan.sites(forward);
  }

  /**
   * Lists the activations that run inside fused operators and so cannot be captured.
   *
   * @return the calls in the order of the source
   */
  public List<SkippedSite> hiddenSites() {
    return plan.hiddenSites(forward);
  }

  /**
   * Writes an instrumented copy.
   *
   * @param target file to write
   * @param pooling how activations become rows
   * @param layout where the channels are
   * @throws IOException if it cannot be written
   */
  public void writeInstrumented(Path target, Pooling pooling, Layout layout) throws IOException {
    Map<String, String> sources =
        new TapPass(graph, plan, forward)
            .print(files, new RootForward(graph, forward).tapped(pooling, layout));
    sources.put(TAPS_FILE, tapsSource());
    try (ScriptArchive archive = ScriptArchive.open(model)) {
      archive.copyTo(target, sources);
    }
  }

  /**
   * Whether DJL cannot hand back the model's result as it is, so that the plain model, too, must be
   * loaded from a copy.
   *
   * @return whether {@link #writePlain} is needed
   */
  public boolean needsPlainCopy() {
    return new RootForward(graph, forward).needsFlattening();
  }

  /**
   * Writes a copy that observes nothing but returns the tensors of its result as a list.
   *
   * @param target file to write
   * @throws IOException if it cannot be written
   */
  public void writePlain(Path target) throws IOException {
    ScriptFile file = graph.file(forward);
    Map<String, String> sources = new LinkedHashMap<>();
    files.forEach(f -> sources.put(f.name(), f.source()));
    int name = file.tokens().get(forward.open()).start() - forward.name().length();
    int end = file.tokens().get(forward.bodyEnd() - 1).end();
    sources.put(
        file.name(),
        file.source().substring(0, name)
            + "affinis_forward"
            + file.source().substring(name + forward.name().length(), end)
            + '\n'
            + new RootForward(graph, forward).plain()
            + file.source().substring(end));
    try (ScriptArchive archive = ScriptArchive.open(model)) {
      archive.copyTo(target, sources);
    }
  }

  private static String tapsSource() {
    try (InputStream in = TorchScriptInstrumenter.class.getResourceAsStream("affinis.py")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
