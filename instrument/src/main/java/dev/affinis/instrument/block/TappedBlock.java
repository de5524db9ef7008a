package dev.affinis.instrument.block;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.core.Prelu;
import ai.djl.training.ParameterStore;
import ai.djl.util.Pair;
import dev.affinis.instrument.SiteKind;
import dev.affinis.instrument.TapOptions;
import dev.affinis.instrument.TappedModel;
import dev.affinis.instrument.TokenMask;
import dev.affinis.instrument.block.BlockTree.Node;
import dev.affinis.signature.TokenPolicy;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

/**
 * A model of DJL's blocks with taps in its functions.
 *
 * <p>The taps record while a forward pass of this object runs on their thread, and hand everything
 * through otherwise: the block may be used elsewhere meanwhile. {@link #close()} puts the functions
 * back; neither it nor the constructor may run while the block does.
 */
final class TappedBlock implements TappedModel {
  private static final Object LOCK = new Object();

  /** What records on this thread, whichever model it belongs to. */
  private static final ThreadLocal<Running> RUNNING = new ThreadLocal<>();

  /** A forward pass of an instrumented model. */
  private record Running(TappedBlock owner, TapRecorder recorder) {}

  private final Deque<Runnable> restore = new ArrayDeque<>();
  private final Model model;
  private final TapOptions options;
  private final LayoutNotes layouts;
  private final Block root;

  /**
   * Puts the taps in.
   *
   * @param model the model, which stays the caller's
   * @param plan what is tapped
   * @param options what is captured
   */
  TappedBlock(Model model, BlockPlan plan, TapOptions options) {
    this.model = model;
    this.options = options;
    layouts = LayoutNotes.of(plan.tree().blocks());
    synchronized (LOCK) {
      try {
        plan.functions().forEach(this::tap);
        root = tapBlocks(plan);
      } catch (RuntimeException e) {
        restore();
        throw e;
      }
    }
  }

  private void tap(BlockPlan.Held held) {
    Slot slot = held.slot();
    Object original = slot.get();
    BlockTree.requirePlain(original, held.site().path());
    Object tapped =
        held.function().intercepted((function, arguments) -> run(held.site(), function, arguments));
    restore.push(() -> slot.set(original));
    slot.set(tapped);
  }

  private Object run(TappedSite site, TensorFunction function, Object[] arguments) {
    TapRecorder current = recorder();
    return current == null
        ? function.invoke(arguments)
        : current.around(site, function.arrays(arguments), () -> function.invoke(arguments));
  }

  /** What records for this model on this thread, {@code null} if nothing does. */
  private TapRecorder recorder() {
    Running running = RUNNING.get();
    return running != null && running.owner == this ? running.recorder : null;
  }

  /**
   * Puts blocks of ours in the places of all Prelus, and of the blocks that are sites as a whole;
   * returns the root.
   */
  private Block tapBlocks(BlockPlan plan) {
    BlockTree tree = plan.tree();
    Block newRoot = tree.root().block();
    for (Node node : tree.nodes()) {
      Block standing = node.block();
      if (standing instanceof Prelu prelu) {
        TappedSite site = new TappedSite(node.path(), SiteKind.PRELU, Combination.SINGLE);
        TappedPrelu tapped =
            new TappedPrelu(prelu, (inputs, forward) -> run(site, inputs, forward));
        replace(tree, prelu, tapped);
        standing = tapped;
      }
      for (SiteKind kind : plan.blocks().kinds(node, options.sites())) {
        TappedSite site = new TappedSite(node.path(), kind, Combination.SINGLE);
        Block tapped =
            BlockProxy.of(standing, (inputs, forward) -> runWhole(site, inputs, forward));
        replace(tree, standing, tapped);
        standing = tapped;
      }
      newRoot = node.equals(tree.root()) ? standing : newRoot;
    }
    return newRoot;
  }

  /** Runs a block that is a site as a whole. */
  private NDList runWhole(TappedSite site, NDList inputs, Supplier<NDList> forward) {
    TapRecorder current = recorder();
    return current == null ? forward.get() : current.aroundBlock(site, inputs, forward);
  }

  private NDList run(TappedSite site, NDList inputs, Supplier<NDList> forward) {
    TapRecorder current = recorder();
    return current == null
        ? forward.get()
        : TensorFunction.asList(current.around(site, inputs, forward::get));
  }

  private void replace(BlockTree tree, Block standing, Block tapped) {
    tree.nodes().forEach(parent -> replace(parent, standing, tapped));
  }

  private void replace(Node parent, Block standing, Block tapped) {
    List<Block> children = BlockTree.childrenOf(parent.block());
    for (int i = 0; i < children.size(); i++) {
      if (children.get(i) == standing) {
        int index = i;
        restore.push(() -> children.set(index, standing));
        children.set(index, tapped);
      }
    }
    for (Slot slot : parent.slots()) {
      if (slot.get() == standing && slot.obstacle() == null && slot.takes(tapped.getClass())) {
        restore.push(() -> slot.set(standing));
        slot.set(tapped);
      }
    }
  }

  @Override
  public Pass forward(ParameterStore parameters, NDList inputs) {
    NDArray first = inputs.head();
    LayoutNotes.Watch watch = layouts.watch(first.getShape());
    Running outer = RUNNING.get();
    try (NDArray mask = mask(inputs)) {
      TapRecorder own = new TapRecorder(options, watch, first.getManager(), mask);
      RUNNING.set(new Running(this, own));
      NDList outputs = root.forward(watch.of(parameters), inputs, false);
      return new Pass(outputs, own.taps());
    } finally {
      if (outer == null) {
        RUNNING.remove();
      } else {
        RUNNING.set(outer);
      }
    }
  }

  /** Where there are tokens, {@code null} if no mask tells. */
  private NDArray mask(NDList inputs) {
    return options.tokens().choice() == TokenPolicy.Choice.MASKED
        ? TokenMask.find(options.tokens(), List.of(), inputs).neq(0)
        : null;
  }

  @Override
  public Model model() {
    return model;
  }

  @Override
  public long parameterCount() {
    long count = 0;
    Set<String> counted = new HashSet<>();
    for (Pair<String, Parameter> pair : model.getBlock().getParameters()) {
      Parameter parameter = pair.getValue();
      boolean isStatistic =
          parameter.getType() == Parameter.Type.RUNNING_MEAN
              || parameter.getType() == Parameter.Type.RUNNING_VAR;
      if (!isStatistic && counted.add(parameter.getId())) {
        count += parameter.getArray().size();
      }
    }
    return count;
  }

  /** Puts the functions back. The model stays open. */
  @Override
  public void close() {
    synchronized (LOCK) {
      restore();
    }
  }

  private void restore() {
    while (!restore.isEmpty()) {
      restore.pop().run();
    }
  }
}
