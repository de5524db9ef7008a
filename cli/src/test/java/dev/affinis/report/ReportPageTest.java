package dev.affinis.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportPageTest {
  private static final Pattern SCRIPT =
      Pattern.compile("<script>(.*?)</script>", Pattern.DOTALL | Pattern.CASE_INSENSITIVE);
  private static final Pattern COMPARISON =
      Pattern.compile("<script type=\"application/json\" id=\"comparison\">(.*?)</script>");

  @TempDir Path folder;

  @Test
  void comparisonComesBackAsItWas() throws IOException {
    JsonNode comparison = Comparisons.of(Comparisons.HOSTILE, 3, 2);
    Matcher found = COMPARISON.matcher(ReportPage.html(comparison));
    assertTrue(found.find());
    String json = found.group(1);

    assertFalse(json.contains("<") || json.contains("&"), "characters that mean something");
    assertTrue(json.chars().allMatch(c -> c >= ' ' && c < 127), "ASCII alone");
    JsonNode back = new JsonMapper().readTree(json);
    for (int i = 0; i < Comparisons.HOSTILE.size(); i++) {
      assertEquals(Comparisons.HOSTILE.get(i), back.at("/models/" + i + "/name").textValue());
      assertEquals(
          comparison.at("/models/" + i + "/layers/0/scores/affinity").doubleValue(),
          back.at("/models/" + i + "/layers/0/scores/affinity").doubleValue(),
          1e-8);
    }
  }

  @Test
  void policyNamesEveryScript() throws Exception {
    String page = ReportPage.html(Comparisons.of(Comparisons.HOSTILE, 2, 1));
    String policy = page.substring(0, page.indexOf("</head>"));
    Matcher scripts = SCRIPT.matcher(page);
    int count = 0;
    while (scripts.find()) {
      byte[] hash =
          MessageDigest.getInstance("SHA-256")
              .digest(scripts.group(1).getBytes(StandardCharsets.UTF_8));
      assertTrue(policy.contains("'sha256-" + Base64.getEncoder().encodeToString(hash) + "'"));
      count++;
    }
    assertEquals(1 + ReportSources.CHARTS.size() + ReportSources.PAGE.size(), count);
    assertTrue(policy.contains("default-src 'none'") && policy.contains("connect-src 'none'"));
  }

  @Test
  void licencesAreInside() {
    String page = ReportPage.html(Comparisons.of(1, 1, 1));

    assertTrue(page.contains("Licensed to the Apache Software Foundation (ASF)"));
    assertTrue(page.contains("Apache ECharts\nCopyright"));
    assertTrue(page.contains("Copyright 2010-2016 Mike Bostock"), "d3, a part of ECharts");
  }

  @Test
  void chartingLibraryIsTheOneThatItsMakersPublish() throws Exception {
    byte[] hash =
        MessageDigest.getInstance("SHA-256")
            .digest(ReportSources.read(ReportSources.ECHARTS).getBytes(StandardCharsets.UTF_8));

    assertEquals(
        "bf4a223524e40b77c304bec67e1222cf551f14880cf42c69dc046558e11c07b1",
        HexFormat.of().formatHex(hash),
        "echarts.min.js 5.6.0: docs/decisions.md names the checksum, too");
  }

  @Test
  void tenModelsOfFiftySitesAndAllScoresTakeLessThanThreeMegabytes() throws IOException {
    Path file = folder.resolve("report.html");
    ReportPage.write(Comparisons.of(10, 50, 45), file);

    assertTrue(Files.size(file) < 3_000_000, () -> "bytes: " + file.toFile().length());
    try (var files = Files.list(folder)) {
      assertEquals(List.of(file), files.toList(), "nothing is left beside it");
    }
  }
}
