package dev.affinis.instrument.onnx;

import ai.djl.Device;
import ai.djl.Model;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession.SessionOptions;
import dev.affinis.instrument.EngineErrors;
import dev.affinis.instrument.Instrumenter;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.PlainModel;
import dev.affinis.instrument.PlannedSite;
import dev.affinis.instrument.SiteFilter;
import dev.affinis.instrument.SkippedSite;
import dev.affinis.instrument.TapOptions;
import dev.affinis.instrument.TappedModel;
import dev.affinis.instrument.TokenMask;
import dev.affinis.signature.Signature.ModelRuntime;
import dev.affinis.signature.TokenPolicy;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Loads copies of an ONNX model that also hand out what its sites saw.
 *
 * <p>The nodes that pool and hand out are appended to the graph, so that the engine optimises the
 * instrumented model as it does the plain one, except that it can no longer merge an activation
 * with what comes before. Weights are read by the engine alone.
 */
public final class OnnxInstrumenter implements Instrumenter {
  private static final String ENGINE = "OnnxRuntime";
  private static final String SESSION_OPTIONS = "sessionOptions";
  private static final String EXTERNAL_FOLDER =
      "session.model_external_initializers_file_folder_path";

  /** The oldest and newest versions of the standard operators whose forms are known here. */
  private static final int OLDEST_OPSET = 7;

  private final OnnxFile file;
  private final Map<String, String> loading;
  private final GraphView graph;
  private final NodePaths paths;
  private final TensorFacts facts;
  private final Map<SiteFilter, OnnxSites> found = new ConcurrentHashMap<>();

  /**
   * Reads a model.
   *
   * @param model path of an ONNX file; weights kept in other files are looked for next to it
   * @param options what DJL is told when the model is loaded, see {@code OrtModel.load}
   * @throws InvalidInputException if it is no ONNX model, is damaged or quantised, or a file with
   *     its weights is missing
   * @throws IOException if it cannot be read
   */
  public OnnxInstrumenter(Path model, Map<String, String> options) throws IOException {
    file = new OnnxFile(model);
    loading = Map.copyOf(options);
    graph = GraphView.of(file.model());
    String quantized = HiddenActivations.quantizedOperator(file.model());
    if (quantized != null) {
      throw new InvalidInputException(
          "model "
              + model
              + " is quantized (it has the operator "
              + quantized
              + "): its activations run on integers or are merged into the rounding, so that their"
              + " inputs and outputs are missing; export the float model");
    }
    if (graph.opset() < OLDEST_OPSET) {
      throw new InvalidInputException(
          "model "
              + model
              + " is of opset "
              + graph.opset()
              + ", expected 7 or newer: convert it with onnx.version_converter");
    }
    paths = new NodePaths(graph);
    facts = new TensorFacts(graph);
  }

  /**
   * Returns the files that hold weights outside the model file.
   *
   * @return paths in the order of their names, without duplicates; empty if all weights are in the
   *     model file
   */
  public List<Path> externalFiles() {
    return file.externalFiles();
  }

  @Override
  public ModelRuntime runtime() {
    return ModelRuntime.ONNX;
  }

  @Override
  public List<String> inputNames() {
    return graph.inputs().stream().map(ValueInfoProto::getName).toList();
  }

  private OnnxSites find(SiteFilter filter) {
    return found.computeIfAbsent(
        filter.choice(), choice -> new OnnxSites(graph, paths, facts, choice));
  }

  @Override
  public List<PlannedSite> sites(SiteFilter filter) {
    return find(filter).sites().stream()
        .map(site -> new PlannedSite(site.path(), site.kind(), site.conditional()))
        .toList();
  }

  @Override
  public List<SkippedSite> hiddenSites(SiteFilter filter) {
    List<SkippedSite> hidden =
        new ArrayList<>(HiddenActivations.find(file.model(), graph, paths, filter));
    hidden.addAll(find(filter).hidden());
    return List.copyOf(hidden);
  }

  @Override
  public PlainModel loadPlain(Device device) throws IOException {
    Model plain = loaded(device, model -> model.load(file.path().toAbsolutePath(), null, loading));
    return PlainModel.of(new TappedGraph(plain, null, graph, 0, List.of()));
  }

