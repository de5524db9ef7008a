package dev.affinis.instrument;

import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Amounts of memory as people write and read them, in units of 1024. */
public final class ByteSize {
  private static final List<String> UNITS = List.of("", "k", "m", "g", "t");
  private static final Pattern WRITTEN =
      Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*([kmgt]?)(?:i?b)?", Pattern.CASE_INSENSITIVE);

  private ByteSize() {}

  /**
   * Reads an amount.
   *
   * @param text a number with a unit: {@code 512m}, {@code 4g}, {@code 1.5GiB}, {@code 300000000};
   *     units are powers of 1024 however they are written, as for Java's own {@code -Xmx}
   * @return bytes, at least 1
   * @throws IllegalArgumentException if it is no amount, or none that can be counted
   */
  public static long parse(String text) {
    Matcher matcher = WRITTEN.matcher(text.strip());
    double bytes =
        matcher.matches()
            ? Double.parseDouble(matcher.group(1)) * scale(matcher.group(2))
            : Double.NaN;
    if (!(bytes >= 1 && bytes < Long.MAX_VALUE)) {
      throw new IllegalArgumentException(
          "expected an amount of memory such as 512m, 4g or 1.5GiB, got " + text);
    }
    return (long) bytes;
  }

  private static double scale(String unit) {
    return Math.pow(1024, UNITS.indexOf(unit.toLowerCase(Locale.ROOT)));
  }

  /**
   * Writes an amount for people.
   *
   * @param bytes at least 0
   * @return such as {@code 1.5 GiB}
   */
  public static String describe(long bytes) {
    double value = bytes;
    for (String unit : List.of("bytes", "KiB", "MiB", "GiB")) {
      if (value < 1024) {
        return unit.equals("bytes") ? bytes + " bytes" : round(value) + " " + unit;
      }
      value /= 1024;
    }
    return round(value) + " TiB";
  }

  private static String round(double value) {
    return String.format(Locale.ROOT, "%.1f", value);
  }

  /**
   * Writes an amount that is at least as large in a way that {@link #parse} reads.
   *
   * @param bytes at least 0
   * @return whole mebibytes, such as {@code 1536m}
   */
  public static String atLeast(long bytes) {
    long mebibyte = 1 << 20;
    return bytes / mebibyte + (bytes % mebibyte == 0 ? 0 : 1) + "m";
  }
}
