package dev.affinis.instrument;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDList;
import ai.djl.nn.Block;
import ai.djl.nn.SymbolBlock;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ModelNotFoundException;
import ai.djl.repository.zoo.ZooModel;
import ai.djl.translate.NoopTranslator;
import ai.djl.translate.Translator;
import dev.affinis.instrument.block.BlockInstrumenter;
import dev.affinis.instrument.data.ImageTranslation;
import dev.affinis.instrument.onnx.OnnxInstrumenter;
import dev.affinis.instrument.torchscript.TorchScriptInstrumenter;
import dev.affinis.signature.Signature.ModelRuntime;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Where a model comes from, and what is known about it before it is instrumented. A model file is
 * read here but not loaded: weights take no memory yet.
 *
 * @param <I> what a predictor of the model takes
 * @param <O> what it gives
 */
public final class ModelSource<I, O> implements AutoCloseable {
  private static final String TORCHSCRIPT_ENGINE = "PyTorch";
  static final String ONNX_ENGINE = "OnnxRuntime";
  private static final Pattern PARAMETERS = Pattern.compile("(.+)-(\\d{4})\\.params");

  private final Origin origin;
  private final Instrumenter instrumenter;
  private final Checksum checksum;
  private final Translator<I, O> translator;
  private final Model owned;
  private final Optional<ImageTranslation> imageTranslation;

  private ModelSource(
      Origin origin,
      Instrumenter instrumenter,
      Checksum checksum,
      Translator<I, O> translator,
      Optional<ImageTranslation> imageTranslation,
      Model owned) {
    this.origin = origin;
    this.instrumenter = instrumenter;
    this.checksum = checksum;
    this.translator = translator;
    this.imageTranslation = imageTranslation;
    this.owned = owned;
  }

  /**
   * What to call a model, and what goes with it.
   *
   * @param name its name
   * @param description what messages call it
   * @param folder where its artifacts are, may be {@code null}
   * @param device where it runs unless asked otherwise
   * @param properties what DJL keeps with the model
   */
  private record Origin(
      String name, String description, Path folder, Device device, Map<String, String> properties) {
    static Origin of(Model model) {
      return new Origin(
          model.getName(),
          model.getName(),
          model.getModelPath(),
          model.getNDManager().getDevice(),
          Map.copyOf(model.getProperties()));
    }
  }

  /** Computes a model's checksum, which reads all of it. */
  private interface Checksum {
    String sha256() throws IOException;
  }

  /**
   * Reads a model file.
   *
   * @param path a TorchScript file (.pt), an ONNX file (.onnx), or a folder with exactly one
   * @return the source, named after the file
   * @throws IOException if it cannot be read
   * @throws InvalidInputException if it is no model that can be instrumented
   */
  public static ModelSource<NDList, NDList> of(Path path) throws IOException {
    ModelFile file = ModelFile.find(path);
    return of(file, file.name(), Device.cpu());
  }

  /**
   * Reads a model file and gives it a name.
   *
   * @param path a TorchScript file (.pt), an ONNX file (.onnx), or a folder with exactly one
   * @param name name of the model in signatures
   * @return the source
   * @throws IOException if it cannot be read
   * @throws InvalidInputException if it is no model that can be instrumented
   */
  public static ModelSource<NDList, NDList> of(Path path, String name) throws IOException {
    return of(ModelFile.find(path), name, Device.cpu());
  }

  /**
   * Opens what a user named.
   *
   * @param model path of a TorchScript file, an ONNX file or a folder with one, or an address (see
   *     {@link ZooAddress})
   * @param device where it runs unless asked otherwise
   * @return the source
   * @throws IOException if it cannot be read
   * @throws InvalidInputException if there is no such model, or none that can be instrumented
   */
  public static ModelSource<?, ?> open(String model, Device device) throws IOException {
    try {
      if (ZooAddress.isAddress(model)) {
        return ZooAddress.open(model, device);
      }
      ModelFile file = ModelFile.find(Path.of(model));
      return of(file, file.name(), device);
    } catch (InvalidPathException e) {
      throw new InvalidInputException("model " + model + " is no valid path: " + e.getReason(), e);
    }
  }

