package dev.affinis.cli;

import dev.affinis.instrument.InvalidInputException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.Charset;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.Arrays;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;

/** The {@code affinis} command. */
@Command(
    name = "affinis",
    description = "Measures how non-linear every layer of a neural network really is.",
    subcommands = {
      ListCommand.class,
      MeasureCommand.class,
      CompareCommand.class,
      DiffCommand.class,
      ZooCommand.class,
      CacheCommand.class,
      DemoCommand.class
    },
    mixinStandardHelpOptions = true,
    versionProvider = AffinisCommand.Version.class,
    synopsisSubcommandLabel = "COMMAND",
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:done",
      "1:a bug",
      "2:wrong use of the command line",
      "3:bad input (a file, a model, data)",
      "4:done, but some scores are missing",
      "130, 143, 129:interrupted by Ctrl-C, asked to end, terminal closed (128 and the signal)"
    })
public final class AffinisCommand {
  static final String DEBUG = "--debug";

  @Option(
      names = DEBUG,
      scope = ScopeType.INHERIT,
      description = "Print stack traces and the engine's log.")
  private boolean debug;

  private AffinisCommand() {}

  /**
   * Runs the command and ends the process with its exit code.
   *
   * @param args the command line
   */
  public static void main(String[] args) {
    ChildProcess.endWithParent();
    System.exit(
        run(
            new PrintWriter(System.out, true, terminalCharset()),
            new PrintWriter(System.err, true, terminalCharset()),
            args));
  }

  /** What the platform says its terminal reads. */
  static Charset terminalCharset() {
    return Charset.forName(System.getProperty("native.encoding", "UTF-8"));
  }

  /**
   * Runs the command in this process.
   *
   * @param out where results are printed
   * @param err where notices and errors are printed
   * @param args the command line
   * @return the exit code, see {@link ExitCodes}
   */
  public static int run(PrintWriter out, PrintWriter err, String... args) {
    // These are read once, when the first class of the engine or logger is loaded.
    String level = Arrays.asList(args).contains(DEBUG) ? "info" : "off";
    setDefault("org.slf4j.simpleLogger.defaultLogLevel", level);
    setDefault("OPT_OUT_TRACKING", "true");
    AffinisCommand command = new AffinisCommand();
    CommandLine line =
        new CommandLine(command)
            .setOut(new TerminalWriter(out))
            .setErr(new TerminalWriter(err))
            .setParameterExceptionHandler(AffinisCommand::wrongUse)
            .setExecutionExceptionHandler((e, cli, parsed) -> command.failed(e, cli));
    try {
      return line.execute(args);
    } catch (OutOfMemoryError e) {
      return command.stopped(
          line.getErr(),
          e,
          ExitCodes.BAD_INPUT,
          "not enough Java memory: pass fewer --samples, or set AFFINIS_JAVA_OPTS=-Xmx8g or more");
    } catch (LinkageError e) {
      return command.stopped(
          line.getErr(),
          e,
          ExitCodes.BUG,
          "the engine's native libraries cannot be loaded: " + e.getMessage());
    }
  }

  /** An error that picocli does not hand to its exception handler. */
  private int stopped(PrintWriter err, Throwable e, int code, String message) {
    err.println("affinis: " + oneLine(message));
    if (debug) {
      e.printStackTrace(err);
    }
    return code;
  }

  private static void setDefault(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }

  private static int wrongUse(ParameterException e, String[] args) {
    CommandLine cli = e.getCommandLine();
    PrintWriter err = cli.getErr();
    String name = cli.getCommandSpec().qualifiedName();
    err.println(name + ": " + oneLine(e.getMessage()) + " (see " + name + " --help)");
    return ExitCodes.WRONG_USE;
  }

  private int failed(Exception e, CommandLine cli) {
    PrintWriter err = cli.getErr();
    boolean badInput =
        e instanceof InvalidInputException
            || e instanceof IOException
            || e instanceof UncheckedIOException;
    String name = cli.getCommandSpec().qualifiedName();
    err.println(
        name
            + ": "
            + (badInput
                ? describe(e)
                : "unexpected " + e.getClass().getSimpleName() + ": " + oneLine(e.getMessage()))
            + (badInput || debug ? "" : " (run again with --debug for details)"));
    if (debug) {
      e.printStackTrace(err);
    }
    return badInput ? ExitCodes.BAD_INPUT : ExitCodes.BUG;
  }

  private static String describe(Exception e) {
    Throwable cause = e instanceof UncheckedIOException ? e.getCause() : e;
    if (cause instanceof AccessDeniedException denied) {
      return denied.getFile() + ": permission denied, choose another place or change permissions";
    }
    if (cause instanceof FileAlreadyExistsException there) {
      return there.getFile() + " is a file: give another name, or a folder";
    }
    if (cause instanceof NoSuchFileException none) {
      return none.getFile() + " does not exist: create its folder first, or give another name";
    }
    if (cause instanceof FileSystemException file && file.getReason() == null) {
      return file.getFile() + ": " + cause.getClass().getSimpleName();
    }
    return oneLine(cause.getMessage());
  }

  private static String oneLine(String message) {
    return String.valueOf(message).strip().replaceAll("\\s*\\R\\s*", " ");
  }

  /** Whether the user asked for stack traces. */
  boolean debug() {
    return debug;
  }

  /** Reads the version that the build wrote into the jar. */
  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = AffinisCommand.class.getPackage().getImplementationVersion();
      return new String[] {"affinis " + (version == null ? "(unpackaged)" : version)};
    }
  }
}
