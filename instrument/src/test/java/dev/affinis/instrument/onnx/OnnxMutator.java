package dev.affinis.instrument.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.AttributeProto.AttributeType;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor.JavaType;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import dev.affinis.fuzz.ByteMutator;
import dev.affinis.fuzz.Mutator;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Changes ONNX models as trees of messages: nodes, attributes, names, sizes and types are removed,
 * repeated, swapped, replaced by others of the model, and put into sub-graphs.
 */
final class OnnxMutator implements Mutator {
  private static final int MOST_BYTES = 200_000;

  private static final long[] NUMBERS = {
    -1, 0, 1, 2, 3, 4, 7, 13, 64, 65, 1L << 31, 1L << 32, 1L << 62, Long.MAX_VALUE, Long.MIN_VALUE
  };

  private static final List<String> WORDS =
      List.of(
          "",
          "/",
          "/a/a.b/a.b_1/Relu",
          "ai.onnx",
          "com.microsoft",
          "local",
          "Relu",
          "Clip",
          "Where",
          "If",
          "Loop",
          "LSTM",
          "Constant",
          "Identity",
          "Concat",
          "Reshape",
          "Shape",
          "Slice",
          "Split",
          "Gemm",
          "Conv",
          "MaxPool",
          "Einsum",
          "Transpose",
          "Squeeze",
          "Neg",
          "Erf",
          "Tanh",
          "Softplus",
          "Mul",
          "Max",
          "axes",
          "value",
          "kernel_shape",
          "location",
          "offset",
          "length",
          "weights.bin",
          "../outside.bin",
          "/etc/hostname",
          "link.bin",
          "-1",
          "9223372036854775807",
          "\u0000",
          "a.".repeat(400));

  private final ByteMutator ofBytes = new ByteMutator();
  private final boolean isModest;

  /**
   * Makes a mutator.
   *
   * @param isModest whether to leave out large numbers, for models that are run
   */
  OnnxMutator(boolean isModest) {
    this.isModest = isModest;
  }

  @Override
  public byte[] mutate(byte[] input, SplittableRandom random, List<byte[]> corpus) {
    ModelProto.Builder model;
    try {
      model = ModelProto.parseFrom(input).toBuilder();
    } catch (InvalidProtocolBufferException e) {
      return ofBytes.mutate(input, random, corpus);
    }
    int changes = 1 + (random.nextBoolean() ? random.nextInt(5) : 0);
    for (int i = 0; i < changes; i++) {
      if (random.nextInt(25) == 0) {
        nest(model, random);
      } else {
        change(model, random);
      }
    }
    byte[] result = model.build().toByteArray();
    boolean isDamaged = !isModest && random.nextInt(10) == 0;
    return isDamaged ? ofBytes.mutate(result, random, corpus) : result;
  }

  /** Puts the graph as it is into a branch of a condition, a few times. */
  private static void nest(ModelProto.Builder model, SplittableRandom random) {
    int depth = random.nextInt(1, random.nextBoolean() ? 4 : 40);
    for (int i = 0; i < depth && model.getGraph().getSerializedSize() < MOST_BYTES; i++) {
      GraphProto inner = model.getGraph();
      NodeProto.Builder node = NodeProto.newBuilder().setOpType("If").addOutput("branch" + i);
      if (inner.getInputCount() > 0) {
        node.addInput(inner.getInput(0).getName());
      }
      node.addAttribute(
          AttributeProto.newBuilder()
              .setName("then_branch")
              .setType(AttributeType.GRAPH)
              .setG(inner.toBuilder().clearInput()));
      model.setGraph(inner.toBuilder().clearNode().addNode(node));
    }
  }

  private void change(ModelProto.Builder model, SplittableRandom random) {
    List<Message.Builder> all = new ArrayList<>();
    addBuilders(model, all);
    Message.Builder place = any(all, random);
    List<FieldDescriptor> fields = new ArrayList<>(place.getAllFields().keySet());
    if (fields.isEmpty() || random.nextInt(6) == 0) {
      fields = place.getDescriptorForType().getFields();
    }
    FieldDescriptor field = any(fields, random);
    if (field.isRepeated()) {
      changeList(place, field, all, random);
    } else if (random.nextInt(3) == 0) {
      place.clearField(field);
    } else {
      place.setField(field, value(place, field, all, random));
    }
  }

