package dev.affinis.instrument.onnx;

import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import ai.onnxruntime.OrtSession.SessionOptions;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.Layout;
import dev.affinis.instrument.SiteKind;
import dev.affinis.instrument.Tap;
import dev.affinis.instrument.TapCounts;
import dev.affinis.instrument.TappedModel;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;

/** A graph with taps, loaded: tells the model's own outputs from what was tapped. */
final class TappedGraph implements TappedModel {
  private static final Map<TensorProto.DataType, DataType> FLOATING =
      Map.of(
          TensorProto.DataType.FLOAT, DataType.FLOAT32,
          TensorProto.DataType.DOUBLE, DataType.FLOAT64,
          TensorProto.DataType.FLOAT16, DataType.FLOAT16);

  private final Model model;
  private final SessionOptions session;
  private final List<ValueInfoProto> inputs;
  private final long parameterCount;
  private final List<TapNames> taps;
  private final Set<String> tapNames = new HashSet<>();

  /**
   * The outputs of one site.
   *
   * @param path its module
   * @param kind what it computes
   * @param layout where its channels are
   * @param shape output that has the shape of its result, {@code null} if the result itself tells
   * @param isShared whether that output tells sizes from the third axis on only
   * @param pre output that has its input, {@code null} if it is not captured
   * @param post output that has its result, likewise
   * @param smallPre output that has the share of small values of its input, {@code null} if nothing
   *     is counted
   * @param smallPost output that has that of its result, likewise
   * @param bounded output that has the share of values of its result at a bound, {@code null} if
   *     nothing is counted or there are no bounds
   */
  record TapNames(
      String path,
      SiteKind kind,
      Layout layout,
      String shape,
      boolean isShared,
      String pre,
      String post,
      String smallPre,
      String smallPost,
      String bounded) {
    /** The outputs that are not the model's own. */
    Stream<String> outputs() {
      return Stream.of(shape, pre, post, smallPre, smallPost, bounded).filter(Objects::nonNull);
    }
  }

  /**
   * Takes a loaded copy.
   *
   * @param session what it was loaded with, closed after it, may be {@code null}
   */
  TappedGraph(
      Model model,
      SessionOptions session,
      GraphView graph,
      long parameterCount,
      List<TapNames> taps) {
    this.model = model;
    this.session = session;
    inputs = graph.inputs();
    this.parameterCount = parameterCount;
    this.taps = taps;
    for (TapNames tap : taps) {
      tap.outputs().forEach(tapNames::add);
    }
  }

  @Override
  public Pass forward(ParameterStore parameters, NDList given) {
    NDList converted = new NDList();
    NDList outputs = new NDList();
    Map<String, NDArray> tapped = new HashMap<>();
    try {
      NDList typed = typed(given, converted);
      for (NDArray array : model.getBlock().forward(parameters, typed, false)) {
        if (array.getName() != null && tapNames.contains(array.getName())) {
          tapped.put(array.getName(), array);
        } else {
          outputs.add(array);
        }
      }
    } finally {
      converted.close();
    }
    Map<String, Shape> shapes = new HashMap<>();
    List<Tap> result = new ArrayList<>();
    for (TapNames names : taps) {
      NDArray pre = names.pre() == null ? null : tapped.get(names.pre());
      NDArray post = names.post() == null ? null : tapped.get(names.post());
      Shape shape = names.shape() == null ? post.getShape() : shapes.get(names.shape());
      if (shape == null) {
        try (NDArray sizes = tapped.get(names.shape())) {
          shape = new Shape(sizes.toLongArray());
        }
        shapes.put(names.shape(), shape);
      }
      if (names.isShared()) {
        shape = post.getShape().addAll(shape.slice(2));
      }
      NDArray smallPre = names.smallPre() == null ? null : tapped.get(names.smallPre());
      NDArray smallPost = names.smallPost() == null ? null : tapped.get(names.smallPost());
      NDArray bounded = names.bounded() == null ? null : tapped.get(names.bounded());
      if (names.kind() == SiteKind.SOFTMAX) {
        long samples = given.head().getShape().get(0);
        smallPre = AttentionRows.bySample(smallPre, shape, samples, Layout.CHANNELS_LAST);
        smallPost = AttentionRows.bySample(smallPost, shape, samples, Layout.CHANNELS_LAST);
        pre = AttentionRows.bySample(pre, shape, samples, names.layout());
        post = AttentionRows.bySample(post, shape, samples, names.layout());
        shape = AttentionRows.shapeBySample(shape, samples);
        if (shape.dimension() <= 2) {
          NDList none = new NDList();
          Stream.of(pre, post, smallPre, smallPost).filter(Objects::nonNull).forEach(none::add);
          none.close();
          continue; // the softmax of a classifier
        }
      }
      int dimension = dimension(shape, names.layout());
      TapCounts counts = smallPre == null ? null : new TapCounts(smallPre, smallPost, bounded);
      result.add(new Tap(names.path(), names.kind(), shape, dimension, pre, post, counts));
    }
    return new Pass(outputs, result);
  }

