package dev.affinis.instrument.onnx;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
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
import dev.affinis.signature.TokenPolicy.Choice;
import java.util.ArrayList;
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
  private final AddedNodes nodes;
  private final MaskedRows masked;
  private final List<ValueInfoProto> outputs = new ArrayList<>();
  private final Set<String> handedOut = new HashSet<>();
  private final Map<String, String> pooled = new HashMap<>();
  private final Map<String, String> shapes = new HashMap<>();
  private final Map<String, String> small = new HashMap<>();
  private final Map<List<String>, String> sums = new HashMap<>();
  private final SpatialSizes sizes;

  /**
   * Begins without nodes.
   *
   * @param graph what they are added to
   * @param facts what is known of its tensors
   * @param options what is captured
   * @param mask the input that tells tokens from padding, {@code null} if none does
   */
  TapWriter(GraphView graph, TensorFacts facts, TapOptions options, String mask) {
    this.graph = graph;
    this.facts = facts;
    this.options = options;
    names = graph.names();
    nodes = new AddedNodes(graph);
    masked =
        mask == null || options.form() == CaptureForm.RAW
            ? null
            : new MaskedRows(graph, nodes, mask);
    sizes = new SpatialSizes(graph);
  }

  /**
   * What was added, last node first: ONNX Runtime works back from the nodes whose results nobody
   * uses, beginning with the last. In this order each activation is pooled as soon as it is there;
   * in the other, all of them would be kept until the model is through.
   */
  ModelProto added() {
    List<NodeProto> lastFirst = new ArrayList<>(nodes.nodes());
    Collections.reverse(lastFirst);
    return ModelProto.newBuilder()
        .setGraph(GraphProto.newBuilder().addAllNode(lastFirst).addAllOutput(outputs))
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
    Layout layout = layout(site, input);
    String captured = captured(site, input(site.match()), input, layout);
    if (site.second().isEmpty()) {
      return handOut(captured);
    }
    String second = captured(site, site.second(), input, layout);
    boolean isLast =
        options.form() == CaptureForm.RAW
            && layout == Layout.CHANNELS_LAST
            && facts.rank(input) > 2;
    return handOut(beside(captured, second, isLast ? facts.rank(input) - 1 : 1));
  }

  /** Puts two tensors side by side. */
  private String beside(String first, String second, long axis) {
    return nodes.add("Concat", List.of(first, second), AddedNodes.integer("axis", axis));
  }

  private String input(Match match) {
    return match.bias().isEmpty()
        ? match.pre()
        : sums.computeIfAbsent(
            List.of(match.pre(), match.bias()), terms -> nodes.add("Add", terms));
  }

  /** Hands out the result of a site; returns the name of the output that has it. */
  String post(Found site) {
    return handOut(captured(site, site.match().post(), example(site), layout(site)));
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
    if (!counts()) {
      return null;
    }
    String shares = small(site, input(site.match()), input);
    return handOut(
        site.second().isEmpty() ? shares : beside(shares, small(site, site.second(), input), 1));
  }

  /** As {@link #smallPre}, for the site's result. */
  String smallPost(Found site) {
    return counts() ? handOut(small(site, site.match().post(), example(site))) : null;
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
    String low =
        nodes.add("Less", List.of(values, justAbove(bounds.get().low() + threshold, type)));
    String high =
        nodes.add("Greater", List.of(values, justBelow(bounds.get().high() - threshold, type)));
    String either = nodes.add("Or", List.of(low, high));
    return handOut(share(site, either, example));
  }

  private boolean counts() {
    return options.threshold().isPresent() && options.form() == CaptureForm.POOLED;
  }

  /**
   * The share of a tensor's values that are at most the threshold, by sample and channel.
   *
   * @param example a tensor of the same type and number of axes, of which these are known best
   */
  private String small(Found site, String tensor, String example) {
    String key = String.join("\n", tensor, ownLayout(site, example).word(), family(site));
    String known = small.get(key);
    if (known == null) {
      String sizes = nodes.add("Abs", List.of(asFloat(tensor, facts.type(example))));
      String bound = justAbove(options.threshold().getAsDouble(), countedType(example));
      known = share(site, nodes.add("Less", List.of(sizes, bound)), example);
      small.put(key, known);
    }
    return known;
  }

  private String share(Found site, String conditions, String example) {
    String ones = nodes.cast(conditions, DataType.FLOAT);
    boolean isLast = ownLayout(site, example) == Layout.CHANNELS_LAST;
    return rows(site, ones, DataType.FLOAT, example, isLast);
  }

  /** Attention has no tokens to choose from; tensors of both are pooled once for each. */
  private static String family(Found site) {
    return String.valueOf(site.kind().type() == SiteType.ATTENTION);
  }

  private DataType countedType(String example) {
    return facts.type(example) == DataType.DOUBLE ? DataType.DOUBLE : DataType.FLOAT;
  }

  /** Less than this is at most the bound: the operator for that came with opset 12 only. */
  private String justAbove(double bound, DataType type) {
    return nodes.number(
        type == DataType.DOUBLE ? Math.nextUp(bound) : Math.nextUp((float) bound), type);
  }

  /** Greater than this is at least the bound. */
  private String justBelow(double bound, DataType type) {
    return nodes.number(
        type == DataType.DOUBLE ? Math.nextDown(bound) : Math.nextDown((float) bound), type);
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
    return handOut(nodes.add("Shape", List.of(site.match().post())));
  }

  /**
   * A tensor or its rows.
   *
   * @param example a tensor of the same type and number of axes, of which these are known best
   */
  private String captured(Found site, String tensor, String example, Layout layout) {
    if (options.form() == CaptureForm.RAW) {
      return tensor;
    }
    boolean channelsLast = layout == Layout.CHANNELS_LAST;
    boolean choosesTokens = channelsLast && site.kind().type() != SiteType.ATTENTION;
    String key = String.join("\n", tensor, layout.word(), family(site));
    String rows = pooled.get(key);
    if (rows == null) {
      DataType type = facts.type(example);
      String tokens = choosesTokens ? tokens(tensor, example) : tensor;
      rows = rows(site, asFloat(tokens, type), type, example, channelsLast);
      if (!tokens.equals(tensor) && site.kind() == SiteKind.MODULE) {
        rows = nodes.add("Mul", List.of(rows, oneUnlessEmpty(tokens, example)));
      }
      pooled.put(key, rows);
    }
    return rows;
  }

  /** One row for each sample, of its tokens alone if there is a mask for them. */
  private String rows(
      Found site, String tensor, DataType type, String example, boolean channelsLast) {
    boolean isMasked = masked != null && site.kind().type() != SiteType.ATTENTION;
    return isMasked && hasTokenAxes(example)
        ? masked.rows(tensor, type == DataType.DOUBLE ? type : DataType.FLOAT, channelsLast)
        : pool(tensor, type, facts.rank(example), channelsLast);
  }

  private boolean hasTokenAxes(String example) {
    int rank = facts.rank(example);
    if (rank == TensorFacts.UNKNOWN) {
      throw new InvalidInputException(
          "tokens cannot be chosen: the model does not tell the number of axes of "
              + example
              + "; leave --tokens out, or export the model with shapes");
    }
    return rank == TOKEN_AXES;
  }

  /** Those tokens of a tensor with channels last that become its row, if chosen by position. */
  private String tokens(String tensor, String example) {
    Choice choice = options.tokens().choice();
    boolean byPosition = choice == Choice.CLASS || choice == Choice.PATCHES;
    if (!byPosition || !hasTokenAxes(example)) {
      return tensor;
    }
    boolean isClass = choice == Choice.CLASS;
    long from = isClass ? 0 : 1;
    long to = isClass ? 1 : END;
    return nodes.slice(tensor, from, to, 1);
  }

  /**
   * The number of tokens divided by itself: NaN if there are none, of which the engine gives
   * another mean. Only the input of a module can be so and its result not, which tells the shape.
   */
  private String oneUnlessEmpty(String tokens, String example) {
    String count = nodes.slice(nodes.add("Shape", List.of(tokens)), 1, 2, 0);
    String number = nodes.cast(count, countedType(example));
    return nodes.add("Div", List.of(number, number));
  }

  /** Half precision is too coarse to sum in. */
  private String asFloat(String tensor, DataType type) {
    return type == DataType.FLOAT || type == DataType.DOUBLE
        ? tensor
        : nodes.cast(tensor, DataType.FLOAT);
  }

  private String pool(String tensor, DataType type, int rank, boolean channelsLast) {
    if (rank == 2) {
      return tensor;
    }
    if (rank < 2) {
      return poolUnknown(tensor, channelsLast);
    }
    if (channelsLast) {
      return nodes.mean(tensor, LongStream.range(1, rank - 1).toArray());
    }
    if (type != DataType.DOUBLE && rank <= MOST_POOLED_AXES) {
      String means = nodes.add("GlobalAveragePool", List.of(tensor));
      return nodes.add("Flatten", List.of(means), AddedNodes.integer("axis", 1));
    }
    return nodes.mean(tensor, LongStream.range(2, rank).toArray());
  }

  /**
   * Pools a tensor whose number of axes is known at run time only, by way of its shape: to (n, c,
   * m) or (n, m, c), where axes that are not there are left out, then to (n, c).
   */
  private String poolUnknown(String tensor, boolean channelsLast) {
    String shape = nodes.add("Shape", List.of(tensor));
    String samples = nodes.slice(shape, 0, 1, 0);
    String rest = nodes.constant(-1);
    String means;
    if (channelsLast) {
      // A single number has no samples: then there is one.
      String first = nodes.slice(nodes.concat(samples, nodes.constant(1)), 0, 1, 0);
      String channels = nodes.slice(nodes.slice(shape, 1, END, 0), -1, END, 0);
      String target = nodes.concat(first, rest, channels);
      means = nodes.mean(nodes.add("Reshape", List.of(tensor, target)), 1);
    } else {
      String target = nodes.concat(nodes.slice(shape, 0, 2, 0), rest);
      means = nodes.mean(nodes.add("Reshape", List.of(tensor, target)), -1);
    }
    return nodes.add("Reshape", List.of(means, nodes.concat(samples, rest)));
  }

  /** Makes a tensor an output; a copy of it if it is one already or is given from outside. */
  private String handOut(String tensor) {
    boolean isMade = graph.producer(tensor) >= 0 || !names.contains(tensor);
    boolean isTaken = graph.isOutput(tensor) || !handedOut.add(tensor);
    String output = isMade && !isTaken ? tensor : nodes.add("Identity", List.of(tensor));
    outputs.add(ValueInfoProto.newBuilder().setName(output).build());
    return output;
  }
}
