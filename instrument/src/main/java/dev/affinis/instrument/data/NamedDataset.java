package dev.affinis.instrument.data;

import ai.djl.Application;
import ai.djl.basicdataset.BasicDatasets;
import ai.djl.basicdataset.cv.classification.Cifar10;
import ai.djl.basicdataset.cv.classification.FashionMnist;
import ai.djl.basicdataset.cv.classification.Mnist;
import ai.djl.ndarray.NDManager;
import ai.djl.repository.Repository;
import ai.djl.training.dataset.Dataset.Usage;
import ai.djl.training.dataset.RandomAccessDataset;
import ai.djl.translate.TranslateException;
import ai.djl.util.Utils;
import dev.affinis.instrument.FileIdentity;
import dev.affinis.instrument.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Datasets that DJL knows by name, as the command line calls them: {@code djl:NAME}, the test
 * split, or {@code djl:NAME/train}; with {@code =PATH} behind it the files are taken from there.
 *
 * <p>Without a path, files in DJL's cache are used; if there are none, DJL downloads them, unless
 * it is told to stay offline.
 */
enum NamedDataset {
  /** 32 x 32 colour images. */
  CIFAR10("cifar10", "cifar10", " or the file cifar-10-binary.tar.gz") {
    @Override
    Map<String, LocalDataset.Part> parts(Usage usage, Path place) {
      if (usage == Usage.TEST) {
        return Map.of("test_batch.bin", new LocalDataset.Part(List.of("test_batch.bin"), 0, 3073));
      }
      // DJL keeps one file, the original archive has five.
      boolean joined =
          Files.exists(place.resolve("data_batch.bin"))
              || Files.exists(place.resolve("data_batch.bin.gz"));
      List<String> files =
          joined
              ? List.of("data_batch.bin")
              : List.of(
                  "data_batch_1.bin",
                  "data_batch_2.bin",
                  "data_batch_3.bin",
                  "data_batch_4.bin",
                  "data_batch_5.bin");
      return Map.of("data_batch.bin", new LocalDataset.Part(files, 0, 3073));
    }

    @Override
    RandomAccessDataset build(Repository repository, Usage usage, NDManager manager) {
      return Cifar10.builder()
          .optRepository(repository)
          .optUsage(usage)
          .optManager(manager)
          .setSampling(1, false)
          .build();
    }
  },
  /** 28 x 28 grey images of clothes. */
  FASHION_MNIST("fashion-mnist", "fashmnist", "") {
    @Override
    Map<String, LocalDataset.Part> parts(Usage usage, Path place) {
      return idxFiles(usage);
    }

    @Override
    RandomAccessDataset build(Repository repository, Usage usage, NDManager manager) {
      return FashionMnist.builder()
          .optRepository(repository)
          .optUsage(usage)
          .optManager(manager)
          .setSampling(1, false)
          .build();
    }
  },
  /** 28 x 28 grey images of digits. */
  MNIST("mnist", "mnist", "") {
    @Override
    Map<String, LocalDataset.Part> parts(Usage usage, Path place) {
      return idxFiles(usage);
    }

    @Override
    RandomAccessDataset build(Repository repository, Usage usage, NDManager manager) {
      return Mnist.builder()
          .optRepository(repository)
          .optUsage(usage)
          .optManager(manager)
          .setSampling(1, false)
          .build();
    }
  };

  private static final String PREFIX = "djl:";
  private static final String IMAGENET = "imagenet";
  private static final String VERSION = "1.0";

  private final String word;
  private final String artifact;

  /** What else may be given, in the words of a message. */
  private final String original;

  NamedDataset(String word, String artifact, String original) {
    this.word = word;
    this.artifact = artifact;
    this.original = original;
  }

  /** The files behind each of the dataset's items. */
  abstract Map<String, LocalDataset.Part> parts(Usage usage, Path place);

  /** DJL's own class for the dataset. */
  abstract RandomAccessDataset build(Repository repository, Usage usage, NDManager manager);

  private static Map<String, LocalDataset.Part> idxFiles(Usage usage) {
    String split = usage == Usage.TEST ? "t10k" : "train";
    String item = usage == Usage.TEST ? "test" : "train";
    Map<String, LocalDataset.Part> parts = new LinkedHashMap<>();
    List<String> images = List.of(split + "-images-idx3-ubyte");
    parts.put(item + "_data", new LocalDataset.Part(images, 16, 28 * 28));
    List<String> labels = List.of(split + "-labels-idx1-ubyte");
    parts.put(item + "_labels", new LocalDataset.Part(labels, 8, 1));
    return parts;
  }

  /** Whether a user means one of DJL's datasets. */
  static boolean isNamed(String source) {
    return source.startsWith(PREFIX);
  }

