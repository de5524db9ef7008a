package dev.affinis.signature.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.affinis.signature.LayerScores;
import dev.affinis.signature.Pooling;
import dev.affinis.signature.Score;
import dev.affinis.signature.Signature;
import dev.affinis.signature.compare.SignatureDifference.Site;
import dev.affinis.signature.covariance.Covariance;
import dev.affinis.signature.covariance.Ridge;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class SignatureDifferenceTest {
  private static final List<String> AFFINITY = List.of("affinity");

  /** A site without its number, which the signature gives. */
  private record Part(String path, int call, String kind, String type, Map<String, Score> scores) {}

  private static Part relu(String path, int call, double affinity) {
    return relu(path, call, Map.of("affinity", Score.of(affinity)));
  }

  private static Part relu(String path, int call, Map<String, Score> scores) {
    return new Part(path, call, "relu", LayerScores.ACTIVATION, scores);
  }

  private static Signature signature(Part... parts) {
    List<LayerScores> layers = new ArrayList<>();
    for (Part part : parts) {
      layers.add(
          new LayerScores(
              layers.size(),
              part.path,
              part.call,
              part.kind,
              part.type,
              List.of(4L),
              4,
              part.scores,
              Map.of(),
              Map.of(),
              Map.of()));
    }
    return new Signature(
        new Signature.Model("net", Signature.ModelRuntime.ONNX, "00", 1),
        new Signature.Data("random", 8, 0, Map.of()),
        new Signature.Settings(
            Pooling.CHANNEL, Covariance.LEDOIT_WOLF, Ridge.RELATIVE, "cpu", "none", Map.of()),
        layers,
        List.of());
  }

  private static SignatureDifference difference(Signature before, Signature after, double by) {
    return SignatureDifference.of(before, after, AFFINITY, score -> by);
  }

  private static List<String> labels(List<Site> sites) {
    return sites.stream().map(site -> site.either().label()).toList();
  }

  @Test
  void onlyChangesBeyondTheToleranceAreDifferences() {
    Signature before = signature(relu("a", 1, .5), relu("a", 2, .5), relu("b", 1, .5));
    Signature after = signature(relu("a", 1, .5), relu("a", 2, .75), relu("b", 1, .375));
    // These numbers and their differences are exact in binary.
    assertEquals(List.of("a (call 2)", "b"), labels(difference(before, after, 0).differing()));
    assertEquals(List.of("a (call 2)"), labels(difference(before, after, .125).differing()));
    assertEquals(List.of(), difference(before, after, .25).differing());
    SignatureDifference.Largest largest =
        difference(before, after, .25).largest("affinity").orElseThrow();
    assertEquals("a (call 2)", largest.site().either().label());
    assertEquals(OptionalDouble.of(.25), largest.change().difference());
    assertEquals(
        OptionalDouble.of(-.25),
        difference(after, before, 0).largest("affinity").orElseThrow().change().difference());
    assertEquals(List.of(), difference(before, before, 0).differing());
    assertEquals(
        "a",
        difference(before, signature(relu("a", 1, .75), relu("a", 2, .25)), 0)
            .largest("affinity")
            .orElseThrow()
            .site()
            .either()
            .label(),
        "the first of equal ones");
  }

  @Test
  void sitesAreTheSameByNameWhateverTheirNumber() {
    Signature before = signature(relu("gone", 1, .1), relu("a", 1, .5), relu("b", 1, .5));
    Signature after = signature(relu("b", 1, .5), relu("a", 1, .5), relu("come", 1, .9));
    SignatureDifference found = difference(before, after, 0);
    assertEquals(List.of("gone", "a", "b", "come"), labels(found.sites()));
    assertEquals(List.of("gone", "come"), labels(found.differing()));
    assertTrue(found.sites().get(0).after().isEmpty());
    assertTrue(found.sites().get(3).before().isEmpty());
    assertFalse(found.sites().get(3).isShared());
  }

  @Test
  void anotherCallKindOrTypeIsAnotherSite() {
    Map<String, Score> half = Map.of("affinity", Score.of(.5));
    Signature before = signature(relu("a", 1, .5));
    for (Part other :
        List.of(
            relu("a", 2, .5),
            new Part("a", 1, "gelu", LayerScores.ACTIVATION, half),
            new Part("a", 1, "relu", "module", half))) {
      SignatureDifference found = difference(before, signature(other), 1);
      assertEquals(2, found.differing().size(), other.toString());
    }
  }

  @Test
  void sitesOfOneNameArePairedInTheirOrder() {
    Signature before = signature(relu("a", 1, .5), relu("a", 1, .25));
    Signature after = signature(relu("a", 1, .5), relu("a", 1, .75), relu("a", 1, .1));
    SignatureDifference found = difference(before, after, 0);
    assertEquals(3, found.sites().size());
    assertFalse(found.sites().get(0).differs());
    assertEquals(OptionalDouble.of(.5), found.sites().get(1).changes().get(0).difference());
    assertFalse(found.sites().get(2).isShared());
  }

  @Test
  void aScoreThatOnlyOneHasIsADifference() {
    Score dead = Score.unavailable("dead layer");
    Signature before = signature(relu("a", 1, .5), relu("b", 1, Map.of("affinity", dead)));
    Signature after =
        signature(
            relu("a", 1, Map.of("affinity", dead)),
            relu("b", 1, Map.of("affinity", Score.unavailable("too few samples"))));
    SignatureDifference found = difference(before, after, 10);
    assertEquals(List.of("a"), labels(found.differing()));
    assertEquals(dead, found.differing().get(0).changes().get(0).after());
    assertTrue(found.largest("affinity").isEmpty());
    Signature other = signature(relu("a", 1, Map.of("r2", Score.of(.5))));
    assertEquals(
        Score.unavailable("was not measured"),
        difference(before, other, 10).sites().get(0).changes().get(0).after());
  }

  @Test
  void everyScoreHasItsOwnTolerance() {
    Signature before =
        signature(relu("a", 1, Map.of("affinity", Score.of(.5), "rank", Score.of(8))));
    Signature after =
        signature(relu("a", 1, Map.of("affinity", Score.of(.75), "rank", Score.of(9))));
    SignatureDifference found =
        SignatureDifference.of(
            before, after, List.of("rank", "affinity"), score -> score.equals("rank") ? 2 : .125);
    assertEquals(
        List.of(false, true),
        found.sites().get(0).changes().stream().map(SignatureDifference.Change::differs).toList());
  }

  @Test
  void scoresAndTolerancesAreChecked() {
    Signature one = signature(relu("a", 1, .5));
    assertRefused("neither signature has a score r2: they have affinity", one, "r2", 0);
    assertRefused(
        "tolerance of affinity must be a finite number from 0, got -1.0", one, "affinity", -1);
    assertRefused("got NaN", one, "affinity", Double.NaN);
    assertRefused("got Infinity", one, "affinity", Double.POSITIVE_INFINITY);
    assertRefused("they have none", signature(), "affinity", 0);
    assertTrue(
        assertThrows(
                IllegalArgumentException.class,
                () -> SignatureDifference.of(one, one, List.of(), score -> 0))
            .getMessage()
            .contains("no score to compare"));
  }

  private static void assertRefused(
      String message, Signature signature, String score, double tolerance) {
    String found =
        assertThrows(
                IllegalArgumentException.class,
                () ->
                    SignatureDifference.of(signature, signature, List.of(score), name -> tolerance))
            .getMessage();
    assertTrue(found.contains(message), found);
  }
}
