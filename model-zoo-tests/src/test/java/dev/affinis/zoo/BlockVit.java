package dev.affinis.zoo;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.nn.transformer.ScaledDotProductAttentionBlock;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import java.util.List;

/**
 * The zoo's vision transformer: blocks of its own with the children and the forward that their
 * authors gave them, around DJL's attention.
 */
final class BlockVit extends AbstractBlock {
  private static final int WIDTH = 48;
  private static final int HEADS = 3;
  private static final int DEPTH = 5;
  private static final int PATCH = 4;
  private static final int CLASSES = 10;

  private final Parameter classToken;
  private final Parameter positions;
  private final Block patchEmbed;
  private final Block blocks;
  private final Block norm;
  private final Block head;

  BlockVit(TorchWeights weights) {
    classToken = addParameter(embedding("cls_token"));
    positions = addParameter(embedding("pos_embed"));
    weights.set(classToken, "cls_token");
    weights.set(positions, "pos_embed");
    Conv2d patches =
        Conv2d.builder()
            .setKernelShape(new Shape(PATCH, PATCH))
            .optStride(new Shape(PATCH, PATCH))
            .setFilters(WIDTH)
            .build();
    patchEmbed = addChildBlock("patch_embed", weights.into("patch_embed", patches));
    NamedSequence encoder = new NamedSequence();
    for (int i = 0; i < DEPTH; i++) {
      encoder.add(String.valueOf(i), new EncoderBlock(weights, "blocks." + i));
    }
    blocks = addChildBlock("blocks", encoder);
    norm = addChildBlock("norm", layerNorm(weights, "norm"));
    head = addChildBlock("head", linear(weights, "head", CLASSES));
  }

  private static Parameter embedding(String name) {
    return Parameter.builder().setName(name).setType(Parameter.Type.OTHER).build();
  }

  private static LayerNorm layerNorm(TorchWeights weights, String path) {
    return weights.into(path, LayerNorm.builder().axis(2).optEpsilon(1e-6f).build());
  }

  private static Linear linear(TorchWeights weights, String path, int units) {
    return weights.into(path, Linear.builder().setUnits(units).build());
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore store, NDList inputs, boolean training, PairList<String, Object> params) {
    Device device = inputs.head().getDevice();
    NDArray patches = patchEmbed.forward(store, inputs, training).singletonOrThrow();
    long batch = patches.getShape().get(0);
    NDArray tokens = patches.reshape(batch, WIDTH, -1).transpose(0, 2, 1);
    // What is computed from a parameter alone belongs to the model until it is told otherwise.
    NDArray token =
        store.getValue(classToken, device, training).broadcast(new Shape(batch, 1, WIDTH));
    token.attach(inputs.getManager());
    NDArray all = token.concat(tokens, 1);
    NDArray embedded = all.add(store.getValue(positions, device, training));
    NDList encoded = blocks.forward(store, new NDList(embedded), training);
    NDArray normal = norm.forward(store, encoded, training).singletonOrThrow();
    return head.forward(store, new NDList(normal.get(":, 0")), training);
  }

  @Override
  protected void initializeChildBlocks(NDManager manager, DataType type, Shape... inputShapes) {
    patchEmbed.initialize(manager, type, inputShapes);
    Shape patches = patchEmbed.getOutputShapes(inputShapes)[0];
    Shape tokens = new Shape(patches.get(0), patches.get(2) * patches.get(3) + 1, WIDTH);
    blocks.initialize(manager, type, tokens);
    norm.initialize(manager, type, tokens);
    head.initialize(manager, type, new Shape(patches.get(0), WIDTH));
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return new Shape[] {new Shape(inputShapes[0].get(0), CLASSES)};
  }

  /** Attention and perceptron, each on normalised tokens and added to what it was given. */
  private static final class EncoderBlock extends AbstractBlock {
    private final Block norm1;
    private final Block attention;
    private final Block norm2;
    private final Block mlp;

    EncoderBlock(TorchWeights weights, String path) {
      norm1 = addChildBlock("norm1", layerNorm(weights, path + ".norm1"));
      attention = addChildBlock("attn", attention(weights, path + ".attn"));
      norm2 = addChildBlock("norm2", layerNorm(weights, path + ".norm2"));
      mlp = addChildBlock("mlp", new Mlp(weights, path + ".mlp"));
    }

    private static Block attention(TorchWeights weights, String path) {
      ScaledDotProductAttentionBlock block =
          ScaledDotProductAttentionBlock.builder()
              .setEmbeddingSize(WIDTH)
              .setHeadCount(HEADS)
              .optAttentionProbsDropoutProb(0)
              .build();
      weights.share(
          path + ".qkv",
          List.of(
              block.getQueryProjection(), block.getKeyProjection(), block.getValueProjection()));
      weights.into(path + ".proj", block.getResultProjection());
      return block;
    }

    @Override
    protected NDList forwardInternal(
        ParameterStore store, NDList inputs, boolean training, PairList<String, Object> params) {
      NDArray x = inputs.singletonOrThrow();
      NDList normal = norm1.forward(store, inputs, training);
      x = x.add(attention.forward(store, normal, training).singletonOrThrow());
      normal = norm2.forward(store, new NDList(x), training);
      return new NDList(x.add(mlp.forward(store, normal, training).singletonOrThrow()));
    }

    @Override
    protected void initializeChildBlocks(NDManager manager, DataType type, Shape... inputShapes) {
      for (Block child : getChildren().values()) {
        child.initialize(manager, type, inputShapes);
      }
    }

    @Override
    public Shape[] getOutputShapes(Shape[] inputShapes) {
      return inputShapes;
    }
  }

  /** A perceptron per token, with its activation among the children. */
  private static final class Mlp extends AbstractBlock {
    private final Block fc1;
    private final Block act;
    private final Block fc2;

    Mlp(TorchWeights weights, String path) {
      fc1 = addChildBlock("fc1", linear(weights, path + ".fc1", 3 * WIDTH));
      act = addChildBlock("act", Activation.geluBlock());
      fc2 = addChildBlock("fc2", linear(weights, path + ".fc2", WIDTH));
    }

    @Override
    protected NDList forwardInternal(
        ParameterStore store, NDList inputs, boolean training, PairList<String, Object> params) {
      NDList hidden = act.forward(store, fc1.forward(store, inputs, training), training);
      return fc2.forward(store, hidden, training);
    }

    @Override
    protected void initializeChildBlocks(NDManager manager, DataType type, Shape... inputShapes) {
      fc1.initialize(manager, type, inputShapes);
      Shape[] hidden = fc1.getOutputShapes(inputShapes);
      act.initialize(manager, type, hidden);
      fc2.initialize(manager, type, hidden);
    }

    @Override
    public Shape[] getOutputShapes(Shape[] inputShapes) {
      return inputShapes;
    }
  }
}
