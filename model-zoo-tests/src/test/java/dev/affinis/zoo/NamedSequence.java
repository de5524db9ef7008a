package dev.affinis.zoo;

import ai.djl.ndarray.NDList;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;
import java.util.function.Function;

/** A sequence whose children have names, rather than those of their classes. */
final class NamedSequence extends SequentialBlock {
  NamedSequence add(String name, Block block) {
    addChildBlock(name, block);
    return this;
  }

  /** Adds a function, such as {@code Activation::relu}. */
  NamedSequence add(String name, Function<NDList, NDList> function) {
    addChildBlock(name, function);
    return this;
  }
}
