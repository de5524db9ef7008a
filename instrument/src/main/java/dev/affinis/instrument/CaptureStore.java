package dev.affinis.instrument;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import dev.affinis.signature.LayerSample;
import java.util.ArrayList;
import java.util.List;

/**
 * The pooled rows of all sites over all batches, on the model's device. Memory is 8 bytes for each
 * sample and channel (float32, both sides), fixed when the first batch comes in.
 */
final class CaptureStore implements AutoCloseable {
  private final NDManager manager;
  private final long capacity;
  private final List<Site> sites = new ArrayList<>();
  private final List<NDArray> pre = new ArrayList<>();
  private final List<NDArray> post = new ArrayList<>();
  private long size;

  /**
   * Creates an empty store.
   *
   * @param parent manager of the device on which rows are kept
   * @param capacity largest number of samples
   */
  CaptureStore(NDManager parent, long capacity) {
    this.manager = parent.newSubManager();
    this.capacity = capacity;
  }

  /**
   * Adds the rows of a batch.
   *
   * @param captures captures of all sites, the same ones for each batch; copied
   * @throws InvalidInputException if the sites are not those of the first batch
   */
  void add(List<Capture> captures) {
    if (sites.isEmpty()) {
      for (Capture capture : captures) {
        sites.add(capture.site());
        pre.add(allocate(capture.pre()));
        post.add(allocate(capture.post()));
      }
    }
    requireSameSites(captures);
    long rows = captures.isEmpty() ? 0 : captures.get(0).pre().getShape().get(0);
    NDIndex range = new NDIndex(size + ":" + (size + rows));
    for (int i = 0; i < captures.size(); i++) {
      keep(captures.get(i).pre(), pre.get(i), range);
      keep(captures.get(i).post(), post.get(i), range);
    }
    size += rows;
  }

  /** Rows of another engine are copied to this one's device first. */
  private void keep(NDArray rows, NDArray store, NDIndex range) {
    NDArray here = manager.from(rows);
    store.set(range, here);
    if (here != rows) {
      here.close();
    }
  }

  private NDArray allocate(NDArray rows) {
    return manager.zeros(new Shape(capacity, rows.getShape().get(1)), rows.getDataType());
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

  /** The sites, in the order of execution. */
  List<Site> sites() {
    return List.copyOf(sites);
  }

  /** Number of samples added so far. */
  long size() {
    return size;
  }

  /**
   * Takes the rows of one site out of the store.
   *
   * @param index position of the site
   * @param target manager that owns the rows from now on
   * @return both sides (size x dimension)
   */
  LayerSample take(int index, NDManager target) {
    return new LayerSample(take(pre.get(index), target), take(post.get(index), target));
  }

  private NDArray take(NDArray rows, NDManager target) {
    rows.attach(target);
    return size == capacity ? rows : rows.get(new NDIndex("0:" + size));
  }

  @Override
  public void close() {
    manager.close();
  }
}
