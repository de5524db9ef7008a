package dev.affinis.instrument.torchscript;

import ai.djl.Device;
import ai.djl.Model;
import dev.affinis.instrument.EngineErrors;
import dev.affinis.instrument.Instrumenter;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.PlainModel;
import dev.affinis.instrument.PlannedSite;
import dev.affinis.instrument.SiteFilter;
import dev.affinis.instrument.SiteKind;
import dev.affinis.instrument.SkippedSite;
import dev.affinis.instrument.TapOptions;
import dev.affinis.instrument.TappedModel;
import dev.affinis.instrument.torchscript.ScriptFile.ScriptClass;
import dev.affinis.signature.Signature.ModelRuntime;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Writes copies of a TorchScript archive whose forward also returns what its sites saw.
 *
 * <p>The forward of an instrumented copy returns the model's own result followed by a dictionary:
 * for each observed call two entries, input and output, under a {@link TapKey}, each pooled to one
 * row per sample. Weights are copied as they are. Only the archive's source is held in memory.
 */
public final class TorchScriptInstrumenter implements Instrumenter {
  private static final String TAPS_FILE = "__torch__/affinis.py";
  private static final String ENGINE = "PyTorch";

  private final Path model;
  private final Map<String, String> loading = new HashMap<>();
  private final List<ScriptFile> files = new ArrayList<>();
  private final CallGraph graph;
  private final List<Double> constants;
  private final ScriptFunction forward;
  private final Map<SiteFilter, TapPlan> plans = new ConcurrentHashMap<>();

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
    String root;
    try (ScriptArchive archive = ScriptArchive.open(model)) {
      root = archive.rootClass();
      constants = archive.readConstants();
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
    plan(SiteFilter.ALL);
  }

  @Override
  public ModelRuntime runtime() {
    return ModelRuntime.TORCHSCRIPT;
  }

  @Override
  public List<String> inputNames() {
    return new RootForward(graph, forward).inputs();
  }

  /** What is observed for a filter, which depends on the types and modules that it chooses. */
  private TapPlan plan(SiteFilter filter) {
    return plans.computeIfAbsent(
        filter.choice(), choice -> new TapPlan(graph, constants, forward, choice));
  }

  @Override
  public List<PlannedSite> sites(SiteFilter filter) {
    return plan(filter).sites().stream()
        .filter(site -> filter.observes(site.path(), site.kind()))
        .toList();
  }

  @Override
  public List<SkippedSite> hiddenSites(SiteFilter filter) {
    return plan(filter).hiddenSites();
  }

  @Override
  public PlainModel loadPlain(Device device) throws IOException {
    // DJL cannot hand back every result as it is: then the plain model, too, is loaded from a copy.
    boolean flatten = new RootForward(graph, forward).needsFlattening();
    return PlainModel.of(
        new TappedScript(flatten ? loadCopy(device, this::writePlain) : loadFile(model, device)));
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
    Map<String, String> sources =
        new TapPass(graph, plan(options.sites()), forward)
            .print(
                files, new RootForward(graph, forward).tapped(options, leftOut(options.sites())));
    sources.put(TAPS_FILE, tapsSource());
    try (ScriptArchive archive = ScriptArchive.open(model)) {
      archive.copyTo(target, sources);
    }
  }

  /** Scope and kind of every call that the filter does not mean, as the taps name them. */
  private Set<String> leftOut(SiteFilter filter) {
    Set<String> keys = new LinkedHashSet<>();
    for (PlannedSite site : plan(filter).sites()) {
      for (SiteKind kind : site.kind().possibleAtRunTime()) {
        if (!filter.mayAccept(site.path(), kind)) {
          keys.add(TapKey.scope(site.path()) + "|" + kind.word());
        }
      }
    }
    return keys;
  }

  /** Writes a copy that observes nothing but returns the tensors of its result as a list. */
  private void writePlain(Path target) throws IOException {
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
