package dev.affinis.signature.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.affinis.signature.GoldenData;
import dev.affinis.signature.compare.ScoreSeries.View;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class AtlasTest {
  private final Atlas atlas = Atlas.published();
  private final Map<String, Atlas.Network> byName =
      atlas.networks().stream().collect(Collectors.toMap(Atlas.Network::name, n -> n));

  @Test
  void everyNetworkIsWholeAndNamedOnce() {
    assertEquals(atlas.networks().size(), byName.size());
    assertTrue(atlas.source().contains("2310.11439"), atlas.source());
    for (Atlas.Network network : atlas.networks()) {
      assertTrue(
          0 < network.minimum()
              && network.minimum() <= network.median()
              && network.median() <= network.maximum()
              && network.maximum() <= 1,
          network::name);
    }
  }

  @Test
  void seriesAgreeWithTheThreeNumbersPublishedBesideThem() {
    for (Atlas.Network network : atlas.networks()) {
      if (!network.modules().isEmpty()) {
        SummaryStatistics summary = SummaryStatistics.of(network.series(View.MODULES));
        // Colours of ResNet-152 lie on top of each other in the figure.
        double tolerance = network.name().equals("resnet152") ? .05 : .002;
        assertEquals(network.minimum(), summary.minimum(), tolerance, network.name());
        assertEquals(network.median(), summary.median(), tolerance, network.name());
        assertEquals(network.maximum(), summary.maximum(), tolerance, network.name());
      }
    }
  }

  @Test
  void callsAndModulesAreBothThere() {
    Atlas.Network resnet = byName.get("resnet34");
    assertEquals(17, resnet.series(View.MODULES).length);
    assertEquals(33, resnet.series(View.CALLS).length);
    assertEquals(
        resnet.series(View.MODULES)[1],
        (resnet.series(View.CALLS)[1] + resnet.series(View.CALLS)[2]) / 2,
        1e-15);
    assertEquals(0, byName.get("swin_t").series(View.CALLS).length);
  }

  @Test
  void aPublishedNetworkIsItsOwnNearest() {
    List<Atlas.Neighbour> near = atlas.neighbours(byName.get("vit_l_16").series(View.MODULES));
    assertEquals("vit_l_16", near.get(0).network().name());
    assertEquals(0, near.get(0).distance(), .002);
    assertEquals(atlas.networks().size(), near.size());
    assertTrue(near.get(1).distance() <= near.get(2).distance());
    assertEquals(
        "VGG",
        atlas.neighbours(byName.get("vgg16").series(View.MODULES)).get(1).network().family());
  }

  @Test
  void numbersAreThoseThatWereReadOff() throws IOException {
    JsonNode published = GoldenData.json("paper.json").get("min_median_max");
    for (Map.Entry<String, JsonNode> entry : published.properties()) {
      Atlas.Network network = byName.get(entry.getKey());
      assertEquals(entry.getValue().get("min").asDouble(), network.minimum());
      assertEquals(entry.getValue().get("median").asDouble(), network.median());
      assertEquals(entry.getValue().get("max").asDouble(), network.maximum());
    }
  }
}
