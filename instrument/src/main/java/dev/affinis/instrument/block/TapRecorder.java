package dev.affinis.instrument.block;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.Bounds;
import dev.affinis.instrument.CaptureForm;
import dev.affinis.instrument.SiteKind;
import dev.affinis.instrument.SiteType;
import dev.affinis.instrument.Tap;
import dev.affinis.instrument.TapCounts;
import dev.affinis.instrument.TapOptions;
import dev.affinis.signature.Pooling;
import dev.affinis.signature.TokenPolicy.Choice;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** Collects the taps of one forward pass on one thread. */
final class TapRecorder {
  /** Samples, tokens and channels. */
  private static final int TOKEN_AXES = 3;

  private final TapOptions options;
  private final LayoutNotes.Watch layouts;
  private final NDManager manager;
  private final NDArray mask;
  private final List<Tap> taps = new ArrayList<>();

  /**
   * Creates a recorder.
   *
   * @param options what is captured
   * @param layouts knows where the channels are
   * @param manager what is captured is attached to it
   * @param mask where there are tokens (batch x tokens, truth values); {@code null} if all count
   */
  TapRecorder(TapOptions options, LayoutNotes.Watch layouts, NDManager manager, NDArray mask) {
    this.options = options;
    this.layouts = layouts;
    this.manager = manager;
    this.mask = mask;
  }

  /**
   * Runs an activation and records it. The input is pooled or copied before, because the function
   * may work in place.
   *
   * @param site the activation
   * @param inputs what it is called with
   * @param function calls it
   * @return what it gives
   */
  Object around(TappedSite site, List<NDArray> inputs, Supplier<Object> function) {
    if (!site.combination().fits(inputs.size())) {
      throw new IllegalStateException(
          "the activation at "
              + site.path()
              + " was called with "
              + inputs.size()
              + " arrays, but took one when it was tried");
    }
    boolean isWanted = options.sites().mayAccept(site.path(), site.kind());
    NDArray pre = null;
    NDArray smallPre = null;
    boolean isLast = false;
    if (isWanted) {
      NDArray input = site.combination().apply(inputs);
      isLast = isLast(input.getShape());
      pre = captured(input, isLast);
      smallPre = counts() ? small(input, isLast) : null;
      if (site.combination().makesNew(inputs.size())) {
        input.close();
      }
    }
    Object result = function.get();
    NDArray output = TensorFunction.asList(result).singletonOrThrow();
    add(site, output, isWanted ? isLast : isLast(output.getShape()), pre, smallPre);
    return result;
  }

  /**
   * Runs a block that is a site as a whole and records it, if one tensor goes in and one comes out.
   *
   * @param site the site
   * @param inputs what the block is called with
   * @param forward calls it
   * @return what it gives
   */
  NDList aroundBlock(TappedSite site, NDList inputs, Supplier<NDList> forward) {
    if (inputs.size() != 1) {
      return forward.get();
    }
    boolean isWanted = options.sites().mayAccept(site.path(), site.kind());
    NDArray input = inputs.head();
    boolean isLast = isLast(site.kind(), input.getShape());
    NDArray pre = isWanted ? captured(input, isLast) : null;
    NDArray smallPre = isWanted && counts() ? small(input, isLast) : null;
    NDList outputs = forward.get();
    if (outputs.size() != 1) {
      Stream.of(pre, smallPre).filter(Objects::nonNull).forEach(NDArray::close);
      return outputs;
    }
    NDArray output = outputs.head();
    boolean normalises = site.kind().type() == SiteType.NORMALISATION;
    boolean isLastAfter = normalises ? isLast : isLast(site.kind(), output.getShape());
    add(site, output, isLastAfter, pre, smallPre);
    return outputs;
  }

  /** Notes a call with its input, which is {@code null} if it is not wanted. */
  private void add(TappedSite site, NDArray output, boolean isLast, NDArray pre, NDArray smallPre) {
    Shape shape = output.getShape();
    TapCounts counts =
        smallPre == null
            ? null
            : new TapCounts(smallPre, small(output, isLast), bounded(site.kind(), output, isLast));
    taps.add(
        new Tap(
            site.path(),
            site.kind(),
            shape,
            RowPooling.channels(shape, RowPooling.axis(shape, isLast, options.pooling())),
            pre,
            pre == null ? null : captured(output, isLast),
            counts));
  }

  /**
   * Pools and norms have their channels first, layer norms of tokens last, other blocks where the
   * notes say.
   */
  private boolean isLast(SiteKind kind, Shape shape) {
    return switch (kind.type()) {
      case POOLING -> false;
      case NORMALISATION ->
          kind == SiteKind.LAYER_NORM && (shape.dimension() <= TOKEN_AXES || isLast(shape));
      default -> isLast(shape);
    };
  }

  /** Whether channels are on the last axis. */
  private boolean isLast(Shape shape) {
    return switch (options.layout()) {
      case CHANNELS_FIRST -> false;
      case CHANNELS_LAST -> true;
      case AUTO -> shape.dimension() > 2 && layouts.isLast(shape);
    };
  }

  private boolean counts() {
    return options.threshold().isPresent() && options.form() == CaptureForm.POOLED;
  }

  /** The share of small values, by sample and channel. */
  private NDArray small(NDArray tensor, boolean isLast) {
    try (NDArray sizes = tensor.abs();
        NDArray small = sizes.lte(options.threshold().getAsDouble())) {
      return share(small, isLast);
    }
  }

  /** The share of values at a bound of the function; {@code null} if it has none. */
  private NDArray bounded(SiteKind kind, NDArray tensor, boolean isLast) {
    if (kind.bounds().isEmpty()) {
      return null;
    }
    Bounds bounds = kind.bounds().get();
    double threshold = options.threshold().getAsDouble();
    try (NDArray low = tensor.lte(bounds.low() + threshold);
        NDArray high = tensor.gte(bounds.high() - threshold);
        NDArray bounded = low.logicalOr(high)) {
      return share(bounded, isLast);
    }
  }

  private NDArray share(NDArray conditions, boolean isLast) {
    int axis = RowPooling.axis(conditions.getShape(), isLast, Pooling.CHANNEL);
    return rows(conditions, axis);
  }

  /** The rows of a tensor, of its tokens alone if there is a mask for them. */
  private NDArray rows(NDArray tensor, int axis) {
    return mask == null
        ? RowPooling.rows(tensor, axis, manager)
        : RowPooling.rows(tensor, axis, mask, manager);
  }

  private NDArray captured(NDArray tensor, boolean isLast) {
    if (options.form() == CaptureForm.POOLED) {
      int axis = RowPooling.axis(tensor.getShape(), isLast, options.pooling());
      Choice choice = options.tokens().choice();
      boolean byPosition = choice == Choice.CLASS || choice == Choice.PATCHES;
      if (isLast && tensor.getShape().dimension() == TOKEN_AXES && byPosition) {
        try (NDArray tokens = tensor.get(choice == Choice.CLASS ? ":, 0:1" : ":, 1:")) {
          return RowPooling.rows(tokens, axis, manager);
        }
      }
      return rows(tensor, axis);
    }
    // What follows may work in place, or free the tensor before the pass ends.
    NDArray copy = tensor.duplicate();
    copy.attach(manager);
    return copy;
  }

  /** What was recorded, in the order of execution. */
  List<Tap> taps() {
    return List.copyOf(taps);
  }
}
