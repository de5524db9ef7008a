package dev.affinis.benchmarks;

import java.awt.BasicStroke;
import java.awt.Color;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Draws {@link GrowthCurve}s as SVG. */
final class GrowthPicture {
  private static final int WIDTH = 720;
  private static final int HEIGHT = 440;
  private static final float LINE = 2;

  /** Told apart by most kinds of colour blindness (Okabe and Ito, 2008). */
  private static final List<Color> COLOURS =
      List.of(
          new Color(0x0072B2),
          new Color(0xD55E00),
          new Color(0x009E73),
          new Color(0xCC79A7),
          new Color(0xE69F00),
          new Color(0x56B4E9),
          Color.BLACK);

  private GrowthPicture() {}

  /**
   * Draws curves on logarithmic axes.
   *
   * @param curves by title, at least one with a point
   * @param sizeTitle what the horizontal axis shows
   * @param file where to, ending in .svg
   * @throws IOException if the file cannot be written
   */
  static void draw(Map<String, GrowthCurve> curves, String sizeTitle, Path file)
      throws IOException {
    // Numbers are formatted in the default locale while it is drawn.
    Locale before = Locale.getDefault();
    Locale.setDefault(Locale.ROOT);
    try {
      VectorGraphicsEncoder.saveVectorGraphic(
          chart(curves, sizeTitle),
          file.toString(),
          VectorGraphicsEncoder.VectorGraphicsFormat.SVG);
    } finally {
      Locale.setDefault(before);
    }
    // Letters are outlines; a hundredth of a pixel is enough for them.
    Files.writeString(file, Files.readString(file).replaceAll("(\\.\\d\\d)\\d+", "$1"));
  }

  private static XYChart chart(Map<String, GrowthCurve> curves, String sizeTitle) {
    XYChart chart =
        new XYChartBuilder()
            .width(WIDTH)
            .height(HEIGHT)
            .xAxisTitle(sizeTitle)
            .yAxisTitle("seconds")
            .build();
    chart.getStyler().setXAxisLogarithmic(true);
    chart.getStyler().setYAxisLogarithmic(true);
    chart.getStyler().setXAxisDecimalPattern("#,##0");
    chart.getStyler().setYAxisDecimalPattern("0.####");
    DoubleSummaryStatistics exponents =
        curves.values().stream()
            .flatMap(curve -> curve.seconds().stream())
            .mapToDouble(Math::log10)
            .summaryStatistics();
    chart.getStyler().setYAxisMin(Math.pow(10, Math.floor(exponents.getMin())));
    chart.getStyler().setYAxisMax(Math.pow(10, Math.ceil(exponents.getMax())));
    chart.getStyler().setLegendPosition(Styler.LegendPosition.OutsideE);
    chart.getStyler().setLegendBorderColor(Color.WHITE);
    chart.getStyler().setChartBackgroundColor(Color.WHITE);
    chart.getStyler().setSeriesColors(COLOURS.toArray(Color[]::new));
    curves.forEach(
        (title, curve) -> {
          if (!curve.sizes().isEmpty()) {
            XYSeries series = chart.addSeries(title, curve.sizes(), curve.seconds());
            series.setMarker(SeriesMarkers.CIRCLE);
            series.setLineStyle(new BasicStroke(LINE));
          }
        });
    return chart;
  }
}
