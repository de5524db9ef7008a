package dev.affinis.instrument.training;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.training.Trainer;
import ai.djl.training.listener.TrainingListener;
import dev.affinis.instrument.Capture;
import dev.affinis.instrument.InstrumentedModel;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.Site;
import dev.affinis.signature.LayerSample;
import dev.affinis.signature.LayerScores;
import dev.affinis.signature.Score;
import dev.affinis.signature.ScoreFunction;
import dev.affinis.signature.score.Contrast;
import dev.affinis.signature.score.LinearSeparability;
import dev.affinis.signature.score.Side;
import dev.affinis.signature.transport.AffinityScore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.LongSupplier;

/**
 * Measures the signature of a network while DJL trains it, on held-out samples: how its layers
 * become more or less affine as its loss falls.
 *
 * <pre>{@code
 * SignatureListener signatures =
 *     SignatureListener.builder().setData(images).optLabels(labels).optOut(file).build();
 * config.addTrainingListeners(signatures);
 * }</pre>
 *
 * <p>The network's blocks are tapped in place at the first measurement and given back when the
 * trainer is closed. Measuring is inference on copies of the samples, between two updates: it draws
 * no random numbers and changes no parameter, gradient or running statistic, so that training gives
 * the same weights, bit for bit, as without this listener.
 *
 * <p><b>Cost.</b> One forward pass over the samples and the scores of every site; see {@link
 * AffinityScore} for those. By default measurements take no more than 5 percent of the training
 * time together, {@link Schedule#withinShare}; the first and the last state are measured in any
 * case, and making ready takes about a second once, which a training of less than a minute notices.
 *
 * <p>For one training; not safe for use by several threads.
 */
public final class SignatureListener implements TrainingListener {
  private static final double DEFAULT_SHARE = 0.05;

  private final NDArray data;
  private final Optional<NDArray> labels;
  private final boolean hasClasses;
  private final List<ScoreFunction> scores;
  private final Schedule schedule;
  private final Optional<Path> out;
  private final LongSupplier nanos;
  private final List<TrajectoryPoint> trajectory = new ArrayList<>();
  private InstrumentedModel<NDList, NDList> model;
  private NDManager manager;
  private NDList samples;
  private NDList targets;
  private long begun;
  private long spent;
  private long last;
  private long step;
  private int epoch;

  private SignatureListener(Builder builder) {
    data = Objects.requireNonNull(builder.data, "setData is required");
    labels = Optional.ofNullable(builder.labels);
    hasClasses = labels.isPresent() && areClasses(labels.get(), data);
    scores = List.copyOf(builder.scores());
    schedule = builder.schedule;
    out = Optional.ofNullable(builder.out);
    nanos = builder.nanos;
  }

  /**
   * Creates a builder.
   *
   * @return the builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Returns what has been measured so far.
   *
   * @return one point for each measurement, in the order of training
   */
  public List<TrajectoryPoint> trajectory() {
    return List.copyOf(trajectory);
  }

  /**
   * Returns what measuring has cost so far.
   *
   * @return its time as a share of the training time without it; 0 before the first update
   */
  public double share() {
    long training = last == 0 ? 0 : trainingNanos();
    return training <= 0 ? 0 : (double) spent / training;
  }

  @Override
  public void onTrainingBegin(Trainer trainer) {
    // Parameters have no values yet.
  }

  /** Gradients of the batch are there, the update comes next. */
  @Override
  public void onTrainingBatch(Trainer trainer, BatchData batchData) {
    if (trajectory.isEmpty()) {
      begun = nanos.getAsLong();
    }
    if (trajectory.isEmpty() || schedule.isDueAtStep(step, costs())) {
      measure(trainer, lossOf(trainer, batchData));
    }
    step++;
  }

  @Override
  public void onEpoch(Trainer trainer) {
    epoch++;
    if (schedule.isDueAtEpoch(epoch)) {
      measureOnce(trainer);
    }
  }

  @Override
  public void onValidationBatch(Trainer trainer, BatchData batchData) {
    // Held-out samples are this listener's own.
  }

  /** Measures the network as it is in the end, and takes the taps out. */
  @Override
  public void onTrainingEnd(Trainer trainer) {
    try {
      measureOnce(trainer);
    } finally {
      if (model != null) {
        model.close();
        manager.close();
        model = null;
      }
    }
  }

