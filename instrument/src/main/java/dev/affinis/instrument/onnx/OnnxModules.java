package dev.affinis.instrument.onnx;

import dev.affinis.instrument.Layout;
import dev.affinis.instrument.Site;
import dev.affinis.instrument.SiteFilter;
import dev.affinis.instrument.SiteKind;
import dev.affinis.instrument.SkippedSite;
import dev.affinis.instrument.onnx.OnnxSites.Found;
import dev.affinis.instrument.pattern.ActivationPatterns.Match;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Whole modules, as far as the names of nodes tell which nodes are in one. A module is a site if
 * one tensor goes into its nodes and one comes out of them, constants aside; what exporters have
 * folded away or moved elsewhere is not among them.
 */
final class OnnxModules {
  private final GraphView graph;
  private final NodePaths paths;
  private final List<Found> sites = new ArrayList<>();
  private final List<SkippedSite> hidden = new ArrayList<>();

  OnnxModules(GraphView graph, NodePaths paths, SiteFilter filter) {
    this.graph = graph;
    this.paths = paths;
    Map<String, List<Integer>> members = new LinkedHashMap<>();
    BitSet live = graph.live();
    for (int node = live.nextSetBit(0); node >= 0; node = live.nextSetBit(node + 1)) {
      String path = paths.path(node);
      if (paths.isScoped(node) && !path.equals(Site.ROOT)) {
        for (int end = path.length(); end > 0; end = path.lastIndexOf('.', end - 1)) {
          members.computeIfAbsent(path.substring(0, end), p -> new ArrayList<>()).add(node);
        }
      }
    }
    members.forEach(
        (path, nodes) -> {
          if (filter.observes(path, SiteKind.MODULE)) {
            add(path, nodes);
          }
        });
  }

  List<Found> sites() {
    return sites;
  }

  List<SkippedSite> hidden() {
    return hidden;
  }

  private boolean isIn(String path, int node) {
    String own = paths.path(node);
    return paths.isScoped(node)
        && own.startsWith(path)
        && (own.length() == path.length() || own.charAt(path.length()) == '.');
  }

  private void add(String path, List<Integer> nodes) {
    Set<String> inputs = new LinkedHashSet<>();
    Set<String> outputs = new LinkedHashSet<>();
    for (int node : nodes) {
      for (String input : GraphView.reads(graph.node(node))) {
        int producer = graph.producer(input);
        if ((producer < 0 || !isIn(path, producer)) && graph.constant(input) == null) {
          inputs.add(input);
        }
      }
      for (String output : graph.node(node).getOutputList()) {
        boolean leaves =
            graph.isOutput(output)
                || graph.consumers(output).stream().anyMatch(n -> !isIn(path, n));
        if (leaves && graph.constant(output) == null) {
          outputs.add(output);
        }
      }
    }
    if (inputs.size() == 1 && outputs.size() == 1) {
      String post = outputs.iterator().next();
      int last = graph.producer(post);
      Match match =
          new Match(SiteKind.MODULE, inputs.iterator().next(), "", post, last, List.copyOf(nodes));
      sites.add(new Found(path, match, Layout.AUTO, false));
    } else if (!inputs.isEmpty()) {
      hidden.add(
          new SkippedSite(
              path,
              1,
              SiteKind.MODULE.word(),
              "a module as a whole needs one tensor in and one out, but "
                  + inputs.size()
                  + " go into the nodes of this one and "
                  + outputs.size()
                  + " come out (it may be called several times): ask for a module inside or around"
                  + " it"));
    }
  }
}
