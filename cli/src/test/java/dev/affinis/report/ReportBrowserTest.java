package dev.affinis.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Collectors;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.Keys;
import org.openqa.selenium.Point;
import org.openqa.selenium.WebElement;

/** The page in a real browser: Debian's packages chromium and chromium-driver. */
class ReportBrowserTest {
  private static final JsonMapper JSON = new JsonMapper();

  /** Scrolls from chart to chart until each was drawn. */
  private static final String ALL_DRAWN =
      "const waiting = [...Affinis.page.figures.values()].find(f => !f.drawn || f.stale);"
          + "if (waiting) { waiting.holder.scrollIntoView(); } return !waiting;";

  /** Where a site of a model is in the window, in the first chart. */
  private static final String PLACE_OF_SITE =
      "const figure = Affinis.page.figures.get('signatures');"
          + "figure.holder.scrollIntoView({block: 'center'});"
          + "const series = figure.drawn.getOption().series.findIndex(s => s.id === arguments[0]);"
          + "const at = figure.drawn.convertToPixel({seriesIndex: series},"
          + " figure.drawn.getOption().series[series].data[arguments[1]].value);"
          + "const box = figure.canvas.getBoundingClientRect();"
          + "return [Math.round(box.x + at[0]), Math.round(box.y + at[1])];";

  private static Browser browser;

  @TempDir static Path folder;

  @BeforeAll
  static void start() {
    Optional<Browser> found = Browser.start();
    assumeTrue(
        found.isPresent(), "no chromium and chromedriver here: install chromium-driver (apt)");
    browser = found.get();
  }

  @AfterAll
  static void stop() {
    if (browser != null) {
      browser.close();
    }
  }

  @AfterEach
  void nothingWentWrong() throws IOException {
    assertEquals(List.of(), browser.console(), "console");
    TreeSet<String> requests = new TreeSet<>();
    for (String event : browser.events()) {
      JsonNode message = JSON.readTree(event).path("message");
      if (message.path("method").asText().equals("Network.requestWillBeSent")) {
        requests.add(message.at("/params/request/url").asText());
      }
    }
    requests.removeIf(url -> url.startsWith("data:") || url.startsWith("blob:"));
    assertTrue(
        requests.stream().allMatch(url -> url.matches("file:.*/report\\.html")),
        () -> "requests: " + requests);
  }

  private static void open(JsonNode comparison, int width) throws IOException {
    Path page = folder.resolve("report.html");
    ReportPage.write(comparison, page);
    browser.open(page, width, 900);
    browser.await("return performance.getEntriesByName('affinis.drawn signatures').length > 0");
  }

  private static Point place(String model, int site) {
    List<?> at = (List<?>) browser.run(PLACE_OF_SITE, model, site);
    return new Point(((Number) at.get(0)).intValue(), ((Number) at.get(1)).intValue());
  }

  private static void choose(String id, String value) {
    browser.run(
        "const s = document.getElementById(arguments[0]); s.value = arguments[1];"
            + "s.dispatchEvent(new Event('change'));",
        id,
        value);
  }

  private static List<String> texts(String selector) {
    return browser.all(selector).stream().map(WebElement::getText).toList();
  }

  @Test
  void everyChartIsDrawn() throws IOException {
    open(Comparisons.of(4, 12, 3), 1280);
    browser.await(ALL_DRAWN);

    assertEquals(
        "signatures,multiples,distances,published,scatter,against",
        browser.run("return [...Affinis.page.figures.keys()].join()"));
    List<?> inked =
        (List<?>)
            browser.run(
                "return [...document.querySelectorAll('figure canvas')].map(c =>"
                    + " c.getContext('2d').getImageData(0, 0, c.width, c.height).data"
                    + ".filter((v, i) => i % 4 === 3 && v > 0).length)");
    assertEquals(6, inked.size());
    inked.forEach(count -> assertTrue(((Number) count).intValue() > 2000, inked::toString));
  }

  @Test
  void hoverShowsTheSiteAndClickIsolatesItsModel() throws IOException {
    open(Comparisons.of(3, 6, 3), 1280);
    Point site = place("m1", 2);

    browser.point(site, false);
    browser.await("return Boolean(document.querySelector('.tip'))");
    String tip = browser.one(".tip").getText();
    assertTrue(
        tip.startsWith("network-1\nlayer2.network-1\nsilu, shape 300 \u00d7 2 \u00d7 2"), tip);
    assertTrue(tip.contains("more channels than the 256 samples"), tip);
    assertTrue(tip.contains("affinity") && tip.contains("score 1") && tip.contains("score 2"), tip);

    browser.point(site, true);
    assertEquals(List.of("false", "true", "false"), pressed());
    assertEquals("1", browser.run("return document.getElementById('isolated').value"));
    browser.point(place("m1", 2), true);
    assertEquals(List.of("false", "false", "false"), pressed());
  }

