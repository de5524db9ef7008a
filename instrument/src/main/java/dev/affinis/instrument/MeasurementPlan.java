package dev.affinis.instrument;

import ai.djl.ndarray.types.Shape;
import java.util.List;

/**
 * What a {@link Measurement} will do: its sites, and the memory to expect beside that of the model
 * and one batch.
 *
 * @param samples number of samples
 * @param sampleShape shape of one sample, as the model gets it
 * @param sites the sites, in the order of execution
 * @param skipped activation calls that cannot be measured, with reasons
 * @param parameters number of the model's parameters
 */
public record MeasurementPlan(
    int samples, Shape sampleShape, List<Site> sites, List<SkippedSite> skipped, long parameters) {
  /** Copies the lists. */
  public MeasurementPlan {
    sites = List.copyOf(sites);
    skipped = List.copyOf(skipped);
  }

  /**
   * Memory that a site's captures take on the device until it is scored: input and output, float32.
   *
   * @param site one of the sites
   * @return bytes, 8 for each sample and channel
   */
  public long captureBytes(Site site) {
    return 8L * samples * site.dimension();
  }

  /**
   * Memory that all captures take on the device.
   *
   * @return bytes
   */
  public long captureBytes() {
    return sites.stream().mapToLong(this::captureBytes).sum();
  }

  /**
   * Memory that the widest site's affinity score takes on the device while it is computed: both
   * sides and two products of them in float64, and about six square matrices, whose size is that of
   * the span of the samples if that is smaller than the width.
   *
   * @return bytes, about
   */
  public long scoreBytes() {
    long widest = sites.stream().mapToLong(Site::dimension).max().orElse(0);
    long size = Math.min(widest, 2L * samples);
    return 8 * (4L * samples * widest + 6 * size * size);
  }

  /**
   * Memory of the Java heap that a score's transport costs take.
   *
   * @return bytes, 8 for each pair of samples
   */
  public long heapBytes() {
    return 8L * samples * samples;
  }
}
