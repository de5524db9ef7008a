package dev.affinis.instrument;

import ai.djl.Application;
import ai.djl.Device;
import ai.djl.modality.Classifications;
import ai.djl.modality.Output;
import ai.djl.modality.cv.Image;
import ai.djl.ndarray.NDList;
import ai.djl.repository.Artifact;
import ai.djl.repository.FilenameUtils;
import ai.djl.repository.MRL;
import ai.djl.repository.Repository;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.DefaultModelZoo;
import ai.djl.repository.zoo.ModelLoader;
import ai.djl.repository.zoo.ModelNotFoundException;
import ai.djl.repository.zoo.ModelZoo;
import ai.djl.translate.TranslatorFactory;
import ai.djl.util.ClassLoaderUtils;
import ai.djl.util.Utils;
import java.io.IOException;
import java.io.Reader;
import java.net.URI;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A model named as DJL's users name it: {@code djl://ai.djl.pytorch/resnet} and the like for a
 * model zoo on the class path, with {@code /version/name} behind it if there is more than one;
 * {@code file:}, {@code jar:} or {@code https:} and a packed model or a repository; or the path of
 * a packed model or of a folder with a {@code serving.properties}.
 *
 * <p>If the model brings a translator for images, the translator comes with it ({@link
 * ModelSource#imageTranslation()}); any other translator is left aside and the model takes arrays.
 * When DJL is told to stay offline ({@code -Dai.djl.offline=true} or {@code DJL_OFFLINE=true}),
 * nothing is downloaded, which DJL itself does not promise: what is missing in its cache is an
 * error that says which file belongs where.
 */
public final class ZooAddress {
  private static final String SERVING_PROPERTIES = "serving.properties";
  private static final long MOST_PROPERTIES = 1 << 20;
  private static final Pattern SCHEME = Pattern.compile("([A-Za-z][A-Za-z0-9+.-]+):.*");
  private static final Pattern MODEL_FILE =
      Pattern.compile("(.+?)(\\.pt|\\.onnx|-\\d{4}\\.params)");
  private static final Pattern VERSIONED = Pattern.compile("(.+?)/([\\d.]+)(/.*)?");

  private final String text;
  private final URI uri;

  private ZooAddress(String text, URI uri) {
    this.text = text;
    this.uri = uri;
  }

  /**
   * Whether this is an address, rather than the path of a plain model file.
   *
   * @param model what a user called a model
   * @return whether {@link #open} is to be asked for it
   */
  public static boolean isAddress(String model) {
    if (SCHEME.matcher(model).matches()) {
      return true;
    }
    Path path = Path.of(model);
    return Files.isRegularFile(path.resolve(SERVING_PROPERTIES))
        || (Files.isRegularFile(path) && FilenameUtils.isArchiveFile(model));
  }

  /**
   * Finds the model, with DJL's own rules.
   *
   * @param address the address
   * @param device where the model is loaded to be looked at
   * @return the model
   * @throws InvalidInputException if there is no such model, it is neither here nor can be
   *     downloaded, or it cannot be instrumented
   */
  public static ModelSource<?, ?> open(String address, Device device) {
    ZooAddress zoo = parse(address);
    try {
      return zoo.load(zoo.criteria(device));
    } catch (IOException e) {
      throw zoo.unreadable(e);
    }
  }

  /**
   * Says the address in the words of DJL. The model's files are in DJL's cache afterwards.
   *
   * @param address the address
   * @param device where the model is to be loaded
   * @return criteria that this model alone fits, with images as its input if it has a translator
   *     for them, and lists of arrays otherwise
   * @throws InvalidInputException if there is no such model, or it is neither here nor can be
   *     downloaded
   */
  public static Criteria<?, ?> criteria(String address, Device device) {
    ZooAddress zoo = parse(address);
    try {
      return zoo.criteria(device);
    } catch (IOException e) {
      throw zoo.unreadable(e);
    }
  }

  private InvalidInputException unreadable(IOException e) {
    return failed("cannot be read: " + firstLine(e), e);
  }

  private ModelSource<?, ?> load(Criteria<?, ?> criteria) throws IOException {
    try {
      return ModelSource.of(criteria);
    } catch (InvalidInputException e) {
      throw failed("cannot be used: " + reason(e), e);
    }
  }

  /** DJL's general words about a model that it cannot load have the reason behind them. */
  private static String reason(InvalidInputException e) {
    Throwable cause = e.getCause();
    boolean general = cause instanceof ModelNotFoundException && cause.getCause() != null;
    String message = general ? cause.getCause().getMessage() : e.getMessage();
    return String.valueOf(message).lines().findFirst().orElse("");
  }

  private static ZooAddress parse(String address) {
    try {
      Matcher scheme = SCHEME.matcher(address);
      URI uri = scheme.matches() ? URI.create(address) : Path.of(address).toAbsolutePath().toUri();
      if (uri.isOpaque()) {
        throw new IllegalArgumentException("expected " + uri.getScheme() + ":/ and a path");
      }
      return new ZooAddress(address, uri);
    } catch (IllegalArgumentException e) {
      String kind = e instanceof InvalidPathException ? "path" : "address";
      throw new InvalidInputException(
          "model " + address + " is no valid " + kind + ": " + e.getMessage(), e);
    }
  }

  private InvalidInputException failed(String what, Throwable cause) {
    return new InvalidInputException("model " + text + " " + what, cause);
  }

  private boolean isDjl() {
    return "djl".equalsIgnoreCase(uri.getScheme());
  }

  /** What DJL finds under this address, with the types of its translator if that takes images. */
  private Criteria<?, ?> criteria(Device device) throws IOException {
    DefaultModelZoo zoo = zoo();
    MRL mrl = onlyModel(zoo.getModelLoaders()).getMrl();
    Artifact artifact = artifact(mrl);
    Path folder = Utils.getNestedModelDir(mrl.getRepository().getResourceDirectory(artifact));
    Properties serving = servingProperties(folder);
    Map<String, Object> arguments = artifact.getArguments(null);
    serving.forEach((key, value) -> arguments.putIfAbsent(String.valueOf(key), value));

    Criteria.Builder<NDList, NDList> builder =
        Criteria.builder().setTypes(NDList.class, NDList.class).optModelZoo(zoo).optDevice(device);
    if (!serving.containsKey("option.modelName")) {
      nameTheOnlyFile(folder, arguments, builder);
    }
    Optional<TranslatorFactory> factory = factory(arguments);
    Optional<Class<?>> output =
        factory.isPresent()
            ? factory.flatMap(ZooAddress::outputForImages)
            : classifier(arguments.get("application"));
    if (output.isEmpty()) {
      return builder.build();
    }
    // DJL looks for the factory before it reads serving.properties: hand it over.
    factory.ifPresent(builder::optTranslatorFactory);
    return builder.setTypes(Image.class, output.get()).build();
  }

  private DefaultModelZoo zoo() {
    String scheme = uri.getScheme().toLowerCase(Locale.ROOT);
    switch (scheme) {
      case "djl" -> requireKnown();
      case "file" -> {
        if (!Files.exists(Path.of(URI.create("file://" + uri.getRawPath())))) {
          throw failed("does not exist: give the path of a folder, or of a packed model", null);
        }
      }
      case "http", "https" -> {
        if (!FilenameUtils.isArchiveFile(String.valueOf(uri.getPath()))) {
          throw failed(
              "is no packed model: expected an address that ends in .zip or .tar.gz", null);
        }
        if (Utils.isOfflineMode()) {
          throw failed(
              "cannot be downloaded, DJL is told to stay offline: fetch the file where there is a"
                  + " network, and give its path",
              null);
        }
      }
      case "jar" -> {}
      default ->
          throw failed(
              "has an unknown scheme: expected djl://group/artifact, file:, jar:, https:, or a path",
              null);
    }
    try {
      return new DefaultModelZoo(uri.toString());
    } catch (IllegalArgumentException e) {
      throw failed("is not known to DJL: " + e.getMessage(), e);
    }
  }

  /** DJL knows only models of the zoos on the class path. */
  private void requireKnown() {
    String group = uri.getHost();
    String path = String.valueOf(uri.getPath()).replaceFirst("^/", "");
    if (group == null || path.isEmpty()) {
      throw failed("is incomplete: expected djl://group/artifact", null);
    }
    ModelZoo zoo = ModelZoo.getModelZoo(group);
    if (zoo == null) {
      throw failed(
          "is of the group "
              + group
              + ", which no model zoo on the class path has: there are "
              + sorted(ModelZoo.listModelZoo().stream().map(ModelZoo::getGroupId))
              + "; add the zoo's jar, or give a model file",
          null);
    }
    Matcher versioned = VERSIONED.matcher(path);
    String artifact = versioned.matches() ? versioned.group(1) : path;
    if (zoo.getModelLoader(artifact) == null) {
      throw failed(
          "is not in the model zoo "
              + group
              + ", which has "
              + sorted(zoo.getModelLoaders().stream().map(ModelLoader::getArtifactId)),
          null);
    }
  }

  private static String firstLine(Exception e) {
    return e.toString().lines().findFirst().orElse("");
  }

  private static String sorted(Stream<String> names) {
    return names.sorted().collect(Collectors.joining(", "));
  }

  private ModelLoader onlyModel(Collection<ModelLoader> loaders) {
    if (loaders.size() != 1) {
      throw failed(
          loaders.isEmpty()
              ? "holds no model"
              : "holds "
                  + loaders.size()
                  + " models, expected one ("
                  + sorted(loaders.stream().map(ModelLoader::getArtifactId))
                  + "): give the folder of one of them",
          null);
    }
    return loaders.iterator().next();
  }

  /** The version and name that is meant, with its files in DJL's cache. */
  private Artifact artifact(MRL mrl) {
    Path place = cacheFolder(mrl);
    Path list = place.resolve("metadata.json");
    if (isDjl() && Utils.isOfflineMode() && !Files.isRegularFile(list)) {
      throw failed(
          "is not on this machine, and DJL is told to stay offline: put "
              + source(mrl, "metadata.json")
              + " into "
              + place
              + ", and the files that it lists, unpacked, into the folder VERSION/NAME below it; or"
              + " give a model file",
          null);
    }
    try {
      Artifact artifact = mrl.match(Map.of());
      if (artifact == null) {
        throw failed(
            "is not there; known versions and names: "
                + sorted(mrl.listArtifacts().stream().map(a -> a.getVersion() + "/" + a.getName())),
            null);
      }
      if (isDjl() && Utils.isOfflineMode()) {
        requireFiles(mrl, artifact);
      }
      mrl.prepare(artifact);
      return artifact;
    } catch (IOException e) {
      throw failed(
          "cannot be found or downloaded: "
              + firstLine(e)
              + (isDjl()
                  ? "; without a network set DJL_OFFLINE=true, and have "
                      + source(mrl, "metadata.json")
                      + " in "
                      + place
                  : ""),
          e);
    }
  }

  private void requireFiles(MRL mrl, Artifact artifact) throws IOException {
    Path folder = mrl.getRepository().getResourceDirectory(artifact);
    List<String> missing =
        artifact.getFiles().values().stream()
            .filter(item -> !Files.exists(folder.resolve(item.getName())))
            .map(item -> item.getName() + " (" + source(mrl, item.getUri()) + ", unpacked)")
            .sorted()
            .toList();
    if (!missing.isEmpty()) {
      throw failed(
          "is not complete on this machine, and DJL is told to stay offline: put "
              + String.join(" and ", missing)
              + " into "
              + folder
              + ", or give a model file",
          null);
    }
  }

  private static Path cacheFolder(MRL mrl) {
    return Utils.getCacheDir().resolve("cache/repo").resolve(mrl.toURI().getPath());
  }

  /** Where DJL's repository has a file. */
  private static URI source(MRL mrl, String file) {
    Repository repository = mrl.getRepository();
    return repository.getBaseUri().resolve(mrl.toURI()).resolve(file);
  }

  private static Properties servingProperties(Path folder) throws IOException {
    Properties properties = new Properties();
    Path file = folder.resolve(SERVING_PROPERTIES);
    if (Files.isRegularFile(file)) {
      if (Files.size(file) > MOST_PROPERTIES) {
        throw new IOException(file + " has more than " + MOST_PROPERTIES + " bytes");
      }
      try (Reader reader = Files.newBufferedReader(file)) {
        properties.load(reader);
      } catch (IllegalArgumentException e) {
        throw new IOException(file + " is damaged: " + e.getMessage(), e);
      } catch (CharacterCodingException e) {
        throw new IOException(file + " is no text in UTF-8", e);
      }
    }
    return properties;
  }

  /** DJL expects the model file to be called as its folder; if there is only one, it is meant. */
  private static void nameTheOnlyFile(
      Path folder, Map<String, Object> arguments, Criteria.Builder<NDList, NDList> builder)
      throws IOException {
    if (!Files.isDirectory(folder)) {
      return;
    }
    List<Matcher> models;
    try (Stream<Path> files = Files.list(folder)) {
      models =
          files
              .map(file -> MODEL_FILE.matcher(file.getFileName().toString()))
              .filter(Matcher::matches)
              .toList();
    }
    if (models.size() == 1) {
      builder.optModelName(models.get(0).group(1));
      if (models.get(0).group(2).equals(".onnx") && !arguments.containsKey("engine")) {
        builder.optEngine("OnnxRuntime");
      }
    }
  }

  private static Optional<TranslatorFactory> factory(Map<String, Object> arguments) {
    Object name = arguments.get("translatorFactory");
    return name == null
        ? Optional.empty()
        : Optional.ofNullable(
            ClassLoaderUtils.initClass(
                ClassLoaderUtils.getContextClassLoader(),
                TranslatorFactory.class,
                String.valueOf(name)));
  }

  private static Optional<Class<?>> outputForImages(TranslatorFactory factory) {
    return factory.getSupportedTypes().stream()
        .filter(types -> types.getKey().equals(Image.class))
        .map(types -> types.getValue())
        .filter(type -> !type.equals(Output.class))
        .<Class<?>>mapMulti(
            (type, classes) -> {
              if (type instanceof Class<?> known) {
                classes.accept(known);
              }
            })
        .findFirst();
  }

  /** What DJL takes for granted where no translator is named. */
  private static Optional<Class<?>> classifier(Object application) {
    return application != null
            && Application.of(String.valueOf(application))
                .equals(Application.CV.IMAGE_CLASSIFICATION)
        ? Optional.of(Classifications.class)
        : Optional.empty();
  }
}
