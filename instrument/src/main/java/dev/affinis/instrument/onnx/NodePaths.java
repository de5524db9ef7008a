package dev.affinis.instrument.onnx;

import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import dev.affinis.instrument.Site;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which module a node belongs to, as far as exporters leave a trace of it.
 *
 * <ul>
 *   <li>PyTorch's TorchScript-based exporter names nodes by scopes: {@code
 *       /features/features.1/Relu} is {@code features.1}. The second call of a module has a number
 *       of its own: {@code /layer1/layer1.0/relu_1/Relu} is {@code layer1.0.relu} again, if there
 *       is a scope {@code relu} next to it and no parameter belongs to a module {@code relu_1}.
 *   <li>PyTorch's newer exporter writes the scopes into the node's metadata.
 *   <li>Other exporters separate scopes by slashes, too ({@code model/block1_conv1/Relu} is {@code
 *       model.block1_conv1}); a name without any is a path of its own ({@code stage1_relu}), unless
 *       it only numbers the operator ({@code Relu_12}).
 * </ul>
 *
 * Everything else is at {@value Site#ROOT}.
 */
final class NodePaths {
  private static final String SCOPES = "pkg.torch.onnx.name_scopes";
  private static final String NAMESPACE = "namespace";
  private static final Pattern REPEATED = Pattern.compile("(.+)_(\\d+)");

  /** Longer names, and those with more scopes, tell no module. */
  private static final int LONGEST_NAME = 1_000;

  private static final int MOST_SCOPES = 32;
  private static final Pattern QUOTED = Pattern.compile("'([^']*)'|\"([^\"]*)\"");

  private final GraphView graph;
  private final Set<String> scopes = new HashSet<>();
  private final Set<String> owners = new HashSet<>();
  private final String[] known;

  NodePaths(GraphView graph) {
    this.graph = graph;
    known = new String[graph.nodes().size()];
    for (NodeProto node : graph.nodes()) {
      addPrefixes(name(node), '/', scopes);
    }
    for (TensorProto tensor : graph.initializers()) {
      addPrefixes(readable(tensor.getName(), '.'), '.', owners);
    }
  }

  private static void addPrefixes(String name, char separator, Set<String> prefixes) {
    for (int i = name.lastIndexOf(separator); i > 0; i = name.lastIndexOf(separator, i - 1)) {
      prefixes.add(name.substring(0, i));
    }
  }

  private static String name(NodeProto node) {
    return readable(node.getName(), '/');
  }

  private static String readable(String name, char separator) {
    boolean isReadable =
        name.length() <= LONGEST_NAME
            && name.chars().filter(c -> c == separator).count() <= MOST_SCOPES;
    return isReadable ? name : "";
  }

  /** Path of the module that a node belongs to. */
  String path(int node) {
    if (known[node] == null) {
      known[node] = newPath(graph.node(node));
    }
    return known[node];
  }

  private String newPath(NodeProto proto) {
    String noted = noted(proto);
    if (noted != null) {
      return noted;
    }
    String name = name(proto);
    if (name.startsWith("/")) {
      return orRoot(ofScopes(name));
    }
    int last = name.lastIndexOf('/');
    if (last > 0) {
      return orRoot(name.substring(0, last).replace('/', '.'));
    }
    String operator = proto.getOpType().toLowerCase(Locale.ROOT);
    boolean onlyNumbered =
        name.toLowerCase(Locale.ROOT)
            .matches("(node_|n)?(" + Pattern.quote(operator) + ")?[_\\d]*");
    return onlyNumbered ? Site.ROOT : name;
  }

  /** Whether a node's name or metadata tells its module for certain. */
  boolean isKnown(int node) {
    NodeProto proto = graph.node(node);
    return name(proto).startsWith("/") || noted(proto) != null;
  }

  /** Whether a node's name or metadata tells the modules around it. */
  boolean isScoped(int node) {
    return isKnown(node) || name(graph.node(node)).indexOf('/') > 0;
  }

  private static String orRoot(String path) {
    return path.isEmpty() ? Site.ROOT : path;
  }

  private String ofScopes(String name) {
    List<String> path = new ArrayList<>();
    int start = 1;
    for (int end = name.indexOf('/', 1); end > 0; end = name.indexOf('/', start)) {
      String scope = name.substring(start, end);
      String parent = name.substring(0, start);
      String module = firstCall(parent, scope, path);
      String before = path.isEmpty() ? null : path.get(path.size() - 1);
      if (before != null && module.startsWith(before + ".")) {
        // The children of a container repeat its name.
        path.set(path.size() - 1, module);
      } else {
        path.add(module);
      }
      start = end + 1;
    }
    return String.join(".", path);
  }

  /** The scope of a module's first call, if this is a later one. */
  private String firstCall(String parent, String scope, List<String> path) {
    Matcher numbered = REPEATED.matcher(scope);
    if (!numbered.matches()) {
      return scope;
    }
    String base = numbered.group(1);
    int call =
        Integer.parseInt(numbered.group(2).substring(0, Math.min(9, numbered.group(2).length())));
    boolean follows =
        scopes.contains(parent + base)
            && (call == 1 || scopes.contains(parent + base + "_" + (call - 1)));
    String qualified = path.isEmpty() ? scope : String.join(".", path) + "." + scope;
    return follows && call > 0 && !owners.contains(qualified) ? base : scope;
  }

  private static String noted(NodeProto node) {
    for (StringStringEntryProto entry : node.getMetadataPropsList()) {
      if (entry.getKey().equals(SCOPES)) {
        List<String> scopes = new ArrayList<>();
        Matcher quoted = QUOTED.matcher(entry.getValue());
        while (quoted.find()) {
          scopes.add(quoted.group(1) == null ? quoted.group(2) : quoted.group(1));
        }
        // The last is the node itself.
        return orRoot(scopes.size() < 2 ? "" : readable(scopes.get(scopes.size() - 2), '.'));
      }
    }
    for (StringStringEntryProto entry : node.getMetadataPropsList()) {
      if (entry.getKey().equals(NAMESPACE)) {
        List<String> parts = Arrays.asList(entry.getValue().split("/", -1));
        String module = parts.size() < 2 ? "" : parts.get(parts.size() - 2);
        int colon = module.indexOf(':');
        return orRoot(readable((colon < 0 ? module : module.substring(0, colon)).strip(), '.'));
      }
    }
    return null;
  }
}
