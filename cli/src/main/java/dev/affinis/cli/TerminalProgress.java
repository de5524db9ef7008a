package dev.affinis.cli;

import dev.affinis.instrument.MeasurementListener;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import picocli.CommandLine.Model.CommandSpec;

/** A progress bar on the error stream if that is a terminal; notices in any case. */
final class TerminalProgress implements MeasurementListener, AutoCloseable {
  /** Set by the launcher, which can tell; Java cannot. */
  private static final String TERMINAL = "affinis.terminal";

  private static final int WIDTH = 100;

  private final String name;
  private final CommandSpec spec;
  private final boolean draws;
  private ProgressBar bar;

  TerminalProgress(String name, CommandSpec spec, boolean quiet) {
    this.name = TerminalWriter.harmless(name);
    this.spec = spec;
    this.draws = !quiet && Boolean.getBoolean(TERMINAL);
  }

  @Override
  public void begin(Phase phase, long steps) {
    if (draws) {
      bar =
          new ProgressBarBuilder()
              .setTaskName(name + (phase == Phase.CAPTURE ? " capture" : " score  "))
              .setInitialMax(steps)
              .setUnit(phase == Phase.CAPTURE ? " images" : " sites", 1)
              .setStyle(ProgressBarStyle.ASCII)
              .setUpdateIntervalMillis(200)
              .showSpeed()
              .setConsumer(new ConsoleProgressBarConsumer(System.err, WIDTH))
              .build();
    }
  }

  @Override
  public void advance(long steps) {
    if (bar != null) {
      bar.stepBy(steps);
    }
  }

  @Override
  public void end() {
    close();
  }

  @Override
  public void notice(String message) {
    spec.commandLine().getErr().println(name + ": " + message);
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }
}
