package dev.affinis.examples;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The README's Java examples are this module's code. */
class ReadmeTest {
  private static final Path ROOT = Path.of("..");
  private static final String FROM = "// README: from here\n";

  @ParameterizedTest
  @ValueSource(strings = {"MeasureYourModel", "HookYourLoop"})
  void showsThisCode(String example) throws IOException {
    String file = "examples/src/main/java/dev/affinis/examples/" + example + ".java";
    String source = Files.readString(ROOT.resolve(file));
    String snippet =
        source.substring(
            source.indexOf(FROM) + FROM.length(), source.indexOf("    // README: to here"));
    String readme = Files.readString(ROOT.resolve("README.md"));
    assertTrue(
        readme.contains("```java\n" + snippet.stripTrailing().stripIndent() + "\n```"),
        "README.md must show the lines between the markers of " + file);
  }
}
