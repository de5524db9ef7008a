package dev.affinis.benchmarks;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import dev.affinis.signature.LayerSample;
import dev.affinis.signature.transport.AffinityResult;
import dev.affinis.signature.transport.AffinityScore;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * How the time of one site's exact affinity score grows with the number of samples and with the
 * width: a table with peak resident memory, the exponent of the growth, and pictures. Time starts
 * with the captured rows and ends with the score, whose certificate is checked. Linux only.
 *
 * <pre>
 * java -Xmx3g -cp benchmarks/target/benchmarks.jar dev.affinis.benchmarks.Growth --pictures docs
 * </pre>
 */
@Command(
    name = "growth",
    mixinStandardHelpOptions = true,
    description = "How the time of the affinity score grows with samples and width.")
public final class Growth implements Callable<Integer> {
  private static final double EXACT = 1e-9;

  /** Smaller sizes are left out of the exponent: what does not grow counts for too much there. */
  private static final int FIT_FROM = 2048;

  private static final int RUNS = 3;
  private static final double LONG_SECONDS = 10;

  @Option(
      names = "--sizes",
      split = ",",
      defaultValue = "512,1024,2048,4096,10000",
      description = "numbers of samples, ascending (default ${DEFAULT-VALUE})")
  private List<Integer> sizes;

  @Option(
      names = "--at-widths",
      split = ",",
      defaultValue = "64,512",
      description = "widths of these (default ${DEFAULT-VALUE})")
  private List<Integer> atWidths;

  @Option(
      names = "--widths",
      split = ",",
      defaultValue = "2,4,8,16,32,64,128,256,512,1024,2048",
      description = "widths, ascending (default ${DEFAULT-VALUE})")
  private List<Integer> widths;

  @Option(
      names = "--at-size",
      defaultValue = "2048",
      description = "number of samples of these (default ${DEFAULT-VALUE})")
  private int atSize;

  @Option(
      names = "--layers",
      split = ",",
      defaultValue = "RELU,INDEPENDENT",
      description = "random layers: ${COMPLETION-CANDIDATES} (default ${DEFAULT-VALUE})")
  private List<SyntheticLayer> layers;

  @Option(
      names = "--captures",
      arity = "1..*",
      description = "captured sites, .npz with pre and post, cut to the sizes they have rows for")
  private List<Path> captures = List.of();

  @Option(names = "--pictures", description = "folder for growth-n.svg and growth-d.svg")
  private Optional<Path> pictures = Optional.empty();

  private final AffinityScore affinity = AffinityScore.builder().build();

  private Growth() {}

  /**
   * Runs the benchmark.
   *
   * @param args see {@code --help}
   */
  public static void main(String[] args) {
    System.exit(
        new CommandLine(new Growth()).setCaseInsensitiveEnumValuesAllowed(true).execute(args));
  }

  @Override
  public Integer call() throws IOException {
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      warmUp(manager);
      System.out.printf(
          "%-36s %6s %5s %9s %9s %8s %6s%n",
          "layer", "n", "d", "seconds", "MiB", "identity", "score");
      // Largest last: memory that was taken once is not given back at once.
      Map<String, GrowthCurve> byWidth = new LinkedHashMap<>();
      for (int d : widths) {
        growSynthetic(atSize, d, d, "", byWidth, manager);
      }
      Map<String, GrowthCurve> bySize = new LinkedHashMap<>();
      for (Path file : captures) {
        growCaptured(file, bySize, manager);
      }
      for (int n : sizes) {
        for (int d : atWidths) {
          growSynthetic(n, d, n, ", d = " + d, bySize, manager);
        }
      }
      report(bySize, byWidth);
    }
    return 0;
  }

  private void growSynthetic(
      int n, int d, int size, String suffix, Map<String, GrowthCurve> curves, NDManager manager)
      throws IOException {
    for (SyntheticLayer layer : layers) {
      try (NDManager scratch = manager.newSubManager()) {
        String title = layer.name().toLowerCase(Locale.ROOT) + suffix;
        measure(title, layer.sample(n, d, scratch))
            .ifPresent(seconds -> curve(curves, title).add(size, seconds));
      }
    }
  }

  private void growCaptured(Path file, Map<String, GrowthCurve> curves, NDManager manager)
      throws IOException {
    String title = file.getFileName().toString().replaceFirst("\\.npz$", "");
    try (NDManager scratch = manager.newSubManager();
        InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
      NDList sides = NDList.decode(scratch, in);
      for (int n : sizes) {
        if (n <= sides.head().getShape().get(0)) {
          LayerSample sample = new LayerSample(rows(sides, "pre", n), rows(sides, "post", n));
          measure(title, sample).ifPresent(seconds -> curve(curves, title).add(n, seconds));
        }
      }
    }
  }

  private static NDArray rows(NDList sides, String name, int n) {
    return sides.get(name).get(new NDIndex("0:{}", n));
  }

  private static GrowthCurve curve(Map<String, GrowthCurve> curves, String title) {
    return curves.computeIfAbsent(title, unused -> new GrowthCurve());
  }

  /** Prints a line and returns the least seconds, or prints why there is no score. */
  private OptionalDouble measure(String title, LayerSample sample) throws IOException {
    String line =
        String.format(
            Locale.ROOT, "%-36s %6d %5d", title, sample.size(), sample.pre().getShape().get(1));
    ResidentMemory.forgetPeak();
    double least = Double.POSITIVE_INFINITY;
    AffinityResult result = null;
    for (int run = 0; run < RUNS && (run == 0 || least < LONG_SECONDS); run++) {
      long start = System.nanoTime();
      result = affinity.measure(sample);
      least = Math.min(least, (System.nanoTime() - start) / 1e9);
    }
    if (result.transport().isEmpty()) {
      System.out.println(line + " none: " + result.score());
      return OptionalDouble.empty();
    }
    AffinityResult.Transport transport = result.transport().get();
    if (transport.relativeGap() > EXACT) {
      throw new IllegalStateException(line + " is not exact: gap " + transport.relativeGap());
    }
    System.out.printf(
        Locale.ROOT,
        "%s %9.3f %9.0f %8s %6.4f%n",
        line,
        least,
        ResidentMemory.peak(),
        transport.identityOptimal() ? "yes" : "no",
        result.score().number().orElseThrow());
    return OptionalDouble.of(least);
  }

  /** Until the virtual machine has compiled what is measured. */
  private void warmUp(NDManager manager) {
    for (int d : List.of(2, 64, 2, 64)) {
      for (SyntheticLayer layer : SyntheticLayer.values()) {
        try (NDManager scratch = manager.newSubManager()) {
          affinity.measure(layer.sample(1000, d, scratch));
        }
      }
    }
  }

  private void report(Map<String, GrowthCurve> bySize, Map<String, GrowthCurve> byWidth)
      throws IOException {
    System.out.println("\nseconds grow as n^e, fitted from n = " + FIT_FROM);
    bySize.forEach(
        (title, curve) ->
            System.out.printf(Locale.ROOT, "%-36s e = %.2f%n", title, curve.exponent(FIT_FROM)));
    if (pictures.isPresent()) {
      Path folder = Files.createDirectories(pictures.get());
      GrowthPicture.draw(bySize, "samples n", folder.resolve("growth-n.svg"));
      GrowthPicture.draw(byWidth, "width d at n = " + atSize, folder.resolve("growth-d.svg"));
    }
  }
}
