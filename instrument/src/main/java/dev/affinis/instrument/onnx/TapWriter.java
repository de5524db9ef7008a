package dev.affinis.instrument.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.AttributeProto.AttributeType;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import dev.affinis.instrument.Bounds;
import dev.affinis.instrument.CaptureForm;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.Layout;
import dev.affinis.instrument.SiteKind;
import dev.affinis.instrument.SiteType;
import dev.affinis.instrument.TapOptions;
import dev.affinis.instrument.onnx.OnnxSites.Found;
import dev.affinis.instrument.pattern.ActivationPatterns.Match;
import dev.affinis.signature.Pooling;
import dev.affinis.signature.TokenPolicy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.LongStream;

/**
 * Makes the nodes that pool what sites see and hand it out, for graphs of opset 7 and later.
 *
 * <p>An engine computes a graph in its own order and layout; what is asked of it decides how much
 * of that it can keep. Channels-first images are averaged by GlobalAveragePool, which ONNX Runtime
 * computes in the blocked layout of its convolutions, over ReduceMean, for which it would first
 * bring the whole tensor back into the usual layout.
 */
final class TapWriter {
  private static final int MOST_POOLED_AXES = 5;
  private static final int SHARED_AXES = 4;
  private static final int TOKEN_AXES = 3;
  private static final long END = Integer.MAX_VALUE;

  private final GraphView graph;
  private final TensorFacts facts;
  private final TapOptions options;
  private final Set<String> names;
  private final GraphProto.Builder added = GraphProto.newBuilder();
  private final Set<String> handedOut = new HashSet<>();
  private final Map<String, String> pooled = new HashMap<>();
  private final Map<String, String> shapes = new HashMap<>();
  private final Map<String, String> small = new HashMap<>();
  private final Map<List<String>, String> sums = new HashMap<>();
  private final SpatialSizes sizes;
  private int counter;

  TapWriter(GraphView graph, TensorFacts facts, TapOptions options) {
    this.graph = graph;
    this.facts = facts;
    this.options = options;
    names = graph.names();
    sizes = new SpatialSizes(graph);
  }

  /**
   * What was added, last node first: ONNX Runtime works back from the nodes whose results nobody
   * uses, beginning with the last. In this order each activation is pooled as soon as it is there;
   * in the other, all of them would be kept until the model is through.
   */
  ModelProto added() {
    List<NodeProto> lastFirst = new ArrayList<>(added.getNodeList());
    Collections.reverse(lastFirst);
    return ModelProto.newBuilder()
        .setGraph(added.clone().clearNode().addAllNode(lastFirst))
        .build();
  }

  /** Which axis of a site's result becomes its channels. */
  Layout layout(Found site) {
    return layout(site, example(site));
  }

  /** Which axis of one side of a site becomes its channels, if only that side were known. */
  private Layout layout(Found site, String side) {
    return options.pooling() == Pooling.REFERENCE ? Layout.CHANNELS_FIRST : ownLayout(site, side);
  }

  /** Which axis of one side of a site holds its channels, whatever it is pooled to. */
  private Layout ownLayout(Found site, String side) {
    if (site.layout() != Layout.AUTO) {
      return site.layout();
    }
    return options.layout() == Layout.AUTO ? facts.layout(side) : options.layout();
  }

  /** Hands out the input of a site; returns the name of the output that has it. */
  String pre(Found site) {
    String input = site.match().pre();
    return side(site, input(site.match()), input, layout(site, input));
  }

  private String input(Match match) {
    return match.bias().isEmpty()
        ? match.pre()
        : sums.computeIfAbsent(List.of(match.pre(), match.bias()), terms -> add("Add", terms));
  }

  /** Hands out the result of a site; returns the name of the output that has it. */
  String post(Found site) {
    return side(site, site.match().post(), example(site), layout(site));
  }

  /** A tensor with the type and the number of axes of a site's result. */
  private static String example(Found site) {
    // Of all but modules, those of the input; of that more may be known.
    return site.kind() == SiteKind.MODULE ? site.match().post() : site.match().pre();
  }

  /**
   * Hands out which share of a site's input is small; returns the name of the output that has it,
   * {@code null} if nothing is counted.
   */
  String smallPre(Found site) {
    String input = site.match().pre();
    return counts() ? handOut(small(input(site.match()), input, ownLayout(site, input))) : null;
  }

  /** As {@link #smallPre}, for the site's result. */
  String smallPost(Found site) {
    String example = example(site);
    return counts() ? handOut(small(site.match().post(), example, ownLayout(site, example))) : null;
  }

  /**
   * Hands out which share of a site's result is at a bound; returns the name of the output that has
   * it, {@code null} if nothing is counted or there are no bounds.
   */
  String bounded(Found site) {
    Optional<Bounds> bounds = site.kind().bounds();
    if (!counts() || bounds.isEmpty()) {
      return null;
    }
    String example = example(site);
    DataType type = countedType(example);
    String values = asFloat(site.match().post(), facts.type(example));
    double threshold = options.threshold().getAsDouble();
    String low = add("Less", List.of(values, justAbove(bounds.get().low() + threshold, type)));
    String high = add("Greater", List.of(values, justBelow(bounds.get().high() - threshold, type)));
    String either = add("Or", List.of(low, high));
    return handOut(share(either, example, ownLayout(site, example)));
  }

