package dev.affinis.signature.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.affinis.signature.GoldenData;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SeriesDistanceTest {
  /** AlexNet's published signature. */
  private static final double[] SEVEN = {.489, .44, .495, .529, .557, .594, .548};

  private static final double[] FOUR = {.7, .65, .8, .62};

  static List<SeriesDistance> distances() {
    return List.of(
        DynamicTimeWarping.FREE,
        new DynamicTimeWarping(OptionalInt.of(0)),
        new ResampledEuclidean(),
        new ValueDistance(),
        new SummaryStatistics.Difference());
  }

  @ParameterizedTest
  @MethodSource("distances")
  void isZeroForASeriesAndItselfAndTheSameInBothDirections(SeriesDistance distance) {
    assertEquals(0, distance.between(SEVEN, SEVEN.clone()), 0);
    assertEquals(distance.between(SEVEN, FOUR), distance.between(FOUR, SEVEN), 1e-15);
    assertTrue(distance.between(SEVEN, FOUR) > .1, distance.name());
  }

  @ParameterizedTest
  @MethodSource("distances")
  void takesASeriesOfOneValue(SeriesDistance distance) {
    double[] one = {.5};
    assertEquals(0, distance.between(one, new double[] {.5}), 0);
    assertTrue(distance.between(one, SEVEN) > 0);
  }

  @ParameterizedTest
  @MethodSource("distances")
  void refusesWhatCannotBeCompared(SeriesDistance distance) {
    String none =
        assertThrows(IllegalArgumentException.class, () -> distance.between(SEVEN, new double[0]))
            .getMessage();
    assertTrue(none.contains("at least 1 value"), none);
    String nan =
        assertThrows(
                IllegalArgumentException.class,
                () -> distance.between(new double[] {.1, Double.NaN}, SEVEN))
            .getMessage();
    assertTrue(nan.contains("NaN at position 1"), nan);
  }

  @Test
  void namesAreThoseOfTablesAndFiles() {
    assertEquals(
        List.of("dtw", "dtw", "resampled_euclidean", "wasserstein", "summary"),
        distances().stream().map(SeriesDistance::name).toList());
  }

  @Test
  void warpingIsTheCheapestOfAllPaths() {
    Random random = new Random(3);
    for (int i = 0; i < 200; i++) {
      double[] a = random.doubles(1 + random.nextInt(6)).toArray();
      double[] b = random.doubles(1 + random.nextInt(6)).toArray();
      assertEquals(
          Math.sqrt(cheapest(a, b, a.length - 1, b.length - 1, 6)),
          DynamicTimeWarping.FREE.between(a, b),
          1e-12);
      for (int band = 0; band < 3; band++) {
        assertEquals(
            Math.sqrt(cheapest(a, b, a.length - 1, b.length - 1, band)),
            new DynamicTimeWarping(OptionalInt.of(band)).between(a, b),
            1e-12);
      }
    }
  }

  /** Of all paths between the ends' diagonals, a band's width beyond each. */
  private static double cheapest(double[] a, double[] b, int i, int j, int band) {
    int slant = b.length - a.length;
    if (j - i < Math.min(0, slant) - band || j - i > Math.max(0, slant) + band) {
      return Double.POSITIVE_INFINITY;
    }
    double here = (a[i] - b[j]) * (a[i] - b[j]);
    if (i == 0 && j == 0) {
      return here;
    }
    double before = Double.POSITIVE_INFINITY;
    if (i > 0) {
      before = Math.min(before, cheapest(a, b, i - 1, j, band));
    }
    if (j > 0) {
      before = Math.min(before, cheapest(a, b, i, j - 1, band));
    }
    if (i > 0 && j > 0) {
      before = Math.min(before, cheapest(a, b, i - 1, j - 1, band));
    }
    return here + before;
  }

  @Test
  void aBandOfNoneLeavesTheEuclideanDistanceOfSeriesOfOneLength() {
    double[] other = DoubleStream.of(SEVEN).map(x -> 1 - x * x).toArray();
    double sum = 0;
    for (int i = 0; i < other.length; i++) {
      sum += (SEVEN[i] - other[i]) * (SEVEN[i] - other[i]);
    }
    assertEquals(
        Math.sqrt(sum), new DynamicTimeWarping(OptionalInt.of(0)).between(SEVEN, other), 1e-15);
  }

  @Test
  void aWiderBandNeverMakesWarpingDearer() {
    Random random = new Random(9);
    double[] a = random.doubles(20).toArray();
    double[] b = random.doubles(27).toArray();
    double last = Double.POSITIVE_INFINITY;
    for (int band = 0; band <= 27; band++) {
      double distance = new DynamicTimeWarping(OptionalInt.of(band)).between(a, b);
      assertTrue(distance <= last, "band of " + band);
      last = distance;
    }
    assertEquals(DynamicTimeWarping.FREE.between(a, b), last, 0);
    assertTrue(new DynamicTimeWarping(OptionalInt.of(0)).between(a, b) > last);
  }

  @Test
  void aBandBelowNoneIsRefused() {
    String message =
        assertThrows(
                IllegalArgumentException.class, () -> new DynamicTimeWarping(OptionalInt.of(-1)))
            .getMessage();
    assertTrue(message.contains("at least 0, got -1"), message);
  }

  /** NumPy 1.24: 2,000,001 steps, trapezoidal rule. */
  @Test
  void resamplingHasReachedItsLimit() {
    assertEquals(.18717267725580455, new ResampledEuclidean().between(SEVEN, FOUR), 1e-9);
    double[] ramp = {0, 1};
    assertEquals(Math.sqrt(1 / 3.), new ResampledEuclidean().between(ramp, new double[1]), 1e-15);
    assertEquals(0, new ResampledEuclidean().between(ramp, new double[] {0, .25, .5, .75, 1}), 0);
  }

  /** SciPy 1.10.1, wasserstein_distance. */
  @Test
  void valuesAreAsFarApartAsScipySays() {
    ValueDistance distance = new ValueDistance();
    assertEquals(.1707857142857143, distance.between(SEVEN, FOUR), 1e-15);
    assertEquals(
        .04704761904761907, distance.between(SEVEN, new double[] {.489, .44, .495}), 1e-15);
    assertEquals(0, distance.between(new double[] {1, 2}, new double[] {2, 1, 1, 2}), 0);
  }

  @Test
  void summaryHasThePaperStatistics() {
    SummaryStatistics summary = SummaryStatistics.of(FOUR);
    assertEquals(.6925, summary.mean(), 1e-15);
    assertEquals(.675, summary.median(), 1e-15);
    assertEquals(Math.sqrt(.018675 / 4), summary.deviation(), 1e-15);
    assertEquals(.8 / .6925, summary.maximumOverMean(), 1e-15);
    assertEquals(
        .1,
        new SummaryStatistics.Difference().between(new double[] {0}, new double[] {.1})
            / Math.sqrt(3),
        1e-15);
    assertTrue(Double.isNaN(SummaryStatistics.of(new double[] {-1, 1}).maximumOverMean()));
  }

  /** The paper's figures; of ResNet-152's modules the mean of their three calls. */
  @Test
  void publishedSignaturesAreAsFarApartAsPublished() throws IOException {
    JsonNode published = GoldenData.json("paper.json").get("slides_signatures_per_layer");
    double[] alexnet = flat(published.get("alexnet"));
    DynamicTimeWarping dtw = DynamicTimeWarping.FREE;
    assertEquals(
        .045, dtw.between(flat(published.get("vgg16")), flat(published.get("vgg19"))), .001);
    Map<Double, List<Double>> modules = new TreeMap<>();
    published
        .get("resnet152")
        .forEach(
            call ->
                modules.merge(
                    call.get("depth").asDouble(),
                    List.of(call.get("rho").asDouble()),
                    (a, b) -> Stream.concat(a.stream(), b.stream()).toList()));
    double[] resnet =
        modules.values().stream()
            .mapToDouble(
                calls -> calls.stream().mapToDouble(Double::doubleValue).average().orElseThrow())
            .toArray();
    assertEquals(51, resnet.length);
    assertEquals(1.36, dtw.between(alexnet, resnet), .03);
  }

  private static double[] flat(JsonNode values) {
    return StreamSupport.stream(values.spliterator(), false)
        .mapToDouble(JsonNode::asDouble)
        .toArray();
  }
}
