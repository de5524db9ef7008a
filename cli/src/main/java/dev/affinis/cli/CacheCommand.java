package dev.affinis.cli;

import dev.affinis.instrument.ByteSize;
import dev.affinis.instrument.RunCache;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code affinis cache}: what interrupted measurements left. */
@Command(
    name = "cache",
    description = "Shows and deletes what interrupted measurements kept to go on with.",
    subcommands = {CacheCommand.ListEntries.class, CacheCommand.Clean.class},
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "list|clean")
final class CacheCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "expected list or clean");
  }

  private static String table(List<RunCache.Entry> entries) {
    Instant now = Instant.now();
    return TextTable.table(
        entries,
        Arrays.asList(
            TextTable.left("model").with(entry -> entry.model().orElse("(damaged)")),
            TextTable.left("data").with(RunCache.Entry::data),
            TextTable.right("captured").with(entry -> of(entry.captured(), entry.samples())),
            TextTable.right("scored").with(entry -> of(entry.scored(), entry.sites())),
            TextTable.right("size").with(entry -> ByteSize.describe(entry.bytes())),
            TextTable.right("age")
                .with(entry -> ZooProgress.words(Duration.between(entry.changed(), now).toNanos())),
            TextTable.left("").with(entry -> entry.isInUse() ? "in use" : ""),
            TextTable.left("settings that differ").with(entry -> differing(entry, entries))));
  }

  /** What tells a measurement from others of the same names of model and data. */
  private static String differing(RunCache.Entry entry, List<RunCache.Entry> entries) {
    List<Map<String, String>> alike =
        entries.stream()
            .filter(e -> e.model().isPresent() && e.model().equals(entry.model()))
            .filter(e -> e.data().equals(entry.data()))
            .map(RunCache.Entry::settings)
            .toList();
    return entry.settings().entrySet().stream()
        .filter(s -> alike.stream().anyMatch(e -> !s.getValue().equals(e.get(s.getKey()))))
        .map(setting -> setting.getKey() + " " + setting.getValue())
        .collect(Collectors.joining(", "));
  }

  private static String of(int done, int all) {
    return done + " of " + (all == 0 ? "?" : all);
  }

  private static String sizeOf(List<RunCache.Entry> entries) {
    return ByteSize.describe(entries.stream().mapToLong(RunCache.Entry::bytes).sum());
  }

  private static String measurements(int count) {
    return count + (count == 1 ? " measurement" : " measurements");
  }

  /** {@code affinis cache list}. */
  @Command(
      name = "list",
      description =
          "Lists what is kept: model, data, how far it is, size and age, and in which settings"
              + " measurements of one model and data differ.",
      mixinStandardHelpOptions = true,
      sortOptions = false,
      usageHelpAutoWidth = true)
  static final class ListEntries implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Mixin private CacheOption cache;

    @Override
    public Integer call() throws IOException {
      PrintWriter out = spec.commandLine().getOut();
      RunCache opened = cache.open();
      List<RunCache.Entry> entries = opened.list();
      if (!entries.isEmpty()) {
        TerminalWriter.printLines(table(entries), out);
      }
      out.println(
          measurements(entries.size())
              + " in "
              + opened.folder()
              + (entries.isEmpty() ? "" : ", " + sizeOf(entries)));
      return ExitCodes.DONE;
    }
  }

  /** {@code affinis cache clean}. */
  @Command(
      name = "clean",
      description = "Deletes what is kept, but for what a running process is at.",
      mixinStandardHelpOptions = true,
      sortOptions = false,
      usageHelpAutoWidth = true)
  static final class Clean implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Mixin private CacheOption cache;

    @Option(
        names = "--older-than",
        paramLabel = "DAYS",
        defaultValue = "0",
        description = "Only what did not get on for so many days (default: all).")
    private double days;

    @Override
    public Integer call() throws IOException {
      if (!(days >= 0) || days > Integer.MAX_VALUE) {
        throw new ParameterException(
            spec.commandLine(), "--older-than must be a number of days from 0, got " + days);
      }
      RunCache opened = cache.open();
      Instant before = Instant.now().minusSeconds((long) (days * Duration.ofDays(1).toSeconds()));
      List<RunCache.Entry> deleted = opened.clean(days == 0 ? Instant.MAX : before);
      List<RunCache.Entry> left = opened.list();
      long busy = left.stream().filter(RunCache.Entry::isInUse).count();
      spec.commandLine()
          .getOut()
          .println(
              "deleted "
                  + measurements(deleted.size())
                  + (deleted.isEmpty() ? "" : ", " + sizeOf(deleted))
                  + "; "
                  + left.size()
                  + " left in "
                  + opened.folder()
                  + (busy == 0 ? "" : ", " + busy + " of them in use"));
      return ExitCodes.DONE;
    }
  }
}
