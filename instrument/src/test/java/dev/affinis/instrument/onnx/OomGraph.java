package dev.affinis.instrument.onnx;

import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.io.IOException;
import java.nio.file.Path;

/** A graph that takes more memory than there is for more than four samples. */
public final class OomGraph {
  private static final long HUGE = 1L << 46;

  private OomGraph() {}

  /** Writes it; it takes samples of 8 x 1 x 1. */
  public static Path write(Path folder) throws IOException {
    return new TestGraph(17)
        .input("x", DataType.FLOAT, -1, 8, 1, 1)
        .output("y")
        .integers("last", 0)
        .integers("four", 4)
        .integers("huge", HUGE)
        .integers("one", 1)
        .node("Flatten", "x", "flat", "axis", 1)
        .node("Relu", "flat", "rectified")
        .node("Shape", "x", "shape")
        .node("Gather", "shape last", "samples", "axis", 0)
        .node("Greater", "samples four", "many")
        .node("Cast", "many", "factor", "to", DataType.INT64.getNumber())
        .node("Mul", "factor huge", "extra")
        .node("Add", "extra one", "size")
        .node("ConstantOfShape", "size", "zeros", "value", zero())
        .node("ReduceSum", "zeros", "none", "keepdims", 0)
        .node("Add", "rectified none", "sum")
        .node("Tanh", "sum", "y")
        .write(folder);
  }

  private static TensorProto zero() {
    return TestGraph.tensor("zero", DataType.FLOAT, 1).addFloatData(0).build();
  }
}
