package dev.affinis.instrument.block;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.core.Prelu;
import ai.djl.nn.transformer.TransformerEncoderBlock;
import ai.djl.training.ParameterStore;
import ai.djl.training.initializer.NormalInitializer;
import ai.djl.util.PairList;
import dev.affinis.instrument.CaptureForm;
import dev.affinis.instrument.Layout;
import dev.affinis.instrument.SiteFilter;
import dev.affinis.instrument.TapOptions;
import dev.affinis.signature.Pooling;
import java.util.List;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/** Blocks as users write them. */
public final class TestBlocks {
  private TestBlocks() {}

  public static Model model(Block block, Shape... inputs) {
    Model model = Model.newInstance("test", "PyTorch");
    model.setBlock(block);
    block.setInitializer(new NormalInitializer(0.3f), Parameter.Type.WEIGHT);
    block.initialize(model.getNDManager(), DataType.FLOAT32, inputs);
    return model;
  }

  static TapOptions options(CaptureForm form) {
    return new TapOptions(form, Pooling.CHANNEL, Layout.AUTO, SiteFilter.ALL);
  }

  static Linear linear(int units) {
    return Linear.builder().setUnits(units).build();
  }

  static Conv2d conv(int filters) {
    return Conv2d.builder()
        .setFilters(filters)
        .setKernelShape(new Shape(3, 3))
        .optPadding(new Shape(1, 1))
        .build();
  }

  /** A block whose shapes do not change, with children of the names given. */
  abstract static class Custom extends AbstractBlock {
    @Override
    public Shape[] getOutputShapes(Shape[] inputShapes) {
      return inputShapes;
    }

    @Override
    protected void initializeChildBlocks(NDManager manager, DataType type, Shape... shapes) {
      for (Block child : getChildren().values()) {
        child.initialize(manager, type, shapes);
      }
    }

    @Override
    protected NDList forwardInternal(
        ParameterStore store, NDList inputs, boolean training, PairList<String, Object> params) {
      return new NDList(forward(store, inputs.singletonOrThrow()));
    }

    abstract NDArray forward(ParameterStore store, NDArray x);

    static NDArray run(Block block, ParameterStore store, NDArray x) {
      return block.forward(store, new NDList(x), false).singletonOrThrow();
    }
  }

  /** PyTorch's way of naming: features.0, features.1. */
  static final class Numbered extends Custom {
    private final Block features;
    private final Block head;

    Numbered() {
      Named numbered = new Named();
      features = addChildBlock("features", numbered);
      head = addChildBlock("head", linear(6));
    }

    @Override
    NDArray forward(ParameterStore store, NDArray x) {
      return run(head, store, run(features, store, x));
    }
  }

  private static final class Named extends Custom {
    private final Block first;
    private final Block second;

    Named() {
      first = addChildBlock("0", linear(6));
      second = addChildBlock("1", Activation.reluBlock());
    }

    @Override
    NDArray forward(ParameterStore store, NDArray x) {
      return run(second, store, run(first, store, x));
    }
  }

  /** A Prelu that runs on PyTorch: DJL's own has no code for that engine. */
  static final class RunningPrelu extends Prelu {
    @Override
    protected NDList forwardInternal(
        ParameterStore store, NDList inputs, boolean training, PairList<String, Object> params) {
      NDArray x = inputs.singletonOrThrow();
      Parameter alpha = getDirectParameters().valueAt(0);
      NDArray slope = store.getValue(alpha, x.getDevice(), training);
      return new NDList(x.maximum(0).add(x.minimum(0).mul(slope)));
    }
  }

  /** A vision transformer of DJL's own transformer blocks. */
  static final class Vit extends AbstractBlock {
    private static final int WIDTH = 12;
    private final Block patches;
    private final Block encoder;
    private final Block head;
    private final Parameter position;

