package dev.affinis.instrument.data;

import ai.djl.Device;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.EngineErrors;
import dev.affinis.instrument.InvalidInputException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Hands out the selected samples of a source in batches, each an N x C x H x W float32 array, while
 * other threads read the next ones.
 *
 * <p>What the batches hold does not depend on the number of threads. At most three batches are in
 * memory at any time, whatever the number of samples: one with the caller, two being read. Their
 * memory is used again, so a batch must be closed before the one after the next is asked for.
 *
 * <p>An unreadable sample ends the run with an error, or is left out when asked to: then the next
 * one that was not chosen takes its place. To be used by one thread, the one that uses the manager.
 */
public final class BatchLoader implements Iterator<BatchLoader.Batch>, AutoCloseable {

  // How it works: the chosen samples are cut into batches. A batch in flight owns one of BUFFERS
  // direct buffers, and each of its samples is a task that reads into its place there. next() waits
  // for the tasks of the oldest batch in flight. A place whose task failed is filled on the
  // caller's
  // thread, in order, so that the same samples come out for any number of threads.
  private static final int BUFFERS = 3;

  private final SampleSource source;
  private final Selection selection;
  private final NDManager manager;
  private final Device device;
  private final boolean skipsBad;
  private final Optional<String> notice;
  private final int batchSize;
  private final int samples;
  private final int[] candidates;
  private final int sampleLength;
  private final ExecutorService threads;
  private final Deque<ByteBuffer> free = new ArrayDeque<>();
  private final Deque<Pending> inFlight = new ArrayDeque<>();
  private final List<String> skipped = new ArrayList<>();
  private int submitted;
  private int finished;
  private int nextSpare;
  private int delivered;
  private Batch ready;
  private volatile boolean closed;

  /**
   * How far a loader is after a batch, from which another can go on.
   *
   * @param finished how many samples were handed out or left out for good
   * @param nextSpare the next candidate to replace an unreadable sample
   * @param delivered how many samples were handed out
   * @param skipped messages about those left out; copied
   */
  public record Position(int finished, int nextSpare, int delivered, List<String> skipped) {
    /** Copies the list. */
    public Position {
      skipped = List.copyOf(skipped);
    }
  }

  /** A batch whose samples are being read. */
  private static final class Pending {
    final ByteBuffer buffer;
    final int[] indices;
    final List<Future<?>> tasks;

    Pending(ByteBuffer buffer, int[] indices, List<Future<?>> tasks) {
      this.buffer = buffer;
      this.indices = indices;
      this.tasks = tasks;
    }
  }