  private static List<String> pressed() {
    return browser.all("#legend button").stream()
        .map(button -> button.getDomAttribute("aria-pressed"))
        .toList();
  }

  @Test
  void tableSorts() throws IOException {
    open(Comparisons.of(6, 5, 1), 1280);
    String mean = "#summary-table th:nth-child(3) button";

    browser.one(mean).click();
    List<String> rising = texts("#summary-table tbody td:nth-child(3)");
    assertEquals(rising.stream().sorted().toList(), rising);
    assertEquals(6, rising.size());
    assertEquals(
        "ascending", browser.one("#summary-table th:nth-child(3)").getDomAttribute("aria-sort"));
    browser.one(mean).sendKeys(Keys.ENTER);
    assertEquals(
        rising.stream().sorted(Comparator.reverseOrder()).toList(),
        texts("#summary-table tbody td:nth-child(3)"));
  }

  @Test
  void controlsChangeTheCharts() throws IOException {
    open(Comparisons.of(3, 6, 3), 1280);
    String axis = "return Affinis.page.figures.get('signatures').drawn.getOption().";
    assertEquals(1L, browser.run(axis + "xAxis[0].max"));

    browser.one("input[name=depth][value=absolute]").click();
    assertEquals(5L, browser.run(axis + "xAxis[0].max"));
    choose("score", "score_1");
    assertEquals("score 1", browser.run(axis + "yAxis[0].name"));
    assertFalse(browser.one("#published-control").isDisplayed(), "only affinity was published");
    choose("score", "affinity");
    choose("published-choice", "all");
    assertTrue(
        (Boolean) browser.run(axis + "series.some(s => s.id === 'published alexnet')"),
        "published");
    browser.one("input[name=view][value=modules]").click();
    assertTrue(browser.one("#summary-hint").getText().contains("as their mean"));
  }