  /**
   * What a copy has more than the model.
   *
   * @param nodes the nodes that pool and hand out
   * @param names what each site's outputs are called
   */
  record Added(ModelProto nodes, List<TappedGraph.TapNames> names) {}

  /** Makes the nodes that are added, without an engine. */
  Added added(TapOptions options) {
    TapWriter writer = new TapWriter(graph, facts, options, mask(options.tokens()));
    List<TappedGraph.TapNames> names = new ArrayList<>();
    for (OnnxSites.Found site : find(options.sites()).sites()) {
      boolean meant = options.sites().mayAccept(site.path(), site.kind());
      names.add(
          new TappedGraph.TapNames(
              site.path(),
              site.kind(),
              writer.layout(site),
              writer.shape(site, meant),
              writer.isShared(site, meant),
              meant ? writer.pre(site) : null,
              meant ? writer.post(site) : null,
              meant ? writer.smallPre(site) : null,
              meant ? writer.smallPost(site) : null,
              meant ? writer.bounded(site) : null));
    }
    return new Added(writer.added(), names);
  }

  @Override
  public TappedModel load(Device device, TapOptions options) throws IOException {
    Added copy = added(options);
    ModelProto added = copy.nodes();
    List<TappedGraph.TapNames> names = copy.names();
    if (!file.hasExternalData()) {
      Model model = loadCopy(device, added);
      return new TappedGraph(model, null, graph, ParameterCount.of(graph), names);
    }
    SessionOptions session = new SessionOptions();
    try {
      Model model = loadBytes(device, added, session);
      return new TappedGraph(model, session, graph, ParameterCount.of(graph), names);
    } catch (IOException | RuntimeException e) {
      session.close();
      throw e;
    }
  }

  /** The input that tells tokens from padding, {@code null} if none does. */
  private String mask(TokenPolicy tokens) {
    if (tokens.choice() != TokenPolicy.Choice.MASKED) {
      return null;
    }
    String mask = inputNames().get(TokenMask.index(tokens, inputNames()));
    int rank = facts.rank(mask);
    if (rank != TensorFacts.UNKNOWN && rank != 2) {
      throw new InvalidInputException(
          "tokens "
              + tokens.word()
              + " name the input "
              + mask
              + ", which has "
              + rank
              + " axes, expected samples x tokens");
    }
    return mask;
  }

  /** Weights are found relative to the file: bytes say where that was. */
  private Model loadBytes(Device device, ModelProto added, SessionOptions session)
      throws IOException {
    try {
      session.addConfigEntry(EXTERNAL_FOLDER, file.folder().toString());
      return loaded(
          device,
          model -> {
            Map<String, Object> options = new HashMap<>(loading);
            options.put(SESSION_OPTIONS, session);
            try (InputStream in = file.open(added)) {
              model.load(in, options);
            }
            // DJL makes an empty folder for a model from bytes.
            Files.deleteIfExists(model.getModelPath());
          });
    } catch (OrtException e) {
      throw EngineErrors.notLoaded(file.path().toString(), e);
    }
  }

  private Model loadCopy(Device device, ModelProto added) throws IOException {
    Path copy = Files.createTempFile("affinis-", ".onnx");
    try {
      file.copyTo(copy, added);
      return loaded(device, model -> model.load(copy, null, loading));
    } catch (InvalidInputException e) {
      // The engine names the copy; a user knows the original.
      String message = String.valueOf(e.getMessage());
      throw new InvalidInputException(
          message.replace(copy.toString(), file.path().toString()), e.getCause());
    } finally {
      // The engine has read the weights into memory by now.
      Files.deleteIfExists(copy);
    }
  }

  private Model loaded(Device device, EngineErrors.Loader loader) throws IOException {
    if (device.isGpu()) {
      requireCuda(device);
    }
    return EngineErrors.load(file.path(), device, ENGINE, loader);
  }

  private void requireCuda(Device device) {
    try (SessionOptions options = new SessionOptions()) {
      options.addCUDA(device.getDeviceId());
    } catch (OrtException e) {
      throw new InvalidInputException(
          "model "
              + file.path()
              + " cannot run on gpu:"
              + device.getDeviceId()
              + ": ONNX Runtime's CUDA provider is not there ("
              + e.getMessage()
              + "); put com.microsoft.onnxruntime:onnxruntime_gpu on the class path in place of"
              + " onnxruntime, or run on the CPU",
          e);
    }
  }
}
