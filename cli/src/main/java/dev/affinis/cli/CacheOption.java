package dev.affinis.cli;

import dev.affinis.instrument.RunCache;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Where measurements keep what another run can go on with. */
final class CacheOption {
  @Option(
      names = "--cache",
      paramLabel = "DIR",
      description = {
        "Where captures and scores are kept for --resume (default: the environment variable",
        "AFFINIS_CACHE, or affinis in the user's folder for caches)."
      })
  private Path folder;

  /** Whether a folder was named. */
  boolean isGiven() {
    return folder != null;
  }

  RunCache open() {
    return folder == null ? RunCache.ofUser() : new RunCache(folder);
  }
}