  @Test
  void coloursFollowTheSystemAndTheButton() throws IOException {
    browser.command(
        "Emulation.setEmulatedMedia",
        Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", "dark"))));
    open(Comparisons.of(2, 3, 1), 1280);
    String ground = "return getComputedStyle(document.body).backgroundColor";

    Object dark = browser.run(ground);
    browser.one("#theme").click();
    Object light = browser.run(ground);

    assertEquals("rgb(18, 22, 27)", dark);
    assertNotEquals(dark, light);
    browser.command("Emulation.setEmulatedMedia", Map.of("features", List.of()));
  }

  @Test
  void hostileNamesAreShownAsText() throws IOException {
    open(Comparisons.of(Comparisons.HOSTILE, 12, 2), 400);
    browser.await(ALL_DRAWN);
    browser.run("document.querySelectorAll('details').forEach(d => { d.open = true; })");
    browser.all("#legend button").get(2).click();
    browser.point(place("m2", 1), false);
    browser.await("return Boolean(document.querySelector('.tip'))");

    assertNull(browser.run("return window.hacked"));
    assertEquals(0, browser.all("img").size());
    assertEquals("<img src=x onerror=\"window.hacked=1\">", texts(".tip strong").get(0), "tooltip");
    List<String> names = texts("#legend button");
    assertEquals("</script><script>window.hacked=1</script>", names.get(1));
    assertEquals("{a|b} {b} {c} ${d} {{style}}", names.get(4));
    assertEquals("x".repeat(300), names.get(6));
    assertTrue(
        (Boolean) browser.run("return document.documentElement.scrollWidth <= window.innerWidth"),
        "nothing is wider than the window");
  }

  @Test
  void missingScoresHaveTheirReasons() throws IOException {
    open(Comparisons.of(2, 12, 2), 1280);
    browser.one("#missing summary").click();

    assertTrue(
        browser
            .one("#missing")
            .getText()
            .contains("score 1: too few samples for <b>network-0</b>"));
    assertEquals("network-0 (1): layer9.network-0", texts("#missing li").get(0));
  }

  @Test
  void everyChartIsSaved() throws Exception {
    open(Comparisons.of(3, 4, 2), 1280);
    Path saved = Files.createDirectory(folder.resolve("saved"));
    browser.command(
        "Browser.setDownloadBehavior",
        Map.of("behavior", "allow", "downloadPath", saved.toString(), "eventsEnabled", false));
    List<String> names = new ArrayList<>();
    for (String name :
        List.of("signatures", "small-multiples", "distances", "published", "scores", "number")) {
      names.add("affinis-" + name + "-affinity.png");
      names.add("affinis-" + name + "-affinity.svg");
    }
    for (int i = 0; i < 12; i++) {
      browser.run("document.querySelectorAll('.bar button')[arguments[0]].click()", i);
      awaitFiles(saved, i + 1);
      Thread.sleep(150); // Chromium drops what is more than 10 downloads a second
    }
    for (String name : names) {
      Path file = saved.resolve(name);
      if (name.endsWith("svg")) {
        DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(file.toFile());
      } else {
        assertNotNull(ImageIO.read(file.toFile()), name);
      }
    }
  }

  /** Downloads end when the browser is done with them; it tells nobody. */
  private static void awaitFiles(Path saved, int count) throws Exception {
    List<String> names = List.of();
    for (int i = 0; i < 600; i++) {
      try (var files = Files.list(saved)) {
        names = files.map(file -> file.getFileName().toString()).toList();
      }
      if (names.size() >= count && names.stream().noneMatch(name -> name.endsWith("download"))) {
        return;
      }
      Thread.sleep(50);
    }
    throw new AssertionError("expected " + count + " files, got " + names);
  }

  @Test
  void everyChartIsPrinted() throws IOException {
    open(Comparisons.of(26, 4, 2), 1280);
    browser.run(
        "addEventListener('beforeprint', () => { window.printed ="
            + " [...document.querySelectorAll('.paper')].map(p => p.children.length).join(); });");

    String pdf =
        (String) browser.command("Page.printToPDF", Map.of("preferCSSPageSize", true)).get("data");

    assertEquals("1,2,1,1,1,1", browser.run("return window.printed"), "two pages of 26 models");
    assertTrue(Base64.getDecoder().decode(pdf).length > 50_000);
    assertEquals(0, browser.all(".paper svg").size(), "gone afterwards");
  }

  @Test
  void keyboardReachesEverything() throws IOException {
    open(Comparisons.of(2, 3, 2), 1280);
    List<String> reached = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      browser.one("body").sendKeys(Keys.TAB);
      reached.add(
          (String)
              browser.run(
                  "const e = document.activeElement; return e.id || e.getAttribute('aria-label') ||"
                      + " e.textContent"));
      assertNotEquals(
          "none",
          browser.run("return getComputedStyle(document.activeElement).outlineStyle"),
          reached::toString);
    }
    String order = reached.stream().collect(Collectors.joining(" | "));
    assertTrue(
        order.matches(
            "(?s).*theme .* score .*isolated.*network-0 .*Save Signatures as SVG.*Summary table.*"),
        order);

    browser.one("#legend button").sendKeys(Keys.ENTER);
    assertEquals(List.of("true", "false"), pressed());
    assertEquals(
        "network-0", browser.run("return document.activeElement.textContent"), "focus stays");
  }

  @Test
  void oneModelWithoutScoresIsEnoughForAPage() throws IOException {
    Path page = folder.resolve("report.html");
    ReportPage.write(Comparisons.of(1, 1, 1), page);
    browser.open(page, 1280, 900);
    browser.await(ALL_DRAWN);

    assertFalse(browser.one("#distances").isDisplayed());
    assertFalse(browser.one("#scores").isDisplayed());
    assertEquals(List.of("layer0.network-0"), texts("#site-table tbody th"));
  }

  @Test
  void fiftyModelsOfTwoHundredSitesAreDrawnInThreeSecondsOfProcessorTime() throws IOException {
    Path page = folder.resolve("report.html");
    ReportPage.write(Comparisons.of(50, 200, 2), page);
    browser.open(folder.resolve("report.html"), 1280, 900);
    browser.command("Performance.enable", Map.of("timeDomain", "threadTicks"));
    double before = processorSeconds();
    browser.run("location.reload()");
    browser.await("return performance.getEntriesByName('affinis.drawn signatures').length > 0");

    double first = processorSeconds() - before;
    assertTrue(first > 0 && first < 3, () -> "first drawing took " + first + " s");
    double shown = processorSeconds();
    browser.one("#legend button").click();
    double isolated = processorSeconds() - shown;
    assertTrue(isolated < 3, () -> "isolating took " + isolated + " s");
    browser.command("Performance.disable", Map.of());
  }

  /** Processor time of the page's main thread, so that other programs do not count. */
  private static double processorSeconds() {
    List<?> metrics = (List<?>) browser.command("Performance.getMetrics", Map.of()).get("metrics");
    return metrics.stream()
        .map(metric -> (Map<?, ?>) metric)
        .filter(metric -> metric.get("name").equals("TaskDuration"))
        .mapToDouble(metric -> ((Number) metric.get("value")).doubleValue())
        .sum();
  }
}
