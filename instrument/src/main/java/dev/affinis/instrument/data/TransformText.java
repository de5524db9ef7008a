package dev.affinis.instrument.data;

import ai.djl.translate.Pipeline;
import ai.djl.translate.Transform;
import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a pipeline of DJL's does, in words for the signature file: the names of its transforms and
 * their settings. DJL keeps both in fields without getters, so that they are read by reflection;
 * where that is not possible, nothing is said.
 */
final class TransformText {
  private TransformText() {}

  /**
   * Describes the pipeline of a translator or dataset.
   *
   * @param owner what has the pipeline
   * @param declaring the class of DJL's that declares its field {@code pipeline}
   * @return a map for each transform, in order; nothing if there is no pipeline to be read
   */
  static Optional<List<Map<String, Object>>> pipelineOf(Object owner, Class<?> declaring) {
    if (!declaring.isInstance(owner)) {
      return Optional.empty();
    }
    try {
      Field field = declaring.getDeclaredField("pipeline");
      field.setAccessible(true);
      return field.get(owner) instanceof Pipeline pipeline
          ? Optional.of(pipeline.getTransforms().stream().map(TransformText::describe).toList())
          : Optional.empty();
    } catch (ReflectiveOperationException | InaccessibleObjectException e) {
      return Optional.empty();
    }
  }

  private static Map<String, Object> describe(Transform transform) {
    Map<String, Object> map = new LinkedHashMap<>();
    Class<?> type = transform.getClass();
    // The name of a lambda's class changes from run to run.
    map.put("transform", type.isSynthetic() ? "a lambda" : type.getSimpleName());
    for (Field field : type.isSynthetic() ? new Field[0] : type.getDeclaredFields()) {
      if (!Modifier.isStatic(field.getModifiers()) && !field.isSynthetic()) {
        value(field, transform).ifPresent(value -> map.put(field.getName(), value));
      }
    }
    return map;
  }

  private static Optional<Object> value(Field field, Transform transform) {
    try {
      field.setAccessible(true);
      Object value = field.get(transform);
      if (value instanceof Number || value instanceof Boolean || value instanceof String) {
        return Optional.of(value);
      }
      if (value instanceof Enum<?> word) {
        return Optional.of(word.name());
      }
      if (value != null && value.getClass().isArray()) {
        List<Object> list = new ArrayList<>();
        for (int i = 0; i < Array.getLength(value); i++) {
          list.add(Array.get(value, i));
        }
        return Optional.of(list);
      }
      return Optional.empty();
    } catch (ReflectiveOperationException | InaccessibleObjectException e) {
      return Optional.empty();
    }
  }
}