  /**
   * Finds the file that a user named, without a look into it.
   *
   * @param model path of a TorchScript file, an ONNX file or a folder with one, or an address (see
   *     {@link ZooAddress})
   * @return the file; nothing for an address
   * @throws IOException if a folder cannot be listed
   * @throws InvalidInputException if there is no such file
   */
  public static Optional<Path> findFile(String model) throws IOException {
    try {
      return ZooAddress.isAddress(model)
          ? Optional.empty()
          : Optional.of(ModelFile.find(Path.of(model)).path());
    } catch (InvalidPathException e) {
      throw new InvalidInputException("model " + model + " is no valid path: " + e.getReason(), e);
    }
  }

  private static ModelSource<NDList, NDList> of(ModelFile file, String name, Device device)
      throws IOException {
    Path folder = file.path().toAbsolutePath().getParent();
    Origin origin = new Origin(name, file.path().toString(), folder, device, Map.of());
    return ofFile(file, origin, Map.of(), new NoopTranslator());
  }

  private static <P, Q> ModelSource<P, Q> ofFile(
      ModelFile file, Origin origin, Map<String, String> options, Translator<P, Q> translator)
      throws IOException {
    if (file.isOnnx()) {
      OnnxInstrumenter onnx = new OnnxInstrumenter(file.path(), options);
      Checksum checksum = () -> file.sha256(onnx.externalFiles());
      return new ModelSource<>(origin, onnx, checksum, translator, Optional.empty(), null);
    }
    Instrumenter script = new TorchScriptInstrumenter(file.path(), options);
    Checksum checksum = () -> file.sha256(List.of());
    return new ModelSource<>(origin, script, checksum, translator, Optional.empty(), null);
  }

  /**
   * Looks a model up as DJL does. Of a model file only name, properties and translator are kept; a
   * model of DJL's own blocks is loaded, and freed by {@link #close()}.
   *
   * @param criteria the criteria; engine, options, translator and device are taken from it
   * @param <P> what a predictor of the model takes
   * @param <Q> what it gives
   * @return the source
   * @throws IOException if the model cannot be read
   * @throws InvalidInputException if there is no such model, or none that can be instrumented
   */
  public static <P, Q> ModelSource<P, Q> of(Criteria<P, Q> criteria) throws IOException {
    ZooModel<P, Q> model;
    if (criteria.getDevice() != null) {
      Devices.requirePresent(criteria.getDevice());
    }
    try {
      model = criteria.loadModel();
    } catch (ModelNotFoundException e) {
      throw new InvalidInputException("no model fits the criteria: " + e.getMessage(), e);
    } catch (MalformedModelException | EngineException e) {
      throw EngineErrors.notLoaded("of the criteria", e);
    }
    try {
      if (model.getBlock() instanceof SymbolBlock) {
        try (model) {
          return withTranslation(
              ofLoadedFile(model, options(criteria), model.getTranslator()), criteria, model);
        }
      }
      ModelSource<P, Q> source = ofBlock(model, model.getTranslator(), model);
      return withTranslation(source, criteria, model);
    } catch (IOException | RuntimeException e) {
      model.close();
      throw e;
    }
  }

  private static <P, Q> ModelSource<P, Q> withTranslation(
      ModelSource<P, Q> source, Criteria<P, Q> criteria, ZooModel<P, Q> model) {
    return new ModelSource<>(
        source.origin,
        source.instrumenter,
        source.checksum,
        source.translator,
        ImageTranslation.of(criteria.getInputClass(), model.getTranslator(), model),
        source.owned);
  }

  private static Map<String, String> options(Criteria<?, ?> criteria) {
    return criteria.getOptions() == null ? Map.of() : criteria.getOptions();
  }

  /**
   * Takes a loaded model with its translator.
   *
   * @param model the model, which stays the caller's to close
   * @param <P> what a predictor of the model takes
   * @param <Q> what it gives
   * @return the source
   * @throws IOException if its file cannot be read
   * @throws InvalidInputException if it cannot be instrumented
   */
  public static <P, Q> ModelSource<P, Q> of(ZooModel<P, Q> model) throws IOException {
    return ofLoaded(model, model.getTranslator());
  }