    Vit() {
      patches =
          addChildBlock(
              "patches",
              new SequentialBlock()
                  .add(
                      Conv2d.builder()
                          .setFilters(WIDTH)
                          .setKernelShape(new Shape(4, 4))
                          .optStride(new Shape(4, 4))
                          .build())
                  .addSingleton(x -> x.reshape(x.size(0), WIDTH, -1).transpose(0, 2, 1), "tokens"));
      SequentialBlock blocks = new SequentialBlock();
      for (int i = 0; i < 2; i++) {
        blocks.add(new TransformerEncoderBlock(WIDTH, 3, 4 * WIDTH, 0.1f, Activation::gelu));
      }
      encoder = addChildBlock("encoder", blocks);
      head = addChildBlock("head", linear(5));
      position =
          addParameter(
              Parameter.builder()
                  .setName("position")
                  .setType(Parameter.Type.WEIGHT)
                  .optShape(new Shape(1, 4, WIDTH))
                  .build());
    }

    @Override
    protected NDList forwardInternal(
        ParameterStore store, NDList inputs, boolean training, PairList<String, Object> params) {
      NDArray tokens = patches.forward(store, inputs, training).singletonOrThrow();
      tokens = tokens.add(store.getValue(position, tokens.getDevice(), training));
      NDArray encoded = encoder.forward(store, new NDList(tokens), training).singletonOrThrow();
      return head.forward(store, new NDList(encoded.get(":, 0")), training);
    }

    @Override
    public Shape[] getOutputShapes(Shape[] inputShapes) {
      return new Shape[] {new Shape(inputShapes[0].get(0), 5)};
    }

    @Override
    protected void initializeChildBlocks(NDManager manager, DataType type, Shape... shapes) {
      patches.initialize(manager, type, shapes);
      Shape[] tokens = patches.getOutputShapes(shapes);
      encoder.initialize(manager, type, tokens);
      head.initialize(manager, type, new Shape(tokens[0].get(0), WIDTH));
    }
  }

  /** Squeeze and excite with linear layers, between a convolution and an activation. */
  static final class Excited extends Custom {
    private final Block conv;
    private final Block squeeze;
    private final Block act;

    Excited(int channels) {
      conv = addChildBlock("conv", conv(channels));
      squeeze =
          addChildBlock(
              "squeeze",
              new SequentialBlock()
                  .addSingleton(
                      x -> x.reshape(x.size(0), x.size(1), -1).mean(new int[] {2}), "mean")
                  .add(linear(channels))
                  .add(Activation.sigmoidBlock()));
      act = addChildBlock("act", Activation.reluBlock());
    }

    @Override
    public Shape[] getOutputShapes(Shape[] inputShapes) {
      return conv.getOutputShapes(inputShapes);
    }

    @Override
    protected void initializeChildBlocks(NDManager manager, DataType type, Shape... shapes) {
      conv.initialize(manager, type, shapes);
      Shape[] made = conv.getOutputShapes(shapes);
      squeeze.initialize(manager, type, made);
      act.initialize(manager, type, made);
    }

    @Override
    NDArray forward(ParameterStore store, NDArray x) {
      NDArray y = run(conv, store, x);
      NDArray gate = run(squeeze, store, y);
      return run(act, store, y.mul(gate.reshape(gate.size(0), gate.size(1), 1, 1)));
    }
  }

  /** Holds its functions in all kinds of places. */
  static final class Holder extends Custom {
    static final Function<NDArray, NDArray> SHARED = NDArray::tanh;

    private final Function<NDArray, NDArray> last;
    private final List<Function<NDList, NDList>> open;
    private final List<Function<NDArray, NDArray>> closed;
    private final Block loose = Activation.seluBlock();
    private final Block inner = addChildBlock("inner", linear(6));

    Holder(
        Function<NDArray, NDArray> last,
        List<Function<NDList, NDList>> open,
        List<Function<NDArray, NDArray>> closed) {
      this.last = last;
      this.open = open;
      this.closed = closed;
    }

