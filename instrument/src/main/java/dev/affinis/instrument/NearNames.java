package dev.affinis.instrument;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.apache.commons.text.similarity.JaroWinklerSimilarity;

/** What a user may have meant by a name that is none: names that are spelt much like it. */
public final class NearNames {
  private static final int NAMES = 3;
  private static final JaroWinklerSimilarity SIMILARITY = new JaroWinklerSimilarity();

  private NearNames() {}

  /**
   * Finds the names that are most like a name or pattern.
   *
   * @param pattern what was given; its wildcards do not count
   * @param names what there is
   * @return up to three names, the most alike first
   */
  public static List<String> of(String pattern, Collection<String> names) {
    String text = pattern.replaceAll("[*?{}\\[\\]\\\\]", "").toLowerCase(Locale.ROOT);
    return names.stream()
        .distinct()
        .sorted(
            Comparator.comparingDouble(
                    (String name) -> SIMILARITY.apply(text, name.toLowerCase(Locale.ROOT)))
                .reversed())
        .limit(NAMES)
        .toList();
  }
}
