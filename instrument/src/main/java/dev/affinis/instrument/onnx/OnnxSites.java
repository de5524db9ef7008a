package dev.affinis.instrument.onnx;

import dev.affinis.instrument.Layout;
import dev.affinis.instrument.SiteFilter;
import dev.affinis.instrument.SiteKind;
import dev.affinis.instrument.SiteType;
import dev.affinis.instrument.SkippedSite;
import dev.affinis.instrument.pattern.ActivationPatterns.Match;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * The sites of a graph, of the types that a filter chooses: activations and layer normalisations
 * also where they are written as several nodes, whole modules where the names of nodes tell them.
 */
final class OnnxSites {
  private static final Map<String, SiteKind> OPERATORS =
      Map.ofEntries(
          Map.entry("MaxPool", SiteKind.MAX_POOL),
          Map.entry("GlobalMaxPool", SiteKind.MAX_POOL),
          Map.entry("AveragePool", SiteKind.AVERAGE_POOL),
          Map.entry("GlobalAveragePool", SiteKind.AVERAGE_POOL),
          Map.entry("BatchNormalization", SiteKind.BATCH_NORM),
          Map.entry("LayerNormalization", SiteKind.LAYER_NORM),
          Map.entry("RMSNormalization", SiteKind.RMS_NORM),
          Map.entry("SimplifiedLayerNormalization", SiteKind.RMS_NORM),
          Map.entry("InstanceNormalization", SiteKind.INSTANCE_NORM),
          Map.entry("GroupNormalization", SiteKind.GROUP_NORM),
          Map.entry("Softmax", SiteKind.SOFTMAX));

  /** From this version on a softmax is over its last axis unless it says another. */
  private static final int LAST_BY_DEFAULT = 13;

  private final GraphView graph;
  private final NodePaths paths;
  private final TensorFacts facts;
  private final SiteFilter filter;
  private final List<Found> sites = new ArrayList<>();
  private final List<SkippedSite> hidden = new ArrayList<>();

  /**
   * A site.
   *
   * @param path path of its module
   * @param match where it is in the graph
   * @param second a tensor that stands beside its input, of the same shape; empty if there is none
   * @param layout where its channels are, {@link Layout#AUTO} if it does not say so itself
   * @param conditional whether it may turn out at run time to be none
   */
  record Found(String path, Match match, String second, Layout layout, boolean conditional) {
    /** A site whose input is one tensor. */
    Found(String path, Match match, Layout layout, boolean conditional) {
      this(path, match, "", layout, conditional);
    }

    SiteKind kind() {
      return match.kind();
    }
  }

  /**
   * Searches a graph.
   *
   * @param graph the graph
   * @param paths the modules of its nodes
   * @param facts what is known of its tensors
   * @param filter chooses types, and modules
   */
  OnnxSites(GraphView graph, NodePaths paths, TensorFacts facts, SiteFilter filter) {
    this.graph = graph;
    this.paths = paths;
    this.facts = facts;
    this.filter = filter;
    if (filter.chooses(SiteType.ACTIVATION) || filter.chooses(SiteType.GATE)) {
      List<Match> activations = OnnxOperators.activations(graph, paths, facts);
      if (filter.chooses(SiteType.ACTIVATION)) {
        for (Match match : activations) {
          sites.add(new Found(paths.path(match.last()), match, Layout.AUTO, false));
        }
      }
      if (filter.chooses(SiteType.GATE)) {
        sites.addAll(new OnnxGates(graph, paths, facts).find(activations));
      }
    }
    BitSet live = graph.live();
    for (int node = live.nextSetBit(0); node >= 0; node = live.nextSetBit(node + 1)) {
      inspect(node);
    }
    if (filter.chooses(SiteType.MODULE)) {
      OnnxModules modules = new OnnxModules(graph, paths, filter);
      sites.addAll(modules.sites());
      hidden.addAll(modules.hidden());
    }
    // Stable: a module comes after the node that makes its result.
    sites.sort(Comparator.comparingInt(site -> site.match().last()));
  }

  /** The sites in the order of the nodes that make their results. */
  List<Found> sites() {
    return List.copyOf(sites);
  }

