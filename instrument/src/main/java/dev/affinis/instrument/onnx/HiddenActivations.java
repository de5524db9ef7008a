package dev.affinis.instrument.onnx;

import ai.onnx.proto.OnnxMl.FunctionProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import dev.affinis.instrument.SiteFilter;
import dev.affinis.instrument.SiteKind;
import dev.affinis.instrument.SiteType;
import dev.affinis.instrument.SkippedSite;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Finds the sites that are out of reach: in graphs and functions that a node stands for, and inside
 * operators that compute several things at once.
 */
final class HiddenActivations {
  private static final Pattern RECURRENT =
      Pattern.compile("(com\\.microsoft\\.\\w*)?(LSTM|GRU|RNN)");

  /** Operators outside the standard may have one of these attributes, which names an activation. */
  private static final List<String> ATTRIBUTES =
      List.of("activation", "activation_type", "post_transform");

  private static final Set<String> NO_ACTIVATION =
      Set.of("", "none", "identity", "softmax", "softmax_zero");

  private static final Map<String, String> NAMED_AFTER =
      Map.of("com.microsoft.GemmFastGelu", "gelu", "com.microsoft.BiasSplitGelu", "gelu");

  private static final Pattern NORMALISING =
      Pattern.compile("com\\.microsoft\\.((Skip|Embed)\\w*LayerNormalization|(Skip)?GroupNorm)");

  private static final Pattern ATTENDING = Pattern.compile("(com\\.microsoft\\.)?\\w*Attention");

  private static final Pattern QUANTIZED =
      Pattern.compile(
          "(com\\.microsoft\\.)?(QuantizeLinear|DynamicQuantize\\w+|QLinear\\w+|ConvInteger"
              + "|MatMulInteger\\w*|QGemm|Q\\w*Attention|QEmbed\\w+|QOrdered\\w+)");

  private final Map<String, FunctionProto> functions = new HashMap<>();
  private final List<SkippedSite> found = new ArrayList<>();
  private final SiteFilter filter;

  private HiddenActivations(ModelProto model, SiteFilter filter) {
    this.filter = filter;
    for (FunctionProto function : model.getFunctionsList()) {
      functions.put(function.getDomain() + '.' + function.getName(), function);
    }
  }

  /** Lists them in the order of nodes. */
  static List<SkippedSite> find(
      ModelProto model, GraphView graph, NodePaths paths, SiteFilter filter) {
    HiddenActivations hidden = new HiddenActivations(model, filter);
    BitSet live = graph.live();
    for (int i = live.nextSetBit(0); i >= 0; i = live.nextSetBit(i + 1)) {
      hidden.visit(graph, i, paths.path(i), new HashSet<>());
    }
    return List.copyOf(hidden.found);
  }

  /** The first operator that computes on integers in place of the model's own numbers, or null. */
  static String quantizedOperator(ModelProto model) {
    List<NodeProto> nodes = new ArrayList<>();
    addNodes(model.getGraph().getNodeList(), nodes);
    model.getFunctionsList().forEach(function -> addNodes(function.getNodeList(), nodes));
    return nodes.stream()
        .map(GraphView::operator)
        .filter(operator -> QUANTIZED.matcher(operator).matches())
        .findFirst()
        .orElse(null);
  }

  private static void addNodes(List<NodeProto> from, List<NodeProto> to) {
    for (NodeProto node : from) {
      to.add(node);
      GraphView.graphs(node).forEach(graph -> addNodes(graph.getNodeList(), to));
    }
  }

  private void visit(GraphView graph, int index, String path, Set<String> active) {
    NodeProto node = graph.node(index);
    String operator = graph.operator(index);
    for (String word : fused(node, operator)) {
      found.add(
          new SkippedSite(
              path,
              1,
              word,
              "runs inside the fused operator "
                  + operator
                  + ", where it cannot be captured: export the model without it"));
    }
    for (GraphProto held : GraphView.graphs(node)) {
      visitAll(
          graph.inner(held),
          path,
          "runs in a sub-graph of the operator "
              + operator
              + ", whose tensors cannot be handed out: export the model without that condition or"
              + " loop",
          active);
    }
    FunctionProto function = functions.get(operator);
    if (function != null && active.add(operator)) {
      visitAll(
          GraphView.of(function),
          path,
          "runs inside the model-local function "
              + operator
              + ", whose tensors cannot be handed out: inline the model's functions"
              + " (onnx.inliner.inline_local_functions) and give that model",
          active);
      active.remove(operator);
    }
  }

  private void visitAll(GraphView inner, String path, String reason, Set<String> active) {
    NodePaths paths = new NodePaths(inner);
    Map<Integer, OnnxSites.Found> sites = new HashMap<>();
    new OnnxSites(inner, paths, new TensorFacts(inner), filter)
        .sites()
        .forEach(site -> sites.put(site.match().last(), site));
    BitSet live = inner.live();
    for (int i = live.nextSetBit(0); i >= 0; i = live.nextSetBit(i + 1)) {
      String here = paths.isKnown(i) ? paths.path(i) : path;
      OnnxSites.Found site = sites.get(i);
      if (site != null) {
        found.add(new SkippedSite(here, 1, site.kind().word(), reason));
      }
      visit(inner, i, here, active);
    }
  }

  /** Names of what an operator computes inside, of the chosen types. */
  private List<String> fused(NodeProto node, String operator) {
    List<String> words = new ArrayList<>();
    String activation = fusedActivation(node, operator);
    if (activation != null && filter.chooses(SiteType.ACTIVATION)) {
      words.add(activation);
    }
    if (NORMALISING.matcher(operator).matches() && filter.chooses(SiteType.NORMALISATION)) {
      words.add(node.getOpType().contains("Group") ? "group_norm" : "layer_norm");
    }
    if (ATTENDING.matcher(operator).matches() && filter.chooses(SiteType.ATTENTION)) {
      words.add(SiteKind.SOFTMAX.word());
    }
    return words;
  }

  private static String fusedActivation(NodeProto node, String operator) {
    if (RECURRENT.matcher(operator).matches()) {
      return node.getOpType().toLowerCase(Locale.ROOT);
    }
    if (node.getDomain().isEmpty() || node.getDomain().equals("ai.onnx")) {
      return null;
    }
    for (String name : ATTRIBUTES) {
      String word = GraphView.attribute(node, name, "").toLowerCase(Locale.ROOT);
      if (!NO_ACTIVATION.contains(word)) {
        return word;
      }
    }
    return NAMED_AFTER.get(operator);
  }
}
