package dev.affinis.cli;

import dev.affinis.instrument.InvalidInputException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file that a command is asked to write. */
final class OutputFile {
  private OutputFile() {}

  /** Better told now than after the work is done. */
  static void requireWritable(Path out) {
    Path folder = out.toAbsolutePath().getParent();
    if (Files.isDirectory(out)) {
      throw new InvalidInputException("output " + out + " is a folder: give a file name");
    }
    if (!Files.isDirectory(folder)) {
      throw new InvalidInputException(
          "output folder " + folder + " does not exist: create it first");
    }
    if (!Files.isWritable(folder)) {
      throw new InvalidInputException(
          "output folder " + folder + " is not writable: choose another place");
    }
  }
}
