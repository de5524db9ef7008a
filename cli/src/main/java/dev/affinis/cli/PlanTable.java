package dev.affinis.cli;

import dev.affinis.instrument.ByteSize;
import dev.affinis.instrument.MeasurementPlan;
import dev.affinis.instrument.MemoryPlan;
import dev.affinis.instrument.MemoryPlan.SiteMemory;
import dev.affinis.instrument.PlannedSite;
import dev.affinis.instrument.SkippedSite;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** Writes what a measurement would do for a person to read. */
final class PlanTable {
  private PlanTable() {}

  /** A table with a row per site, then what is skipped, then the memory to expect. */
  static String render(MeasurementPlan plan) {
    StringBuilder text = new StringBuilder();
    text.append(
        TextTable.table(
            plan.memory().sites(),
            List.of(
                TextTable.left("site").with(s -> s.site().path()),
                TextTable.right("call").with(s -> s.site().call() + ""),
                TextTable.left("kind").with(s -> s.site().kind().word()),
                TextTable.left("type").with(s -> s.site().kind().type().word()),
                TextTable.left("shape").with(s -> s.site().shapeList().toString()),
                TextTable.right("channels").with(s -> s.site().dimension() + ""),
                TextTable.right("rows").with(s -> rows(plan) + " x " + s.site().dimension()),
                TextTable.right("captures").with(s -> ByteSize.describe(s.captureBytes())))));
    return text.append(skipped(plan.skipped()))
        .append("\nfor ")
        .append(plan.batches() == 1 ? "" : plan.batches() + " batches of ")
        .append(plan.samples())
        .append(" samples of ")
        .append(
            Arrays.stream(plan.sampleShape().getShape())
                .mapToObj(String::valueOf)
                .collect(Collectors.joining(" x ")))
        .append(": captures take ")
        .append(ByteSize.describe(plan.captureBytes()))
        .append(", the widest site's score about ")
        .append(ByteSize.describe(plan.scoreBytes()))
        .append(" more on the device and ")
        .append(ByteSize.describe(plan.heapBytes()))
        .append(" of the Java heap (which may grow to ")
        .append(ByteSize.describe(Runtime.getRuntime().maxMemory()))
        .append(")")
        .toString();
  }

  private static String rows(MeasurementPlan plan) {
    return (plan.batches() == 1 ? "" : plan.batches() + " x ") + plan.samples();
  }

  /** How the memory budget is kept, line by line. */
  static String render(MemoryPlan plan) {
    List<String> lines = new ArrayList<>();
    lines.add(
        "memory: captures and scores keep within "
            + ByteSize.describe(plan.budget())
            + "; the model and a batch come on top");
    String captures = ByteSize.describe(plan.captureBytes());
    lines.add(
        plan.place() == MemoryPlan.Place.MEMORY
            ? "captures: in memory"
            : "captures: in a file in " + plan.spillDirectory() + ", removed when the run ends");
    int passes = plan.passes().size();
    lines.add(
        passes == 1
            ? "data: go through the model once, " + captures + " of captures"
            : "data: go through the model "
                + passes
                + " times, "
                + captures
                + " of captures in all");
    for (int pass = 0; passes > 1 && pass < passes; pass++) {
      lines.add("  " + (pass + 1) + ". " + describe(plan, pass));
    }
    int threads = plan.scoringThreads();
    lines.add(
        "scores: "
            + (threads == 1 ? "one site after the other" : "up to " + threads + " sites at once")
            + ", the most expensive first");
    return lines.stream().map(TerminalWriter::harmless).collect(Collectors.joining("\n"));
  }

  private static String describe(MemoryPlan plan, int pass) {
    List<SiteMemory> sites = plan.sites(pass);
    return sites.size()
        + (sites.size() == 1 ? " site, " : " sites, from ")
        + sites.get(0).site().label()
        + (sites.size() == 1 ? "" : " to " + sites.get(sites.size() - 1).site().label())
        + ", "
        + ByteSize.describe(plan.captureBytes(pass))
        + " of captures";
  }

  /** What the program says alone; how often and with what shapes sites run is not known. */
  static String render(List<PlannedSite> sites, List<SkippedSite> skipped) {
    return TextTable.table(
            sites,
            List.of(
                TextTable.left("site").with(PlannedSite::path),
                TextTable.left("kind").with(s -> s.kind().word()),
                TextTable.left("type").with(s -> s.kind().type().word())))
        + skipped(skipped);
  }

  private static String skipped(List<SkippedSite> sites) {
    return sites.stream()
        .map(site -> "skipped " + site.path() + ": " + site.reason())
        .map(line -> "\n" + TerminalWriter.harmless(line))
        .collect(Collectors.joining());
  }
}
