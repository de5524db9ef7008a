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

/**
 * Chains of sites that are scored like one: the input of the first against the output of the last.
 * Each becomes a capture of its own, of kind {@link SiteKind#SPAN}, after those of the sites.
 */
final class Spans {
  private static final Pattern NAME = Pattern.compile("(.+?)(?:#(\\d{1,9}))?(?::(\\w+))?");
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
   * @param asked their ends; each end is a path, followed by {@code #} and the number of the call
   *     if that is not the first, and by a colon and the kind where one path has several
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
      spans = resolve(captures.stream().map(Capture::site).toList());
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
      if (sites.indexOf(from) > sites.indexOf(to)) {
        throw new InvalidInputException(
            "span "
                + named.from()
                + ","
                + named.to()
                + " is in the wrong order: "
                + to.label()
                + " comes before "
                + from.label()
                + " in the model");
      }
      found.add(new Span(from, to));
    }
    return found.stream().distinct().toList();
  }

  private static Site resolve(String name, List<Site> sites) {
    Matcher parts = NAME.matcher(name);
    if (!parts.matches()) {
      throw new InvalidInputException("span ends at an empty name: expected the path of a site");
    }
    int call = parts.group(2) == null ? 1 : Integer.parseInt(parts.group(2));
    Optional<String> kind = Optional.ofNullable(parts.group(3));
    List<Site> fitting =
        sites.stream()
            .filter(site -> site.path().equals(parts.group(1)) && site.call() == call)
            .filter(site -> kind.map(site.kind().word()::equals).orElse(true))
            .toList();
    if (fitting.isEmpty()) {
      throw new InvalidInputException(
          "span ends at "
              + name
              + ", which is none of the measured sites (near are "
              + String.join(", ", NearNames.of(name, sites.stream().map(Site::path).toList()))
              + "): give PATH, PATH#CALL or PATH:KIND of a site that --sites chooses");
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
}