  /** What is no site, and why. */
  List<SkippedSite> hidden() {
    return List.copyOf(hidden);
  }

  private void inspect(int node) {
    SiteKind kind = OPERATORS.get(graph.operator(node));
    if (kind == null) {
      if (filter.chooses(SiteType.NORMALISATION) && facts.beginsNormalisation(node)) {
        addNormalisation(node);
      }
      return;
    }
    if (!filter.chooses(kind.type())) {
      return;
    }
    if (kind == SiteKind.SOFTMAX) {
      addAttention(node);
    } else if (kind == SiteKind.INSTANCE_NORM && isReshaped(graph.input(node, 0))) {
      hidden.add(
          new SkippedSite(
              paths.path(node),
              1,
              SiteKind.GROUP_NORM.word(),
              "is written as an instance normalisation of reshaped tensors, whose channels are not"
                  + " the model's: export the model with opset 21 or newer"));
    } else {
      add(kind, unpadded(node), node, layout(kind, node), false);
    }
  }

  private void add(SiteKind kind, String pre, int last, Layout layout, boolean conditional) {
    Match match = new Match(kind, pre, "", graph.output(last), last, List.of(last));
    sites.add(new Found(paths.path(last), match, layout, conditional));
  }

  private Layout layout(SiteKind kind, int node) {
    if (kind != SiteKind.LAYER_NORM && kind != SiteKind.RMS_NORM) {
      return Layout.CHANNELS_FIRST;
    }
    long axis = GraphView.attribute(graph.node(node), "axis", -1L);
    boolean isLast = axis == -1 || axis == facts.rank(graph.input(node, 0)) - 1;
    return isLast ? Layout.CHANNELS_LAST : Layout.AUTO;
  }

  /** Exporters write the padding of an average as a node of its own. */
  private String unpadded(int node) {
    String input = graph.input(node, 0);
    int pad = graph.producer(input);
    boolean isPadding =
        graph.operator(node).equals("AveragePool")
            && pad >= 0
            && graph.operator(pad).equals("Pad")
            && paths.path(pad).equals(paths.path(node));
    return isPadding ? graph.input(pad, 0) : input;
  }

  private boolean isReshaped(String tensor) {
    int producer = graph.producer(tensor);
    return producer >= 0 && graph.operator(producer).equals("Reshape");
  }

  /** A softmax over the last of three axes or more. */
  private void addAttention(int node) {
    int rank = facts.rank(graph.input(node, 0));
    long usual = graph.opset() < LAST_BY_DEFAULT ? 1 : -1;
    long axis = GraphView.attribute(graph.node(node), "axis", usual);
    boolean isKnown = rank != TensorFacts.UNKNOWN;
    if ((!isKnown || rank > 2) && (axis == -1 || (isKnown && axis == rank - 1))) {
      add(SiteKind.SOFTMAX, graph.input(node, 0), node, Layout.CHANNELS_LAST, !isKnown);
    }
  }

  /** A layer normalisation in steps: x minus its mean, divided by its deviation. */
  private void addNormalisation(int difference) {
    String centred = graph.output(difference);
    for (int node : graph.consumers(centred)) {
      int deviation = graph.producer(graph.input(node, 1));
      if (graph.operator(node).equals("Div")
          && graph.input(node, 0).equals(centred)
          && deviation >= 0
          && graph.operator(deviation).equals("Sqrt")) {
        int last = followedBy("Add", followedBy("Mul", node));
        add(SiteKind.LAYER_NORM, graph.input(difference, 0), last, Layout.CHANNELS_LAST, false);
        return;
      }
    }
  }

  /** The next node if it is the only one and does this with a constant; the node itself if not. */
  private int followedBy(String operator, int node) {
    String result = graph.output(node);
    if (!graph.isUsedOnce(result)) {
      return node;
    }
    int next = graph.consumers(result).get(0);
    boolean isFirst = graph.input(next, 0).equals(result);
    return graph.operator(next).equals(operator)
            && graph.constant(graph.input(next, isFirst ? 1 : 0)) != null
        ? next
        : node;
  }
}
