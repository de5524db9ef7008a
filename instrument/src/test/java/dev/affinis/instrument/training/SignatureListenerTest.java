package dev.affinis.instrument.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.norm.Dropout;
import ai.djl.nn.pooling.Pool;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.EasyTrain;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.ArrayDataset;
import ai.djl.training.listener.TrainingListener;
import ai.djl.training.listener.TrainingListenerAdapter;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.util.Pair;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.affinis.instrument.InstrumentedModel;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.signature.LayerSample;
import dev.affinis.signature.LayerScores;
import dev.affinis.signature.Score;
import dev.affinis.signature.ScoreFunction;
import dev.affinis.signature.transport.AffinityScore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Training is watched, not disturbed. */
class SignatureListenerTest {
  private static final int SAMPLES = 48;
  private static final int BATCH = 12;
  private static final int EPOCHS = 3;
  private static final int STEPS = SAMPLES / BATCH * EPOCHS;

  /** Running statistics, random numbers, activations: all that could be upset. */
  private static Block network() {
    return new SequentialBlock()
        .add(
            Conv2d.builder()
                .setKernelShape(new Shape(3, 3))
                .optPadding(new Shape(1, 1))
                .setFilters(6)
                .build())
        .add(BatchNorm.builder().build())
        .add(Activation::relu)
        .add(Dropout.builder().optRate(0.3f).build())
        .add(Conv2d.builder().setKernelShape(new Shape(3, 3)).setFilters(8).build())
        .add(Activation::tanh)
        .add(Pool.globalAvgPool2dBlock())
        .add(Linear.builder().setUnits(3).build());
  }

