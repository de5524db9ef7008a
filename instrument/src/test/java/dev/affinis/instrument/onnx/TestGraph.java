package dev.affinis.instrument.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.AttributeProto.AttributeType;
import ai.onnx.proto.OnnxMl.FunctionProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.ByteString;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Builds small ONNX models by hand. */
final class TestGraph {
  private static final int IR_VERSION = 8;
  private static final String MICROSOFT = "com.microsoft";

  private final GraphProto.Builder graph = GraphProto.newBuilder().setName("test");
  private final ModelProto.Builder model = ModelProto.newBuilder().setIrVersion(IR_VERSION);

  TestGraph(int opset) {
    model.addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(opset));
    model.addOpsetImport(OperatorSetIdProto.newBuilder().setDomain(MICROSOFT).setVersion(1));
  }

  /** A tensor from outside; a size of -1 is left open. */
  TestGraph input(String name, DataType type, long... sizes) {
    graph.addInput(value(name, type, sizes));
    return this;
  }

  private static ValueInfoProto value(String name, DataType type, long... sizes) {
    ValueInfoProto.Builder value = ValueInfoProto.newBuilder().setName(name);
    var tensor = value.getTypeBuilder().getTensorTypeBuilder().setElemType(type.getNumber());
    for (long size : sizes) {
      var dimension = tensor.getShapeBuilder().addDimBuilder();
      if (size >= 0) {
        dimension.setDimValue(size);
      } else {
        dimension.setDimParam("open" + tensor.getShape().getDimCount());
      }
    }
    tensor.getShapeBuilder();
    return value.build();
  }

  TestGraph output(String name) {
    graph.addOutput(ValueInfoProto.newBuilder().setName(name));
    return this;
  }

  /** A float32 initializer with one axis. */
  TestGraph floats(String name, float... values) {
    TensorProto.Builder tensor = tensor(name, DataType.FLOAT, values.length);
    for (float value : values) {
      tensor.addFloatData(value);
    }
    return initializer(tensor.build());
  }

  /** A float32 initializer of any shape, all elements of which are the same. */
  TestGraph filled(String name, float value, long... sizes) {
    TensorProto.Builder tensor = tensor(name, DataType.FLOAT, sizes);
    for (long i = 0; i < Constants.size(tensor.build()); i++) {
      tensor.addFloatData(value);
    }
    return initializer(tensor.build());
  }

  /** A single number. */
  TestGraph scalar(String name, double value) {
    return initializer(tensor(name, DataType.FLOAT).addFloatData((float) value).build());
  }

  TestGraph integers(String name, long... values) {
    TensorProto.Builder tensor = tensor(name, DataType.INT64, values.length);
    for (long value : values) {
      tensor.addInt64Data(value);
    }
    return initializer(tensor.build());
  }

  TestGraph integer(String name, long value) {
    return initializer(tensor(name, DataType.INT64).addInt64Data(value).build());
  }

  TestGraph initializer(TensorProto tensor) {
    graph.addInitializer(tensor);
    return this;
  }

  static TensorProto.Builder tensor(String name, DataType type, long... sizes) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder().setName(name).setDataType(type.getNumber());
    for (long size : sizes) {
      tensor.addDims(size);
    }
    return tensor;
  }

  /**
   * Adds a node without a name.
   *
   * @param operator its type, with {@code com.microsoft.} in front if it is one of theirs
   * @param inputs names of its inputs, separated by blanks; {@code _} for one that is left out
   * @param outputs names of its outputs
   * @param attributes names and values in turn
   */
  TestGraph node(String operator, String inputs, String outputs, Object... attributes) {
    graph.addNode(nodeOf(operator, inputs, outputs, attributes));
    return this;
  }

  static NodeProto nodeOf(String operator, String inputs, String outputs, Object... attributes) {
    NodeProto.Builder node = NodeProto.newBuilder();
    int dot = operator.lastIndexOf('.');
    if (dot > 0) {
      node.setDomain(operator.substring(0, dot));
    }
    node.setOpType(operator.substring(dot + 1));
    for (String input : names(inputs)) {
      node.addInput(input.equals("_") ? "" : input);
    }
    node.addAllOutput(names(outputs));
    for (int i = 0; i < attributes.length; i += 2) {
      node.addAttribute(attribute((String) attributes[i], attributes[i + 1]));
    }
    return node.build();
  }

  private static List<String> names(String list) {
    return list.isEmpty() ? List.of() : List.of(list.split(" ", -1));
  }

  private static AttributeProto attribute(String name, Object value) {
    AttributeProto.Builder attribute = AttributeProto.newBuilder().setName(name);
    if (value instanceof Integer number) {
      attribute.setType(AttributeType.INT).setI(number);
    } else if (value instanceof Double number) {
      attribute.setType(AttributeType.FLOAT).setF(number.floatValue());
    } else if (value instanceof String text) {
      attribute.setType(AttributeType.STRING).setS(ByteString.copyFromUtf8(text));
    } else if (value instanceof TensorProto tensor) {
      attribute.setType(AttributeType.TENSOR).setT(tensor);
    } else if (value instanceof GraphProto held) {
      attribute.setType(AttributeType.GRAPH).setG(held);
    } else {
      attribute.setType(AttributeType.INTS);
      for (long number : (long[]) value) {
        attribute.addInts(number);
      }
    }
    return attribute.build();
  }

  /** Names the node added last. */
  TestGraph named(String name) {
    graph.getNodeBuilder(graph.getNodeCount() - 1).setName(name);
    return this;
  }

  /** Notes something about the node added last. */
  TestGraph noted(String key, String value) {
    graph
        .getNodeBuilder(graph.getNodeCount() - 1)
        .addMetadataProps(StringStringEntryProto.newBuilder().setKey(key).setValue(value));
    return this;
  }

  TestGraph function(FunctionProto function) {
    model.addFunctions(function);
    model.addOpsetImport(
        OperatorSetIdProto.newBuilder().setDomain(function.getDomain()).setVersion(1));
    return this;
  }

  GraphProto graph() {
    return graph.build();
  }

  ModelProto build() {
    return model.setGraph(graph).build();
  }

  Path write(Path folder) throws IOException {
    Path file = Files.createTempFile(folder, "test", ".onnx");
    Files.write(file, build().toByteArray());
    return file;
  }
}
