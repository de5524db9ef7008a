package dev.affinis.cli;

import com.github.freva.asciitable.Column;
import com.github.freva.asciitable.HorizontalAlign;
import dev.affinis.signature.Score;
import java.util.Locale;

/** How tables on the terminal look. */
final class TextTable {
  private static final int WIDTH = 60;

  private TextTable() {}

  /** A column of words. */
  static Column left(String header) {
    return column(header, HorizontalAlign.LEFT);
  }

  /** A column of numbers. */
  static Column right(String header) {
    return column(header, HorizontalAlign.RIGHT);
  }

  private static Column column(String header, HorizontalAlign align) {
    return new Column().header(header).headerAlign(align).dataAlign(align).maxWidth(WIDTH);
  }

  /** A score to four digits. */
  static String number(Score score) {
    return score.map(TextTable::number, reason -> "-");
  }

  static String number(double value) {
    return String.format(Locale.ROOT, "%.4f", value);
  }
}
