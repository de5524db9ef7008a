package dev.affinis.instrument;

import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.MemoryPlan.SiteMemory;
import java.util.List;

/**
 * What a {@link Measurement} will do: its sites, and the memory to expect beside that of the model
 * and one batch.
 *
 * @param samples number of samples in each batch
 * @param batches number of disjoint sample sets
 * @param sampleShape shape of one sample, as the model gets it
 * @param memory what each site takes, and how all of it is kept within the budget
 * @param skipped calls that cannot be measured, with reasons
 * @param parameters number of the model's parameters
 */
public record MeasurementPlan(
    int samples,
    int batches,
    Shape sampleShape,
    MemoryPlan memory,
    List<SkippedSite> skipped,
    long parameters) {
  /** Copies the list. */
  public MeasurementPlan {
    skipped = List.copyOf(skipped);
  }

  /**
   * Returns the sites that are measured.
   *
   * @return the sites, in the order of execution
   */
  public List<Site> sites() {
    return memory.sites().stream().map(SiteMemory::site).toList();
  }

  /**
   * Memory that all captures take until they are scored: input and output of all samples.
   *
   * @return bytes, 8 for each sample and channel of a float32 model
   */
  public long captureBytes() {
    return memory.captureBytes();
  }

  /**
   * Memory that the widest site's affinity score takes on the device while it is computed.
   *
   * @return bytes, about
   */
  public long scoreBytes() {
    return memory.sites().stream().mapToLong(s -> s.workspace().deviceBytes()).max().orElse(0);
  }

  /**
   * Memory of the Java heap that the largest score takes.
   *
   * @return bytes, about
   */
  public long heapBytes() {
    return memory.sites().stream().mapToLong(s -> s.workspace().heapBytes()).max().orElse(0);
  }
}
