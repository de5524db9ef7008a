package dev.affinis.cli;

import com.github.freva.asciitable.AsciiTable;
import com.github.freva.asciitable.Column;
import com.github.freva.asciitable.HorizontalAlign;
import dev.affinis.instrument.MeasurementPlan;
import dev.affinis.instrument.PlannedSite;
import dev.affinis.instrument.Site;
import dev.affinis.instrument.SkippedSite;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Writes what a measurement would do for a person to read. */
final class PlanTable {
  private static final double MEBIBYTE = 1 << 20;

  private PlanTable() {}

  /** A table with a row per site, then what is skipped, then the memory to expect. */
  static String render(MeasurementPlan plan) {
    StringBuilder text = new StringBuilder();
    text.append(
        AsciiTable.getTable(
            AsciiTable.NO_BORDERS,
            plan.sites(),
            List.of(
                column("site", HorizontalAlign.LEFT).with(Site::path),
                column("call", HorizontalAlign.RIGHT).with(s -> String.valueOf(s.call())),
                column("kind", HorizontalAlign.LEFT).with(s -> s.kind().word()),
                column("shape", HorizontalAlign.LEFT).with(s -> s.shapeList().toString()),
                column("channels", HorizontalAlign.RIGHT).with(s -> String.valueOf(s.dimension())),
                column("rows", HorizontalAlign.RIGHT)
                    .with(s -> plan.samples() + " x " + s.dimension()),
                column("captures", HorizontalAlign.RIGHT).with(s -> size(plan.captureBytes(s))))));
    return text.append(skipped(plan.skipped()))
        .append("\nfor ")
        .append(plan.samples())
        .append(" samples of ")
        .append(
            Arrays.stream(plan.sampleShape().getShape())
                .mapToObj(String::valueOf)
                .collect(Collectors.joining(" x ")))
        .append(": captures take ")
        .append(size(plan.captureBytes()))
        .append(", the widest site's score about ")
        .append(size(plan.scoreBytes()))
        .append(" more on the device and ")
        .append(size(plan.heapBytes()))
        .append(" of the Java heap (which may grow to ")
        .append(size(Runtime.getRuntime().maxMemory()))
        .append(")")
        .toString();
  }

  /** What the program says alone; how often and with what shapes sites run is not known. */
  static String render(List<PlannedSite> sites, List<SkippedSite> skipped) {
    return AsciiTable.getTable(
            AsciiTable.NO_BORDERS,
            sites,
            List.of(
                column("site", HorizontalAlign.LEFT).with(PlannedSite::path),
                column("kind", HorizontalAlign.LEFT).with(s -> s.kind().word())))
        + skipped(skipped);
  }

  private static String skipped(List<SkippedSite> sites) {
    return sites.stream()
        .map(site -> "\nskipped " + site.path() + ": " + site.reason())
        .collect(Collectors.joining());
  }

  private static String size(long bytes) {
    return String.format(Locale.ROOT, "%.1f MiB", bytes / MEBIBYTE);
  }

  private static Column column(String header, HorizontalAlign align) {
    return new Column().header(header).headerAlign(align).dataAlign(align).maxWidth(60);
  }
}