  private boolean counts() {
    return options.threshold().isPresent() && options.form() == CaptureForm.POOLED;
  }

  /**
   * The share of a tensor's values that are at most the threshold, by sample and channel.
   *
   * @param example a tensor of the same type and number of axes, of which these are known best
   */
  private String small(String tensor, String example, Layout layout) {
    String key = tensor + '\n' + layout;
    String known = small.get(key);
    if (known == null) {
      String sizes = add("Abs", List.of(asFloat(tensor, facts.type(example))));
      String bound = justAbove(options.threshold().getAsDouble(), countedType(example));
      known = share(add("Less", List.of(sizes, bound)), example, layout);
      small.put(key, known);
    }
    return known;
  }

  private String share(String conditions, String example, Layout layout) {
    String ones = add("Cast", List.of(conditions), integer("to", DataType.FLOAT.getNumber()));
    return pool(ones, DataType.FLOAT, facts.rank(example), layout == Layout.CHANNELS_LAST);
  }

  private DataType countedType(String example) {
    return facts.type(example) == DataType.DOUBLE ? DataType.DOUBLE : DataType.FLOAT;
  }

  /** Less than this is at most the bound: the operator for that came with opset 12 only. */
  private String justAbove(double bound, DataType type) {
    return number(type == DataType.DOUBLE ? Math.nextUp(bound) : Math.nextUp((float) bound), type);
  }

  /** Greater than this is at least the bound. */
  private String justBelow(double bound, DataType type) {
    return number(
        type == DataType.DOUBLE ? Math.nextDown(bound) : Math.nextDown((float) bound), type);
  }

  private String number(double value, DataType type) {
    TensorProto.Builder tensor = TensorProto.newBuilder().setDataType(type.getNumber());
    if (type == DataType.DOUBLE) {
      tensor.addDoubleData(value);
    } else {
      tensor.addFloatData((float) value);
    }
    return constant(tensor);
  }

  /**
   * Hands out the shape of a site's result; returns the name of the output that has it.
   *
   * @param isCaptured whether the result is handed out, too: a tensor or a matrix has its shape
   *     itself, then there is nothing to hand out and nothing returned
   */
  String shape(Found site, boolean isCaptured) {
    boolean hasShape = options.form() == CaptureForm.RAW || facts.rank(example(site)) == 2;
    return isCaptured && hasShape ? null : shapeOf(site, isCaptured);
  }

  /**
   * Whether the shape that is handed out is that of another tensor with the same height, width and
   * so on. To tell a shape the engine brings the tensor into the usual layout, which is as much
   * work as to pool it; so it is done for one of these tensors only.
   */
  boolean isShared(Found site, boolean isCaptured) {
    return isCaptured
        && options.form() == CaptureForm.POOLED
        && layout(site) == Layout.CHANNELS_FIRST
        && facts.rank(example(site)) == SHARED_AXES;
  }

  private String shapeOf(Found site, boolean isCaptured) {
    return isShared(site, isCaptured)
        ? shapes.computeIfAbsent(sizes.key(site.match().post()), key -> ownShape(site))
        : ownShape(site);
  }

  private String ownShape(Found site) {
    return handOut(add("Shape", List.of(site.match().post())));
  }

  /**
   * Hands out a tensor or its rows.
   *
   * @param example a tensor of the same type and number of axes, of which these are known best
   */
  private String side(Found site, String tensor, String example, Layout layout) {
    if (options.form() == CaptureForm.RAW) {
      return handOut(tensor);
    }
    boolean channelsLast = layout == Layout.CHANNELS_LAST;
    boolean choosesTokens = channelsLast && site.kind().type() != SiteType.ATTENTION;
    String key = String.join("\n", tensor, layout.word(), String.valueOf(choosesTokens));
    String rows = pooled.get(key);
    if (rows == null) {
      DataType type = facts.type(example);
      String tokens = choosesTokens ? tokens(tensor, example) : tensor;
      rows = pool(asFloat(tokens, type), type, facts.rank(example), channelsLast);
      if (!tokens.equals(tensor) && site.kind() == SiteKind.MODULE) {
        rows = add("Mul", List.of(rows, oneUnlessEmpty(tokens, example)));
      }
      pooled.put(key, rows);
    }
    return handOut(rows);
  }

  /** Those tokens of a tensor with channels last that become its row. */
  private String tokens(String tensor, String example) {
    int rank = facts.rank(example);
    if (options.tokens() == TokenPolicy.ALL
        || (rank != TensorFacts.UNKNOWN && rank != TOKEN_AXES)) {
      return tensor;
    }
    if (rank == TensorFacts.UNKNOWN) {
      throw new InvalidInputException(
          "tokens cannot be chosen: the model does not tell the number of axes of "
              + example
              + "; leave --tokens out, or export the model with shapes");
    }
    boolean isClass = options.tokens() == TokenPolicy.CLASS;
    long from = isClass ? 0 : 1;
    long to = isClass ? 1 : END;
    return graph.opset() < 10
        ? add(
            "Slice",
            List.of(tensor),
            integers("starts", from),
            integers("ends", to),
            integers("axes", 1))
        : add("Slice", List.of(tensor, constant(from), constant(to), constant(1)));
  }

