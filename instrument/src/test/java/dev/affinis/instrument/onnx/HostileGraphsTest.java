package dev.affinis.instrument.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.FunctionProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.SparseTensorProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import dev.affinis.instrument.CaptureForm;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.Layout;
import dev.affinis.instrument.SiteFilter;
import dev.affinis.instrument.SiteType;
import dev.affinis.instrument.TapOptions;
import dev.affinis.signature.Pooling;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** ONNX files made to exhaust a reader or to reach beyond their folder. */
class HostileGraphsTest {
  private static final DataType FLOAT = DataType.FLOAT;
  private static final SiteFilter EVERYTHING =
      SiteFilter.ALL.types(
          SiteType.ACTIVATION,
          SiteType.POOLING,
          SiteType.NORMALISATION,
          SiteType.GATE,
          SiteType.ATTENTION,
          SiteType.MODULE);

  @TempDir Path folder;

  private static void read(Path file) throws IOException {
    OnnxInstrumenter model = new OnnxInstrumenter(file, Map.of());
    model.sites(EVERYTHING);
    model.hiddenSites(EVERYTHING);
    model.added(new TapOptions(CaptureForm.POOLED, Pooling.CHANNEL, Layout.AUTO, EVERYTHING));
  }

  private String refusal(TestGraph graph) throws IOException {
    return refusal(graph.write(folder));
  }

  private static String refusal(Path file) {
    String message = assertThrows(InvalidInputException.class, () -> read(file)).getMessage();
    assertTrue(message.contains(file.toString()), message);
    return message;
  }

  /** A model that ends in a ReLU of a tensor h. */
  private static TestGraph ending() {
    return new TestGraph(17).input("x", FLOAT, -1, 4).output("y");
  }

  @Test
  void cyclesAreRefused() throws IOException {
    String message =
        refusal(ending().node("Add", "x b", "a").node("Neg", "a", "b").node("Relu", "a", "y"));
    assertTrue(message.contains("form a cycle") && message.contains("(Add)"), message);
    message = refusal(ending().node("Identity", "c", "c").node("Relu", "x", "y"));
    assertTrue(message.contains("cycle"), message);
    GraphProto branch = new TestGraph(17).node("Relu", "i", "r").output("r").graph();
    message =
        refusal(
            ending()
                .input("b", DataType.BOOL, 1)
                .node("If", "b", "i", "then_branch", branch, "else_branch", branch)
                .node("Relu", "i", "y"));
    assertTrue(message.contains("cycle"), message);
  }

  @Test
  void nodesInAnyOrderAreTaken() throws IOException {
    Path file = ending().node("Relu", "h", "y").node("Add", "x x", "h").write(folder);
    assertEquals(1, new OnnxInstrumenter(file, Map.of()).sites(SiteFilter.ALL).size());
  }

  @Test
  void tensorsAreMadeOnceAndBySomething() throws IOException {
    String message = refusal(ending().node("Add", "x gone", "h").node("Relu", "h", "y"));
    assertTrue(message.contains("needs the tensor gone, which nothing makes"), message);
    message = refusal(ending().node("Relu", "x", "y").node("Neg", "x", "y"));
    assertTrue(message.contains("y is made or given twice"), message);
    message = refusal(ending().node("Relu", "x", "z"));
    assertTrue(message.contains("nothing makes its output y"), message);
    message = refusal(ending().scalar("y", 1).node("Relu", "x", "y"));
    assertTrue(message.contains("made or given twice"), message);
  }

