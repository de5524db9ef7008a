package dev.affinis.instrument.onnx;

import ai.djl.ndarray.types.DataType;
import ai.onnx.proto.OnnxMl.TensorProto;
import dev.affinis.instrument.InstrumentedModel;
import dev.affinis.instrument.MaskedTokens;
import dev.affinis.signature.TokenPolicy;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Graphs that take a mask. */
class MaskedGraphTest {
  private static final TensorProto.DataType FLOAT = TensorProto.DataType.FLOAT;

  @TempDir Path folder;

  private InstrumentedModel<?, ?> open(TokenPolicy tokens, TestGraph graph) throws IOException {
    return InstrumentedModel.builder()
        .setModelPath(graph.write(folder))
        .optTokens(tokens)
        .optCounts(1e-3)
        .build();
  }

  private static TestGraph graph(int opset, TensorProto.DataType type) {
    TestGraph graph =
        new TestGraph(opset)
            .input("x", FLOAT, -1, -1, 3)
            .input("mask", type, -1, -1)
            .output("t")
            .output("z")
            .scalar("two", 2)
            .scalar("half", 0.5)
            .node("Mul", "x two", "a")
            .node("Sub", "a half", "b")
            .node("Relu", "b", "y");
    if (opset < 10) {
      graph.node(
          "Slice",
          "y",
          "s",
          "starts",
          new long[] {1},
          "ends",
          new long[] {99},
          "axes",
          new long[] {1});
    } else {
      graph.integers("one", 1).integers("end", 99).node("Slice", "y one end one", "s");
    }
    graph.node("Sigmoid", "s", "z").node("Cast", "mask", "m", "to", FLOAT.getNumber());
    if (opset < 13) {
      graph
          .node("Unsqueeze", "m", "w", "axes", new long[] {2})
          .node("Mul", "y w", "k")
          .node("ReduceSum", "k", "p", "axes", new long[] {1}, "keepdims", 0);
    } else {
      graph
          .integers("last", 2)
          .node("Unsqueeze", "m last", "w")
          .node("Mul", "y w", "k")
          .node("ReduceSum", "k one", "p", "keepdims", 0);
    }
    return graph.node("Tanh", "p", "t");
  }

  @ParameterizedTest
  @CsvSource({
    "9, INT64, INT64",
    "11, INT32, INT32",
    "13, FLOAT, FLOAT32",
    "17, INT64, INT64",
    "18, FLOAT, FLOAT32"
  })
  void rowsAreOfTokensAlone(int opset, TensorProto.DataType type, DataType given)
      throws IOException {
    MaskedTokens.check(tokens -> open(tokens, graph(opset, type)), given);
  }

  @Test
  void oldOperatorsMultiplyByTheMask() throws IOException {
    TestGraph graph = graph(7, FLOAT);
    MaskedTokens.checkFinite(tokens -> open(tokens, graph), DataType.FLOAT32);
  }

  @Test
  void aModelOfOneInputHasNoMask() {
    TestGraph graph =
        new TestGraph(13).input("x", FLOAT, -1, -1, 3).output("y").node("Relu", "x", "y");
    MaskedTokens.checkSingleInput(tokens -> open(tokens, graph));
  }
}