  /** Measures, unless this state has been measured, or there was nothing to train on. */
  private void measureOnce(Trainer trainer) {
    if (!trajectory.isEmpty() && trajectory.get(trajectory.size() - 1).step() < step) {
      measure(trainer, OptionalDouble.empty());
    }
  }

  private Schedule.Costs costs() {
    return new Schedule.Costs(trainingNanos() / 1e9, spent / 1e9, last / 1e9);
  }

  private long trainingNanos() {
    return nanos.getAsLong() - begun - spent;
  }

  private static OptionalDouble lossOf(Trainer trainer, BatchData batchData) {
    return batchData.getPredictions().entrySet().stream()
        .mapToDouble(
            entry ->
                number(
                    trainer
                        .getLoss()
                        .evaluate(batchData.getLabels().get(entry.getKey()), entry.getValue())))
        .average();
  }

  private static double number(NDArray value) {
    try (value;
        NDArray wide = value.toType(DataType.FLOAT64, true)) {
      return wide.getDouble();
    }
  }

  private void measure(Trainer trainer, OptionalDouble trainingLoss) {
    double seconds = trainingNanos() / 1e9;
    long start = nanos.getAsLong();
    if (model == null) {
      instrument(trainer);
    }
    try (NDManager scratch = manager.newSubManager()) {
      NDList inputs = new NDList(copy(samples.head(), scratch));
      InstrumentedModel.Run run = model.run(inputs);
      if (run.captures().isEmpty()) {
        throw new InvalidInputException(
            "model "
                + trainer.getModel().getName()
                + " has no activation that can be captured: leave the listener out");
      }
      List<LayerScores> layers = new ArrayList<>();
      for (Capture capture : run.captures()) {
        layers.add(score(layers.size(), capture));
      }
      OptionalDouble loss =
          labels.isEmpty()
              ? OptionalDouble.empty()
              : OptionalDouble.of(number(trainer.getLoss().evaluate(targets, run.outputs())));
      record(
          new TrajectoryPoint(
              step, epoch, seconds, trainingLoss, loss, accuracy(run.outputs()), layers));
    }
    last = nanos.getAsLong() - start;
    spent += last;
  }

