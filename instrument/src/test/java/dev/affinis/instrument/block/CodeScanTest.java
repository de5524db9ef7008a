package dev.affinis.instrument.block;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.basicmodelzoo.BasicModelZoo;
import ai.djl.nn.Block;
import ai.djl.nn.core.Prelu;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import org.junit.jupiter.api.Test;

class CodeScanTest {
  @Test
  void knowsEveryBlockOfDjl() throws IOException, URISyntaxException, ClassNotFoundException {
    Map<String, List<String>> found = new TreeMap<>();
    int blocks = 0;
    for (Class<?> origin : List.of(Block.class, BasicModelZoo.class)) {
      Path jar = Path.of(origin.getProtectionDomain().getCodeSource().getLocation().toURI());
      try (JarFile file = new JarFile(jar.toFile())) {
        for (JarEntry entry : file.stream().toList()) {
          if (entry.getName().matches("ai/djl/(nn|basicmodelzoo)/.*\\.class")) {
            String name = entry.getName().replace(".class", "").replace('/', '.');
            Class<?> type = Class.forName(name, false, getClass().getClassLoader());
            if (Block.class.isAssignableFrom(type) && !type.isInterface()) {
              blocks++;
              List<String> words =
                  CodeScan.scan(type.asSubclass(Block.class), Set.of())
                      .orElseThrow()
                      .hits()
                      .stream()
                      .map(CodeScan.Hit::word)
                      .toList();
              if (!words.isEmpty()) {
                found.put(type.getSimpleName(), words);
              }
            }
          }
        }
      }
    }
    assertTrue(blocks > 35, "found " + blocks);
    assertEquals(
        Map.of(
            "BertBlock", List.of("tanh"),
            "GRU", List.of("gru"),
            "LSTM", List.of("lstm"),
            "RNN", List.of("rnn"),
            "TabNet", List.of("relu", "relu"),
            "Prelu", List.of("prelu")),
        found);
    assertEquals(Prelu.class, CodeScan.forwardClass(Prelu.class));
  }
}
