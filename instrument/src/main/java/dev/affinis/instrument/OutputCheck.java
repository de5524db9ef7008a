package dev.affinis.instrument;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.data.BatchLoader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Random;

/**
 * Checks that the instrumented model gives what the plain one gives, on the first batch and on a
 * random later one: the first may be the only one that agrees, where a model draws random numbers
 * from some point on or remembers what it has seen.
 *
 * <p>Both batches go through the plain model while it is loaded alone, before the instrumented one
 * is; the later one is read for that by itself, out of turn. Kept are its values (4 bytes each, on
 * the Java side) and the outputs of both. When its turn comes its outputs are compared as they are;
 * should other samples have moved into its place by then (unreadable ones were left out), or a
 * source draw its samples anew each time, what was kept goes through the instrumented model once
 * more at the end. So it costs one plain pass, and reading one batch twice.
 */
final class OutputCheck {
  private final Measurement measurement;
  private final MeasuredModel model;
  private final List<HostArray> first;
  private final int start;
  private int later;
  private Shape shape;
  private ByteBuffer values;
  private List<HostArray> second;
  private boolean isDue;

  /**
   * Runs the plain model.
   *
   * @param measurement makes the model's inputs, and has the seed of what is drawn at random
   * @param model the model, loaded for this call alone
   * @param loader where the batches come from
   * @param batch the first of them that the model has to run, not closed
   * @param number its number from 0, more than that if a run goes on where another stopped
   */
  OutputCheck(
      Measurement measurement,
      MeasuredModel model,
      BatchLoader loader,
      BatchLoader.Batch batch,
      int number)
      throws IOException {
    start = number;
    this.measurement = measurement;
    this.model = model;
    try (PlainModel plain = model.loadPlain()) {
      first = outputs(plain, batch.data());
      int others = loader.batches() - number - 1;
      if (others > 0) {
        later = number + 1 + new Random(measurement.seed()).nextInt(others);
        runLater(plain, loader);
      }
    }
  }

  private void runLater(PlainModel plain, BatchLoader loader) {
    BatchLoader.Ahead ahead = loader.ahead(later).orElse(null);
    if (ahead == null) {
      return;
    }
    try (NDArray data = ahead.data()) {
      second = outputs(plain, data);
      shape = data.getShape();
      values = data.toByteBuffer();
      isDue = true;
    } catch (InvalidInputException e) {
      throw EngineErrors.isOutOfMemory(e) ? e : measurement.inTheMiddle(ahead.indices(), e);
    }
  }

  private List<HostArray> outputs(PlainModel plain, NDArray data) {
    try (NDManager scratch = data.getManager().newSubManager()) {
      return model.outputs(plain, measurement.inputs(scratch, data));
    }
  }

  /** Number of the first batch that is compared. */
  int start() {
    return start;
  }

  /**
   * Compares the outputs of a batch, if they are to be.
   *
   * @param number its number from 0
   * @param batch the batch, open
   * @param outputs what the instrumented model gave for it
   * @throws InvalidInputException if they are not what the plain model gave
   */
  void accept(int number, BatchLoader.Batch batch, NDList outputs) {
    if (number == start) {
      requireEqual(first, outputs);
    } else if (number == later && isDue && isKept(batch.data())) {
      requireEqual(second, outputs);
      isDue = false;
    }
  }

  private boolean isKept(NDArray data) {
    return data.getShape().equals(shape) && data.toByteBuffer(true).equals(values);
  }

  /**
   * Ends a pass over the data; the next one is compared, too.
   *
   * @param instrumented the model of this pass
   * @param manager manager of the device that batches are on
   * @throws InvalidInputException as {@link #accept}
   */
  void endPass(InstrumentedModel<?, ?> instrumented, NDManager manager) {
    if (isDue) {
      try (NDManager scratch = manager.newSubManager();
          NDArray data = scratch.create(values.duplicate(), shape, DataType.FLOAT32)) {
        requireEqual(second, instrumented.runUnheard(measurement.inputs(scratch, data)).outputs());
      }
    }
    isDue = second != null;
  }

  private void requireEqual(List<HostArray> expected, NDList outputs) {
    HostArray.difference(expected, outputs)
        .ifPresent(
            what -> {
              throw new InvalidInputException(
                  "the instrumented model does not agree with the plain one on "
                      + (expected == first && start == 0
                          ? "the first batch"
                          : "batch " + ((expected == first ? start : later) + 1))
                      + ": "
                      + what
                      + "; a model that draws random numbers in inference, or remembers earlier"
                      + " batches, cannot be measured (dropout left on? call model.eval() before"
                      + " exporting), for any other "
                      + model.reportRequest());
            });
  }
}