  private static void addBuilders(Message.Builder builder, List<Message.Builder> all) {
    all.add(builder);
    for (FieldDescriptor field : builder.getAllFields().keySet()) {
      if (field.getJavaType() == JavaType.MESSAGE) {
        if (field.isRepeated()) {
          for (int i = 0; i < builder.getRepeatedFieldCount(field); i++) {
            addBuilders(builder.getRepeatedFieldBuilder(field, i), all);
          }
        } else {
          addBuilders(builder.getFieldBuilder(field), all);
        }
      }
    }
  }

  private void changeList(
      Message.Builder place,
      FieldDescriptor field,
      List<Message.Builder> all,
      SplittableRandom random) {
    List<Object> items = new ArrayList<>();
    for (int i = 0; i < place.getRepeatedFieldCount(field); i++) {
      Object item = place.getRepeatedField(field, i);
      items.add(item);
    }
    if (items.isEmpty()) {
      place.addRepeatedField(field, value(place, field, all, random));
      return;
    }
    int at = random.nextInt(items.size());
    int other = random.nextInt(items.size());
    switch (random.nextInt(7)) {
      case 0 -> items.remove(at);
      case 1 -> items.add(other, items.get(at));
      case 2 -> java.util.Collections.swap(items, at, other);
      case 3 -> {
        boolean isMany = !isModest && random.nextInt(50) == 0;
        int times = isMany ? 1_000 : 2;
        for (int i = 0; i < times; i++) {
          items.add(items.get(at));
        }
      }
      default -> items.set(at, value(place, field, all, random));
    }
    place.clearField(field);
    items.forEach(item -> place.addRepeatedField(field, item));
  }

  /** A value for a field: one that the same field has elsewhere, or an odd one. */
  private Object value(
      Message.Builder place,
      FieldDescriptor field,
      List<Message.Builder> all,
      SplittableRandom random) {
    if (field.getJavaType() == JavaType.STRING && random.nextInt(3) != 0) {
      return any(names(all), random);
    }
    if (random.nextBoolean()) {
      for (int i = 0; i < 20; i++) {
        Message.Builder other = any(all, random);
        if (other.getDescriptorForType() != place.getDescriptorForType()) {
          continue;
        }
        if (field.isRepeated() && other.getRepeatedFieldCount(field) > 0) {
          return other.getRepeatedField(field, random.nextInt(other.getRepeatedFieldCount(field)));
        }
        if (!field.isRepeated() && other.hasField(field)) {
          return other.getField(field);
        }
      }
    }
    return odd(place, field, random);
  }

  private Object odd(Message.Builder place, FieldDescriptor field, SplittableRandom random) {
    long number = NUMBERS[random.nextInt(isModest ? 5 : NUMBERS.length)];
    return switch (field.getJavaType()) {
      case INT -> (int) number;
      case LONG -> number;
      case FLOAT -> random.nextBoolean() ? (float) number : Float.NaN;
      case DOUBLE -> random.nextBoolean() ? (double) number : Double.NaN;
      case BOOLEAN -> random.nextBoolean();
      case STRING -> any(WORDS, random);
      case BYTE_STRING -> {
        byte[] bytes = new byte[random.nextInt(20)];
        random.nextBytes(bytes);
        yield ByteString.copyFrom(bytes);
      }
      case ENUM -> {
        List<EnumValueDescriptor> values = field.getEnumType().getValues();
        yield any(values, random);
      }
      case MESSAGE -> place.newBuilderForField(field).build();
    };
  }

  /** Names of tensors and nodes, and operators. */
  private static List<String> names(List<Message.Builder> all) {
    List<String> names = new ArrayList<>(List.of(""));
    for (Message.Builder builder : all) {
      if (builder instanceof NodeProto.Builder node) {
        names.addAll(node.getInputList());
        names.addAll(node.getOutputList());
        names.add(node.getOpType());
      }
    }
    return names;
  }

  private static <T> T any(List<T> all, SplittableRandom random) {
    return all.get(random.nextInt(all.size()));
  }
}
