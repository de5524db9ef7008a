package dev.affinis.instrument;

import dev.affinis.signature.Signature.ModelRuntime;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a user asks to be measured, checked against what a model's program has before it is loaded.
 */
final class SiteRequest {
  private final SiteFilter filter;
  private final Instrumenter program;
  private final List<PlannedSite> sites;
  private final List<SkippedSite> hidden;

  SiteRequest(SiteFilter filter, Instrumenter program) {
    this.filter = filter;
    this.program = program;
    sites = program.sites(filter);
    hidden = program.hiddenSites(filter);
  }

  /**
   * Checks that each pattern and each kind fits a site.
   *
   * @param model what the model is called
   * @throws InvalidInputException if one does not, most likely a slip of the pen, or there is
   *     nothing to measure
   */
  void requireFits(String model) {
    for (String glob : filter.modules()) {
      requireModule(glob);
    }
    if (sites.isEmpty()) {
      throw nothing(model);
    }
    List<String> paths = sites.stream().map(PlannedSite::path).toList();
    for (String glob : filter.globs()) {
      if (paths.stream().noneMatch(path -> fits(glob, path))) {
        throw unmatched("path", glob, NearNames.of(glob, paths));
      }
    }
    for (SiteKind kind : filter.kinds()) {
      if (sites.stream().noneMatch(site -> site.kind().possibleAtRunTime().contains(kind))) {
        List<String> kinds = sites.stream().map(site -> site.kind().word()).distinct().toList();
        throw unmatched("kind", kind.word(), kinds);
      }
    }
    if (sites.stream().noneMatch(filter::mayAccept)) {
      throw new InvalidInputException(
          "no "
              + types(" or ")
              + " of the model "
              + model
              + " is meant: the filter leaves all "
              + sites.size()
              + " sites out; `affinis list` shows their paths and kinds");
    }
  }

  private void requireModule(String glob) {
    boolean isThere =
        Stream.concat(
                sites.stream()
                    .filter(site -> site.kind() == SiteKind.MODULE)
                    .map(PlannedSite::path),
                hidden.stream().map(SkippedSite::path))
            .anyMatch(path -> fits(glob, path));
    if (!isThere) {
      List<String> modules =
          program.sites(filter.types(SiteType.MODULE).everyModule()).stream()
              .map(PlannedSite::path)
              .toList();
      throw new InvalidInputException(
          "no module of the model has a path that fits "
              + glob
              + (modules.isEmpty()
                  ? ": its program names no module with one tensor in and one out"
                  : ": near are " + String.join(", ", NearNames.of(glob, modules))));
    }
  }

  private InvalidInputException unmatched(String what, String asked, List<String> near) {
    return new InvalidInputException(
        "no site of the model has a "
            + what
            + " that fits "
            + asked
            + ": it has "
            + sites.size()
            + " sites, such as "
            + String.join(", ", near)
            + "; `affinis list` shows all");
  }

  private InvalidInputException nothing(String model) {
    return new InvalidInputException(
        "model "
            + model
            + " has no "
            + types(" or ")
            + " that can be captured"
            + (hidden.isEmpty()
                ? ": its program calls no " + types(" or ") + " function" + remark()
                : hidden.stream()
                    .map(s -> s.path() + " " + s.activation() + ": " + s.reason())
                    .collect(Collectors.joining("; ", " (", ")")))
            + "; if it is quantized or fused, export the float model in eval mode");
  }

  private String types(String separator) {
    return Stream.of(SiteType.values())
        .filter(filter::chooses)
        .map(SiteType::word)
        .collect(Collectors.joining(separator));
  }

  /**
   * Says of which chosen types the model has none, while it has others. What it has but cannot be
   * captured is told elsewhere, with the reason.
   *
   * @return a sentence for each
   */
  List<String> absences() {
    List<String> found = new ArrayList<>();
    for (SiteType type : SiteType.values()) {
      if (filter.chooses(type)
          && sites.stream().noneMatch(site -> site.kind().type() == type)
          && program.hiddenSites(filter.types(type)).isEmpty()) {
        found.add("the model has no " + type.word() + remark());
      }
    }
    return found;
  }

  private String remark() {
    return program.runtime() == ModelRuntime.ONNX && filter.chooses(SiteType.NORMALISATION)
        ? " (exporters fold batch normalisation into convolutions)"
        : "";
  }

  private static boolean fits(String glob, String path) {
    PathMatcher matcher = SiteFilter.matcher(glob);
    return matcher.matches(SiteFilter.asFile(path));
  }
}
