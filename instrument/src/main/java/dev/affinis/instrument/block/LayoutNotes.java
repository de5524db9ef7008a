package dev.affinis.instrument.block;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.convolutional.Convolution;
import ai.djl.nn.convolutional.Deconvolution;
import ai.djl.nn.core.AbstractEmbedding;
import ai.djl.nn.core.Linear;
import ai.djl.nn.core.LinearCollection;
import ai.djl.nn.core.Multiplication;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.nn.recurrent.RecurrentBlock;
import ai.djl.nn.transformer.IdEmbedding;
import ai.djl.training.ParameterStore;
import ai.djl.util.Pair;
import dev.affinis.instrument.Layout;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Knows which axis holds the channels while a model runs.
 *
 * <p>A block with weights asks the parameter store for them when it runs, so the store tells which
 * one ran last. Each notes its layout with the number of channels and axes of what it makes; an
 * activation takes the latest note that fits its own shape.
 */
final class LayoutNotes {
  private static final int UNKNOWN = -1;

  /**
   * What a block's result looks like.
   *
   * @param isLast whether channels are on the last axis
   * @param channels how many there are, -1 if not known
   * @param rank number of axes, -1 if not known
   */
  private record Note(boolean isLast, long channels, int rank) {
    boolean hasChannels(Shape shape) {
      int axis = isLast ? shape.dimension() - 1 : 1;
      return channels == UNKNOWN || shape.get(axis) == channels;
    }
  }

  private final Map<Parameter, Note> notes;

  private LayoutNotes(Map<Parameter, Note> notes) {
    this.notes = notes;
  }

  /**
   * Collects the layouts of a tree's blocks.
   *
   * @param blocks the blocks
   * @return what is known before anything runs
   */
  static LayoutNotes of(Iterable<Block> blocks) {
    Map<Parameter, Note> notes = new HashMap<>();
    for (Block block : blocks) {
      Layout layout = layout(block);
      if (layout != Layout.AUTO) {
        Note note = note(block, layout == Layout.CHANNELS_LAST);
        for (Pair<String, Parameter> parameter : block.getDirectParameters()) {
          notes.put(parameter.getValue(), note);
        }
      }
    }
    return new LayoutNotes(notes);
  }

  /** The layout of what a block makes, {@link Layout#AUTO} if it does not decide it. */
  private static Layout layout(Block block) {
    if (block instanceof BatchNorm norm) {
      return axis(norm) == 1 ? Layout.CHANNELS_FIRST : Layout.CHANNELS_LAST;
    }
    if (block instanceof Convolution || block instanceof Deconvolution) {
      return Layout.CHANNELS_FIRST;
    }
    return block instanceof Linear
            || block instanceof LinearCollection
            || block instanceof Multiplication
            || block instanceof LayerNorm
            || block instanceof AbstractEmbedding
            || block instanceof IdEmbedding
            || block instanceof RecurrentBlock
        ? Layout.CHANNELS_LAST
        : Layout.AUTO;
  }

  private static int axis(BatchNorm norm) {
    try {
      // There is no getter.
      Field field = BatchNorm.class.getDeclaredField("axis");
      field.setAccessible(true);
      return field.getInt(norm);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(
          "this version of DJL keeps the axis of BatchNorm elsewhere", e);
    }
  }

  private static Note note(Block block, boolean isLast) {
    try {
      Shape shape = block.getOutputShapes(block.getInputShapes())[0];
      int axis = isLast ? shape.dimension() - 1 : 1;
      return new Note(isLast, shape.get(axis), shape.dimension());
    } catch (RuntimeException e) {
      // Initialised without shapes, or its result depends on values.
      return new Note(isLast, UNKNOWN, UNKNOWN);
    }
  }

  /**
   * Starts watching a forward pass.
   *
   * @param input shape of the model's first input
   * @return a watch for this pass
   */
  Watch watch(Shape input) {
    return new Watch(notes, input);
  }

  /** The notes of one forward pass. */
  static final class Watch {
    private final Map<Parameter, Note> notes;
    private final Shape input;
    private final List<Note> ran = new ArrayList<>();

    private Watch(Map<Parameter, Note> notes, Shape input) {
      this.notes = notes;
      this.input = input;
    }

    /**
     * Makes a store that takes parameters from another one and notes whose they are.
     *
     * @param store the store to take from
     * @return a store for this pass
     */
    ParameterStore of(ParameterStore store) {
      return new WatchedStore(this, store);
    }

    private void ran(Parameter parameter) {
      Note note = notes.get(parameter);
      if (note != null && (ran.isEmpty() || !ran.get(ran.size() - 1).equals(note))) {
        ran.add(note);
      }
    }

    /**
     * Whether channels are on the last axis.
     *
     * @param shape shape of an activation with three axes or more
     * @return whether they are; otherwise they are on axis 1
     */
    boolean isLast(Shape shape) {
      Note note = latest(n -> n.rank() == shape.dimension() && n.hasChannels(shape));
      if (note == null) {
        note = latest(n -> n.hasChannels(shape));
      }
      if (note == null) {
        note = latest(n -> n.rank() == shape.dimension());
      }
      if (note == null) {
        note = latest(n -> true);
      }
      return note == null ? input.dimension() == 3 : note.isLast();
    }

    private Note latest(Predicate<Note> fits) {
      for (int i = ran.size() - 1; i >= 0; i--) {
        if (fits.test(ran.get(i))) {
          return ran.get(i);
        }
      }
      return null;
    }
  }

  /** Hands parameters out and says so. */
  private static final class WatchedStore extends ParameterStore {
    private final Watch watch;
    private final ParameterStore store;

    WatchedStore(Watch watch, ParameterStore store) {
      super(store.getManager(), false);
      this.watch = watch;
      this.store = store;
    }

    @Override
    public NDArray getValue(Parameter parameter, Device device, boolean training) {
      watch.ran(parameter);
      return store.getValue(parameter, device, training);
    }
  }
}