  private static int dimension(Shape shape, Layout layout) {
    if (shape.dimension() < 2) {
      return 1;
    }
    int axis = layout == Layout.CHANNELS_LAST ? shape.dimension() - 1 : 1;
    return Math.toIntExact(shape.get(axis));
  }

  /**
   * The inputs in the floating-point types that the model asks for; what had to be converted is
   * added to a list.
   */
  private NDList typed(NDList given, NDList converted) {
    if (given.size() != inputs.size()) {
      throw new InvalidInputException(
          "the model takes "
              + inputs.size()
              + " inputs ("
              + String.join(", ", inputs.stream().map(ValueInfoProto::getName).toList())
              + "), got "
              + given.size()
              + ": give one array for each, in this order or with these names");
    }
    NDList typed = new NDList();
    for (int i = 0; i < given.size(); i++) {
      NDArray array = given.get(i);
      NDArray copy = converted(array, type(array.getName(), i));
      if (copy == null) {
        typed.add(array);
      } else {
        copy.setName(array.getName());
        converted.add(copy);
        typed.add(copy);
      }
    }
    return typed;
  }

  /** A copy in another floating-point type, or {@code null} if the array can be used as it is. */
  private NDArray converted(NDArray array, DataType wanted) {
    if (wanted == null || !array.getDataType().isFloating()) {
      return null;
    }
    boolean isFitting = array.getDataType() == wanted;
    if (wanted != DataType.FLOAT16 || array.getManager().getEngine().equals(engine())) {
      return isFitting ? null : array.toType(wanted, true);
    }
    // ONNX Runtime takes half precision from direct memory only, which DJL does not give it.
    try (NDArray half = array.toType(wanted, true)) {
      ByteBuffer values = half.toByteBuffer();
      ByteBuffer direct =
          ByteBuffer.allocateDirect(values.remaining()).order(ByteOrder.nativeOrder());
      direct.put(values).rewind();
      NDArray copy = model.getNDManager().create(direct, array.getShape(), wanted);
      copy.attach(array.getManager());
      return copy;
    }
  }

  private Engine engine() {
    return model.getNDManager().getEngine();
  }

  private DataType type(String name, int index) {
    for (ValueInfoProto input : inputs) {
      if (input.getName().equals(name)) {
        return type(input);
      }
    }
    return type(inputs.get(index));
  }

  private static DataType type(ValueInfoProto input) {
    int type = input.getType().getTensorType().getElemType();
    return FLOATING.get(TensorProto.DataType.forNumber(type));
  }

  @Override
  public Model model() {
    return model;
  }

  @Override
  public long parameterCount() {
    return parameterCount;
  }

  @Override
  public void close() {
    model.close();
    if (session != null) {
      session.close();
    }
  }
}
