package dev.affinis.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** A model written in Java has a signature, too. */
class OwnBlocksTest {
  @Test
  void measuresEveryActivationOfAResNet() throws Exception {
    List<String> lines = StandardOutput.of(() -> OwnBlocks.main(new String[] {"random", "24"}));
    // DJL's ResNet for small images: no activation in the stem, three in each of eight bottlenecks.
    assertTrue(lines.get(0).startsWith("resnet18: 24 sites, 24 samples of random"), lines.get(0));
    assertEquals(2 + 24, lines.size(), () -> String.join("\n", lines));
    for (String row : lines.subList(2, lines.size())) {
      assertTrue(row.matches(" *\\d+ {2}.* relu +\\d+ {2}[01]\\.\\d{4}"), row);
    }
  }
}
