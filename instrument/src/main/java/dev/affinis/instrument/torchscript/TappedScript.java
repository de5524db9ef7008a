package dev.affinis.instrument.torchscript;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import ai.djl.util.Pair;
import dev.affinis.instrument.Tap;
import dev.affinis.instrument.TappedModel;
import java.util.List;
import java.util.TreeMap;

/** An instrumented archive, loaded: splits what it returns by {@link TapKey}. */
final class TappedScript implements TappedModel {
  private final Model model;

  TappedScript(Model model) {
    this.model = model;
  }

  @Override
  public Pass forward(ParameterStore parameters, NDList inputs) {
    NDList outputs = new NDList();
    TreeMap<Integer, Sides> sides = new TreeMap<>();
    for (NDArray array : model.getBlock().forward(parameters, inputs, false)) {
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

  /** Both sides of one activation call while they are collected. */
  private static final class Sides {
    private NDArray pre;
    private NDArray post;
    private TapKey key;

    void add(TapKey side, NDArray array) {
      if (side.isPre()) {
        pre = array;
      } else {
        post = array;
        key = side;
      }
    }

    Tap tap() {
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
          isLeftOut ? null : post);
    }
  }
}