  /**
   * Takes a loaded model.
   *
   * @param model the model, which stays the caller's to close
   * @return the source
   * @throws IOException if its file cannot be read
   * @throws InvalidInputException if it cannot be instrumented
   */
  public static ModelSource<NDList, NDList> of(Model model) throws IOException {
    return ofLoaded(model, new NoopTranslator());
  }

  /**
   * Takes a block and the file with its parameters.
   *
   * @param block a block of DJL's own layers
   * @param parameters file written by {@link Model#save}, such as {@code mlp-0000.params}
   * @param device where its parameters are put
   * @return the source
   * @throws IOException if the file cannot be read
   * @throws InvalidInputException if the parameters cannot be the block's; DJL compares neither
   *     shapes nor whether any are left over
   */
  public static ModelSource<NDList, NDList> of(Block block, Path parameters, Device device)
      throws IOException {
    if (block instanceof SymbolBlock) {
      // A loaded model file: the file says all that the block knows.
      ModelFile file = ModelFile.find(parameters);
      return of(file, file.name(), device);
    }
    Matcher parts = PARAMETERS.matcher(parameters.getFileName().toString());
    if (!parts.matches() || !Files.isReadable(parameters)) {
      throw new InvalidInputException(
          "parameters "
              + parameters
              + " cannot be used: expected a readable file as Model.save writes it, such as"
              + " mlp-0000.params");
    }
    Devices.requirePresent(device);
    Model model = Model.newInstance(parts.group(1), device, TORCHSCRIPT_ENGINE);
    try {
      model.setBlock(block);
      model.load(
          parameters.toAbsolutePath().getParent(), parts.group(1), Map.of("epoch", parts.group(2)));
      return ofBlock(model, new NoopTranslator(), model);
    } catch (EOFException e) {
      model.close();
      throw new InvalidInputException(
          "parameters " + parameters + " are not those of the block: there are too few", e);
    } catch (MalformedModelException | IllegalArgumentException | EngineException e) {
      model.close();
      throw new InvalidInputException(
          "parameters " + parameters + " are not those of the block: " + e.getMessage(), e);
    } catch (IOException | RuntimeException e) {
      model.close();
      throw e;
    }
  }

  private static <P, Q> ModelSource<P, Q> ofLoaded(Model model, Translator<P, Q> translator)
      throws IOException {
    if (model.getBlock() == null) {
      throw new InvalidInputException(
          "model " + model.getName() + " has no block: load it or set its block first");
    }
    return model.getBlock() instanceof SymbolBlock
        ? ofLoadedFile(model, Map.of(), translator)
        : ofBlock(model, translator, null);
  }

  private static <P, Q> ModelSource<P, Q> ofBlock(
      Model model, Translator<P, Q> translator, Model owned) {
    BlockInstrumenter instrumenter = new BlockInstrumenter(model);
    return new ModelSource<>(
        Origin.of(model), instrumenter, instrumenter::sha256, translator, Optional.empty(), owned);
  }

