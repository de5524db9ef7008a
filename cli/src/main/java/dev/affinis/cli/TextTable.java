package dev.affinis.cli;

import com.github.freva.asciitable.AsciiTable;
import com.github.freva.asciitable.Column;
import com.github.freva.asciitable.ColumnData;
import com.github.freva.asciitable.HorizontalAlign;
import dev.affinis.signature.Score;
import java.util.List;
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
    return new Column()
        .header(TerminalWriter.harmless(header))
        .headerAlign(align)
        .dataAlign(align)
        .maxWidth(WIDTH);
  }

  /** A table without borders; what its cells hold may be anything. */
  static <T> String table(List<T> rows, List<ColumnData<T>> columns) {
    List<ColumnData<T>> harmless =
        columns.stream()
            .map(column -> column.<T>with(r -> TerminalWriter.harmless(column.getCellValue(r))))
            .toList();
    return AsciiTable.getTable(AsciiTable.NO_BORDERS, rows, harmless);
  }

  /** A score to four digits. */
  static String number(Score score) {
    return score.map(TextTable::number, reason -> "-");
  }

  static String number(double value) {
    return String.format(Locale.ROOT, "%.4f", value);
  }
}
