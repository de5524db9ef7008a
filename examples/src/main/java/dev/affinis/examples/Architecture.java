package dev.affinis.examples;

import ai.djl.Device;
import dev.affinis.instrument.Measurement;
import dev.affinis.instrument.ModelSource;
import dev.affinis.instrument.SiteKind;
import dev.affinis.instrument.data.ImageConversion;
import dev.affinis.instrument.data.Preprocessing;
import dev.affinis.instrument.data.SampleSource;
import dev.affinis.instrument.data.Selection;
import dev.affinis.signature.LayerScores;
import dev.affinis.signature.Signature;
import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What the runners have in common: they measure a model and print its signature, and know what to
 * expect of a model of their architecture at its full size.
 *
 * @param name name of the architecture
 * @param sites how many activation calls of which kind one forward pass of the full-size model
 *     makes
 * @param resize what the shorter side of an image is resized to, in pixels
 * @param crop width and height that are cut out of its centre, in pixels
 */
record Architecture(String name, Map<SiteKind, Integer> sites, int resize, int crop) {
  private static final String USAGE =
      "MODEL [DATA] [SAMPLES] [PIXELS]: a model file or DJL address; random (the default), a folder"
          + " of images, an .npz or djl:cifar10 and the like; how many samples (512); width and"
          + " height of the model's input, if not its architecture's";

  /** Copies the map. */
  Architecture {
    sites = Map.copyOf(sites);
  }

  /**
   * Measures a model and prints its signature to standard output.
   *
   * @param args model, data, samples, pixels; all but the first may be left out
   * @throws IOException if a file cannot be read
   */
  void run(String... args) throws IOException {
    if (args.length < 1 || args.length > 4) {
      throw new IllegalArgumentException(
          "expected 1 to 4 arguments, got " + args.length + ": " + USAGE);
    }
    String data = args.length > 1 ? args[1] : "random";
    Selection selection = Selection.first(args.length > 2 ? number(args[2]) : 512);
    try (ModelSource<?, ?> model = ModelSource.open(args[0], Device.cpu());
        SampleSource source = SampleSource.open(data, conversion(model, args), selection)) {
      Signature signature =
          Measurement.builder()
              .setModel(model)
              .setSource(source)
              .optSelection(selection)
              .build()
              .run();
      print(signature, System.out);
      hint(signature).lines().forEach(System.out::println);
    }
  }

  private static int number(String argument) {
    try {
      return Integer.parseInt(argument);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(argument + " is no whole number: expected " + USAGE, e);
    }
  }

  /** A size that is asked for, or the model's own translator, or what the architecture takes. */
  private ImageConversion conversion(ModelSource<?, ?> model, String[] args) {
    if (args.length > 3) {
      return Preprocessing.builder().optInputSize(number(args[3])).build();
    }
    ImageConversion usual = Preprocessing.builder().optResize(resize).optCrop(crop).build();
    return model.imageTranslation().map(ImageConversion.class::cast).orElse(usual);
  }

  /**
   * Prints a signature, a line per activation call; instead of a score that is missing its reason.
   *
   * @param signature the signature
   * @param out where to print it
   */
  static void print(Signature signature, PrintStream out) {
    out.println(
        signature.model().name()
            + ": "
            + signature.layers().size()
            + " sites, "
            + signature.data().samples()
            + " samples of "
            + signature.data().source());
    String[] header = {"#", "site", "kind", "channels", "affinity"};
    List<String[]> rows =
        Stream.concat(
                Stream.<String[]>of(header), signature.layers().stream().map(Architecture::row))
            .toList();
    int[] widths = new int[header.length - 1];
    for (String[] row : rows) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], row[i].length());
      }
    }
    String format =
        "%" + widths[0] + "s  %-" + widths[1] + "s  %-" + widths[2] + "s  %" + widths[3] + "s  %s";
    for (String[] row : rows) {
      out.println(String.format(Locale.ROOT, format, (Object[]) row));
    }
    signature
        .skipped()
        .forEach(site -> out.println("skipped " + site.path() + ": " + site.reason()));
  }

  private static String[] row(LayerScores layer) {
    return new String[] {
      String.valueOf(layer.index()),
      layer.label(),
      layer.activation(),
      String.valueOf(layer.dimension()),
      layer
          .scores()
          .get("affinity")
          .map(value -> String.format(Locale.ROOT, "%.4f", value), reason -> "none: " + reason)
    };
  }

  /** Says how the model differs from the full-size one, or nothing. */
  String hint(Signature signature) {
    Map<String, Long> found =
        signature.layers().stream()
            .collect(
                Collectors.groupingBy(
                    LayerScores::activation, TreeMap::new, Collectors.counting()));
    Map<String, Long> expected = new TreeMap<>();
    sites.forEach((kind, count) -> expected.put(kind.word(), (long) count));
    return found.equals(expected)
        ? ""
        : "note: "
            + name
            + " makes "
            + words(expected)
            + " calls, this model "
            + words(found)
            + ": it is a variant, or another architecture";
  }

  private static String words(Map<String, Long> counts) {
    return counts.entrySet().stream()
        .map(entry -> entry.getValue() + " " + entry.getKey())
        .collect(Collectors.joining(", "));
  }
}
