package dev.affinis.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.affinis.signature.compare.Correlation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;

class StaticChartsTest {
  @TempDir Path folder;

  private static Document parse(Path file) throws Exception {
    return DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(file.toFile());
  }

  private static List<String> texts(Document svg) {
    NodeList found = svg.getElementsByTagName("text");
    return IntStream.range(0, found.getLength())
        .mapToObj(i -> found.item(i).getTextContent())
        .toList();
  }

  private static List<String> names(List<Path> files) {
    return files.stream().map(file -> file.getFileName().toString()).toList();
  }

  @Test
  void everyChartIsWritten() throws Exception {
    List<Path> files = StaticCharts.write(Comparisons.of(3, 6, 2), folder.resolve("new"));

    assertEquals(
        List.of(
            "signatures.svg",
            "small-multiples.svg",
            "published.svg",
            "distances.svg",
            "scores.svg",
            "number.svg"),
        names(files));
    List<String> signatures = texts(parse(files.get(0)));
    assertTrue(
        signatures.containsAll(
            List.of("network-0", "network-1", "network-2", "relu", "gelu", "pooling", "affinity")),
        signatures::toString);
    assertTrue(texts(parse(files.get(2))).containsAll(List.of("network-2", "vit_b_16")));
    assertTrue(texts(parse(files.get(3))).contains("0.00"), "a model's distance from itself");
  }

  @Test
  void hostileNamesAreText() throws Exception {
    for (Path file : StaticCharts.write(Comparisons.of(Comparisons.HOSTILE, 5, 2), folder)) {
      Document svg = parse(file);
      assertEquals(0, svg.getElementsByTagName("script").getLength());
      assertEquals(0, svg.getElementsByTagName("img").getLength());
      assertFalse(Files.readString(file).contains("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), "long name");
    }
    List<String> shown = texts(parse(folder.resolve("signatures.svg")));
    assertTrue(shown.contains("{a|b} {b} {c} ${d\u2026{style}}"), shown::toString);
  }

  @Test
  void correlationsAreThoseOfTheLibrary() throws IOException {
    JsonNode comparison = Comparisons.of(7, 5, 1);
    double[] means = column(comparison, "/statistics/affinity/calls/mean");
    double[] accuracies = column(comparison, "/numbers/accuracy");

    String chart = StaticCharts.draw(comparison).get("number");

    for (Correlation.Method method : Correlation.Method.values()) {
      Correlation expected = Correlation.of(method, means, accuracies);
      Correlation.Interval interval = expected.interval().orElseThrow();
      String words =
          hundredths(expected.coefficient().number().orElseThrow())
              + " ["
              + hundredths(interval.low())
              + ", "
              + hundredths(interval.high())
              + "]";
      assertTrue(chart.contains(words), () -> method + " " + words + " in " + chart);
    }
  }

  private static double[] column(JsonNode comparison, String pointer) {
    List<Double> values = new ArrayList<>();
    comparison.path("models").forEach(model -> values.add(model.at(pointer).doubleValue()));
    return values.stream().mapToDouble(value -> value).toArray();
  }

  private static String hundredths(double value) {
    return String.format(Locale.ROOT, "%.2f", value).replace('-', '\u2212');
  }

  @Test
  void oneModelHasNoDistances() throws IOException {
    assertEquals(
        List.of("signatures.svg", "published.svg", "number.svg"),
        names(StaticCharts.write(Comparisons.of(1, 1, 1), folder)));
  }

  @Test
  void manyModelsTakeSeveralPictures() {
    Map<String, String> charts = StaticCharts.draw(Comparisons.of(26, 2, 1));

    assertTrue(charts.get("small-multiples-1").contains(">network-23<"));
    assertTrue(charts.get("small-multiples-2").contains(">network-25<"));
    assertFalse(charts.containsKey("small-multiples-3"));
  }
}
