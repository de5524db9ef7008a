package dev.affinis.instrument.onnx;

import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.Set;

/**
 * Counts trained values: all floating-point initializers but single numbers without an axis (bounds
 * and factors) and the running statistics of batch normalisations. Exporters that keep one of
 * several equal tensors leave Identity nodes in place of the others; these count, too.
 */
final class ParameterCount {
  private static final Set<Integer> FLOATING =
      Set.of(
          DataType.FLOAT.getNumber(),
          DataType.DOUBLE.getNumber(),
          DataType.FLOAT16.getNumber(),
          DataType.BFLOAT16.getNumber());

  private ParameterCount() {}

  static long of(GraphView graph) {
    long count = 0;
    for (TensorProto tensor : graph.initializers()) {
      count += size(graph, tensor, tensor.getName());
    }
    for (int i = 0; i < graph.nodes().size(); i++) {
      TensorProto copied =
          graph.operator(i).equals("Identity") ? graph.initializer(graph.input(i, 0)) : null;
      if (copied != null) {
        count += size(graph, copied, graph.output(i));
      }
    }
    return count;
  }

  private static long size(GraphView graph, TensorProto tensor, String name) {
    boolean isTrained =
        FLOATING.contains(tensor.getDataType())
            && tensor.getDimsCount() > 0
            && !isStatistic(graph, name);
    return isTrained ? Constants.size(tensor) : 0;
  }

  private static boolean isStatistic(GraphView graph, String tensor) {
    for (int node : graph.consumers(tensor)) {
      if (graph.operator(node).equals("BatchNormalization")
          && (graph.input(node, 3).equals(tensor) || graph.input(node, 4).equals(tensor))) {
        return true;
      }
    }
    return false;
  }
}
