package dev.affinis.cli;

import dev.affinis.instrument.data.ImageConversion;
import dev.affinis.instrument.data.ImageTranslation;
import dev.affinis.instrument.data.Preprocessing;
import dev.affinis.instrument.data.SampleSource;
import dev.affinis.instrument.data.Selection;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Which samples a command uses and how they become a model's input. */
final class DataOptions {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--data",
      required = true,
      paramLabel = "SOURCE",
      description = {
        "What to run through the model: a folder of images (flat, or a sub-folder per class),",
        "an .npz with the array images (n x H x W x 3, uint8) or inputs (n x C x H x W, float,",
        "used as they are), djl:cifar10, djl:fashion-mnist, djl:mnist or djl:imagenet=DIR (test",
        "images; /train behind the name for the others; =PATH for files of your own), or the word",
        "random. Sub-folders, an array labels (whole numbers from 0) and labels of datasets are",
        "the classes of the images."
      })
  private String source;

  @Option(
      names = "--samples",
      paramLabel = "N",
      defaultValue = "512",
      description = "How many samples (default: ${DEFAULT-VALUE}).")
  private int samples;

  @Option(
      names = "--batches",
      paramLabel = "K",
      defaultValue = "1",
      description = {
        "Score K disjoint sets of N samples each: every score is their mean, with its deviation",
        "and number (default: ${DEFAULT-VALUE})."
      })
  private int batches;

  @Option(names = "--shuffle", description = "Take N random samples instead of the first N.")
  private boolean shuffle;

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "0",
      description = "Seed of --shuffle and of random data (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--skip-bad",
      description = "Leave unreadable images out (they are counted and named).")
  private boolean skipBad;

  @Option(names = "--input-size", paramLabel = "PX", description = "Resize images to PX x PX.")
  private Integer inputSize;

  @Option(
      names = "--resize",
      paramLabel = "PX",
      description = "Resize the shorter side to PX, keeping proportions.")
  private Integer resize;

  @Option(
      names = "--crop",
      paramLabel = "PX",
      description = {
        "Cut the central PX x PX out. When no size is given, images are used as they are if all",
        "have the same size, otherwise with --resize 256 --crop 224. A model that comes with a",
        "translator for images uses that, unless one of these options is given."
      })
  private Integer crop;

  @Option(
      names = "--mean",
      paramLabel = "r,g,b",
      split = ",",
      description = {
        "Mean to subtract from values in [0, 1] (default: ImageNet's). One value instead of three",
        "for a model that takes grey images."
      })
  private List<Double> mean;

  @Option(
      names = "--std",
      paramLabel = "r,g,b",
      split = ",",
      description = "Deviation to divide by (default: ImageNet's).")
  private List<Double> std;

  Selection selection() {
    return checked(
        () ->
            new Selection(
                samples,
                shuffle ? Selection.Order.SHUFFLED : Selection.Order.FIRST,
                seed,
                batches));
  }

  /**
   * Opens the data.
   *
   * @param fromModel how the model itself wants its inputs made; any option about images goes
   *     before it
   */
  SampleSource open(Optional<ImageTranslation> fromModel) {
    boolean asked =
        Stream.of(inputSize, resize, crop, mean, std).anyMatch(option -> option != null);
    ImageConversion conversion =
        asked || fromModel.isEmpty() ? checked(this::preprocessing) : fromModel.get();
    return SampleSource.open(source, conversion, selection());
  }

  /** Checks the options about images and samples, whether or not the data are there. */
  void checkOptions() {
    selection();
    checked(this::preprocessing);
  }

  boolean skipsBad() {
    return skipBad;
  }

  private Preprocessing preprocessing() {
    Preprocessing.Builder builder = Preprocessing.builder();
    if (inputSize != null) {
      builder.optInputSize(inputSize);
    }
    if (resize != null) {
      builder.optResize(resize);
    }
    if (crop != null) {
      builder.optCrop(crop);
    }
    if (mean != null) {
      builder.optMean(mean);
    }
    if (std != null) {
      builder.optStd(std);
    }
    return builder.build();
  }

  /** A value that an option cannot have is wrong use, not a bug. */
  private <T> T checked(Supplier<T> build) {
    try {
      return build.get();
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }
}