  private static List<Path> files(Path folder, String extension) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(file -> file.toString().endsWith(extension)).sorted().toList();
    }
  }

  /**
   * A model file that the engine has loaded, found again: by the model's name, or if there is no
   * other file in its folder.
   */
  private static <P, Q> ModelSource<P, Q> ofLoadedFile(
      Model model, Map<String, String> options, Translator<P, Q> translator) throws IOException {
    String engine = model.getNDManager().getEngine().getEngineName();
    String extension =
        switch (engine) {
          case TORCHSCRIPT_ENGINE -> ".pt";
          case ONNX_ENGINE -> ".onnx";
          default ->
              throw new InvalidInputException(
                  "model "
                      + model.getName()
                      + " runs on the engine "
                      + engine
                      + ": only PyTorch, OnnxRuntime and DJL's own blocks can be instrumented");
        };
    Path folder = model.getModelPath();
    List<String> names = new ArrayList<>();
    for (String candidate :
        new String[] {model.getName(), String.valueOf(folder.getFileName()), "model"}) {
      names.add(candidate);
      names.add(candidate + extension);
    }
    List<Path> all = files(folder, extension);
    for (String candidate : names) {
      Path file = folder.resolve(candidate);
      boolean certain = all.size() == 1 || names.indexOf(candidate) < 2;
      if (Files.isRegularFile(file) && certain) {
        return ofFile(ModelFile.find(file), Origin.of(model), options, translator);
      }
    }
    if (all.size() == 1) {
      return ofFile(ModelFile.find(all.get(0)), Origin.of(model), options, translator);
    }
    throw new InvalidInputException(
        "model "
            + model.getName()
            + " was not loaded from a file in "
            + folder
            + " (looked for "
            + String.join(", ", names)
            + (all.size() > 1 ? ", found " + all.size() + " " + extension + " files" : "")
            + "), and the engine does not give a loaded program back: give the model file itself");
  }

  /**
   * Loads the model with taps.
   *
   * @throws InvalidInputException if it has no site that is meant, or a pattern fits none
   */
  TappedModel load(Device where, TapOptions options) throws IOException {
    new SiteRequest(options.sites(), instrumenter).requireFits(description());
    return instrumenter.load(where, options);
  }

  /**
   * Runs the model as it is, without captures. A model file is loaded for this call alone, so that
   * two copies of the weights are in memory no longer than that.
   *
   * @param inputs the model's inputs; the outputs are attached to their manager
   * @return the outputs
   * @throws IOException if the file cannot be read
   * @throws InvalidInputException if the model cannot be loaded or rejects the inputs
   */
  public NDList runPlain(NDList inputs) throws IOException {
    try (PlainModel plain = loadPlain(inputs.head().getDevice())) {
      return plain.run(inputs);
    }
  }

  /** Loads the model as it is, without captures; what it rejects is an InvalidInputException. */
  PlainModel loadPlain(Device where) throws IOException {
    PlainModel plain = instrumenter.loadPlain(where);
    return new PlainModel() {
      @Override
      public NDList run(NDList inputs) {
        try {
          return plain.run(inputs);
        } catch (EngineException e) {
          throw EngineErrors.rejected(description(), inputs, e);
        }
      }

      @Override
      public void close() {
        plain.close();
      }
    };
  }

  /**
   * Returns the model's name.
   *
   * @return the name of its file without the extension, or as DJL knows it
   */
  public String name() {
    return origin.name();
  }

  /** What messages call the model: its path or name. */
  String description() {
    return origin.description();
  }

  /**
   * Returns what runs the model.
   *
   * @return the runtime
   */
  public ModelRuntime runtime() {
    return instrumenter.runtime();
  }

  /**
   * Computes the model's checksum.
   *
   * @return SHA-256 of the model file in lower-case hexadecimal; of an ONNX model that keeps
   *     weights in other files, of the model file followed by these files in the order of their
   *     names; for DJL's own blocks, of the parameters as DJL saves them
   * @throws IOException if the file cannot be read
   */
  public String sha256() throws IOException {
    return checksum.sha256();
  }

  /**
   * Returns what turns a predictor's input into the model's.
   *
   * @return the translator that came with the model; for a plain file one that hands lists of
   *     arrays through
   */
  public Translator<I, O> translator() {
    return translator;
  }

  /**
   * Returns how images become this model's inputs, if it came with a translator that takes images:
   * what data is to be opened with, unless the user asks for something else.
   *
   * @return the translation; nothing for a model that was not looked up with criteria for images
   */
  public Optional<ImageTranslation> imageTranslation() {
    return imageTranslation;
  }

  /** Folder of the model's artifacts, may be {@code null}. */
  Path folder() {
    return origin.folder();
  }

  /** The device that the model runs on unless asked otherwise. */
  Device device() {
    return origin.device();
  }

  /** What DJL keeps with the model. */
  Map<String, String> properties() {
    return origin.properties();
  }

  /** What instruments it. */
  Instrumenter instrumenter() {
    return instrumenter;
  }

  /** Frees the model if it was loaded here. */
  @Override
  public void close() {
    if (owned != null) {
      owned.close();
    }
  }
}
