package dev.affinis.instrument.block;

import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * A place of a block that holds an object: a field, or an element of an array, list or map in one.
 *
 * @param name name of the field, with a position or key after a dot for an element
 * @param declared the type it is declared with
 * @param reader gives what it holds
 * @param writer puts something else there
 * @param obstacle why it cannot be written, {@code null} if it can
 */
record Slot(String name, Type declared, Reader reader, Writer writer, String obstacle) {
  /** Gives what a slot holds. */
  interface Reader {
    Object read() throws IllegalAccessException;
  }

  /** Puts something into a slot. */
  interface Writer {
    void write(Object value) throws ReflectiveOperationException;
  }

  /** What the slot holds now. */
  Object get() {
    try {
      return reader.read();
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Puts an object there. */
  void set(Object value) {
    try {
      writer.write(value);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("field " + name + " cannot be written", e);
    }
  }

  /** Whether an object of a class may be put there. */
  boolean takes(Class<?> type) {
    return TensorFunction.rawClass(declared).map(c -> c.isAssignableFrom(type)).orElse(true);
  }

  /**
   * A field of an object.
   *
   * @param holder the object
   * @param field one of its fields, made accessible here
   * @param prefix what stands before its name
   * @throws java.lang.reflect.InaccessibleObjectException if a module keeps it closed
   */
  static Slot of(Object holder, Field field, String prefix) {
    field.setAccessible(true);
    String obstacle = null;
    if (Modifier.isStatic(field.getModifiers())) {
      obstacle = "it is held in a static field";
    } else if (field.getDeclaringClass().isRecord()) {
      obstacle = "it is held in a record";
    }
    return new Slot(
        prefix + field.getName(),
        field.getGenericType(),
        () -> field.get(holder),
        value -> field.set(holder, value),
        obstacle);
  }

  /** The elements of the array, list or map that it holds; empty if it holds none. */
  List<Slot> elements() {
    Object value = get();
    List<Slot> elements = new ArrayList<>();
    if (value instanceof Object[] array) {
      for (int i = 0; i < array.length; i++) {
        elements.add(element(array, i));
      }
    } else if (value instanceof List<?> list && mayHoldObjects(list)) {
      for (int i = 0; i < list.size(); i++) {
        elements.add(element(list, i));
      }
    } else if (value instanceof Map<?, ?> map && mayHoldObjects(map.values())) {
      map.entrySet().forEach(e -> elements.add(element(e)));
    }
    return elements;
  }

  private static boolean mayHoldObjects(Collection<?> values) {
    return values.stream()
        .anyMatch(e -> e != null && !(e instanceof Number || e instanceof String));
  }

  private Slot element(Object[] array, int index) {
    Type type = array.getClass().getComponentType();
    if (declared instanceof GenericArrayType generic) {
      type = generic.getGenericComponentType();
    }
    return new Slot(
        name + "." + index,
        type,
        () -> array[index],
        value -> Array.set(array, index, value),
        null);
  }

  private <T> Slot element(List<T> list, int index) {
    T same = list.get(index);
    String obstacle = null;
    try {
      list.set(index, same);
    } catch (RuntimeException e) {
      obstacle = "it is held in a list that cannot be changed";
    }
    return new Slot(
        name + "." + index,
        argument(0),
        () -> list.get(index),
        value -> List.class.getMethod("set", int.class, Object.class).invoke(list, index, value),
        obstacle);
  }

  private <V> Slot element(Map.Entry<?, V> entry) {
    V same = entry.getValue();
    String obstacle = null;
    try {
      entry.setValue(same);
    } catch (RuntimeException e) {
      obstacle = "it is held in a map that cannot be changed";
    }
    return new Slot(
        name + "." + entry.getKey(),
        argument(1),
        entry::getValue,
        value -> Map.Entry.class.getMethod("setValue", Object.class).invoke(entry, value),
        obstacle);
  }

  private Type argument(int index) {
    return declared instanceof ParameterizedType p && p.getActualTypeArguments().length > index
        ? p.getActualTypeArguments()[index]
        : Object.class;
  }
}
