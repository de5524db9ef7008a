package dev.affinis.signature.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class WorkspaceTest {
  @Test
  void costsTakeANumberForEachPairOfSamples() {
    assertEquals(8 * 2048 * 2048, Workspace.of(2048, 64).heapBytes());
    assertEquals(8 * 4 * 2048, Workspace.of(2048, 1).heapBytes());
  }

  @Test
  void manySamplesTakeAListEach() {
    Workspace workspace = Workspace.of(50_000, 512);
    assertEquals(8 * 360 * 50_000, workspace.heapBytes());
    assertEquals(8L * (4 * 50_000 * 512 + 6 * 512 * 512 + (1 << 23)), workspace.deviceBytes());
  }

  @Test
  void matricesTakeTheSquareOfTheWidthOrOfTheSpan() {
    assertEquals(8 * (4 * 2048 * 64 + 6 * 64 * 64), Workspace.of(2048, 64).deviceBytes());
    assertEquals(8 * (4 * 10 * 4096 + 6 * 20 * 20), Workspace.of(10, 4096).deviceBytes());
  }

  @Test
  void aStandardErrorKeepsTheMapWhereItCountsIt() {
    long more = 8 * (18 * 64 * 64 + 2 * 2048 * 64);
    Workspace plain = Workspace.of(2048, 64);
    Workspace withError = Workspace.withStandardError(2048, 64);
    assertEquals(plain.deviceBytes() + more, withError.deviceBytes());
    assertEquals(plain.heapBytes(), withError.heapBytes());
    assertEquals(Workspace.of(2048, 513), Workspace.withStandardError(2048, 513));
    assertEquals(
        Workspace.of(Long.MAX_VALUE, Long.MAX_VALUE),
        Workspace.withStandardError(Long.MAX_VALUE, Long.MAX_VALUE));
  }

  @Test
  void whatIsTooLargeToCountIsAnExbibyte() {
    Workspace huge = Workspace.of(Long.MAX_VALUE, Long.MAX_VALUE);
    assertEquals(1L << 60, huge.deviceBytes());
    assertEquals(1L << 60, huge.heapBytes());
    assertEquals(1L << 61, huge.bytes());
    assertEquals(0, Workspace.of(0, 0).bytes());
  }

  @Test
  void otherArraysAreAddedInNumbers() {
    Workspace one = new Workspace(100, 1000);
    assertEquals(new Workspace(100 + 8 * 3, 1000 + 8 * 5), one.plus(3, 5));
    assertEquals(new Workspace(1L << 60, 1L << 60), one.plus(1e300, Double.MAX_VALUE));
  }
}
