package dev.affinis.instrument;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ByteSizeTest {
  @ParameterizedTest
  @CsvSource({
    "512m, 536870912",
    "4g, 4294967296",
    "4GiB, 4294967296",
    "4 GB, 4294967296",
    "1.5G, 1610612736",
    "300000, 300000",
    "12b, 12",
    "2KiB, 2048",
    "1t, 1099511627776",
    "' 1M ', 1048576",
  })
  void amountsAreReadWithTheirUnits(String text, long bytes) {
    assertEquals(bytes, ByteSize.parse(text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "g", "4x", "-4g", "4,5g", "0", "0.1", "4 g b", "1e9", "99999999999t", "NaN"})
  void whatIsNoAmountIsRefused(String text) {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> ByteSize.parse(text));
    assertTrue(e.getMessage().contains("512m"), e.getMessage());
    assertTrue(e.getMessage().endsWith("got " + text), e.getMessage());
  }

  @Test
  void amountsAreWrittenInTheirUnit() {
    assertEquals("0 bytes", ByteSize.describe(0));
    assertEquals("1023 bytes", ByteSize.describe(1023));
    assertEquals("1.5 KiB", ByteSize.describe(1536));
    assertEquals("160.0 MiB", ByteSize.describe(160L << 20));
    assertEquals("4.0 GiB", ByteSize.describe(4L << 30));
    assertEquals("8.0 TiB", ByteSize.describe(8L << 40));
  }

  @Test
  void whatIsProposedIsEnough() {
    for (long bytes : new long[] {1, 1 << 20, (1 << 20) + 1, 5_000_000_000L}) {
      assertTrue(ByteSize.parse(ByteSize.atLeast(bytes)) >= bytes);
    }
    assertEquals("2m", ByteSize.atLeast((1 << 20) + 1));
  }
}
