package dev.affinis.cli;

import java.io.PrintWriter;
import java.util.regex.Pattern;

/**
 * What the command prints to. A line printed by {@link #println(String)} is one line whatever is in
 * it, and moves no cursor: names of models, sites and files come from strangers, who may have
 * written anything into them. Text of several lines is printed by {@link #printLines}.
 */
final class TerminalWriter extends PrintWriter {
  /** Control characters, line and paragraph separators, and what turns the direction of text. */
  private static final Pattern HARMFUL =
      Pattern.compile("[\\p{Cc}\\u061C\\u200E\\u200F\\u2028-\\u202E\\u2066-\\u2069]");

  TerminalWriter(PrintWriter out) {
    super(out, true);
  }

  /** Text with U+FFFD in the place of each character that is no letter of a line. */
  static String harmless(String text) {
    return HARMFUL.matcher(text).replaceAll("\uFFFD");
  }

  @Override
  public void println(String line) {
    super.println(harmless(String.valueOf(line)));
  }

  /** Prints text of several lines, such as a table, whose own parts are harmless. */
  static void printLines(String text, PrintWriter out) {
    text.lines().forEach(out::println);
  }
}
