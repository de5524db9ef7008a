package dev.affinis.instrument.block;

import ai.djl.nn.AbstractBaseBlock;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Block;
import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads the fields of blocks, and of the user's own objects in them. What several blocks share, a
 * list or such an object, is read once, for the first of them.
 */
final class SlotReader {
  private static final int DEEPEST = 3;

  private final Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());

  /**
   * Lists the places of a block, those of DJL's base classes left out.
   *
   * @param block the block
   * @return places that hold something, fields in the order of declaration, inherited ones last
   * @throws InaccessibleObjectException if a module keeps its fields closed
   */
  List<Slot> read(Block block) {
    List<Slot> slots = new ArrayList<>();
    readFields(slots, block, "", 0);
    return slots;
  }

  /**
   * Lists the places in an object that is held elsewhere.
   *
   * @param held the object
   * @param name what it is called
   * @return the places in it, if it is one of the user's own
   */
  List<Slot> readHeld(Object held, String name) {
    List<Slot> slots = new ArrayList<>();
    if (isOwn(held)) {
      readFields(slots, held, name + ".", 1);
    }
    return slots;
  }

  private void readFields(List<Slot> slots, Object holder, String prefix, int depth) {
    Class<?> type = holder.getClass();
    while (type != null
        && !type.equals(AbstractBlock.class)
        && !type.equals(AbstractBaseBlock.class)
        && !type.equals(Object.class)
        && !type.equals(Enum.class)) {
      for (Field field : type.getDeclaredFields()) {
        // The enclosing instance is not a part of the block; captured variables are.
        boolean isOuter = field.isSynthetic() && field.getName().startsWith("this$");
        boolean isForeign = depth > 0 && Modifier.isStatic(field.getModifiers());
        if (!isOuter && !isForeign && !field.getType().isPrimitive()) {
          add(slots, Slot.of(holder, field, prefix), depth);
        }
      }
      type = type.getSuperclass();
    }
  }

  private void add(List<Slot> slots, Slot slot, int depth) {
    Object value = slot.get();
    if (value == null) {
      return;
    }
    if (isContainer(value)) {
      if (seen.add(value)) {
        slot.elements().forEach(element -> add(slots, element, depth));
      }
      return;
    }
    slots.add(slot);
    boolean isFunction = !TensorFunction.of(value, slot.declared()).isEmpty();
    if (depth < DEEPEST && !isFunction && isOwn(value) && seen.add(value)) {
      try {
        readFields(slots, value, slot.name() + ".", depth + 1);
      } catch (InaccessibleObjectException e) {
        // Its code is read all the same.
      }
    }
  }

  private static boolean isContainer(Object value) {
    return value.getClass().isArray()
        ? Array.getLength(value) == 0 || value instanceof Object[]
        : value instanceof Collection || value instanceof Map;
  }

  /** Whether it is an object of the user's own that is no block. */
  private static boolean isOwn(Object value) {
    Class<?> type = value.getClass();
    return !(value instanceof Block)
        && !type.isHidden()
        && !type.isArray()
        && !type.getName().startsWith("ai.djl.")
        && CodeScan.isFollowed(type.getName().replace('.', '/'));
  }
}
