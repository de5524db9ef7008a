package dev.affinis.signature.transport;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PairingTest {
  /** Narrow clouds, and wide ones, whose identity needs no assignment. */
  @ParameterizedTest
  @CsvSource({"3, 0.01, true", "300, 0.01, true", "3, 9, false", "300, 99, false"})
  void isTheCheapestOfAllPairings(int d, double noise, boolean identity) {
    int n = 7;
    HardClouds.Pair clouds = HardClouds.noisy(n, d, noise, 1);
    double[][] costs = clouds.costs();
    try (NDManager manager = NDManager.newBaseManager(Device.cpu(), "PyTorch")) {
      Pairing pairing = Pairing.inSpace(manager.create(clouds.a), manager.create(clouds.b));
      double least = BruteForce.leastCost(costs) / n;
      assertEquals(Math.sqrt(least), pairing.distance(), 1e-12 * Math.sqrt(least));
      assertEquals(identity, pairing.identityOptimal());
      assertEquals(identity, pairing.shares().isIdentity());
      double mean = Arrays.stream(pairing.shares().values()).average().orElseThrow();
      assertEquals(least, mean, 1e-9 * least);
    }
  }

  @Test
  void pointsOnALineArePairedInOrder() {
    Pairing pairing = Pairing.onLine(new double[] {1, 5, 3}, new double[] {9, 3, 4});
    // 1 with 3, 3 with 4, 5 with 9.
    assertEquals(Math.sqrt((4 + 1 + 16) / 3.0), pairing.distance(), 1e-15);
    assertFalse(pairing.identityOptimal());
    assertArrayEquals(new int[] {1, 0, 2}, pairing.shares().permutation());
    Pairing inOrder = Pairing.onLine(new double[] {1, 5, 3}, new double[] {3, 9, 4});
    assertEquals(pairing.distance(), inOrder.distance());
    assertTrue(inOrder.identityOptimal());
    assertArrayEquals(new double[] {4, 16, 1}, inOrder.shares().values());
  }
}
