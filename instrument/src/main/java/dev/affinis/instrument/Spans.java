package dev.affinis.instrument;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Chains of sites that are scored like one: the input of the first against the output of the last.
 * Each becomes a capture of its own, of kind {@link SiteKind#SPAN}, after those of the sites.
 */
final class Spans {
  private static final Pattern NAME =
      Pattern.compile(
          "(?<path>.+?)(?:#(?<call>\\d{1,9}))?(?::(?<kind>\\w+))?(?:#(?<last>\\d{1,9}))?");
  private static final String ARROW = " -> ";

  private final List<Named> asked;
  private List<Span> spans;

  /**
   * The two ends as a user names them.
   *
   * @param from the first site
   * @param to the last site
   */
  record Named(String from, String to) {}

  private record Span(Site from, Site to) {
    Site site() {
      return new Site(
          from.label() + ARROW + to.label(), 1, SiteKind.SPAN, to.shape(), to.dimension());
    }
  }

  /**
   * Prepares spans.
   *
   * @param asked their ends; each end is a path, followed by a colon and the kind where one path
   *     has several, and by {@code #} and the number of the call if that is not the first. A kind
   *     without a number is its first call, whatever number that has among those of its type
   */
  Spans(List<Named> asked) {
    this.asked = List.copyOf(asked);
  }

  /**
   * Adds the captures of spans both of whose ends are there.
   *
   * @param captures captures of sites; the first call must have all sites
   * @return these, and those of the spans, which share their arrays
   * @throws InvalidInputException if an end is none of the sites, or could be several, or the ends
   *     are in the wrong order
   */
  List<Capture> added(List<Capture> captures) {
    if (spans == null) {
      resolveAmong(captures.stream().map(Capture::site).toList());
    }
    Map<Site, Capture> bySite = new HashMap<>();
    captures.forEach(capture -> bySite.put(capture.site(), capture));
    List<Capture> all = new ArrayList<>(captures);
    for (Span span : spans) {
      Capture from = bySite.get(span.from());
      Capture to = bySite.get(span.to());
      if (from != null && to != null) {
        Optional<TapCounts> counts =
            from.counts()
                .flatMap(
                    first ->
                        to.counts()
                            .map(
                                last ->
                                    new TapCounts(
                                        first.smallPre(), last.smallPost(), null, last.tokens())));
        all.add(new Capture(span.site(), from.pre(), to.post(), counts));
      }
    }
    return all;
  }

  /** Finds the ends among all measured sites, which a run that goes on knows before any capture. */
  void resolveAmong(List<Site> sites) {
    spans = resolve(sites.stream().filter(site -> site.kind() != SiteKind.SPAN).toList());
  }

  /** The sites that must be captured for some to be scored: themselves, or both ends. */
  Set<Site> needed(Collection<Site> scored) {
    Set<Site> sites = new HashSet<>();
    for (Site site : scored) {
      if (site.kind() != SiteKind.SPAN) {
        sites.add(site);
        continue;
      }
      for (Span span : spans) {
        if (span.site().equals(site)) {
          sites.add(span.from());
          sites.add(span.to());
        }
      }
    }
    return sites;
  }

  private List<Span> resolve(List<Site> sites) {
    List<Span> found = new ArrayList<>();
    for (Named named : asked) {
      Site from = resolve(named.from(), sites);
      Site to = resolve(named.to(), sites);
      if (sites.indexOf(from) > sites.indexOf(to) && !isInside(to, from, sites)) {
        throw wrongOrder(named, from, to);
      }
      found.add(new Span(from, to));
    }
    return found.stream().distinct().toList();
  }

  /**
   * Whether a site ran within a module's call, so that its output comes from the module's input. A
   * module stands after the sites inside it, and before those of its next call.
   */
  private static boolean isInside(Site site, Site module, List<Site> sites) {
    boolean isBelow =
        site.path().equals(module.path()) || site.path().startsWith(module.path() + ".");
    if (module.kind() != SiteKind.MODULE || !isBelow) {
      return false;
    }
    int end = sites.indexOf(module);
    int begin = end - 1;
    while (begin >= 0 && !isSameModule(sites.get(begin), module)) {
      begin--;
    }
    int position = sites.indexOf(site);
    return begin < position && position < end;
  }

  private static boolean isSameModule(Site site, Site module) {
    return site.kind() == SiteKind.MODULE && site.path().equals(module.path());
  }

  private static InvalidInputException wrongOrder(Named named, Site from, Site to) {
    String found = to.label() + " comes before " + from.label() + " in the model";
    return new InvalidInputException(
        "span "
            + named.from()
            + ","
            + named.to()
            + " is in the wrong order: "
            + found
            + (from.kind() == SiteKind.MODULE
                ? ", and is none of the sites inside that call of the module, which alone have its"
                    + " input before them"
                : ", so that its output does not depend on that input: give the earlier site first"));
  }

  private static Site resolve(String name, List<Site> sites) {
    Matcher parts = NAME.matcher(name);
    if (!parts.matches()) {
      throw new InvalidInputException("span ends at an empty name: expected the path of a site");
    }
    List<Site> fitting = fitting(name, parts, sites);
    if (fitting.isEmpty()) {
      throw new InvalidInputException(
          "span ends at "
              + name
              + ", which is none of the measured sites (near are "
              + String.join(", ", NearNames.of(name, sites.stream().map(Site::path).toList()))
              + "): give PATH, PATH#CALL, PATH:KIND or PATH:KIND#CALL of a site that --sites"
              + " chooses");
    }
    if (fitting.size() > 1) {
      throw new InvalidInputException(
          "span ends at "
              + name
              + ", which may be "
              + String.join(
                  " or ", fitting.stream().map(s -> name + ":" + s.kind().word()).toList())
              + ": say which");
    }
    return fitting.get(0);
  }

  /** The sites that a name may mean: several only if it does not tell the kind. */
  private static List<Site> fitting(String name, Matcher parts, List<Site> sites) {
    if (parts.group("call") != null && parts.group("last") != null) {
      throw new InvalidInputException(
          "span ends at " + name + ", which has two numbers of calls: give PATH:KIND#CALL");
    }
    Optional<Integer> call =
        Stream.of("call", "last")
            .flatMap(group -> Optional.ofNullable(parts.group(group)).stream())
            .map(Integer::valueOf)
            .findFirst();
    Optional<String> kind = Optional.ofNullable(parts.group("kind"));
    Stream<Site> named =
        sites.stream()
            .filter(site -> site.path().equals(parts.group("path")))
            .filter(site -> kind.map(site.kind().word()::equals).orElse(true));
    if (kind.isPresent() && call.isEmpty()) {
      return named.limit(1).toList();
    }
    return named.filter(site -> site.call() == call.orElse(1)).toList();
  }
}