  @Test
  void whatModelsMayHaveIsTaken() throws IOException {
    GraphProto branch = new TestGraph(17).node("Add", "h w", "r").output("r").graph();
    TestGraph graph =
        ending()
            .input("b", DataType.BOOL, 1)
            // Before version 4 of the format each initializer was an input, too.
            .input("w", FLOAT, 4)
            .filled("w", 1, 4)
            .scalar("six", 6)
            .node("Clip", "x _ six", "h")
            .node("Dropout", "h", "d mask")
            // Both branches call their result the same, and use tensors from around them.
            .node("If", "b", "i", "then_branch", branch, "else_branch", branch)
            .node("Add", "i s", "z")
            .node("Relu", "z", "y");
    ModelProto.Builder model = graph.build().toBuilder();
    SparseTensorProto.Builder sparse = model.getGraphBuilder().addSparseInitializerBuilder();
    sparse.addDims(4);
    sparse.setValues(TestGraph.tensor("s", FLOAT, 1).addFloatData(2));
    sparse.setIndices(TestGraph.tensor("", DataType.INT64, 1).addInt64Data(3));
    Path file = folder.resolve("odd.onnx");
    Files.write(file, model.build().toByteArray());
    read(file);
    assertEquals(1, new OnnxInstrumenter(file, Map.of()).sites(SiteFilter.ALL).size());
  }

  @ParameterizedTest
  @CsvSource({
    "'-1', negative size -1",
    "'4294967296,4294967296', more than any memory holds",
    "'3', 'should have 3 values, but has 8 bytes'"
  })
  void constantsHoldWhatTheySay(String sizes, String fault) throws IOException {
    long[] dims = java.util.Arrays.stream(sizes.split(",", -1)).mapToLong(Long::valueOf).toArray();
    String message =
        refusal(
            ending()
                .initializer(
                    TestGraph.tensor("w", FLOAT, dims)
                        .setRawData(ByteString.copyFrom(new byte[8]))
                        .build())
                .node("Add", "x w", "h")
                .node("Relu", "h", "y"));
    assertTrue(message.contains("constant w") && message.contains(fault), message);
  }

  /** The standard tells them apart, the engine runs the last: what would be measured is unclear. */
  @Test
  void functionsThatDifferByTheirOverloadAloneAreRefused() throws IOException {
    ModelProto.Builder model = ending().node("local.A", "x", "y").build().toBuilder();
    model.getGraphBuilder().getNodeBuilder(0).setOverload("first");
    FunctionProto function = HostileGraphs.function("A", "Relu", "");
    model.addFunctions(function.toBuilder().setOverload("first"));
    Path file = folder.resolve("overloads.onnx");
    read(Files.write(file, model.build().toByteArray()));
    model.addFunctions(function.toBuilder().setOverload("second"));
    Files.write(file, model.build().toByteArray());
    String message = refusal(file);
    assertTrue(message.contains("has several functions local.A"), message);
    assertTrue(message.contains("onnx.inliner.inline_local_functions"), message);
  }

  @Test
  void functionsThatCallThemselvesOrGrowAreRefused() throws IOException {
    String message =
        refusal(
            ending()
                .function(HostileGraphs.function("A", "B", "local"))
                .function(HostileGraphs.function("B", "A", "local"))
                .node("local.A", "x", "y"));
    assertTrue(message.contains("calls itself"), message);
    // Each calls the next twice: 2^60 nodes.
    TestGraph doubling = ending().node("local.F0", "x", "y");
    for (int i = 0; i < 60; i++) {
      doubling.function(HostileGraphs.function("F" + i, i == 59 ? "G" : "F" + (i + 1), "local"));
    }
    doubling.function(HostileGraphs.function("G", "Relu", ""));
    assertTrue(refusal(doubling).contains("when its functions are written out"));
    FunctionProto standard =
        HostileGraphs.function("Relu", "Neg", "").toBuilder().setDomain("ai.onnx").build();
    ModelProto model =
        ending().node("Relu", "x", "y").build().toBuilder().addFunctions(standard).build();
    Path file = Files.write(folder.resolve("standard.onnx"), model.toByteArray());
    assertTrue(refusal(file).contains("a function of the standard operator Relu"));
  }