  /**
   * Opens a dataset.
   *
   * @param source {@code djl:NAME}, {@code djl:NAME/train}, either with {@code =PATH} behind it
   * @return its images
   * @throws InvalidInputException if there is no such dataset, or its files are neither here nor
   *     can be downloaded; the message says which files to put where
   */
  static ImageCollection open(String source) {
    return open(source, BasicDatasets.REPOSITORY);
  }

  /** Opens a dataset that is downloaded from the given place if it is not in DJL's cache. */
  static ImageCollection open(String source, Repository repository) {
    int equals = source.indexOf('=');
    String name = source.substring(PREFIX.length(), equals < 0 ? source.length() : equals);
    Optional<Path> place =
        equals < 0 ? Optional.empty() : Optional.of(path(source, source.substring(equals + 1)));
    boolean train = name.endsWith("/train");
    String known = train ? name.substring(0, name.length() - "/train".length()) : name;
    if (known.equals(IMAGENET)) {
      return imageNet(source, train ? "train" : "val", place);
    }
    for (NamedDataset dataset : values()) {
      if (dataset.word.equals(known)) {
        return dataset.images(source, train ? Usage.TRAIN : Usage.TEST, place, repository);
      }
    }
    throw new InvalidInputException(
        "data "
            + source
            + " is not known: expected djl: and one of "
            + Arrays.stream(values()).map(d -> d.word).collect(Collectors.joining(", "))
            + " or imagenet, with /train for the training images and =PATH for files of your own");
  }

  private static Path path(String source, String text) {
    try {
      Path path = Path.of(text);
      if (!text.isEmpty() && Files.exists(path)) {
        return path;
      }
    } catch (InvalidPathException e) {
      // Reported below: there cannot be such a path.
    }
    throw new InvalidInputException(
        "data " + source + ": there is no file or folder called '" + text + "'");
  }

  /** DJL's ImageNet class fails before it has read anything; a folder of images is all it is. */
  private static ImageCollection imageNet(String source, String split, Optional<Path> place) {
    Path folder =
        place.orElseThrow(
            () ->
                new InvalidInputException(
                    "data "
                        + source
                        + " is not downloaded by DJL: pass "
                        + source
                        + "=DIR, a folder whose sub-folder "
                        + split
                        + " has a folder of images per class, or any folder of images"));
    return new ImageFolder(folder.resolve(split), source);
  }

  private ImageCollection images(
      String source, Usage usage, Optional<Path> place, Repository repository) {
    Path cache = cacheFolder();
    Path folder = place.orElse(cache);
    LocalDataset local = new LocalDataset(folder, parts(usage, folder));
    if (local.isComplete()) {
      return images(source, usage, local, folder);
    }
    if (place.isPresent()) {
      throw missing(source, usage, folder, "is not in " + folder, null);
    }
    if (Utils.isOfflineMode()) {
      throw missing(
          source, usage, cache, "is not on this machine, and DJL is told to stay offline", null);
    }
    return images(source, usage, repository, cache);
  }

  private ImageCollection images(String source, Usage usage, Repository repository, Path folder) {
    NDManager manager = DjlDatasetSource.newManager();
    try {
      RandomAccessDataset dataset = build(repository, usage, manager);
      dataset.prepare();
      return new DjlImages(
          dataset,
          source,
          manager,
          Map.of("split", usage == Usage.TEST ? "test" : "train"),
          () -> Optional.of(word + "/" + usage + " " + VERSION + " " + FileIdentity.of(folder)));
    } catch (IOException | TranslateException e) {
      manager.close();
      String reason = DjlDatasetSource.reason(e);
      throw missing(
          source,
          usage,
          folder,
          repository.isRemote() ? "cannot be downloaded: " + reason : "cannot be read: " + reason,
          e);
    } catch (RuntimeException e) {
      manager.close();
      throw e;
    }
  }

  /** Where DJL itself keeps the files of this dataset. */
  private Path cacheFolder() {
    return Utils.getCacheDir().resolve("cache/repo").resolve(address()).resolve(VERSION);
  }

  /** The dataset's place in DJL's repository. */
  private String address() {
    return BasicDatasets.REPOSITORY
        .dataset(Application.CV.ANY, BasicDatasets.GROUP_ID, artifact, VERSION)
        .toURI()
        .getPath();
  }

  private InvalidInputException missing(
      String source, Usage usage, Path folder, String what, Throwable cause) {
    String files =
        parts(usage, folder).values().stream()
            .flatMap(part -> part.files().stream())
            .collect(Collectors.joining(" and "));
    return new InvalidInputException(
        String.format(
            Locale.ROOT,
            "data %s %s; put %s (.gz will do) into %s, as listed in %s%smetadata.json, or pass"
                + " djl:%s=PATH, a folder with them%s; a folder of images or an .npz will do, too",
            source,
            what,
            files,
            cacheFolder(),
            BasicDatasets.DJL_REPO_URL,
            address(),
            word,
            original),
        cause);
  }
}