  /** Trains a network from a seed and returns its parameters. */
  private static List<float[]> train(NDManager manager, TrainingListener... listeners)
      throws Exception {
    Engine.getEngine("PyTorch").setRandomSeed(5);
    NDArray images = manager.randomNormal(new Shape(SAMPLES, 2, 8, 8));
    NDArray labels = manager.arange(SAMPLES).mod(3).toType(DataType.INT64, false);
    ArrayDataset dataset =
        new ArrayDataset.Builder()
            .setData(images)
            .optLabels(labels)
            .setSampling(BATCH, true)
            .build();
    List<float[]> values = new ArrayList<>();
    try (Model model = Model.newInstance("small", "PyTorch")) {
      model.setBlock(network());
      DefaultTrainingConfig config =
          new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss())
              .optOptimizer(Optimizer.adam().build())
              .addTrainingListeners(listeners);
      try (Trainer trainer = model.newTrainer(config)) {
        trainer.initialize(new Shape(1, 2, 8, 8));
        EasyTrain.fit(trainer, EPOCHS, dataset, null);
      }
      for (Pair<String, Parameter> pair : model.getBlock().getParameters()) {
        values.add(pair.getValue().getArray().toFloatArray());
      }
    }
    return values;
  }

  private static NDArray heldOut(NDManager manager, int count) {
    return manager.arange(count * 128f).mul(0.37f).sin().reshape(count, 2, 8, 8);
  }

  private static NDArray classes(NDManager manager, int count) {
    return manager.arange(count).mod(3).toType(DataType.INT64, false);
  }

  @Test
  void trainingGivesTheSameWeights() throws Exception {
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      SignatureListener listener =
          SignatureListener.builder()
              .setData(heldOut(manager, 20))
              .optLabels(classes(manager, 20))
              .optSchedule(Schedule.everySteps(1))
              .build();
      List<float[]> alone = train(manager);
      List<float[]> watched = train(manager, listener);
      assertEquals(alone.size(), watched.size());
      for (int i = 0; i < alone.size(); i++) {
        assertArrayEquals(alone.get(i), watched.get(i), "parameter " + i);
      }
      assertEquals(STEPS + 1, listener.trajectory().size());
    }
  }

  @Test
  void tellsWhatTheNetworkGivesAtThatMoment() throws Exception {
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray data = heldOut(manager, 20);
      SignatureListener listener =
          SignatureListener.builder()
              .setData(data)
              .optLabels(classes(manager, 20))
              .optSchedule(Schedule.everyEpochs(1))
              .build();
      List<Double> losses = new ArrayList<>();
      train(
          manager,
          listener,
          new TrainingListenerAdapter() {
            @Override
            public void onEpoch(Trainer trainer) {
              losses.add(loss(trainer, data, classes(manager, 20)));
            }
          });
      List<TrajectoryPoint> trajectory = listener.trajectory();
      assertEquals(EPOCHS + 1, trajectory.size());
      for (int epoch = 1; epoch <= EPOCHS; epoch++) {
        TrajectoryPoint point = trajectory.get(epoch);
        assertEquals(epoch, point.epoch());
        assertEquals((long) epoch * SAMPLES / BATCH, point.step());
        assertEquals(losses.get(epoch - 1), point.loss().orElseThrow(), 1e-6);
      }
    }
  }

  /** What DJL's own evaluation gives. */
  private static double loss(Trainer trainer, NDArray data, NDArray labels) {
    NDList outputs = trainer.evaluate(new NDList(data.duplicate()));
    return trainer.getLoss().evaluate(new NDList(labels), outputs).getFloat();
  }

  @Test
  void everySiteIsScoredWithTheClassesOfItsSamples() throws Exception {
    ScoreFunction classes =
        new ScoreFunction() {
          @Override
          public String name() {
            return "classes";
          }

          @Override
          public Score score(LayerSample sample) {
            return Score.of((double) sample.labels().stream().distinct().count());
          }
        };
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      SignatureListener listener =
          SignatureListener.builder()
              .setData(heldOut(manager, 20))
              .optLabels(classes(manager, 20))
              .optScores(List.of(AffinityScore.builder().build(), classes))
              .optSchedule(Schedule.everySteps(5))
              .build();
      train(manager, listener);
      List<TrajectoryPoint> trajectory = listener.trajectory();
      assertEquals(
          List.of(0L, 5L, 10L, 12L), trajectory.stream().map(TrajectoryPoint::step).toList());
      for (TrajectoryPoint point : trajectory) {
        List<LayerScores> layers = point.layers();
        assertEquals(
            List.of("relu", "tanh"), layers.stream().map(LayerScores::activation).toList());
        for (LayerScores layer : layers) {
          assertEquals(3, layer.scores().get("classes").number().orElseThrow());
          double affinity = layer.scores().get("affinity").number().orElseThrow();
          assertTrue(affinity > 0.3 && affinity <= 1, () -> "affinity " + affinity);
        }
        double accuracy = point.accuracy().orElseThrow();
        assertTrue(accuracy >= 0 && accuracy <= 1, () -> "accuracy " + accuracy);
        assertEquals(point.step() < STEPS, point.trainingLoss().isPresent());
      }
      assertTrue(
          !trajectory.get(0).layers().equals(trajectory.get(3).layers()),
          "the signature must change in training");
    }
  }

  @Test
  void writesALineForEachMeasurement(@TempDir Path folder) throws Exception {
    Path out = folder.resolve("trajectory.jsonl");
    Files.writeString(out, "of an earlier training\n");
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      SignatureListener listener =
          SignatureListener.builder()
              .setData(heldOut(manager, 20))
              .optOut(out)
              .optSchedule(Schedule.everyEpochs(2))
              .build();
      train(manager, listener);
      List<String> lines = Files.readAllLines(out);
      assertEquals(listener.trajectory().stream().map(TrajectoryPoint::toJson).toList(), lines);
      JsonNode last = JsonMapper.builder().build().readTree(lines.get(2));
      assertEquals(STEPS, last.get("step").intValue());
      assertEquals(EPOCHS, last.get("epoch").intValue());
      assertTrue(last.get("loss").isNull(), "no labels, no loss");
      assertEquals("relu", last.at("/layers/0/activation").textValue());
      assertTrue(last.at("/layers/0/scores/affinity").isNumber(), lines.get(2));
    }
  }

  /** A clock that a training step and a measurement move by known amounts. */
  @Test
  void staysWithinItsShareOfTheTime() throws Exception {
    AtomicLong clock = new AtomicLong(1);
    ScoreFunction slow =
        new ScoreFunction() {
          @Override
          public String name() {
            return "slow";
          }

          @Override
          public Score score(LayerSample sample) {
            clock.addAndGet(5_000_000);
            return Score.of(1);
          }
        };
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      SignatureListener listener =
          SignatureListener.builder()
              .setData(heldOut(manager, 4))
              .optScores(List.of(slow))
              .optNanos(clock::get)
              .build();
      train(
          manager,
          listener,
          new TrainingListenerAdapter() {
            @Override
            public void onTrainingBatch(Trainer trainer, BatchData batchData) {
              clock.addAndGet(150_000_000);
            }
          });
      // Two sites, 10 ms a measurement, 150 ms a step: 5 percent pay for one in 200 ms, the last in
      // advance.
      assertEquals(
          List.of(0L, 4L, 6L, 7L, 8L, 10L, 11L, 12L),
          listener.trajectory().stream().map(TrajectoryPoint::step).toList());
      assertTrue(listener.share() <= 0.05, () -> "share " + listener.share());
    }
  }

  @Test
  void tapsAreTakenOutWhenTrainingEnds() throws Exception {
    try (NDManager manager = NDManager.newBaseManager("PyTorch");
        Model model = Model.newInstance("small", "PyTorch")) {
      model.setBlock(network());
      SignatureListener listener =
          SignatureListener.builder()
              .setData(heldOut(manager, 20))
              .optSchedule(Schedule.everySteps(1))
              .build();
      DefaultTrainingConfig config =
          new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss()).addTrainingListeners(listener);
      ArrayDataset dataset =
          new ArrayDataset.Builder()
              .setData(heldOut(manager, 8))
              .optLabels(classes(manager, 8))
              .setSampling(4, false)
              .build();
      try (Trainer trainer = model.newTrainer(config)) {
        trainer.initialize(new Shape(1, 2, 8, 8));
        EasyTrain.fit(trainer, 1, dataset, null);
        InvalidInputException e =
            assertThrows(
                InvalidInputException.class,
                () -> InstrumentedModel.builder().setModel(model).build());
        assertTrue(e.getMessage().contains("instrumented"), e.getMessage());
      }
      InstrumentedModel.builder().setModel(model).build().close();
    }
  }

  @Test
  void rejectsWhatCannotBeMeasured() throws Exception {
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray one = heldOut(manager, 1);
      assertThrows(InvalidInputException.class, () -> SignatureListener.builder().setData(one));
      SignatureListener.Builder unequal =
          SignatureListener.builder().setData(heldOut(manager, 4)).optLabels(classes(manager, 3));
      InvalidInputException e = assertThrows(InvalidInputException.class, unequal::build);
      assertTrue(e.getMessage().contains("3 for 4"), e.getMessage());
      assertThrows(NullPointerException.class, () -> SignatureListener.builder().build());
      assertThrows(IllegalArgumentException.class, () -> Schedule.everySteps(0));
      assertThrows(IllegalArgumentException.class, () -> Schedule.withinShare(Double.NaN));
    }
  }

  @Test
  void classesAreSeparatedToo_whereThereAreSome() throws Exception {
    String separability = "separability_rest_order2_post";
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      SignatureListener.Builder builder =
          SignatureListener.builder()
              .setData(heldOut(manager, 20))
              .optSchedule(Schedule.everyEpochs(10));
      SignatureListener unlabelled = builder.build();
      SignatureListener labelled = builder.optLabels(classes(manager, 20)).build();
      train(manager, unlabelled);
      train(manager, labelled);
      for (LayerScores layer : unlabelled.trajectory().get(0).layers()) {
        assertEquals(List.of("affinity"), List.copyOf(layer.scores().keySet()));
      }
      for (LayerScores layer : labelled.trajectory().get(0).layers()) {
        assertEquals(List.of("affinity", separability), List.copyOf(layer.scores().keySet()));
        double value = layer.scores().get(separability).number().orElseThrow();
        assertTrue(value > 0 && value < 1, layer::toString);
      }
    }
  }
}
