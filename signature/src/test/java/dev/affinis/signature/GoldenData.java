package dev.affinis.signature;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;

/** Reference values computed by other programs; they are not part of the project. */
public final class GoldenData {
  private GoldenData() {}

  /** Returns the folder with the reference values, or skips the test. */
  public static Path folder() {
    Path folder = Path.of(System.getProperty("affinis.golden", "golden"));
    Assumptions.assumeTrue(
        Files.isDirectory(folder), "no golden data: system property affinis.golden is " + folder);
    return folder;
  }

  /** Returns a JSON file of the folder. */
  public static JsonNode json(String name) throws IOException {
    return new ObjectMapper().readTree(folder().resolve(name).toFile());
  }

  /** Returns the arrays of an npz file of the folder by name. */
  public static Map<String, NDArray> arrays(String name, NDManager manager) throws IOException {
    try (InputStream in = Files.newInputStream(folder().resolve(name))) {
      Map<String, NDArray> arrays = new HashMap<>();
      for (NDArray array : NDList.decode(manager, in)) {
        arrays.put(array.getName(), array);
      }
      return arrays;
    }
  }
}
