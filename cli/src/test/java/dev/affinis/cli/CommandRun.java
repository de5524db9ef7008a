package dev.affinis.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Arrays;

/** What one run of the command line gave. */
record CommandRun(int code, String out, String err) {
  /** Runs the command line in this process; arguments are turned into text. */
  static CommandRun of(Object... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code =
        AffinisCommand.run(
            new PrintWriter(out, true),
            new PrintWriter(err, true),
            Arrays.stream(args).map(String::valueOf).toArray(String[]::new));
    return new CommandRun(code, out.toString(), err.toString());
  }
}
