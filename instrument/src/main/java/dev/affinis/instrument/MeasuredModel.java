package dev.affinis.instrument;

import ai.djl.Device;
import ai.djl.ndarray.NDList;
import dev.affinis.signature.Signature.ModelRuntime;
import java.io.IOException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * The model of a {@link Measurement}, which it needs plain once and instrumented in every pass: for
 * that pass alone, or as the user handed it in.
 */
final class MeasuredModel {
  private final ModelSource<?, ?> source;
  private final InstrumentedModel<?, ?> instrumented;
  private final TapOptions taps;
  private final Device device;

  /**
   * Takes a model.
   *
   * @param source where it comes from
   * @param instrumented the same, instrumented by the user; {@code null} if it is not
   * @param taps what is captured, unless the user instrumented it
   * @param device where it runs, unless the user instrumented it; {@code null} for where it is
   */
  MeasuredModel(
      ModelSource<?, ?> source,
      InstrumentedModel<?, ?> instrumented,
      TapOptions taps,
      Device device) {
    this.source = Objects.requireNonNull(source, "setModel is required");
    this.instrumented = instrumented;
    this.taps = instrumented == null ? taps : instrumented.options();
    this.device = device;
  }

  ModelSource<?, ?> source() {
    return source;
  }

  /** What is captured, and how. */
  TapOptions taps() {
    return taps;
  }

  /** The sites that are observed if some paths are tapped, see {@link #instrumented}. */
  SiteFilter sites(Set<String> paths) {
    return instrumented != null || paths.isEmpty() ? taps.sites() : taps.sites().within(paths);
  }

  /** Why what one run kept cannot be told to be of this model, if it cannot. */
  Optional<String> whyNotResumed() {
    if (instrumented != null) {
      return Optional.of(
          "the model was instrumented before, and its listeners would miss the batches that need not"
              + " run again");
    }
    return source.runtime() == ModelRuntime.DJL
        ? Optional.of(
            "the model is made of DJL's own blocks, whose checksum does not tell what their Java code"
                + " computes")
        : Optional.empty();
  }

  Device device() {
    if (instrumented != null) {
      return instrumented.device();
    }
    return device == null ? source.device() : device;
  }

  /**
   * Lends the model that was given instrumented, or instruments it for this call.
   *
   * @param paths the paths that are tapped, all if there are none; a model that was given
   *     instrumented keeps its own
   */
  <T> T instrumented(Set<String> paths, Function<InstrumentedModel<?, ?>, T> use)
      throws IOException {
    if (instrumented != null) {
      return use.apply(instrumented);
    }
    var builder =
        InstrumentedModel.builder()
            .setSource(source)
            .optPooling(taps.pooling())
            .optLayout(taps.layout())
            .optTokens(taps.tokens())
            .optSites(sites(paths))
            .optDevice(device());
    taps.threshold().ifPresent(builder::optCounts);
    try (InstrumentedModel<?, ?> own = builder.build()) {
      return use.apply(own);
    }
  }

  /** Loads the model as it is, without taps. */
  PlainModel loadPlain() throws IOException {
    return source.loadPlain(device());
  }

  /** What the model gives for its inputs as it is, without taps. */
  List<HostArray> outputs(PlainModel plain, NDList inputs) {
    NDList outputs = plain.run(inputs);
    if (outputs.isEmpty()) {
      throw new InvalidInputException(
          "model "
              + source.description()
              + " returns no tensor, so that nothing can be compared: export a forward that"
              + " returns one");
    }
    return outputs.stream().map(HostArray::of).toList();
  }

  /** What somebody who looks into a failed check needs to know beside its message. */
  String reportRequest() {
    String checksum;
    try {
      checksum = source.sha256();
    } catch (IOException e) {
      checksum = "not readable (" + e.getMessage() + ")";
    }
    return "please report this message with Affinis "
        + Measurement.version().orElse("(no release)")
        + ", model "
        + source.name()
        + " ("
        + source.runtime().word()
        + ", SHA-256 "
        + checksum
        + ")";
  }
}
