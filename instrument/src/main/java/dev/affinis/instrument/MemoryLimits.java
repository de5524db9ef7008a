package dev.affinis.instrument;

import com.sun.management.OperatingSystemMXBean;
import dev.affinis.instrument.MemoryPlan.Place;
import dev.affinis.instrument.MemoryPlan.SiteMemory;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * What a measurement may take of the machine, and the planning that follows from it.
 *
 * @param budget bytes for captures and scores; none given means half of the machine's memory (of
 *     the container's, if it has a limit), which leaves the other half to the model, a batch and
 *     other programs
 * @param spillDirectory where captures go that do not fit; none given means the system's directory
 *     for temporary files, or {@code /var/tmp} if that one lies in memory
 * @param scoringThreads most sites that are scored at once
 */
record MemoryLimits(Optional<Long> budget, Optional<Path> spillDirectory, int scoringThreads) {
  /** The share of a disk's free space that is left alone. */
  private static final int DISK_RESERVE = 20;

  /**
   * Plans the captures and scores of sites: in memory if they fit, otherwise on disk, and in as
   * many passes over the data as it takes if the disk is too small, too.
   *
   * @param sites what each site takes, in the order of execution
   * @return the plan
   * @throws InvalidInputException if the budget is too small for one of the sites alone, or
   *     captures must go to disk and the directory cannot be used
   */
  MemoryPlan plan(List<SiteMemory> sites) {
    spillDirectory.ifPresent(MemoryLimits::requireWritable);
    requireEnoughForEach(sites);
    Path directory = spillDirectory.orElseGet(MemoryLimits::temporary);
    List<List<Integer>> inMemory = split(sites, this::fitInMemory).orElseThrow();
    Place place = Place.MEMORY;
    List<List<Integer>> passes = inMemory;
    if (inMemory.size() > 1) {
      requireWritable(directory);
      long free = free(directory);
      long room = free - free / DISK_RESERVE;
      Optional<List<List<Integer>>> onDisk = split(sites, some -> captureBytes(some) <= room);
      if (onDisk.isPresent() && onDisk.get().size() < inMemory.size()) {
        place = Place.DISK;
        passes = onDisk.get();
      }
    }
    return plan(sites, place, passes, directory);
  }

  /**
   * Takes over what an interrupted run with the same budget planned.
   *
   * @param sites what each site takes, in the order of execution
   * @param place where captures lie
   * @param passes the sites of each pass
   * @return the plan
   * @throws InvalidInputException if captures must go to disk and the directory cannot be used
   */
  MemoryPlan plan(List<SiteMemory> sites, Place place, List<List<Integer>> passes) {
    Path directory = spillDirectory.orElseGet(MemoryLimits::temporary);
    if (place == Place.DISK || spillDirectory.isPresent()) {
      requireWritable(directory);
    }
    return plan(sites, place, passes, directory);
  }

  private MemoryPlan plan(
      List<SiteMemory> sites, Place place, List<List<Integer>> passes, Path directory) {
    int most = passes.stream().mapToInt(List::size).max().orElse(0);
    return new MemoryPlan(
        bytes(), place, directory, sites, passes, Math.min(scoringThreads, Math.max(1, most)));
  }

  /** Whether this is the budget. */
  boolean isBudget(long bytes) {
    return bytes == bytes();
  }

  /** The directory for temporary files; /var/tmp where those are kept in memory (Linux). */
  private static Path temporary() {
    Path usual = Path.of(System.getProperty("java.io.tmpdir"));
    Path large = Path.of("/var/tmp");
    try {
      boolean inMemory = Files.getFileStore(usual).type().equals("tmpfs");
      return inMemory && Files.isWritable(large) ? large : usual;
    } catch (IOException e) {
      return usual; // which is found to be unusable where it is needed
    }
  }

  /** The budget in bytes. */
  private long bytes() {
    return budget.orElseGet(() -> machineMemory() / 2);
  }

  /** What the machine has, or the container if it has a limit. */
  static long machineMemory() {
    return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
  }

  /** Captures stay until their site is scored, the widest first. */
  private boolean fitInMemory(List<SiteMemory> some) {
    long widest = some.stream().mapToLong(site -> site.workspace().bytes()).max().orElse(0);
    return captureBytes(some) <= bytes() - widest;
  }

  private static long captureBytes(List<SiteMemory> some) {
    return some.stream().mapToLong(SiteMemory::captureBytes).sum();
  }

  private void requireEnoughForEach(List<SiteMemory> sites) {
    SiteMemory largest =
        sites.stream().max(Comparator.comparingLong(SiteMemory::bytes)).orElseThrow();
    if (largest.bytes() > bytes()) {
      throw new InvalidInputException(
          "memory budget "
              + ByteSize.describe(bytes())
              + (budget.isEmpty() ? " (half of what this machine has)" : "")
              + " is too small: site "
              + largest.site().label()
              + " alone takes "
              + ByteSize.describe(largest.captureBytes())
              + " for its captures and "
              + ByteSize.describe(largest.workspace().bytes())
              + " for its score; pass --memory "
              + ByteSize.atLeast(largest.bytes())
              + " or more, or fewer --samples");
    }
  }

  /** Fills one pass after the other in the order of execution; empty if a site fits into none. */
  private static Optional<List<List<Integer>>> split(
      List<SiteMemory> sites, Predicate<List<SiteMemory>> fits) {
    List<List<Integer>> passes = new ArrayList<>();
    List<SiteMemory> together = new ArrayList<>();
    for (int i = 0; i < sites.size(); i++) {
      together.add(sites.get(i));
      if (passes.isEmpty() || !fits.test(together)) {
        together = new ArrayList<>(List.of(sites.get(i)));
        if (!fits.test(together)) {
          return Optional.empty();
        }
        passes.add(new ArrayList<>());
      }
      passes.get(passes.size() - 1).add(i);
    }
    return Optional.of(passes);
  }

  private static void requireWritable(Path directory) {
    if (!Files.isDirectory(directory) || !Files.isWritable(directory)) {
      throw new InvalidInputException(
          "spill directory "
              + directory
              + (Files.isDirectory(directory)
                  ? " cannot be written to"
                  : Files.exists(directory) ? " is a file" : " does not exist")
              + ": pass --spill-dir with a directory that captures can be kept in, or a larger"
              + " --memory");
    }
  }

  private static long free(Path directory) {
    try {
      return Files.getFileStore(directory).getUsableSpace();
    } catch (IOException e) {
      throw new InvalidInputException(
          "spill directory "
              + directory
              + " does not tell its free space ("
              + e.getMessage()
              + "): pass another --spill-dir, or a larger --memory",
          e);
    }
  }
}