  private BatchLoader(Builder builder) {
    source = Objects.requireNonNull(builder.source, "source");
    manager = Objects.requireNonNull(builder.manager, "manager");
    selection = Objects.requireNonNull(builder.selection, "selection");
    device = builder.device == null ? manager.getDevice() : builder.device;
    skipsBad = builder.skipsBad;
    int size = source.size();
    if (size < 2) {
      throw new InvalidInputException(
          "data " + source.description() + " has " + size + " sample: at least 2 are needed");
    }
    samples = selection.of(source);
    notice =
        samples < selection.total()
            ? Optional.of(
                "asked for "
                    + selection.total()
                    + " samples, but "
                    + source.description()
                    + " has "
                    + size
                    + ": using all of them")
            : Optional.empty();
    candidates = selection.candidates(size);
    nextSpare = samples;
    if (builder.position != null) {
      finished = builder.position.finished();
      submitted = finished;
      nextSpare = builder.position.nextSpare();
      delivered = builder.position.delivered();
      skipped.addAll(builder.position.skipped());
    }
    batchSize = Math.min(builder.batchSize, samples);
    Shape shape = source.sampleShape();
    long bytes = Math.multiplyExact(shape.size(), 4L * batchSize);
    if (bytes > Integer.MAX_VALUE) {
      throw EngineErrors.batchTooLarge(
          "a batch of "
              + batchSize
              + " samples of "
              + shape
              + " is larger than 2 GiB: pass a smaller --batch-size, or --batch-size auto");
    }
    sampleLength = (int) shape.size();
    int buffers = Math.min(BUFFERS, (samples + batchSize - 1) / batchSize);
    for (int i = 0; i < buffers; i++) {
      free.add(ByteBuffer.allocateDirect((int) bytes).order(ByteOrder.nativeOrder()));
    }
    AtomicInteger number = new AtomicInteger();
    threads =
        Executors.newFixedThreadPool(
            Math.min(builder.threads, batchSize * buffers),
            task -> {
              Thread thread = new Thread(task, "affinis-read-" + number.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    submit();
  }

  /**
   * Starts a loader.
   *
   * @return a new builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Returns how many samples will be handed out if all are readable.
   *
   * @return the number asked for, or the size of the source if that is less
   */
  public int samples() {
    return samples;
  }

  /**
   * Returns how many batches that makes.
   *
   * @return the number of batches that will be handed out if all samples are readable
   */
  public int batches() {
    return (samples + batchSize - 1) / batchSize;
  }

  /**
   * Samples that were read out of turn.
   *
   * @param data N x C x H x W float32 on the loader's device, attached to its manager
   * @param indices number in the source of each
   */
  public record Ahead(NDArray data, List<Integer> indices) {}

  /**
   * Reads the samples of a later batch out of turn, on the caller's thread. What {@link #next}
   * gives stays the same; it gives these samples, too, and others as well where an unreadable one
   * was left out before.
   *
   * @param number number of the batch, from 0, less than {@link #batches()}
   * @return those samples of the batch that can be read, to be closed by the caller; nothing if
   *     none can
   */
  public Optional<Ahead> ahead(int number) {
    int from = number * batchSize;
    ByteBuffer buffer =
        ByteBuffer.allocateDirect(sampleLength * 4 * batchSize).order(ByteOrder.nativeOrder());
    List<Integer> read = new ArrayList<>();
    for (int i = from; i < Math.min(from + batchSize, samples); i++) {
      if (readNow(candidates[i], place(buffer, read.size())).isEmpty()) {
        read.add(candidates[i]);
      }
    }
    return read.isEmpty()
        ? Optional.empty()
        : Optional.of(new Ahead(array(buffer, read.size()), List.copyOf(read)));
  }

  /** The first samples that lie in a buffer, on the device. */
  private NDArray array(ByteBuffer buffer, int count) {
    ByteBuffer filled = buffer.slice(0, count * sampleLength * 4).order(ByteOrder.nativeOrder());
    Shape shape = new Shape(count).addAll(source.sampleShape());
    try {
      NDArray created = manager.create(filled, shape, DataType.FLOAT32);
      if (created.getDevice().equals(device)) {
        return created;
      }
      try (created) {
        return created.toDevice(device, true);
      }
    } catch (EngineException e) {
      throw EngineErrors.notCopied(shape, e);
    }
  }

  /**
   * Returns what the user should know about the selection.
   *
   * @return one line if there are fewer samples than asked for
   */
  public Optional<String> notice() {
    return notice;
  }

  /**
   * Returns the samples that were left out so far because they could not be read.
   *
   * @return one message per sample, naming it and the reason, in the order they were met
   */
  public List<String> skipped() {
    return List.copyOf(skipped);
  }

  /**
   * Returns how far this loader is: behind the batch that was handed out last.
   *
   * @return where another loader of the same samples can go on, see {@link Builder#optPosition}
   * @throws IllegalStateException if the next batch has been asked for already
   */
  public Position position() {
    if (ready != null) {
      throw new IllegalStateException("the position is known before hasNext() is called again");
    }
    return new Position(finished, nextSpare, delivered, skipped);
  }

  /**
   * Returns whether there is another batch; waits for it.
   *
   * @throws InvalidInputException as {@link #next()} does
   */
  @Override
  public boolean hasNext() {
    if (closed) {
      return false;
    }
    while (ready == null && !inFlight.isEmpty()) {
      ready = finish(inFlight.remove());
    }
    if (ready == null && submitted < samples) {
      throw new IllegalStateException("close the batches before asking for more");
    }
    if (ready == null && delivered < 2) {
      throw new InvalidInputException(
          "only "
              + delivered
              + " of the samples in "
              + source.description()
              + " can be read, at least 2 are needed; "
              + skipped.get(0));
    }
    if (ready == null && delivered < samples && selection.batches() > 1) {
      throw selection.tooFew(
          delivered + " samples in " + source.description() + " can be read", delivered);
    }
    return ready != null;
  }

  /**
   * Returns the next batch, which the caller closes.
   *
   * @return a batch with the size asked for; the last may be smaller, and so may those after the
   *     last replacement for unreadable samples is used up
   * @throws InvalidInputException if a sample cannot be read and such samples are not left out, or
   *     if fewer than 2 can be read; the message names the first of them; or if the device has no
   *     room for the batch
   */
  @Override
  public Batch next() {
    if (!hasNext()) {
      throw new NoSuchElementException("there are no more batches");
    }
    Batch batch = ready;
    ready = null;
    return batch;
  }

  /** Keeps all free buffers busy. */
  private void submit() {
    while (!closed && submitted < samples && !free.isEmpty()) {
      int count = Math.min(batchSize, samples - submitted);
      ByteBuffer buffer = free.remove();
      int[] indices = Arrays.copyOfRange(candidates, submitted, submitted + count);
      List<Future<?>> tasks = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        int place = i;
        tasks.add(
            threads.submit(
                () -> {
                  if (!closed) {
                    source.read(indices[place], place(buffer, place));
                  }
                }));
      }
      inFlight.add(new Pending(buffer, indices, tasks));
      submitted += count;
    }
  }

  /** The memory of one sample in a batch. */
  private FloatBuffer place(ByteBuffer buffer, int place) {
    return buffer.asFloatBuffer().slice(place * sampleLength, sampleLength);
  }

  /** Waits for a batch and replaces what could not be read; null if nothing is left of it. */
  private Batch finish(Pending pending) {
    int count = 0;
    finished += pending.indices.length;
    for (int i = 0; i < pending.indices.length; i++) {
      int index = pending.indices[i];
      Optional<InvalidInputException> failure = await(pending.tasks.get(i));
      FloatBuffer place = place(pending.buffer, count);
      while (failure.isPresent()) {
        skip(failure.get());
        if (nextSpare == candidates.length) {
          break;
        }
        index = candidates[nextSpare++];
        failure = readNow(index, place);
      }
      if (failure.isEmpty()) {
        if (index == pending.indices[i] && count < i) {
          // Nothing was left to replace an earlier sample: move up.
          place.duplicate().put(place(pending.buffer, i));
        }
        pending.indices[count++] = index;
      }
    }
    if (count == 0) {
      release(pending.buffer);
      return null;
    }
    delivered += count;
    return new Batch(this, pending.buffer, Arrays.copyOf(pending.indices, count));
  }

  private static Optional<InvalidInputException> await(Future<?> task) {
    try {
      task.get();
      return Optional.empty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for a batch", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof InvalidInputException failure) {
        return Optional.of(failure);
      }
      if (e.getCause() instanceof OutOfMemoryError noRoom) {
        throw noRoom;
      }
      throw new IllegalStateException("reading a sample failed", e.getCause());
    }
  }

  private Optional<InvalidInputException> readNow(int index, FloatBuffer place) {
    try {
      source.read(index, place.duplicate());
      return Optional.empty();
    } catch (InvalidInputException e) {
      return Optional.of(e);
    }
  }

  private void skip(InvalidInputException failure) {
    if (!skipsBad) {
      throw new InvalidInputException(
          failure.getMessage() + "; pass --skip-bad to leave such samples out", failure);
    }
    skipped.add(failure.getMessage());
  }

  private void release(ByteBuffer buffer) {
    free.add(buffer);
    submit();
  }

  /** Stops the threads after the samples that they are reading. Batches still need closing. */
  @Override
  public void close() {
    closed = true;
    if (ready != null) {
      ready.close();
      ready = null;
    }
    inFlight.clear();
    threads.shutdown();
    // An interrupt does not shorten this: the caller is about to close what the threads read from.
    boolean wasInterrupted = Thread.interrupted();
    try {
      // Threads are not interrupted: that would close the file that a source reads from.
      if (!threads.awaitTermination(1, TimeUnit.MINUTES)) {
        throw new IllegalStateException("a thread still reads a sample after a minute");
      }
    } catch (InterruptedException e) {
      wasInterrupted = true;
    } finally {
      if (wasInterrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Some samples on the device. Closing it frees the array, whose memory is then used again. */
  public static final class Batch implements AutoCloseable {
    private final BatchLoader loader;
    private final ByteBuffer buffer;
    private final int[] indices;
    private final NDArray data;
    private final List<Integer> labels;
    private boolean open = true;

    private Batch(BatchLoader loader, ByteBuffer buffer, int[] indices) {
      this.loader = loader;
      this.buffer = buffer;
      this.indices = indices;
      labels = labels(loader.source, indices);
      data = loader.array(buffer, indices.length);
    }

    private static List<Integer> labels(SampleSource source, int[] indices) {
      List<OptionalInt> known = Arrays.stream(indices).mapToObj(source::label).toList();
      return known.stream().allMatch(OptionalInt::isPresent)
          ? known.stream().map(OptionalInt::getAsInt).toList()
          : List.of();
    }

    /**
     * Returns the samples. On a CPU the array may lie in the loader's own memory: neither it nor a
     * view of it may be used after this batch is closed.
     *
     * @return N x C x H x W float32 on the loader's device
     */
    public NDArray data() {
      return data;
    }

    /**
     * Returns how many samples there are.
     *
     * @return N, at least 1
     */
    public int size() {
      return indices.length;
    }

    /**
     * Returns which samples these are.
     *
     * @return the number in the source of each sample
     */
    public int[] indices() {
      return indices.clone();
    }

    /**
     * Returns the classes of the samples.
     *
     * @return the class of each sample, numbered from 0; empty if that of any is not known
     */
    public List<Integer> labels() {
      return labels;
    }

    @Override
    public void close() {
      if (open) {
        open = false;
        data.close();
        loader.release(buffer);
      }
    }
  }

  /** Collects what a {@link BatchLoader} needs. */
  public static final class Builder {
    private SampleSource source;
    private NDManager manager;
    private Selection selection;
    private Device device;
    private int batchSize = 16;
    private int threads = Math.max(1, Runtime.getRuntime().availableProcessors() - 1);
    private boolean skipsBad;
    private Position position;

    private Builder() {}

    /**
     * Sets where samples come from. The source is not closed with the loader.
     *
     * @param samples an open source
     * @return this builder
     */
    public Builder setSource(SampleSource samples) {
      source = samples;
      return this;
    }

    /**
     * Sets what batches are made with.
     *
     * @param parent the manager that batches are attached to
     * @return this builder
     */
    public Builder setManager(NDManager parent) {
      manager = parent;
      return this;
    }

    /**
     * Sets which samples are used; the same that the source was opened with.
     *
     * @param samples number and order
     * @return this builder
     */
    public Builder setSelection(Selection samples) {
      selection = samples;
      return this;
    }

    /**
     * Sets where batches lie; the manager's device unless set.
     *
     * @param target the device
     * @return this builder
     */
    public Builder optDevice(Device target) {
      device = target;
      return this;
    }

    /**
     * Sets how many samples a batch has; 16 unless set.
     *
     * @param size at least 1
     * @return this builder
     */
    public Builder optBatchSize(int size) {
      if (size < 1) {
        throw new IllegalArgumentException(
            "batch size must be at least 1, got " + size + ": pass --batch-size");
      }
      batchSize = size;
      return this;
    }

    /**
     * Sets how many threads read samples; all cores but one unless set.
     *
     * @param count at least 1
     * @return this builder
     */
    public Builder optThreads(int count) {
      if (count < 1) {
        throw new IllegalArgumentException("threads must be at least 1, got " + count);
      }
      threads = count;
      return this;
    }

    /**
     * Sets whether samples that cannot be read are left out and replaced; not unless set.
     *
     * @param skip whether to go on without them
     * @return this builder
     */
    public Builder optSkipBad(boolean skip) {
      skipsBad = skip;
      return this;
    }

    /**
     * Sets where to go on: samples before it are not read again. At the beginning unless set.
     *
     * @param behind what {@link BatchLoader#position()} said of a loader with the same source,
     *     selection and size of batches
     * @return this builder
     */
    public Builder optPosition(Position behind) {
      position = behind;
      return this;
    }

    /**
     * Builds the loader and starts reading.
     *
     * @return the loader
     * @throws InvalidInputException if the source has fewer than 2 samples
     */
    public BatchLoader build() {
      return new BatchLoader(this);
    }
  }
}
