package dev.affinis.instrument.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.SparseTensorProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.List;
import java.util.function.Consumer;

/** The constant tensors of a model, wherever they are, and whether they hold what they say. */
final class TensorSizes {
  private TensorSizes() {}

  /** Hands out every constant tensor: weights, attributes, those in sub-graphs and functions. */
  static void forEach(ModelProto model, Consumer<TensorProto> action) {
    graph(model.getGraph(), action);
    model
        .getFunctionsList()
        .forEach(
            function -> {
              attributes(function.getAttributeProtoList(), action);
              nodes(function.getNodeList(), action);
            });
  }

  private static void graph(GraphProto graph, Consumer<TensorProto> action) {
    graph.getInitializerList().forEach(action);
    graph.getSparseInitializerList().forEach(sparse -> sparse(sparse, action));
    nodes(graph.getNodeList(), action);
  }

  private static void nodes(List<NodeProto> nodes, Consumer<TensorProto> action) {
    nodes.forEach(node -> attributes(node.getAttributeList(), action));
  }

  private static void attributes(List<AttributeProto> attributes, Consumer<TensorProto> action) {
    for (AttributeProto attribute : attributes) {
      if (attribute.hasT()) {
        action.accept(attribute.getT());
      }
      attribute.getTensorsList().forEach(action);
      if (attribute.hasSparseTensor()) {
        sparse(attribute.getSparseTensor(), action);
      }
      attribute.getSparseTensorsList().forEach(sparse -> sparse(sparse, action));
      if (attribute.hasG()) {
        graph(attribute.getG(), action);
      }
      attribute.getGraphsList().forEach(held -> graph(held, action));
    }
  }

  private static void sparse(SparseTensorProto sparse, Consumer<TensorProto> action) {
    action.accept(sparse.getValues());
    action.accept(sparse.getIndices());
  }

  /**
   * What is wrong with a tensor's sizes, or with the data in the file itself.
   *
   * @return the fault, or {@code null} if there is none
   */
  static String fault(TensorProto tensor) {
    long size = 1;
    for (long dimension : tensor.getDimsList()) {
      if (dimension < 0) {
        return "has the negative size " + dimension;
      }
      try {
        size = Math.multiplyExact(size, dimension);
      } catch (ArithmeticException e) {
        return "has the sizes " + first(tensor.getDimsList()) + ", more than any memory holds";
      }
    }
    int bytes = elementBytes(tensor);
    if (bytes == 0 || Constants.isExternal(tensor)) {
      return null;
    }
    if (tensor.hasRawData()) {
      long found = tensor.getRawData().size();
      boolean fits = found % bytes == 0 && found / bytes == size;
      return fits ? null : "should have " + size + " values, but has " + found + " bytes of them";
    }
    int values = values(tensor);
    return values == size ? null : "should have " + size + " values, but has " + values;
  }

  private static String first(List<Long> sizes) {
    return sizes.size() <= 8 ? sizes.toString() : sizes.subList(0, 8) + "...";
  }

  private static DataType type(TensorProto tensor) {
    DataType type = DataType.forNumber(tensor.getDataType());
    return type == null ? DataType.UNDEFINED : type;
  }

  /** Bytes of an element as raw data, 0 if it has no whole ones or the type is not known here. */
  static int elementBytes(TensorProto tensor) {
    return switch (type(tensor)) {
      case BOOL, INT8, UINT8 -> 1;
      case INT16, UINT16, FLOAT16, BFLOAT16 -> 2;
      case FLOAT, INT32, UINT32 -> 4;
      case DOUBLE, INT64, UINT64 -> 8;
      default -> 0;
    };
  }

  private static int values(TensorProto tensor) {
    return switch (type(tensor)) {
      case FLOAT -> tensor.getFloatDataCount();
      case DOUBLE -> tensor.getDoubleDataCount();
      case INT64 -> tensor.getInt64DataCount();
      case UINT32, UINT64 -> tensor.getUint64DataCount();
      default -> tensor.getInt32DataCount();
    };
  }
}
