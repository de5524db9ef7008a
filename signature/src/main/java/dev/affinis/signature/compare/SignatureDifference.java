package dev.affinis.signature.compare;

import dev.affinis.signature.LayerScores;
import dev.affinis.signature.Score;
import dev.affinis.signature.Signature;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.ToDoubleFunction;

/**
 * What changed between two signatures of one architecture, site by site: between a model and its
 * fine-tuned, pruned or quantised copy, or between two versions of a program that measures it.
 *
 * <p>Two sites are the same if path, call number, kind and type are; their numbers may have
 * shifted. Sites that only one signature has are differences. So is a score that only one of them
 * could compute; a score that neither could is none. Immutable. Cost: linear in the sites.
 *
 * @param sites all sites: those of the first signature in its order, then those that only the
 *     second has
 */
public record SignatureDifference(List<Site> sites) {
  /** Copies the list. */
  public SignatureDifference {
    sites = List.copyOf(sites);
  }

  /**
   * One score of a site that both signatures have.
   *
   * @param score name of the score
   * @param before the score in the first signature
   * @param after the score in the second
   * @param tolerance how far they may be apart
   */
  public record Change(String score, Score before, Score after, double tolerance) {
    /**
     * Returns by how much the score rose.
     *
     * @return second minus first, if both are numbers
     */
    public OptionalDouble difference() {
      return before.number().isPresent() && after.number().isPresent()
          ? OptionalDouble.of(after.number().getAsDouble() - before.number().getAsDouble())
          : OptionalDouble.empty();
    }

    /**
     * Returns whether the scores are further apart than they may be.
     *
     * @return whether they are, or only one of them is a number
     */
    public boolean differs() {
      return difference().isPresent()
          ? Math.abs(difference().getAsDouble()) > tolerance
          : before.number().isPresent() != after.number().isPresent();
    }
  }

  /**
   * A site of either signature.
   *
   * @param before the site in the first signature, if it has it
   * @param after the site in the second, if it has it
   * @param changes the compared scores; none if only one signature has the site
   */
  public record Site(
      Optional<LayerScores> before, Optional<LayerScores> after, List<Change> changes) {
    /** Checks that there is a site and copies the list. */
    public Site {
      if (before.isEmpty() && after.isEmpty()) {
        throw new IllegalArgumentException("a site must be in one of the signatures at least");
      }
      changes = List.copyOf(changes);
    }

    /**
     * Returns the site in one of the signatures.
     *
     * @return that of the first signature if it has it, otherwise that of the second
     */
    public LayerScores either() {
      return before.or(() -> after).orElseThrow();
    }

    /**
     * Returns whether both signatures have the site.
     *
     * @return whether they do
     */
    public boolean isShared() {
      return before.isPresent() && after.isPresent();
    }

    /**
     * Returns whether the site is not the same in both.
     *
     * @return whether a score differs, or only one signature has the site
     */
    public boolean differs() {
      return !isShared() || changes.stream().anyMatch(Change::differs);
    }
  }

  /**
   * The change that is the largest.
   *
   * @param site where it is
   * @param change what it is, with a difference
   */
  public record Largest(Site site, Change change) {}

  /** What makes two sites the same; the number tells apart what a signature has several times. */
  private record Key(String path, int call, String kind, String type, int number) {}

  /**
   * Compares two signatures.
   *
   * @param before the first signature
   * @param after the second
   * @param scores names of the scores to compare, at least one
   * @param tolerance how far a score of that name may be apart: finite, at least 0
   * @return what changed
   * @throws IllegalArgumentException if no score is named, neither signature has one of the scores,
   *     or a tolerance is not finite or less than 0
   */
  public static SignatureDifference of(
      Signature before, Signature after, List<String> scores, ToDoubleFunction<String> tolerance) {
    requireScores(before, after, scores);
    for (String score : scores) {
      double value = tolerance.applyAsDouble(score);
      if (!Double.isFinite(value) || value < 0) {
        throw new IllegalArgumentException(
            "tolerance of %s must be a finite number from 0, got %s".formatted(score, value));
      }
    }
    Map<Key, LayerScores> left = byKey(before);
    Map<Key, LayerScores> right = byKey(after);
    Set<Key> keys = new LinkedHashSet<>(left.keySet());
    keys.addAll(right.keySet());
    List<Site> sites = new ArrayList<>();
    for (Key key : keys) {
      Optional<LayerScores> first = Optional.ofNullable(left.get(key));
      Optional<LayerScores> second = Optional.ofNullable(right.get(key));
      List<Change> changes =
          first.isEmpty() || second.isEmpty()
              ? List.of()
              : scores.stream()
                  .map(
                      score ->
                          new Change(
                              score,
                              score(first.get(), score),
                              score(second.get(), score),
                              tolerance.applyAsDouble(score)))
                  .toList();
      sites.add(new Site(first, second, changes));
    }
    return new SignatureDifference(sites);
  }

  private static void requireScores(Signature before, Signature after, List<String> scores) {
    if (scores.isEmpty()) {
      throw new IllegalArgumentException("no score to compare: name at least one");
    }
    Set<String> known = new LinkedHashSet<>(before.scoreNames());
    known.addAll(after.scoreNames());
    for (String score : scores) {
      if (!known.contains(score)) {
        throw new IllegalArgumentException(
            "neither signature has a score %s: they have %s"
                .formatted(score, known.isEmpty() ? "none" : String.join(", ", known)));
      }
    }
  }

  private static Map<Key, LayerScores> byKey(Signature signature) {
    Map<Key, Integer> counts = new HashMap<>();
    Map<Key, LayerScores> sites = new LinkedHashMap<>();
    for (LayerScores site : signature.layers()) {
      Key first = new Key(site.path(), site.call(), site.activation(), site.type(), 0);
      int number = counts.merge(first, 1, Integer::sum);
      sites.put(new Key(site.path(), site.call(), site.activation(), site.type(), number), site);
    }
    return sites;
  }

  private static Score score(LayerScores site, String name) {
    return site.scores().getOrDefault(name, Score.unavailable("was not measured"));
  }

  /**
   * Returns the sites that are not the same.
   *
   * @return those that differ, in the order of {@link #sites}
   */
  public List<Site> differing() {
    return sites.stream().filter(Site::differs).toList();
  }

  /**
   * Finds where a score changed most, within the tolerance or not.
   *
   * @param score name of the score
   * @return the first of the largest changes; nothing if no site has the score in both signatures
   */
  public Optional<Largest> largest(String score) {
    Largest largest = null;
    for (Site site : sites) {
      for (Change change : site.changes()) {
        if (change.score().equals(score)
            && change.difference().isPresent()
            && (largest == null || size(change) > size(largest.change()))) {
          largest = new Largest(site, change);
        }
      }
    }
    return Optional.ofNullable(largest);
  }

  private static double size(Change change) {
    return Math.abs(change.difference().orElseThrow());
  }
}
