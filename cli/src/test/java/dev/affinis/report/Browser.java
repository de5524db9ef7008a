package dev.affinis.report;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.openqa.selenium.By;
import org.openqa.selenium.Point;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.interactions.PointerInput;
import org.openqa.selenium.interactions.Sequence;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.support.ui.WebDriverWait;

/** Chromium without a window, and what tests do with it. */
final class Browser implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final ChromeDriver driver;

  private Browser(ChromeDriver driver) {
    this.driver = driver;
  }

  /** Starts the machine's own Chromium; empty if it or its driver is not installed. */
  static Optional<Browser> start() {
    Optional<File> binary = find("chromium", "chromium-browser", "google-chrome");
    Optional<File> program = find("chromedriver");
    if (binary.isEmpty() || program.isEmpty()) {
      return Optional.empty();
    }
    ChromeOptions options = new ChromeOptions();
    options.setBinary(binary.get());
    options.addArguments(
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage");
    options.setCapability("goog:loggingPrefs", Map.of("browser", "ALL", "performance", "ALL"));
    // Selenium writes the driver's port in the digits of the default locale.
    Locale locale = Locale.getDefault();
    Locale.setDefault(Locale.ROOT);
    try {
      ChromeDriverService service =
          new ChromeDriverService.Builder()
              .usingDriverExecutable(program.get())
              .usingAnyFreePort()
              .build();
      return Optional.of(new Browser(new ChromeDriver(service, options)));
    } finally {
      Locale.setDefault(locale);
    }
  }

  private static Optional<File> find(String... names) {
    List<String> folders =
        Arrays.asList(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator, -1));
    return Stream.of(names)
        .flatMap(name -> folders.stream().map(folder -> Path.of(folder, name)))
        .filter(Files::isExecutable)
        .findFirst()
        .map(Path::toFile);
  }

  void open(Path page, int width, int height) {
    command(
        "Emulation.setDeviceMetricsOverride",
        Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", false));
    driver.get(page.toUri().toString());
  }

  Map<String, Object> command(String name, Map<String, Object> parameters) {
    return driver.executeCdpCommand(name, parameters);
  }

  Object run(String script, Object... arguments) {
    return driver.executeScript(script, arguments);
  }

  /** Waits until a script returns true. */
  void await(String script) {
    new WebDriverWait(driver, PATIENCE).until(any -> Boolean.TRUE.equals(run(script)));
  }

  List<WebElement> all(String selector) {
    return driver.findElements(By.cssSelector(selector));
  }

  WebElement one(String selector) {
    return driver.findElement(By.cssSelector(selector));
  }

  /** Puts the pointer somewhere in the window; with a click if asked for. */
  void point(Point at, boolean click) {
    PointerInput mouse = new PointerInput(PointerInput.Kind.MOUSE, "mouse");
    Sequence moves = new Sequence(mouse, 0);
    moves.addAction(
        mouse.createPointerMove(
            Duration.ZERO, PointerInput.Origin.viewport(), at.getX(), at.getY()));
    if (click) {
      moves.addAction(mouse.createPointerDown(PointerInput.MouseButton.LEFT.asArg()));
      moves.addAction(mouse.createPointerUp(PointerInput.MouseButton.LEFT.asArg()));
    }
    driver.perform(List.of(moves));
  }

  /** What was written to the console since the last call. */
  List<String> console() {
    return messages("browser");
  }

  /** What the browser did since the last call, as JSON of its own protocol. */
  List<String> events() {
    return messages("performance");
  }

  private List<String> messages(String kind) {
    return StreamSupport.stream(driver.manage().logs().get(kind).spliterator(), false)
        .map(LogEntry::getMessage)
        .toList();
  }

  @Override
  public void close() {
    driver.quit();
  }
}
