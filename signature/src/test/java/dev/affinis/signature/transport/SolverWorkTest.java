package dev.affinis.signature.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * How much work the solvers do, counted, not timed: bids, listings and scans of rows, each for one
 * row of the problem. The limits are a third above what was counted when they were written.
 */
class SolverWorkTest {
  private static final double MARGIN = 4.0 / 3;

  @ParameterizedTest
  @CsvSource({
    "UNIFORM, 64, 9.5, 1, 0.8",
    "UNIFORM, 300, 16.2, 2.2, 2.8",
    "SIGNED, 64, 9.6, 1.2, 1",
    "SIGNED, 300, 12.1, 2.5, 2.7",
    "TIES, 64, 25.9, 1, 8.4",
    "INTEGERS, 64, 11.2, 1, 1.5",
    "INTEGERS, 300, 21, 2.3, 4.6",
    "CONSTANT, 64, 0, 0, 0",
    "EQUAL_ROWS, 64, 101, 1.7, 16.1",
    "EQUAL_COLUMNS, 64, 4.4, 1.1, 22.2",
    "EQUAL_COLUMNS, 300, 32.4, 2.5, 102",
    "PRODUCTS, 64, 22.5, 2.3, 33.4",
    "PRODUCTS, 300, 41.7, 10.2, 159",
    "HUGE_RANGE, 64, 17.2, 9.1, 2",
    "RARELY_CHEAP, 64, 28.7, 1, 10.4",
    "RARELY_CHEAP, 300, 34.4, 1.4, 3.1",
    "LINE, 300, 0, 0, 0",
  })
  void ofHardCosts(HardCosts kind, int n, double bids, double listings, double scans) {
    requireWork(kind.matrix(n, 3), bids, listings, scans);
  }

  /** Points and their noisy copies, as layers are: the less noise, the more can be proved. */
  @ParameterizedTest
  @CsvSource({
    "64, 1, 0.001, 0.08, 1.1, 0",
    "300, 1, 0.001, 0.22, 1.1, 0",
    "300, 2, 0.001, 0, 0, 0",
    "300, 8, 0.1, 0, 0, 0",
    "64, 1, 0.1, 14, 1.7, 2.9",
    "64, 2, 0.1, 1.5, 1.4, 0",
    "300, 1, 0.1, 72.1, 2.9, 6.6",
    "300, 2, 0.1, 9.6, 1.7, 4.5",
    "300, 8, 0.3, 0, 1.01, 0",
    "300, 1, 0.3, 47, 6, 12.7",
    "300, 2, 0.3, 24.5, 1.9, 6.3",
    "300, 1, 1, 52.1, 12.1, 44.8",
    "300, 2, 1, 30.4, 4.2, 30.1",
    "300, 8, 1, 14.7, 2.1, 10",
    "300, 32, 1, 0, 1, 0",
    "300, 1, 3, 42.2, 8.9, 95.8",
    "300, 8, 3, 18.9, 3, 8.8",
    "300, 32, 3, 11.8, 1.9, 6.6",
  })
  void ofClouds(int n, int d, double noise, double bids, double listings, double scans) {
    requireWork(HardClouds.noisy(n, d, noise, 9).costs(), bids, listings, scans);
  }

  private static void requireWork(double[][] matrix, double bids, double listings, double scans) {
    int n = matrix.length;
    double[] costs = AugmentingPathsTest.flat(matrix);
    Auction auction = new Auction(new DenseCosts(n, costs));
    assertTrue(auction.solve());
    requireAtMost(bids, auction.bids(), n, "bids");
    requireAtMost(listings, auction.listings(), n, "listings");
    AugmentingPaths paths = new AugmentingPaths();
    Assignment expected = paths.solve(n, costs);
    requireAtMost(scans, paths.scans(), n, "scans");
    double rounding = AuctionTest.rounding(costs, auction.potentials());
    assertEquals(expected.cost(), auction.assignment().cost(), rounding);
  }

  private static void requireAtMost(double perRow, long count, int n, String what) {
    assertTrue(count <= MARGIN * perRow * n, count + " " + what + " for " + n + " rows");
  }

  /** What it does not prove it does not call proved, and it knows when to stop. */
  @ParameterizedTest
  @EnumSource(
      value = HardCosts.class,
      names = {"TIES", "EQUAL_ROWS", "HUGE_RANGE"})
  void anAuctionGivesUpInTime(HardCosts kind) {
    int n = 300;
    Auction auction = new Auction(new DenseCosts(n, AugmentingPathsTest.flat(kind.matrix(n, 3))));
    assertFalse(auction.solve());
    assertTrue(auction.listings() >= 150L * n, auction.listings() + " listings");
    assertTrue(auction.listings() <= 151L * n, auction.listings() + " listings");
    assertTrue(auction.bids() > n && auction.bids() <= 2000L * n, auction.bids() + " bids");
  }

  /** Everybody wants the last column most: one pass over all costs sees that few get it. */
  @Test
  void oneColumnThatAllWantIsNoReasonToSearch() {
    int n = 50;
    double[][] costs = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        costs[i][j] = i == j ? 1 + i * 0.01 : j == n - 1 ? 1 - i * 0.001 : 5;
      }
    }
    requireWork(costs, 2, 1, 0);
  }
}
