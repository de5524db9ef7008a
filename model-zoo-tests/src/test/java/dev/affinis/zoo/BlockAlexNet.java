package dev.affinis.zoo;

import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.Dropout;
import ai.djl.nn.pooling.Pool;

/** The zoo's AlexNet: two sequences, activations as functions among their children. */
final class BlockAlexNet {
  private static final float DROPOUT = 0.1f;

  private BlockAlexNet() {}

  static Block build(TorchWeights weights) {
    return new NamedSequence()
        .add("features", features(weights))
        .add("flatten", Blocks.batchFlattenBlock())
        .add("classifier", classifier(weights));
  }

  private static Block features(TorchWeights weights) {
    return new NamedSequence()
        .add("0", weights.into("features.0", convolution(24, 5)))
        .add("1", Activation::relu)
        .add("2", pool())
        .add("3", weights.into("features.3", convolution(40, 5)))
        .add("4", Activation::relu)
        .add("5", pool())
        .add("6", weights.into("features.6", convolution(48, 3)))
        .add("7", Activation::relu)
        .add("8", weights.into("features.8", convolution(40, 3)))
        .add("9", Activation::relu)
        .add("10", weights.into("features.10", convolution(32, 3)))
        .add("11", Activation::relu)
        .add("12", pool());
  }

  private static Block classifier(TorchWeights weights) {
    return new NamedSequence()
        .add("0", Dropout.builder().optRate(DROPOUT).build())
        .add("1", weights.into("classifier.1", Linear.builder().setUnits(64).build()))
        .add("2", Activation::relu)
        .add("3", Dropout.builder().optRate(DROPOUT).build())
        .add("4", weights.into("classifier.4", Linear.builder().setUnits(64).build()))
        .add("5", Activation::relu)
        .add("6", weights.into("classifier.6", Linear.builder().setUnits(10).build()));
  }

  private static Conv2d convolution(int filters, int kernel) {
    return Conv2d.builder()
        .setKernelShape(new Shape(kernel, kernel))
        .optPadding(new Shape(kernel / 2, kernel / 2))
        .setFilters(filters)
        .build();
  }

  private static Block pool() {
    return Pool.maxPool2dBlock(new Shape(3, 3), new Shape(2, 2));
  }
}
