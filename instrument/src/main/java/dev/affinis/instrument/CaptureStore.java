package dev.affinis.instrument;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import dev.affinis.instrument.MemoryPlan.Place;
import dev.affinis.instrument.MemoryPlan.SiteMemory;
import dev.affinis.signature.LayerSample;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/**
 * The pooled rows of a pass's sites over all batches, in memory or in a file as the memory plan
 * says; what they take is fixed when the first batch comes in.
 */
final class CaptureStore implements AutoCloseable {
  private final NDManager manager;
  private final MemoryPlan plan;
  private final List<Site> sites;
  private final List<Site> kept;
  private final long capacity;
  private final int batches;
  private final OptionalDouble threshold;
  private final List<Integer> labels = new ArrayList<>();
  private final Map<Site, SiteTally> tallies = new HashMap<>();
  private RowStore rows;
  private long size;

  /**
   * Creates an empty store.
   *
   * @param manager manager of the device on which rows are kept
   * @param plan where they are kept
   * @param pass the pass whose sites are kept
   * @param sites all sites that each batch must have, in the order of execution, those of the pass
   *     among them
   * @param capacity largest number of samples
   * @param batches how many sample sets these are; several are all of the same size
   * @param threshold largest magnitude that was counted as small, if anything is counted
   */
  CaptureStore(
      NDManager manager,
      MemoryPlan plan,
      int pass,
      List<Site> sites,
      long capacity,
      int batches,
      OptionalDouble threshold) {
    this.manager = manager;
    this.plan = plan;
    this.sites = List.copyOf(sites);
    this.kept = plan.sites(pass).stream().map(SiteMemory::site).toList();
    this.capacity = capacity;
    this.batches = batches;
    this.threshold = threshold;
  }

  /**
   * Chooses the captures of this pass.
   *
   * @param captures captures of all sites
   * @return those that are kept
   * @throws InvalidInputException if the sites are not the expected ones
   */
  List<Capture> choose(List<Capture> captures) {
    requireSameSites(captures);
    Set<Site> wanted = new HashSet<>(kept);
    return captures.stream().filter(capture -> wanted.contains(capture.site())).toList();
  }

  /**
   * Adds the rows of a batch.
   *
   * @param captures captures of the sites of this pass; copied
   * @param classes class of each sample; empty if not known
   * @throws InvalidInputException if a file cannot be written
   */
  void add(List<Capture> captures, List<Integer> classes) {
    List<NDArray> sides = new ArrayList<>();
    for (Capture capture : captures) {
      sides.add(capture.pre());
      sides.add(capture.post());
      capture.counts().ifPresent(counts -> tally(capture.site()).add(counts, size));
    }
    if (rows == null) {
      rows =
          plan.place() == Place.DISK
              ? new SpillFile(plan.spillDirectory(), sides, capacity)
              : new ArrayRows(manager, sides, capacity);
    }
    for (int i = 0; i < sides.size(); i++) {
      rows.put(i, sides.get(i), size);
    }
    size += sides.get(0).getShape().get(0);
    labels.addAll(classes);
  }

  /** Number of samples in each set. */
  private long setSize() {
    return capacity / batches;
  }

  private SiteTally tally(Site site) {
    return tallies.computeIfAbsent(site, s -> new SiteTally(s, threshold.orElseThrow(), setSize()));
  }

  private void requireSameSites(List<Capture> captures) {
    int common = Math.min(sites.size(), captures.size());
    for (int i = 0; i < common; i++) {
      Site seen = captures.get(i).site();
      if (!seen.equals(sites.get(i))) {
        throw unstable("site " + i + " is " + describe(seen) + ", was " + describe(sites.get(i)));
      }
    }
    if (sites.size() != captures.size()) {
      String first =
          sites.size() > common
              ? sites.get(common).label() + " did not run"
              : captures.get(common).site().label() + " was not there";
      throw unstable(captures.size() + " sites, were " + sites.size() + ": " + first);
    }
  }

  private InvalidInputException unstable(String difference) {
    return new InvalidInputException(
        "sites differ between the first batch and the one after "
            + size
            + " samples ("
            + difference
            + "): the model's control flow depends on its data, so its layers cannot be compared"
            + " over samples");
  }

  private static String describe(Site site) {
    return site.label() + " " + site.kind().word() + " " + site.shape();
  }

  /** Number of samples added so far. */
  long size() {
    return size;
  }

  /** Classes of the samples added so far; empty if any is not known. */
  List<Integer> labels() {
    return labels.size() == size ? List.copyOf(labels) : List.of();
  }

  /**
   * Takes the rows of one site out of the store; safe for use by several threads.
   *
   * @param index position of the site in its pass
   * @param target manager that owns the rows from now on
   * @return both sides (size x dimension) of each sample set
   */
  List<LayerSample> take(int index, NDManager target) {
    NDArray pre = rows.take(2 * index, size, target);
    NDArray post = rows.take(2 * index + 1, size, target);
    Optional<SiteTally> tally = Optional.ofNullable(tallies.get(kept.get(index)));
    List<Integer> classes = labels();
    List<LayerSample> sets = new ArrayList<>();
    for (int set = 0; set < batches; set++) {
      int number = set;
      long from = set * setSize();
      long to = Math.min(size, from + setSize());
      NDIndex range = new NDIndex(from + ":" + to);
      sets.add(
          new LayerSample(
              batches == 1 ? pre : pre.get(range),
              batches == 1 ? post : post.get(range),
              classes.isEmpty() ? classes : classes.subList((int) from, (int) to),
              tally.map(t -> t.counts(number))));
    }
    return sets;
  }

  @Override
  public void close() {
    if (rows != null) {
      rows.close();
    }
  }
}