  private void instrument(Trainer trainer) {
    try {
      model = InstrumentedModel.builder().setModel(trainer.getModel()).build();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    manager = model.newManager();
    samples = new NDList(copy(data, manager));
    targets = new NDList();
    labels.ifPresent(array -> targets.add(copy(array, manager)));
  }

  /** The caller may free his arrays, and the network may work in place. */
  private NDArray copy(NDArray array, NDManager owner) {
    Device device = model.device();
    NDArray copy =
        array.getDevice().equals(device) ? array.duplicate() : array.toDevice(device, true);
    copy.attach(owner);
    return copy;
  }

  private LayerScores score(int index, Capture capture) {
    LayerSample sample = new LayerSample(capture.pre(), capture.post(), classes());
    Map<String, Score> values = new LinkedHashMap<>();
    scores.forEach(score -> values.put(score.name(), score.score(sample)));
    Site site = capture.site();
    return new LayerScores(
        index,
        site.path(),
        site.call(),
        site.kind().word(),
        site.shapeList(),
        site.dimension(),
        values);
  }

  /** Labels as classes; none if they are something else, such as targets of a regression. */
  private List<Integer> classes() {
    if (!hasClasses) {
      return List.of();
    }
    try (NDArray wide = targets.head().toType(DataType.INT64, true)) {
      return Arrays.stream(wide.toLongArray()).mapToObj(Math::toIntExact).toList();
    }
  }

  private static boolean areClasses(NDArray labels, NDArray data) {
    return labels.getDataType().isInteger() && labels.size() == data.getShape().get(0);
  }

  private OptionalDouble accuracy(NDList outputs) {
    List<Integer> classes = classes();
    NDArray first = outputs.head();
    if (classes.isEmpty() || first.getShape().dimension() != 2 || first.getShape().get(1) < 2) {
      return OptionalDouble.empty();
    }
    try (NDArray best = first.argMax(1)) {
      long[] found = best.toLongArray();
      long right = 0;
      for (int i = 0; i < found.length; i++) {
        right += found[i] == classes.get(i) ? 1 : 0;
      }
      return OptionalDouble.of((double) right / found.length);
    }
  }

  private void record(TrajectoryPoint point) {
    trajectory.add(point);
    if (out.isPresent()) {
      try {
        Files.writeString(
            out.get(),
            point.toJson() + "\n",
            StandardOpenOption.CREATE,
            trajectory.size() == 1
                ? StandardOpenOption.TRUNCATE_EXISTING
                : StandardOpenOption.APPEND);
      } catch (IOException e) {
        throw new UncheckedIOException("trajectory " + out.get() + " cannot be written", e);
      }
    }
  }

  /** Builds a {@link SignatureListener}. */
  public static final class Builder {
    private NDArray data;
    private NDArray labels;
    private List<ScoreFunction> scores = List.of();
    private Schedule schedule = Schedule.withinShare(DEFAULT_SHARE);
    private Path out;
    private LongSupplier nanos = System::nanoTime;

    private Builder() {}

    private List<ScoreFunction> scores() {
      if (!scores.isEmpty()) {
        return scores;
      }
      List<ScoreFunction> usual = new ArrayList<>();
      usual.add(AffinityScore.builder().build());
      if (labels != null && data != null && areClasses(labels, data)) {
        usual.add(new LinearSeparability(Side.POST, Contrast.REST, 2, 0));
      }
      return usual;
    }

    /**
     * Sets the held-out samples.
     *
     * @param value the network's input, samples on the first axis, at least 2, on any device of the
     *     network's engine; copied at the first measurement
     * @return this builder
     */
    public Builder setData(NDArray value) {
      if (value.getShape().dimension() < 1 || value.getShape().get(0) < 2) {
        throw new InvalidInputException(
            "held-out samples must be at least 2, got shape " + value.getShape());
      }
      data = value;
      return this;
    }

    /**
     * Sets what the network should give for the held-out samples; without it there is no loss and
     * no accuracy.
     *
     * @param value labels as the trainer's loss takes them, one for each sample; whole numbers from
     *     0 are classes, which scores get to see, too. Copied at the first measurement
     * @return this builder
     */
    public Builder optLabels(NDArray value) {
      labels = value;
      return this;
    }

    /**
     * Sets which scores are computed. If not called, affinity with Ledoit-Wolf's covariances and,
     * where labels are classes, how far these are linearly separable behind each site: {@code
     * separability_rest_order2_post}, whose closed form costs as much as affinity at most. The
     * other orders search for a direction, which takes longer than all else together.
     *
     * @param value the scores, at least one
     * @return this builder
     * @throws IllegalArgumentException if there is none, or one that needs counts over whole
     *     tensors
     */
    public Builder optScores(List<ScoreFunction> value) {
      if (value.isEmpty()) {
        throw new IllegalArgumentException("scores must be at least one, got none");
      }
      for (ScoreFunction score : value) {
        if (score.needsCounts()) {
          throw new IllegalArgumentException(
              "score "
                  + score.name()
                  + " is counted over whole tensors, which a listener does not do: measure the"
                  + " model after training instead");
        }
      }
      scores = List.copyOf(value);
      return this;
    }

    /**
     * Sets when the network is measured; within 5 percent of the training time if not called.
     *
     * @param value the schedule
     * @return this builder
     */
    public Builder optSchedule(Schedule value) {
      schedule = value;
      return this;
    }

    /**
     * Sets a file for the trajectory, one line of JSON for each measurement as soon as it is made;
     * see {@link TrajectoryPoint#toJson}.
     *
     * @param value a file, replaced if it exists; its folder must exist
     * @return this builder
     */
    public Builder optOut(Path value) {
      out = value;
      return this;
    }

    /** Sets the clock, in nanoseconds. */
    Builder optNanos(LongSupplier value) {
      nanos = value;
      return this;
    }

    /**
     * Builds the listener.
     *
     * @return the listener, to be added to one training configuration
     * @throws InvalidInputException if there is not one label for each sample
     */
    public SignatureListener build() {
      if (data != null && labels != null && labels.getShape().get(0) != data.getShape().get(0)) {
        throw new InvalidInputException(
            "labels must be one for each held-out sample, got "
                + labels.getShape().get(0)
                + " for "
                + data.getShape().get(0)
                + " samples");
      }
      return new SignatureListener(this);
    }
  }
}
