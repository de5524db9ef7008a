package dev.affinis.instrument.block;

import ai.djl.ndarray.NDManager;
import ai.djl.nn.Block;
import ai.djl.nn.LambdaBlock;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.nn.transformer.ScaledDotProductAttentionBlock;
import dev.affinis.instrument.Site;
import dev.affinis.instrument.SiteFilter;
import dev.affinis.instrument.SiteKind;
import dev.affinis.instrument.SiteType;
import dev.affinis.instrument.SkippedSite;
import dev.affinis.instrument.block.BlockTree.Node;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;

/**
 * The blocks of a tree that are sites themselves, rather than their functions: norms by class,
 * pools by behaviour, and whole modules by path.
 */
final class BlockSites {
  private static final String WAY_OUT =
      ": declare that field as Block, or keep the block as a child only";

  private final BlockTree tree;
  private final IdentityHashMap<Block, SiteKind> kinds = new IdentityHashMap<>();

  /**
   * Looks at every block.
   *
   * @param tree the blocks
   * @param manager where lambdas are tried; nothing stays attached to it
   */
  BlockSites(BlockTree tree, NDManager manager) {
    this.tree = tree;
    PoolProbe probe = new PoolProbe(manager);
    for (Node node : tree.nodes()) {
      kind(node.block(), probe).ifPresent(kind -> kinds.put(node.block(), kind));
    }
  }

  private static Optional<SiteKind> kind(Block block, PoolProbe probe) {
    if (block instanceof BatchNorm) {
      return Optional.of(SiteKind.BATCH_NORM);
    }
    if (block instanceof LayerNorm) {
      return Optional.of(SiteKind.LAYER_NORM);
    }
    return block instanceof LambdaBlock lambda ? probe.identify(lambda) : Optional.empty();
  }

  /** The sites that a block is, those inside others first; an activation is none. */
  List<SiteKind> kinds(Node node, SiteFilter filter) {
    List<SiteKind> found = new ArrayList<>();
    SiteKind own = kinds.get(node.block());
    if (own != null && filter.observes(node.path(), own)) {
      found.add(own);
    }
    boolean isModule =
        !node.path().equals(Site.ROOT) && filter.observes(node.path(), SiteKind.MODULE);
    if (isModule) {
      found.add(SiteKind.MODULE);
    }
    return obstacle(node) == null ? found : List.of();
  }

  /** What cannot be captured of the chosen types, and why. */
  List<SkippedSite> hidden(SiteFilter filter) {
    List<SkippedSite> hidden = new ArrayList<>();
    if (filter.chooses(SiteType.GATE)) {
      hidden.add(
          new SkippedSite(
              Site.ROOT,
              1,
              SiteType.GATE.word(),
              "products are made in the code of blocks, where nothing can be captured: ask for the"
                  + " modules around them, or export the model to ONNX"));
    }
    for (Node node : tree.nodes()) {
      String obstacle = obstacle(node);
      SiteKind own = kinds.get(node.block());
      if (obstacle != null && own != null && filter.observes(node.path(), own)) {
        hidden.add(new SkippedSite(node.path(), 1, own.word(), obstacle));
      }
      boolean isModule =
          !node.path().equals(Site.ROOT) && filter.observes(node.path(), SiteKind.MODULE);
      if (obstacle != null && isModule) {
        hidden.add(new SkippedSite(node.path(), 1, SiteKind.MODULE.word(), obstacle));
      }
      if (node.block() instanceof ScaledDotProductAttentionBlock
          && filter.chooses(SiteType.ATTENTION)) {
        hidden.add(
            new SkippedSite(
                node.path(),
                1,
                SiteKind.SOFTMAX.word(),
                "called in the code of ScaledDotProductAttentionBlock, where nothing can be"
                    + " captured: write attention with a block of its own for the softmax"));
      }
    }
    return hidden;
  }

  /** Why nothing can stand in for a block, {@code null} if it can. */
  private String obstacle(Node node) {
    for (Node parent : tree.nodes()) {
      for (Slot slot : parent.slots()) {
        if (slot.get() == node.block()) {
          if (slot.obstacle() != null) {
            return "cannot be replaced: " + slot.obstacle();
          }
          if (!slot.takes(Block.class)) {
            return "cannot be replaced: "
                + parent.path()
                + " holds it as "
                + slot.declared().getTypeName()
                + " in "
                + slot.name()
                + WAY_OUT;
          }
        }
      }
    }
    return null;
  }
}