    @Override
    NDArray forward(ParameterStore store, NDArray x) {
      NDArray y = run(loose, store, run(inner, store, x));
      for (Function<NDList, NDList> function : open) {
        y = function.apply(new NDList(y)).singletonOrThrow();
      }
      for (Function<NDArray, NDArray> function : closed) {
        y = function.apply(y);
      }
      return last.apply(SHARED.apply(y));
    }
  }

  /** Calls its activations itself. */
  static final class Direct extends Custom {
    @Override
    NDArray forward(ParameterStore store, NDArray x) {
      NDArray y = Activation.leakyRelu(helped(x), 0.1f);
      Function<NDArray, NDArray> local = Activation::mish;
      Function<NDArray, NDArray> written = z -> z.getNDArrayInternal().gelu();
      return local.apply(written.apply(y)).div(x.neg().exp().add(1));
    }

    private static NDArray helped(NDArray x) {
      return Helper.squash(x);
    }
  }

  private static final class Helper {
    static NDArray squash(NDArray x) {
      return x.tanh();
    }
  }

  /** More than one method: not a function that could be replaced. */
  interface Activations {
    NDArray first(NDArray x);

    NDArray second(NDArray x);
  }

  static final class Usual implements Activations {
    @Override
    public NDArray first(NDArray x) {
      return Activation.selu(x);
    }

    @Override
    public NDArray second(NDArray x) {
      return x;
    }
  }

  /** Calls its activations through an interface. */
  static final class Behind extends Custom {
    private final Activations activations;

    Behind(Activations activations) {
      this.activations = activations;
    }

    @Override
    NDArray forward(ParameterStore store, NDArray x) {
      return activations.second(activations.first(x));
    }
  }

  static final class Shelf {
    static final Function<NDArray, NDArray> ACT = NDArray::tanh;
    static final Function<NDArray, NDArray> SCALE = x -> x.mul(2);

    private Shelf() {}
  }

  /** Takes its functions from static fields of another class. */
  static final class Shelved extends Custom {
    @Override
    NDArray forward(ParameterStore store, NDArray x) {
      return Shelf.ACT.apply(Shelf.SCALE.apply(x));
    }
  }

  /** Tools that several blocks share. */
  static final class Kit {
    private final Function<NDArray, NDArray> function;
    private final Block block = Activation.seluBlock();

    Kit(Function<NDArray, NDArray> function) {
      this.function = function;
    }

    NDArray use(ParameterStore store, NDArray x) {
      return Custom.run(block, store, function.apply(x));
    }
  }

  /** Activations as constants. */
  static final class Choice {
    static final Choice RELU = new Choice(x -> x.maximum(0));
    static final Choice GELU = new Choice(Activation::gelu);
    static final Choice SOFTSIGN = new Choice(Activation::softSign);

    private final UnaryOperator<NDArray> function;

    private Choice(UnaryOperator<NDArray> function) {
      this.function = function;
    }

    NDArray use(NDArray x) {
      return function.apply(x);
    }
  }

  /** Has its functions in objects that are no blocks. */
  static final class Equipped extends Custom {
    private final Kit kit;
    private final Choice choice;

    Equipped(Kit kit, Choice choice) {
      this.kit = kit;
      this.choice = choice;
    }

    @Override
    NDArray forward(ParameterStore store, NDArray x) {
      return Choice.SOFTSIGN.use(choice.use(kit.use(store, x)));
    }
  }

  /** Holds a function that it does not call. */
  static final class Idle extends SequentialBlock {
    private final Function<NDArray, NDArray> spare = NDArray::tanh;

    Function<NDArray, NDArray> spare() {
      return spare;
    }
  }

  /** An anonymous block around a function. */
  public static Block around(Function<NDArray, NDArray> function) {
    return new Custom() {
      @Override
      NDArray forward(ParameterStore store, NDArray x) {
        return function.apply(x);
      }
    };
  }
}
