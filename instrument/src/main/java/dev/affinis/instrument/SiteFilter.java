package dev.affinis.instrument;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Which sites of a model are meant: those of the chosen types whose path fits one of the globs,
 * whose kind is one of the kinds, and whose position in the order of execution lies in the range.
 *
 * <p>A glob is matched against the whole path, where {@code *} stands for anything within one
 * module name, {@code **} for anything, {@code ?} for one character and {@code {a,b}} for either:
 * {@code features.*}, {@code layer?.**}, {@code **.{act1,act2}}.
 *
 * @param types families of sites; none means those of the kinds, and activations if there are no
 *     kinds either
 * @param modules globs of the paths of modules that are sites as a whole, if {@link
 *     SiteType#MODULE} is among the types; none means every module
 * @param globs patterns of paths; none means every path
 * @param kinds what is called; none means every kind of the chosen types
 * @param first position of the first site, from 0
 * @param last position of the last site
 */
public record SiteFilter(
    Set<SiteType> types,
    List<String> modules,
    List<String> globs,
    Set<SiteKind> kinds,
    int first,
    int last) {
  /** Accepts every activation. */
  public static final SiteFilter ALL =
      new SiteFilter(Set.of(), List.of(), List.of(), Set.of(), 0, Integer.MAX_VALUE);

  /** What stands before the glob of a module. */
  private static final String MODULE = SiteType.MODULE.choice() + ":";

  /** Checks the range and the globs. */
  public SiteFilter {
    types = Set.copyOf(types);
    modules = List.copyOf(modules);
    globs = List.copyOf(globs);
    kinds = Set.copyOf(kinds);
    if (first < 0 || last < first) {
      throw new IllegalArgumentException(
          "range of sites must be ascending from 0 or more, got " + first + " to " + last);
    }
    if (types.contains(SiteType.SPAN) || kinds.contains(SiteKind.SPAN)) {
      throw new IllegalArgumentException(
          "a span is no call in a model: ask for it by its two ends");
    }
    for (String glob : Stream.concat(modules.stream(), globs.stream()).toList()) {
      if (glob.isBlank()) {
        throw new IllegalArgumentException("a glob is empty: expected one such as features.*");
      }
      matcher(glob);
    }
  }

  /**
   * Reads what a user asks for.
   *
   * @param words each either the name of a type ({@code activations}, {@code pooling}, {@code
   *     normalisation}, {@code gates}, {@code attention}), or {@code module:GLOB} for modules as a
   *     whole, or a glob of paths that all of these are narrowed down to
   * @return the filter; for activations if no type is among the words
   * @throws IllegalArgumentException if a glob is not well formed
   */
  public static SiteFilter of(List<String> words) {
    Set<SiteType> types = EnumSet.noneOf(SiteType.class);
    List<String> modules = new ArrayList<>();
    List<String> globs = new ArrayList<>();
    for (String word : words) {
      Optional<SiteType> type = byName(word);
      if (type.isPresent()) {
        types.add(type.get());
      } else if (word.startsWith(MODULE)) {
        types.add(SiteType.MODULE);
        modules.add(word.substring(MODULE.length()));
      } else {
        globs.add(word);
      }
    }
    return new SiteFilter(types, modules, globs, Set.of(), 0, Integer.MAX_VALUE);
  }

  /** The type that a word is reserved for; modules need a glob. */
  private static Optional<SiteType> byName(String word) {
    return EnumSet.range(SiteType.ACTIVATION, SiteType.ATTENTION).stream()
        .filter(type -> type.choice().equals(word))
        .findFirst();
  }

  /**
   * The same filter for other types.
   *
   * @param families the types; with {@link SiteType#MODULE} every module, unless {@link #modules}
   *     narrows them down
   * @return the other filter
   */
  public SiteFilter types(SiteType... families) {
    return new SiteFilter(Set.of(families), modules, globs, kinds, first, last);
  }

  /**
   * The same filter with whole modules as sites, next to the types that were asked for.
   *
   * @param patterns globs of their paths
   * @return the other filter
   * @throws IllegalArgumentException if a glob is not well formed
   */
  public SiteFilter modules(String... patterns) {
    Set<SiteType> more = EnumSet.of(SiteType.MODULE);
    more.addAll(types);
    return new SiteFilter(more, List.of(patterns), globs, kinds, first, last);
  }

  /**
   * The same filter for other paths.
   *
   * @param patterns globs, one of which must fit
   * @return the narrower filter
   * @throws IllegalArgumentException if a glob is not well formed
   */
  public SiteFilter paths(String... patterns) {
    return new SiteFilter(types, modules, List.of(patterns), kinds, first, last);
  }

  /**
   * The same filter for other kinds.
   *
   * @param functions what is called
   * @return the narrower filter
   */
  public SiteFilter kinds(SiteKind... functions) {
    return new SiteFilter(types, modules, globs, Set.of(functions), first, last);
  }

  /**
   * The same filter for other positions in the order of execution, as {@code index} in a signature
   * of the same types counts them when nothing else is filtered.
   *
   * @param from position of the first site, from 0
   * @param to position of the last site
   * @return the narrower filter
   */
  public SiteFilter indices(int from, int to) {
    return new SiteFilter(types, modules, globs, kinds, from, to);
  }

  /**
   * Returns what decides which calls are observed at all.
   *
   * @return a filter with the same types and modules, and nothing else
   */
  public SiteFilter choice() {
    return new SiteFilter(chosenTypes(), modules, List.of(), Set.of(), 0, Integer.MAX_VALUE);
  }

  /** The same choice, of all modules instead of some. */
  SiteFilter everyModule() {
    return new SiteFilter(chosenTypes(), List.of(), globs, kinds, first, last);
  }

  private Set<SiteType> chosenTypes() {
    if (!types.isEmpty()) {
      return types;
    }
    return kinds.isEmpty()
        ? Set.of(SiteType.ACTIVATION)
        : kinds.stream().map(SiteKind::type).collect(Collectors.toSet());
  }

  /**
   * Whether sites of a type are observed.
   *
   * @param type the type
   * @return whether it is chosen
   */
  public boolean chooses(SiteType type) {
    return chosenTypes().contains(type);
  }

  /**
   * Whether calls of this path and kind are observed and numbered, be they meant or not.
   *
   * @param path path of the site
   * @param kind what is called
   * @return whether its type is chosen, and if it is a module, the module, too
   */
  public boolean observes(String path, SiteKind kind) {
    return chooses(kind.type())
        && (kind.type() != SiteType.MODULE || modules.isEmpty() || fits(modules, path));
  }

  /** The same filter for some of the paths that it accepts, which are meant literally. */
  SiteFilter within(Collection<String> some) {
    List<String> literal =
        some.stream().map(path -> path.replaceAll("[\\\\*?{}\\[\\]]", "\\\\$0")).sorted().toList();
    return new SiteFilter(types, modules, literal, kinds, first, last);
  }

  /**
   * Whether a site of this path and kind can be meant, whatever its position.
   *
   * @param path path of the site
   * @param kind what is called
   * @return whether path and kind fit
   */
  public boolean mayAccept(String path, SiteKind kind) {
    return observes(path, kind)
        && (kinds.isEmpty() || kinds.contains(kind))
        && (globs.isEmpty() || fits(globs, path));
  }

  private static boolean fits(List<String> patterns, String path) {
    Path file;
    try {
      file = asFile(path);
    } catch (InvalidPathException e) {
      // Names of modules are anyone's; those of files are not on every system.
      String plain = inAscii(path);
      return patterns.stream().anyMatch(glob -> matcher(inAscii(glob)).matches(asFile(plain)));
    }
    return patterns.stream().anyMatch(glob -> matcher(glob).matches(file));
  }

  private static String inAscii(String text) {
    StringBuilder ascii = new StringBuilder();
    text.chars()
        .forEach(
            c -> {
              if (c >= ' ' && c <= '~') {
                ascii.append((char) c);
              } else {
                ascii.append('~').append(Integer.toHexString(c));
              }
            });
    return ascii.toString();
  }

  /** Whether one of the sites that a planned call may turn out to be can be meant. */
  boolean mayAccept(PlannedSite site) {
    return site.kind().possibleAtRunTime().stream().anyMatch(kind -> mayAccept(site.path(), kind));
  }

  /**
   * Whether a site is meant.
   *
   * @param index its position in the order of execution, from 0
   * @param path path of the site
   * @param kind what is called
   * @return whether all three fit
   */
  public boolean accepts(int index, String path, SiteKind kind) {
    return index >= first && index <= last && mayAccept(path, kind);
  }

  /** What it asks for, by name, for signature files. */
  Map<String, Object> describe() {
    Map<String, Object> parts = new LinkedHashMap<>();
    if (!types.isEmpty()) {
      parts.put("types", types.stream().map(SiteType::word).sorted().toList());
    }
    if (!modules.isEmpty()) {
      parts.put("modules", modules);
    }
    if (!globs.isEmpty()) {
      parts.put("paths", globs);
    }
    if (!kinds.isEmpty()) {
      parts.put("kinds", kinds.stream().map(SiteKind::word).sorted().toList());
    }
    if (first > 0 || last < Integer.MAX_VALUE) {
      parts.put("indices", List.of(first, last));
    }
    return parts;
  }

  /** Module names are to a path what folders are to a file. */
  static PathMatcher matcher(String glob) {
    try {
      return Globs.matcher(glob.replace('.', '/'));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("glob " + glob + " " + e.getMessage(), e);
    }
  }

  static Path asFile(String path) {
    return Path.of(path.replace('.', '/'));
  }
}