  @Test
  void opsetsAreOne() throws IOException {
    ModelProto.Builder model = ending().node("Relu", "x", "y").build().toBuilder();
    model.addOpsetImport(model.getOpsetImport(0).toBuilder().setVersion(9));
    Path file = Files.write(folder.resolve("two.onnx"), model.build().toByteArray());
    assertTrue(refusal(file).contains("of version 9 and of 17"));
    model.clearOpsetImport();
    Files.write(file, model.build().toByteArray());
    assertTrue(refusal(file).contains("is of opset 1, expected 7 or newer"));
    model.addOpsetImportBuilder().setVersion((1L << 32) + 17);
    Files.write(file, model.build().toByteArray());
    assertTrue(refusal(file).contains("are of version 4294967313"));
  }

  /** Each of these took all of the stack, all of the memory or for ever. */
  @Test
  void longChainsAreReadInBoundedTimeAndStack() throws IOException {
    int length = 20_000;
    TestGraph same = ending().integers("one", 1);
    TestGraph negated = ending().scalar("n0", 1);
    TestGraph windows = new TestGraph(17).input("w0", FLOAT, 1, 1, -1, -1).output("y");
    long[] two = {2, 2};
    for (int i = 0; i < length; i++) {
      same.node("Identity", (i == 0 ? "one" : "i" + i), "i" + (i + 1));
      negated.node("Neg", "n" + i, "n" + (i + 1));
      windows.node("MaxPool", "w" + i, "w" + (i + 1), "kernel_shape", two, "strides", two);
    }
    same.node("Reshape", "x i" + length, "h").node("Relu", "h", "y");
    negated.node("Max", "x n" + length, "y");
    windows.node("Relu", "w" + length, "y");
    TestGraph wide = ending();
    StringBuilder inputs = new StringBuilder("x");
    inputs.append(" x".repeat(300));
    String last = "x";
    for (int i = 0; i < 7; i++) {
      wide.node("Mul", inputs.toString().replace("x", last), "m" + i);
      last = "m" + i;
    }
    wide.node("Erf", last, "e").node("Relu", "e", "y");
    for (TestGraph graph : new TestGraph[] {same, negated, windows, wide}) {
      Path file = graph.write(folder);
      assertTimeoutPreemptively(Duration.ofSeconds(60), () -> read(file));
    }
  }

  @Test
  void deepSubGraphsAreRefused() throws IOException {
    TestGraph graph = ending().input("b", DataType.BOOL, 1).node("Relu", "x", "y");
    GraphProto inner = new TestGraph(17).node("Relu", "x", "r0").output("r0").graph();
    for (int i = 1; i < 60; i++) {
      inner =
          new TestGraph(17)
              .node(
                  "If",
                  "b",
                  "r" + i,
                  "then_branch",
                  inner,
                  "else_branch",
                  inner.getDefaultInstanceForType())
              .output("r" + i)
              .graph();
    }
    graph.node("If", "b", "z", "then_branch", inner);
    assertTrue(refusal(graph).contains("nested more than"));
  }

  @Test
  void asManyPartsAsTheLargestModelsHaveAreRead() throws IOException {
    // 300,000 nodes of 50 parts each.
    int count = 15_000_000;
    PartCount.requireModest(emptyNodes(count).newCodedInput(), ModelProto.getDescriptor());
  }

  @Test
  void tooManyPartsAreRefusedBeforeTheyAreMade() throws IOException {
    Path file = folder.resolve("many.onnx");
    Files.write(file, emptyNodes(PartCount.MOST_PARTS + 1).toByteArray());
    String message = refusal(file);
    assertTrue(message.contains("is too large to be instrumented"), message);
    assertTrue(message.contains("more than 16000000 parts"), message);
    assertTrue(message.contains("onnx.utils.extract_model"), message);
    assertFalse(message.contains("damaged"), message);
  }

  /** A model of empty nodes: two bytes each in the file. */
  private static ByteString emptyNodes(int count) throws IOException {
    ByteString.Output bytes = ByteString.newOutput();
    CodedOutputStream out = CodedOutputStream.newInstance(bytes);
    out.writeTag(ModelProto.GRAPH_FIELD_NUMBER, 2);
    out.writeUInt32NoTag(2 * count);
    for (int i = 0; i < count; i++) {
      out.writeTag(GraphProto.NODE_FIELD_NUMBER, 2);
      out.writeUInt32NoTag(0);
    }
    out.flush();
    return bytes.toByteString();
  }

