package dev.affinis.instrument;

import ai.djl.util.Utils;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/**
 * Has the folder of one run for a process, as long as that lives: the operating system gives the
 * lock back, however the process ends.
 *
 * <p>How it works: a run's lock is a file in its folder, which is removed with it. Lest a process
 * wait for a file that is about to be removed while another makes a new one, locks are taken and
 * folders removed only by who has the lock of the whole cache, for that moment. On Unix a process
 * loses its locks on a file when it closes any channel to it, so those that this process has are
 * noted, and not opened again.
 */
final class RunLock implements AutoCloseable {
  /** The name of lock files, of runs and of the cache. */
  static final String FILE = "lock";

  /** What the names of folders begin with that are about to be deleted. */
  static final String TRASH = ".trash-";

  private static final Set<Path> HELD = new HashSet<>();

  /** The byte that is locked, behind the text: on Windows a locked byte cannot be read. */
  private static final long BYTE = 1L << 20;

  private final Path cache;
  private final Path run;
  private final FileChannel channel;

  private RunLock(Path cache, Path run, FileChannel channel) {
    this.cache = cache;
    this.run = run;
    this.channel = channel;
  }

  private interface Action<T> {
    T run() throws IOException;
  }

  private static <T> T guarded(Path cache, Action<T> action) throws IOException {
    synchronized (HELD) {
      try (FileChannel guard =
              FileChannel.open(
                  cache.resolve(FILE), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
          FileLock taken = guard.lock()) {
        if (!taken.isValid()) {
          throw new IOException("the lock of " + cache + " cannot be had");
        }
        return action.run();
      } catch (OverlappingFileLockException e) {
        throw new IOException("the lock of " + cache + " is taken by this process", e);
      }
    }
  }

  /**
   * Takes the folder of a run, which is made if there is none.
   *
   * @param cache the cache's folder, which exists
   * @param run the run's folder
   * @return the lock; nothing if another run has it, in this process or another
   */
  static Optional<RunLock> tryTake(Path cache, Path run) throws IOException {
    return guarded(cache, () -> take(cache, run));
  }

  /** To be called by who has the cache. */
  private static Optional<RunLock> take(Path cache, Path place) throws IOException {
    Path run = noted(place);
    return HELD.contains(run) ? Optional.empty() : open(cache, run);
  }

  /** The same path for a folder, whichever links lead there. */
  private static Path noted(Path run) throws IOException {
    return run.getParent().toRealPath().resolve(run.getFileName());
  }

  private static Optional<RunLock> open(Path cache, Path run) throws IOException {
    Files.createDirectories(run);
    FileChannel channel =
        FileChannel.open(run.resolve(FILE), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    boolean isTaken = false;
    try {
      isTaken = channel.tryLock(BYTE, 1, false) != null;
      if (isTaken) {
        String process = String.valueOf(ProcessHandle.current().pid());
        channel.truncate(0);
        channel.write(ByteBuffer.wrap(process.getBytes(StandardCharsets.UTF_8)));
        HELD.add(run);
        return Optional.of(new RunLock(cache, run, channel));
      }
      return Optional.empty();
    } finally {
      if (!isTaken) {
        channel.close();
      }
    }
  }

  /** Whether a living process has a run's folder. */
  static boolean isHeld(Path cache, Path run) throws IOException {
    return guarded(
        cache,
        () -> {
          if (!Files.isDirectory(run)) {
            return false; // it was removed just now, and is not to be made again
          }
          Optional<RunLock> free = take(cache, run);
          if (free.isPresent()) {
            free.get().close();
          }
          return free.isEmpty();
        });
  }

  /** The number of the process that has a run's folder, as far as it can be told. */
  static String holder(Path run) {
    synchronized (HELD) {
      try {
        if (HELD.contains(noted(run))) {
          return String.valueOf(ProcessHandle.current().pid());
        }
        return Files.readString(run.resolve(FILE));
      } catch (IOException e) {
        return "unknown";
      }
    }
  }

  /** Gives the folder back and deletes it. */
  void remove() throws IOException {
    Path trash = run.resolveSibling(TRASH + UUID.randomUUID());
    guarded(
        cache,
        () -> {
          release();
          return Files.move(run, trash);
        });
    Utils.deleteQuietly(trash);
  }

  private void release() throws IOException {
    channel.close();
    HELD.remove(run);
  }

  /** Gives the folder back. */
  @Override
  public void close() throws IOException {
    if (channel.isOpen()) {
      synchronized (HELD) {
        release();
      }
    }
  }
}
