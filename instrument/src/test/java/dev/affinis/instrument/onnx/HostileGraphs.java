package dev.affinis.instrument.onnx;

import ai.onnx.proto.OnnxMl.FunctionProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataLocation;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.List;

/** Small models with all that a file can have, to be changed into hostile ones. */
final class HostileGraphs {
  static final DataType FLOAT = DataType.FLOAT;

  private HostileGraphs() {}

  /** One model for each of the parts of the format that are read. */
  static List<TestGraph> all() {
    return List.of(layers(), expressions(), branches(), functions(), shapes(), external("w.bin"));
  }

  /** Convolutions, pooling, normalisation, activations, with the names of an exporter. */
  static TestGraph layers() {
    return new TestGraph(17)
        .input("x", FLOAT, -1, 2, 8, 8)
        .output("y")
        .filled("w", 0.1f, 3, 2, 3, 3)
        .filled("scale", 1.5f, 3)
        .filled("mean", 0.2f, 3)
        .node("Conv", "x w", "a", "pads", new long[] {1, 1, 1, 1})
        .named("/features/features.0/Conv")
        .node("BatchNormalization", "a scale mean mean scale", "b")
        .node("Relu", "b", "c")
        .named("/features/features.2/Relu")
        .node("MaxPool", "c", "d", "kernel_shape", new long[] {2, 2}, "strides", new long[] {2, 2})
        .node("HardSwish", "d", "e")
        .named("/features/features.2_1/Relu")
        .node("GlobalAveragePool", "e", "f")
        .node("Flatten", "f", "y");
  }

  /** Activations that are written out, gates and a choice. */
  static TestGraph expressions() {
    return new TestGraph(17)
        .input("x", FLOAT, -1, 4)
        .output("y")
        .filled("w", 0.1f, 4, 8)
        .scalar("root", 1.4142135)
        .scalar("one", 1)
        .scalar("half", 0.5)
        .node("MatMul", "x w", "h")
        .node("Split", "h", "g v", "axis", -1)
        .node("Sigmoid", "g", "s")
        .node("Mul", "g s", "silu")
        .node("Mul", "silu v", "gated")
        .node("Div", "gated root", "e1")
        .node("Erf", "e1", "e2")
        .node("Add", "e2 one", "e3")
        .node("Mul", "gated e3", "e4")
        .node("Mul", "e4 half", "gelu")
        .node("Greater", "gelu half", "c")
        .node("Exp", "gelu", "exp")
        .node("Where", "c gelu exp", "chosen")
        .node("Softplus", "chosen", "p1")
        .node("Tanh", "p1", "p2")
        .node("Mul", "chosen p2", "y");
  }

  /** Conditions in conditions, a loop and a recurrent operator. */
  static TestGraph branches() {
    TestGraph inner = new TestGraph(17).node("Relu", "x", "r").output("r");
    TestGraph middle =
        new TestGraph(17)
            .node("If", "b", "m", "then_branch", inner.graph(), "else_branch", inner.graph())
            .output("m");
    return new TestGraph(17)
        .input("x", FLOAT, -1, 4)
        .input("b", DataType.BOOL, 1)
        .output("y")
        .node("If", "b", "i", "then_branch", middle.graph(), "else_branch", inner.graph())
        .node("com.microsoft.BiasGelu", "i x", "g")
        .node("Relu", "g", "y");
  }

  /** Functions that call functions. */
  static TestGraph functions() {
    return new TestGraph(17)
        .input("x", FLOAT, -1, 4)
        .output("y")
        .function(function("Inner", "Relu", ""))
        .function(function("Outer", "Inner", "local"))
        .node("local.Outer", "x", "h")
        .node("Relu", "h", "y");
  }

  static FunctionProto function(String name, String operator, String domain) {
    String called = domain.isEmpty() ? operator : domain + "." + operator;
    return FunctionProto.newBuilder()
        .setName(name)
        .setDomain("local")
        .addInput("a")
        .addOutput("c")
        .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(17))
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("local").setVersion(1))
        .addNode(TestGraph.nodeOf(called, "a", "b"))
        .addNode(TestGraph.nodeOf(called, "b", "c"))
        .build();
  }

  /** Shapes that are computed. */
  static TestGraph shapes() {
    return new TestGraph(13)
        .input("x", FLOAT, -1, 4, 6)
        .output("y")
        .integers("first", 0)
        .integers("rest", -1)
        .integers("last", -1)
        .node("Shape", "x", "s")
        .node("Slice", "s first last", "s1")
        .node("Concat", "first rest", "target", "axis", 0)
        .node("Reshape", "x target", "flat")
        .node("Einsum", "flat flat", "e", "equation", "ij,kj->ik")
        .node("Transpose", "e", "t", "perm", new long[] {1, 0})
        .node("Unsqueeze", "t last", "u")
        .node("ReduceMean", "u", "m", "axes", new long[] {-1})
        .node("Sub", "u u", "n")
        .node("Softmax", "n", "o", "axis", -1)
        .node("Relu", "o", "y");
  }

  /** A weight in another file, of 16 bytes. */
  static TestGraph external(String location, String... more) {
    TensorProto.Builder weight =
        TestGraph.tensor("w", FLOAT, 4)
            .setDataLocation(DataLocation.EXTERNAL)
            .addExternalData(entry("location", location));
    for (int i = 0; i < more.length; i += 2) {
      weight.addExternalData(entry(more[i], more[i + 1]));
    }
    return new TestGraph(17)
        .input("x", FLOAT, -1, 4)
        .output("y")
        .initializer(weight.build())
        .node("Add", "x w", "h")
        .node("Relu", "h", "y");
  }

  private static StringStringEntryProto entry(String key, String value) {
    return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }
}
