package dev.affinis.zoo;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Reference values computed with the paper authors' Python code and with float64 and exact optimal
 * transport (torch 1.13, POT 0.8.2), where they are at hand: in the folder that the system property
 * {@code affinis.golden} names.
 */
final class Golden {
  private static final Path FOLDER = Path.of(System.getProperty("affinis.golden", "golden"));

  private Golden() {}

  /** A file of the folder; skips the test if it is not there. */
  static Path file(String name) {
    Path file = FOLDER.resolve(name);
    assumeTrue(Files.exists(file), "golden values are not at hand: no " + file);
    return file;
  }

  static JsonNode json(String name) throws IOException {
    return new ObjectMapper().readTree(file(name).toFile());
  }
}
