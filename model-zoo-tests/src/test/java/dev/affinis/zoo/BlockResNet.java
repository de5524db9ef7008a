package dev.affinis.zoo;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.ParallelBlock;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.pooling.Pool;
import java.util.List;

/**
 * The zoo's ResNet. A residual unit is a {@link ParallelBlock}, as in DJL's basic model zoo: its
 * second activation is inside the function that joins the two branches, and no block.
 */
final class BlockResNet {
  private static final int[] WIDTHS = {16, 28, 48};

  private BlockResNet() {}

  static Block build(TorchWeights weights) {
    NamedSequence net =
        new NamedSequence()
            .add("conv1", weights.into("conv1", convolution(WIDTHS[0], 3, 2)))
            .add("bn1", weights.into("bn1", BatchNorm.builder().build()))
            .add("relu", Activation.reluBlock());
    for (int i = 0; i < WIDTHS.length; i++) {
      int stride = i == 0 ? 1 : 2;
      String layer = "layer" + (i + 1);
      net.add(
          layer,
          new NamedSequence()
              .add("0", residualUnit(weights, layer + ".0", WIDTHS[i], stride))
              .add("1", residualUnit(weights, layer + ".1", WIDTHS[i], 1)));
    }
    return net.add("avgpool", Pool.globalAvgPool2dBlock())
        .add("fc", weights.into("fc", Linear.builder().setUnits(10).build()));
  }

  private static Block residualUnit(TorchWeights weights, String path, int width, int stride) {
    NamedSequence unit =
        new NamedSequence()
            .add("conv1", weights.into(path + ".conv1", convolution(width, 3, stride)))
            .add("bn1", weights.into(path + ".bn1", BatchNorm.builder().build()))
            .add("relu", Activation::relu)
            .add("conv2", weights.into(path + ".conv2", convolution(width, 3, 1)))
            .add("bn2", weights.into(path + ".bn2", BatchNorm.builder().build()));
    SequentialBlock shortcut = new SequentialBlock();
    if (stride == 1) {
      shortcut.add(Blocks.identityBlock());
    } else {
      String projection = path + ".downsample";
      shortcut
          .add(weights.into(projection + ".0", convolution(width, 1, stride)))
          .add(weights.into(projection + ".1", BatchNorm.builder().build()));
    }
    return new ParallelBlock(
        branches -> {
          NDArray sum = branches.get(0).singletonOrThrow().add(branches.get(1).singletonOrThrow());
          return new NDList(sum.getNDArrayInternal().relu());
        },
        List.of(unit, shortcut));
  }

  private static Conv2d convolution(int filters, int kernel, int stride) {
    return Conv2d.builder()
        .setKernelShape(new Shape(kernel, kernel))
        .optPadding(new Shape(kernel / 2, kernel / 2))
        .optStride(new Shape(stride, stride))
        .setFilters(filters)
        .optBias(false)
        .build();
  }
}