  /**
   * The number of tokens divided by itself: NaN if there are none, of which the engine gives
   * another mean. Only the input of a module can be so and its result not, which tells the shape.
   */
  private String oneUnlessEmpty(String tokens, String example) {
    String count = slice(add("Shape", List.of(tokens)), 1, 2);
    String number = add("Cast", List.of(count), integer("to", countedType(example).getNumber()));
    return add("Div", List.of(number, number));
  }

  /** Half precision is too coarse to sum in. */
  private String asFloat(String tensor, DataType type) {
    return type == DataType.FLOAT || type == DataType.DOUBLE
        ? tensor
        : add("Cast", List.of(tensor), integer("to", DataType.FLOAT.getNumber()));
  }

  private String pool(String tensor, DataType type, int rank, boolean channelsLast) {
    if (rank == 2) {
      return tensor;
    }
    if (rank < 2) {
      return poolUnknown(tensor, channelsLast);
    }
    if (channelsLast) {
      return mean(tensor, LongStream.range(1, rank - 1).toArray());
    }
    if (type != DataType.DOUBLE && rank <= MOST_POOLED_AXES) {
      String means = add("GlobalAveragePool", List.of(tensor));
      return add("Flatten", List.of(means), integer("axis", 1));
    }
    return mean(tensor, LongStream.range(2, rank).toArray());
  }

  /**
   * Pools a tensor whose number of axes is known at run time only, by way of its shape: to (n, c,
   * m) or (n, m, c), where axes that are not there are left out, then to (n, c).
   */
  private String poolUnknown(String tensor, boolean channelsLast) {
    String shape = add("Shape", List.of(tensor));
    String samples = slice(shape, 0, 1);
    String rest = constant(-1);
    String means;
    if (channelsLast) {
      // A single number has no samples: then there is one.
      String first = slice(concat(samples, constant(1)), 0, 1);
      String channels = slice(slice(shape, 1, END), -1, END);
      String target = concat(first, rest, channels);
      means = mean(add("Reshape", List.of(tensor, target)), new long[] {1});
    } else {
      String target = concat(slice(shape, 0, 2), rest);
      means = mean(add("Reshape", List.of(tensor, target)), new long[] {-1});
    }
    return add("Reshape", List.of(means, concat(samples, rest)));
  }

  private String mean(String tensor, long[] axes) {
    AttributeProto keep = integer("keepdims", 0);
    return graph.opset() < 18
        ? add("ReduceMean", List.of(tensor), integers("axes", axes), keep)
        : add("ReduceMean", List.of(tensor, constant(axes)), keep);
  }

  private String slice(String list, long from, long to) {
    return graph.opset() < 10
        ? add("Slice", List.of(list), integers("starts", from), integers("ends", to))
        : add("Slice", List.of(list, constant(from), constant(to)));
  }

  private String concat(String... lists) {
    return add("Concat", Arrays.asList(lists), integer("axis", 0));
  }

  private String constant(long... values) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder().setDataType(DataType.INT64.getNumber()).addDims(values.length);
    Arrays.stream(values).forEach(tensor::addInt64Data);
    return constant(tensor);
  }

  private String constant(TensorProto.Builder tensor) {
    AttributeProto value =
        AttributeProto.newBuilder()
            .setName("value")
            .setType(AttributeType.TENSOR)
            .setT(tensor)
            .build();
    return add("Constant", List.of(), value);
  }

  private static AttributeProto integer(String name, long value) {
    return AttributeProto.newBuilder().setName(name).setType(AttributeType.INT).setI(value).build();
  }

  private static AttributeProto integers(String name, long... values) {
    AttributeProto.Builder attribute =
        AttributeProto.newBuilder().setName(name).setType(AttributeType.INTS);
    Arrays.stream(values).forEach(attribute::addInts);
    return attribute.build();
  }

  /** Adds a node; returns the name of its result. */
  private String add(String operator, List<String> inputs, AttributeProto... attributes) {
    String name = freshName();
    added.addNode(
        NodeProto.newBuilder()
            .setName(name)
            .setOpType(operator)
            .addAllInput(inputs)
            .addOutput(name)
            .addAllAttribute(Arrays.asList(attributes)));
    return name;
  }

  private String freshName() {
    String name = "affinis_" + counter++;
    while (names.contains(name)) {
      name = "affinis_" + counter++;
    }
    return name;
  }

  /** Makes a tensor an output; a copy of it if it is one already or is given from outside. */
  private String handOut(String tensor) {
    boolean isMade = graph.producer(tensor) >= 0 || !names.contains(tensor);
    boolean isTaken = graph.isOutput(tensor) || !handedOut.add(tensor);
    String output = isMade && !isTaken ? tensor : add("Identity", List.of(tensor));
    added.addOutput(ValueInfoProto.newBuilder().setName(output));
    return output;
  }
}
