package dev.affinis.instrument.torchscript;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Parameter;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.training.ParameterStore;
import ai.djl.util.Pair;
import dev.affinis.instrument.Tap;
import dev.affinis.instrument.TapCounts;
import dev.affinis.instrument.TappedModel;
import dev.affinis.instrument.torchscript.TapKey.Side;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** An instrumented archive, loaded: splits what it returns by {@link TapKey}. */
final class TappedScript implements TappedModel {
  /** DJL's property for the optimiser of programs, which is on unless it is false. */
  private static final String OPTIMIZER = "ai.djl.pytorch.graph_optimizer";

  private final Model model;
  private final DataType type;

  TappedScript(Model model) {
    this.model = model;
    List<DataType> types =
        model.getBlock().getParameters().values().stream()
            .map(parameter -> parameter.getArray().getDataType())
            .filter(DataType::isFloating)
            .distinct()
            .toList();
    // Weights of several types: then the model sees to it itself.
    type = types.size() == 1 ? types.get(0) : DataType.FLOAT32;
  }

  @Override
  public Pass forward(ParameterStore parameters, NDList inputs) {
    NDList outputs = new NDList();
    TreeMap<Integer, Sides> sides = new TreeMap<>();
    for (NDArray array : run(parameters, inputs)) {
      if (TapKey.isKey(array.getName())) {
        TapKey key = TapKey.parse(array.getName());
        sides.computeIfAbsent(key.order(), order -> new Sides()).add(key, array);
      } else {
        outputs.add(array);
      }
    }
    List<Tap> taps = sides.values().stream().map(Sides::tap).toList();
    return new Pass(outputs, taps);
  }

  /** Runs the model on inputs of the type of its weights. */
  private NDList run(ParameterStore parameters, NDList inputs) {
    if (type == DataType.FLOAT32) {
      return runAsPrinted(parameters, inputs);
    }
    NDList converted = new NDList();
    try {
      NDList typed = new NDList();
      for (NDArray input : inputs) {
        if (input.getDataType() == DataType.FLOAT32) {
          NDArray array = input.toType(type, false);
          array.setName(input.getName());
          converted.add(array);
          typed.add(array);
        } else {
          typed.add(input);
        }
      }
      return runAsPrinted(parameters, typed);
    } finally {
      converted.close();
    }
  }

  /**
   * Runs the program as it is printed. On a CPU the engine's optimiser of programs changes neither
   * values nor, measurably, the speed of later passes, but the first ones take it seconds, the more
   * the longer the program. The setting is the calling thread's; who has set the engine's property
   * has decided for all models.
   */
  private NDList runAsPrinted(ParameterStore parameters, NDList inputs) {
    boolean isOurs =
        System.getProperty(OPTIMIZER) == null && !model.getNDManager().getDevice().isGpu();
    if (isOurs) {
      JniUtils.setGraphExecutorOptimize(false);
    }
    try {
      return model.getBlock().forward(parameters, inputs, false);
    } finally {
      if (isOurs) {
        JniUtils.setGraphExecutorOptimize(true);
      }
    }
  }

  @Override
  public Model model() {
    return model;
  }

  @Override
  public long parameterCount() {
    long count = 0;
    for (Pair<String, Parameter> parameter : model.getBlock().getParameters()) {
      count += parameter.getValue().getArray().size();
    }
    return count;
  }

  @Override
  public void close() {
    model.close();
  }

  /** Both sides of one observed call while they are collected. */
  private static final class Sides {
    private final Map<Side, NDArray> arrays = new EnumMap<>(Side.class);
    private TapKey key;

    void add(TapKey side, NDArray array) {
      arrays.put(side.side(), array);
      if (side.side() == Side.POST) {
        key = side;
      }
    }

    Tap tap() {
      NDArray pre = arrays.get(Side.PRE);
      NDArray post = arrays.get(Side.POST);
      NDArray smallPre = arrays.get(Side.SMALL_PRE);
      // A call that is left out comes with an empty array in place of its values.
      boolean isLeftOut = post.isEmpty() && key.shape().size() > 0;
      if (isLeftOut) {
        pre.close();
        post.close();
      }
      return new Tap(
          key.path(),
          key.kind(),
          key.shape(),
          key.channels(),
          isLeftOut ? null : pre,
          isLeftOut ? null : post,
          smallPre == null
              ? null
              : new TapCounts(smallPre, arrays.get(Side.SMALL_POST), arrays.get(Side.BOUNDED)));
    }
  }
}