  @ParameterizedTest
  @CsvSource({
    "/etc/hostname, outside the model's folder",
    "../outside.bin, outside the model's folder",
    "a/../../outside.bin, outside the model's folder",
    "gone.bin, which is not there",
    "'', which is not there",
    "'*/_ORT_MEM_ADDR_/*', in memory at an address"
  })
  void weightsAreInTheFolderOfTheModel(String location, String fault) throws IOException {
    Path inner = Files.createDirectory(folder.resolve("inner"));
    Files.write(folder.resolve("outside.bin"), new byte[16]);
    Path file = HostileGraphs.external(location).write(inner);
    String message = refusal(file);
    assertTrue(message.contains("weight w") && message.contains(fault), message);
  }

  @Test
  void linksToWeightsElsewhereAreRefusedUnlessTheModelIsThereToo() throws IOException {
    Path inner = Files.createDirectory(folder.resolve("inner"));
    Path blobs = Files.createDirectory(folder.resolve("blobs"));
    Path blob = Files.write(blobs.resolve("b1"), new byte[16]);
    try {
      Files.createSymbolicLink(inner.resolve("w.bin"), blob);
    } catch (IOException | UnsupportedOperationException e) {
      Assumptions.abort("no symbolic links here: " + e);
    }
    Path file = HostileGraphs.external("w.bin").write(inner);
    assertTrue(refusal(file).contains("a link to"));
    // A cache of downloads keeps model and weights in one folder, and links to both.
    Path moved = Files.move(file, blobs.resolve("b2"));
    Path link = Files.createSymbolicLink(inner.resolve("model.onnx"), moved);
    assertEquals(1, new OnnxInstrumenter(link, Map.of()).externalFiles().size());
  }

  @ParameterizedTest
  @CsvSource({
    "offset, -4, says wrongly where",
    "offset, 9223372036854775800, says wrongly where",
    "offset, x, says wrongly where",
    "length, 99, says wrongly where",
    "offset, 4, has only 16",
    "length, -16, says wrongly where"
  })
  void weightsAreWithinTheirFile(String key, String value, String fault) throws IOException {
    Files.write(folder.resolve("w.bin"), new byte[16]);
    String message = refusal(HostileGraphs.external("w.bin", key, value));
    assertTrue(message.contains("weight w") && message.contains(fault), message);
  }

  @Test
  void weightsAreInFilesAndNotInMemory() throws IOException {
    // The engine does not look for the file, but a check of files would find it.
    Path memory = Files.createDirectories(folder.resolve("*").resolve("_ORT_MEM_ADDR_"));
    Files.write(memory.resolve("*"), new byte[16]);
    String message = refusal(HostileGraphs.external("*/_ORT_MEM_ADDR_/*"));
    assertTrue(message.contains("weight w in memory"), message);
  }

  /** Weights of sub-graphs and constants were not looked at, but the engine reads them. */
  @Test
  void weightsAnywhereInTheModelAreLookedAt() throws IOException {
    GraphProto outside = HostileGraphs.external("/etc/hostname").graph();
    GraphProto branch =
        new TestGraph(17)
            .initializer(outside.getInitializer(0))
            .node("Add", "x w", "h")
            .output("h")
            .graph();
    assertTrue(
        refusal(
                ending()
                    .input("b", DataType.BOOL, 1)
                    .node("If", "b", "i", "then_branch", branch, "else_branch", branch)
                    .node("Relu", "i", "y"))
            .contains("outside the model's folder"));
    assertTrue(
        refusal(
                ending()
                    .node("Constant", "", "c", "value", outside.getInitializer(0))
                    .node("Add", "x c", "h")
                    .node("Relu", "h", "y"))
            .contains("outside the model's folder"));
  }
}
