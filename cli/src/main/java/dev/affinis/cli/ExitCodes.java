package dev.affinis.cli;

/**
 * What the command's exit code means; other programs rely on these. A command that a signal
 * interrupts ends with 128 and the signal's number: 130 for Ctrl-C, 143 if it was asked to end.
 */
public final class ExitCodes {
  /** All that was asked for was done. */
  public static final int DONE = 0;

  /** Something went wrong that should not have: a bug. */
  public static final int BUG = 1;

  /**
   * {@code affinis diff}: the signatures differ. The number is that of {@link #BUG}, as scripts
   * expect of a command of this name.
   */
  public static final int DIFFERENT = 1;

  /** The command line was not understood. */
  public static final int WRONG_USE = 2;

  /** A file, a model or data cannot be used. */
  public static final int BAD_INPUT = 3;

  /**
   * Done, but some scores, or standard errors asked for, are missing; the signature file says why.
   */
  public static final int SCORES_MISSING = 4;

  private ExitCodes() {}
}
