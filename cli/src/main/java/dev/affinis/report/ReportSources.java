package dev.affinis.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;

/** The sources of the report, as they lie in the jar. */
final class ReportSources {
  /** The charting library. */
  static final String ECHARTS = "echarts/echarts.min.js";

  /** What makes charts out of a comparison; knows no page. In the order they need each other. */
  static final List<String> CHARTS =
      Stream.of(
              "text",
              "statistics",
              "themes",
              "report",
              "charts-common",
              "chart-signatures",
              "chart-published",
              "chart-distances",
              "chart-scatter",
              "drawing")
          .map(name -> "js/" + name + ".js")
          .toList();

  /** What the page does with them. */
  static final List<String> PAGE =
      Stream.of("dom", "tooltip", "tables", "details", "figures", "page")
          .map(name -> "js/" + name + ".js")
          .toList();

  /** Licences of what is not ours, with the library that they are of. */
  static final List<String> LICENCES =
      List.of("echarts/NOTICE", "echarts/LICENSE", "echarts/LICENSE-d3");

  private ReportSources() {}

  /** Reads a source, such as {@code report.html}. */
  static String read(String name) {
    try (InputStream in = ReportSources.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("resource " + name + " is not in the jar: build it again");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
