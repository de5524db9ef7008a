package dev.affinis.instrument;

import java.nio.file.FileSystems;
import java.nio.file.PathMatcher;
import java.util.regex.PatternSyntaxException;

/** Patterns of paths as shells have them: {@code *}, {@code **}, {@code ?}, <code>{a,b}</code>. */
public final class Globs {
  /** What takes stack, and time that grows with its power, for each path it is held against. */
  private static final int MOST_WILDCARDS = 16;

  private Globs() {}

  /**
   * Reads a pattern.
   *
   * @param glob the pattern, with / between folders
   * @return what tells whether a path fits
   * @throws IllegalArgumentException if it is not well formed, or has more than 16 of * and {
   */
  public static PathMatcher matcher(String glob) {
    long wildcards = glob.chars().filter(c -> c == '*' || c == '{').count();
    if (wildcards > MOST_WILDCARDS) {
      throw new IllegalArgumentException(
          "has "
              + wildcards
              + " of * and {, more than "
              + MOST_WILDCARDS
              + ": use several patterns");
    }
    try {
      return FileSystems.getDefault().getPathMatcher("glob:" + glob);
    } catch (PatternSyntaxException e) {
      throw new IllegalArgumentException(
          "is not well formed: " + e.getDescription() + "; * ? {a,b} are known", e);
    }
  }
}
