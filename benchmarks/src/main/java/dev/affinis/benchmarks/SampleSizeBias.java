package dev.affinis.benchmarks;

import ai.djl.ndarray.NDManager;
import dev.affinis.signature.covariance.Covariance;
import dev.affinis.signature.transport.AffinityScore;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.VectorGraphicsEncoder.VectorGraphicsFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * How the affinity score of a ReLU falls with the number of samples: a table and a picture (SVG)
 * for each distribution of its inputs, a curve for each width and covariance estimator.
 *
 * <pre>
 * java -Xmx2g -cp benchmarks/target/benchmarks.jar dev.affinis.benchmarks.SampleSizeBias docs 8192 64,512,2048
 * </pre>
 */
public final class SampleSizeBias {
  private static final int SMALLEST = 32;

  /** Samples scored at each n together, at least n and at most sixteen times n. */
  private static final int TOTAL = 2048;

  private static final Color[] COLORS = {
    new Color(0x1f6fb4), new Color(0xd9730d), new Color(0x2b8a57), new Color(0x8a4fa3)
  };

  private SampleSizeBias() {}

  /**
   * Writes {@code score-by-samples-white.svg} and {@code score-by-samples-decaying.svg} and prints
   * their values.
   *
   * @param args folder for the pictures, largest n (n goes up from 32 in octaves), values of d
   *     separated by commas
   * @throws IOException if a picture cannot be written
   */
  public static void main(String[] args) throws IOException {
    Path folder = Path.of(args[0]);
    int largest = Integer.parseInt(args[1]);
    int[] sizes = IntStream.iterate(SMALLEST, n -> n <= largest, n -> 2 * n).toArray();
    int[] widths = StandardErrors.numbers(args[2]);
    for (Clouds.Distribution distribution :
        List.of(Clouds.Distribution.WHITE, Clouds.Distribution.DECAYING)) {
      String name = distribution.name().toLowerCase(Locale.ROOT);
      List<Curve> curves = new ArrayList<>();
      for (int d : widths) {
        curves.addAll(curves(d, distribution, sizes));
      }
      System.out.println(table(name, sizes, curves));
      write(
          chart(name, sizes, widths, curves), folder.resolve("score-by-samples-" + name + ".svg"));
    }
  }

  /** Mean scores of one width and estimator, by the position of n. */
  private record Curve(int d, Covariance covariance, List<Double> scores) {
    String title() {
      return "d = " + d + ", " + covariance.word();
    }
  }

  private static List<Curve> curves(int d, Clouds.Distribution distribution, int[] sizes) {
    List<Curve> curves =
        List.of(
            new Curve(d, Covariance.LEDOIT_WOLF, new ArrayList<>()),
            new Curve(d, Covariance.EMPIRICAL, new ArrayList<>()));
    try (Clouds clouds = new Clouds(d, distribution, Clouds.Activation.RELU)) {
      for (int n : sizes) {
        int repetitions = Math.max(1, Math.min(16, TOTAL / n));
        double[] sums = new double[curves.size()];
        for (int r = 0; r < repetitions; r++) {
          try (NDManager manager = clouds.newManager()) {
            var sample = clouds.draw(n, manager);
            for (int c = 0; c < sums.length; c++) {
              Covariance covariance = curves.get(c).covariance();
              AffinityScore affinity = AffinityScore.builder().optCovariance(covariance).build();
              sums[c] += affinity.score(sample).number().orElseThrow();
            }
          }
        }
        for (int c = 0; c < sums.length; c++) {
          curves.get(c).scores().add(sums[c] / repetitions);
        }
      }
    }
    return curves;
  }

  private static String table(String name, int[] sizes, List<Curve> curves) {
    StringBuilder text = new StringBuilder("| " + name + " inputs, n |");
    Arrays.stream(sizes).forEach(n -> text.append(' ').append(n).append(" |"));
    text.append("\n|---|").append("---:|".repeat(sizes.length));
    for (Curve curve : curves) {
      text.append("\n| ").append(curve.title()).append(" |");
      curve.scores().forEach(s -> text.append(String.format(Locale.ROOT, " %.3f |", s)));
    }
    return text.append('\n').toString();
  }

  private static XYChart chart(String name, int[] sizes, int[] widths, List<Curve> curves) {
    XYChart chart =
        new XYChartBuilder()
            .width(760)
            .height(440)
            .title("Affinity score of a ReLU by number of samples, " + name + " inputs")
            .xAxisTitle("samples n")
            .yAxisTitle("affinity")
            .build();
    var style = chart.getStyler();
    style.setLocale(Locale.ROOT);
    style.setxAxisTickLabelsFormattingFunction(
        octave -> String.valueOf(Math.round(Math.pow(2, octave))));
    style.setXAxisTickMarkSpacingHint(45);
    style.setYAxisDecimalPattern("0.0");
    style.setYAxisMin(0.5).setYAxisMax(1.0);
    style.setLegendPosition(Styler.LegendPosition.OutsideE);
    style.setChartBackgroundColor(Color.WHITE).setPlotBorderVisible(false);
    style.setLegendBorderColor(Color.WHITE);
    style.setChartTitleFont(new Font(Font.SANS_SERIF, Font.BOLD, 14));
    double[] x = Arrays.stream(sizes).mapToDouble(n -> Math.log(n) / Math.log(2)).toArray();
    for (Curve curve : curves) {
      double[] y = curve.scores().stream().mapToDouble(a -> a).toArray();
      XYSeries series = chart.addSeries(curve.title(), x, y);
      int width = IntStream.range(0, widths.length).filter(i -> widths[i] == curve.d()).sum();
      series.setLineColor(COLORS[width % COLORS.length]);
      series.setMarkerColor(COLORS[width % COLORS.length]);
      boolean shrunk = curve.covariance() == Covariance.LEDOIT_WOLF;
      series.setMarker(shrunk ? SeriesMarkers.CIRCLE : SeriesMarkers.NONE);
      float[] dashes = {6, 4};
      series.setLineStyle(
          shrunk
              ? new BasicStroke(2)
              : new BasicStroke(1.5f, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 1, dashes, 0));
    }
    return chart;
  }

  private static void write(XYChart chart, Path file) throws IOException {
    var out = new ByteArrayOutputStream();
    VectorGraphicsEncoder.saveVectorGraphic(chart, out, VectorGraphicsFormat.SVG);
    // A hundredth of a pixel is fine enough, at half the size.
    String svg = out.toString(StandardCharsets.UTF_8).replaceAll("(\\.\\d\\d)\\d+", "$1");
    Files.writeString(file, svg);
  }
}
