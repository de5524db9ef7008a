package dev.affinis.instrument.onnx;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Makes nodes that take the mean over the tokens that an input of the model says are there. */
final class MaskedRows {
  private static final int OPSET_OF_WHERE = 9;

  private final AddedNodes nodes;
  private final int opset;
  private final String present;
  private final String sizes;
  private final Map<DataType, String> counts = new EnumMap<>(DataType.class);

  /**
   * Reads the mask.
   *
   * @param graph the graph
   * @param nodes where nodes are added
   * @param mask the input (batch x tokens), 1 for tokens and 0 for padding
   */
  MaskedRows(GraphView graph, AddedNodes nodes, String mask) {
    this.nodes = nodes;
    opset = graph.opset();
    present = nodes.cast(mask, DataType.BOOL);
    sizes = nodes.add("Shape", List.of(mask));
  }

  /**
   * Takes the mean over tokens where there are as many positions as the mask has, which is known
   * when the model runs; over all positions otherwise.
   *
   * @param tensor three axes, float32 or float64
   * @param type its type
   * @param isLast whether its channels are on the last axis
   * @return name of the rows
   */
  String rows(String tensor, DataType type, boolean isLast) {
    int axis = isLast ? 1 : 2;
    String shape = nodes.add("Shape", List.of(tensor));
    String fits = nodes.add("And", List.of(isSame(shape, 0, 0), isSame(shape, axis, 1)));
    String number = counts.computeIfAbsent(type, this::count);
    AddedNodes masked = nodes.branch();
    String tokens = masked.unsqueeze(present, isLast ? 2 : 1);
    // A product would keep what is not finite.
    String kept =
        opset < OPSET_OF_WHERE
            ? masked.add("Mul", List.of(tensor, masked.cast(tokens, type)))
            : masked.add("Where", List.of(tokens, tensor, masked.number(0, type)));
    String means = masked.add("Div", List.of(masked.sum(kept, axis, false), number));
    AddedNodes plain = nodes.branch();
    return nodes.choose(fits, masked, means, plain, plain.mean(tensor, axis));
  }

  private String isSame(String shape, int axis, int ofMask) {
    return nodes.add(
        "Equal",
        List.of(
            nodes.slice(shape, axis, axis + 1L, 0), nodes.slice(sizes, ofMask, ofMask + 1L, 0)));
  }

  private String count(DataType type) {
    return nodes.sum(nodes.cast(present, type), 1, true);
  }
}
