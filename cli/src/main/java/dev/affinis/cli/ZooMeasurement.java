package dev.affinis.cli;

import dev.affinis.signature.Signature;
import dev.affinis.signature.SignatureFile;
import java.io.FilterWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.Reader;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Measures models of a zoo by {@code affinis measure}, each in a process of its own or all in this
 * one. Once {@link #stop} was called, none is measured any more.
 */
final class ZooMeasurement {
  /** How long a process may take to end by itself, behind a batch, in seconds. */
  private static final int PATIENCE = 5;

  private final boolean shared;
  private final boolean debug;
  private final Optional<Path> cache;
  private final PrintWriter err;
  private final CountDownLatch stopped = new CountDownLatch(1);
  private volatile Process child;

  /**
   * @param shared whether models are measured in this process
   * @param debug whether stack traces are printed
   * @param cache where measurements keep what is done, if they do
   * @param err where notices about models go
   */
  ZooMeasurement(boolean shared, boolean debug, Optional<Path> cache, PrintWriter err) {
    this.shared = shared;
    this.debug = debug;
    this.cache = cache;
    this.err = err;
  }

  /**
   * What came of a model.
   *
   * @param signature the signature
   * @param failure why there is none
   * @param interruption exit code of a process that was interrupted, if this one was; otherwise 0
   */
  record Outcome(Optional<Signature> signature, String failure, int interruption) {
    private static Outcome measured(Signature signature) {
      return new Outcome(Optional.of(signature), "", 0);
    }

    private static Outcome failed(String reason) {
      return new Outcome(Optional.empty(), reason, 0);
    }
  }

  /**
   * Measures a model.
   *
   * @param model the model
   * @param file where {@code measure} writes the signature
   * @return the signature, with the zoo's names of model and data; or why there is none
   */
  Outcome run(ZooModel model, Path file) throws IOException {
    List<String> args = new ArrayList<>(List.of("measure", model.model()));
    args.add("--data=" + model.data());
    args.add("--out=" + file);
    args.addAll(model.settings().arguments());
    cache.ifPresent(folder -> args.addAll(List.of("--resume-if-possible", "--cache=" + folder)));
    if (debug) {
      args.add(AffinisCommand.DEBUG);
    }
    HeldBack notices = new HeldBack(err);
    int code = shared ? runHere(args, notices) : runProcess(args, notices);
    notices.flush();
    if (shared && Interruption.isInterruption(code)) {
      return new Outcome(Optional.empty(), notices.error, code);
    }
    if (code != ExitCodes.DONE && code != ExitCodes.SCORES_MISSING) {
      return Outcome.failed(
          code > ExitCodes.SCORES_MISSING || notices.error.isEmpty()
              ? ChildProcess.describe(code)
              : notices.error);
    }
    try {
      return Outcome.measured(named(model, SignatureFile.read(file)));
    } catch (IllegalArgumentException e) {
      return Outcome.failed("measure wrote no signature: " + e.getMessage());
    } finally {
      Files.deleteIfExists(file);
    }
  }

  private static int runHere(List<String> args, Writer notices) {
    return AffinisCommand.run(
        new PrintWriter(Writer.nullWriter()),
        new PrintWriter(notices, true),
        args.toArray(String[]::new));
  }

  private int runProcess(List<String> args, Writer notices) throws IOException {
    Process process = ChildProcess.start(args);
    child = process;
    try {
      if (isStopped(0)) {
        ChildProcess.askToEnd(process);
      }
      try (Reader errors =
          new InputStreamReader(process.getErrorStream(), AffinisCommand.terminalCharset())) {
        errors.transferTo(notices);
      }
      int code = process.waitFor();
      // A terminal interrupts both processes at once; this one may not have noticed yet.
      if (Interruption.isInterruption(code)) {
        isStopped(PATIENCE);
      }
      return code;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while a model was measured", e);
    } finally {
      process.destroyForcibly();
      child = null;
    }
  }

  /** Whether {@link #stop} was called, or is within some seconds. */
  boolean isStopped(int seconds) {
    try {
      return stopped.await(seconds, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return true;
    }
  }

  /** Ends the process that measures; returns once it has ended. */
  void stop() {
    stopped.countDown();
    Process process = child;
    if (process != null) {
      ChildProcess.askToEnd(process);
      try {
        if (!process.waitFor(PATIENCE, TimeUnit.SECONDS)) {
          process.destroyForcibly();
        }
      } catch (InterruptedException e) {
        process.destroyForcibly();
        Thread.currentThread().interrupt();
      }
    }
  }

  /** The signature, with the data as the zoo's file names them: no path of this machine. */
  private static Signature named(ZooModel model, Signature signature) {
    Signature.Model measured = signature.model();
    return new Signature(
            new Signature.Model(
                model.name(), measured.runtime(), measured.sha256(), measured.parameters()),
            signature.data(),
            signature.settings(),
            signature.layers(),
            signature.skipped())
        .withSource(model.source());
  }

  /**
   * Hands on what a command prints as it comes, progress bars included, but for the line that says
   * why it ended, which is told by the zoo.
   */
  private static final class HeldBack extends FilterWriter {
    private static final String PREFIX = "affinis: ";
    private static final String COMMAND = "affinis measure: ";

    private final StringBuilder line = new StringBuilder();
    private boolean handedOn;
    private String error = "";

    HeldBack(PrintWriter out) {
      super(out);
    }

    @Override
    public void write(int c) throws IOException {
      char letter = (char) c;
      boolean ends = letter == '\n' || letter == '\r';
      if (handedOn) {
        out.write(letter);
      } else {
        take(letter, ends);
      }
      if (ends) {
        line.setLength(0);
        handedOn = false;
        out.flush();
      }
    }

    /** One more letter of a line that may yet be an error. */
    private void take(char letter, boolean ends) throws IOException {
      line.append(letter);
      String text = line.toString();
      if (!startsLike(text, PREFIX) && !startsLike(text, COMMAND)) {
        out.write(text);
        handedOn = true;
      } else if (ends) {
        error = text.substring(text.indexOf(": ") + 2).strip();
      }
    }

    private static boolean startsLike(String text, String prefix) {
      return text.length() < prefix.length() ? prefix.startsWith(text) : text.startsWith(prefix);
    }

    @Override
    public void write(char[] text, int offset, int length) throws IOException {
      for (int i = offset; i < offset + length; i++) {
        write(text[i]);
      }
    }

    @Override
    public void write(String text, int offset, int length) throws IOException {
      write(text.toCharArray(), offset, length);
    }
  }
}
