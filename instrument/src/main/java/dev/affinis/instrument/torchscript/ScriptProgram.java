package dev.affinis.instrument.torchscript;

import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.PlannedSite;
import dev.affinis.instrument.SiteFilter;
import dev.affinis.instrument.SiteKind;
import dev.affinis.instrument.SkippedSite;
import dev.affinis.instrument.TapOptions;
import dev.affinis.instrument.torchscript.ScriptFile.ScriptClass;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/** The program of an archive, read; it is printed again with its sites observed. */
final class ScriptProgram {
  private static final String TAPS_FILE = "__torch__/affinis.py";

  /** How all names begin that are added to a program. */
  private static final String OURS = "affinis_";

  private final String model;
  private final List<ScriptFile> files = new ArrayList<>();
  private final CallGraph graph;
  private final List<Double> constants;
  private final ScriptFunction forward;
  private final Map<SiteFilter, TapPlan> plans = new ConcurrentHashMap<>();

  /**
   * Reads a program, and plans all that can be observed in it.
   *
   * @param model what messages call it
   * @param root qualified name of the root module's class
   * @param constants values of the program's constants, null for those that are no numbers
   * @param sources text of each file, by its path inside the {@code code} folder
   * @throws InvalidInputException if it is not understood or cannot be instrumented
   */
  ScriptProgram(String model, String root, List<Double> constants, Map<String, String> sources) {
    this.model = model;
    this.constants = constants;
    sources.forEach((file, text) -> files.add(named(() -> ScriptParser.parse(file, text))));
    // The engine finds files whatever the case of their letters.
    if (files.stream().anyMatch(f -> f.name().equalsIgnoreCase(TAPS_FILE))) {
      throw new InvalidInputException(
          "model " + model + " is instrumented already: give the original model");
    }
    for (ScriptFile file : files) {
      requireNoneOfOurs(model, file);
      FileOperators.requireNone(model, file);
    }
    graph = named(() -> new CallGraph(files));
    ScriptClass rootClass = graph.type(root);
    if (rootClass == null || !rootClass.methods().containsKey("forward")) {
      throw new InvalidInputException(
          "model "
              + model
              + " has no forward method (root class "
              + root
              + "): export the module itself with torch.jit.save");
    }
    forward = rootClass.methods().get("forward");
    named(() -> plan(SiteFilter.ALL));
  }

  /** Says which model it is where a message only says what in it. */
  private <T> T named(Supplier<T> part) {
    try {
      return part.get();
    } catch (InvalidInputException e) {
      throw new InvalidInputException("model " + model + ": " + e.getMessage(), e);
    }
  }

  private static void requireNoneOfOurs(String model, ScriptFile file) {
    for (Token token : file.tokens()) {
      if (token.isName() && token.text().startsWith(OURS)) {
        throw new InvalidInputException(
            "model "
                + model
                + " has the name "
                + token.text()
                + " in "
                + file.name()
                + "; names that begin with "
                + OURS
                + " are added to a program to observe it: rename it and export the model again");
      }
    }
  }

  /** What is observed for a filter, which depends on the types and modules that it chooses. */
  private TapPlan plan(SiteFilter filter) {
    return plans.computeIfAbsent(
        filter.choice(), choice -> new TapPlan(graph, constants, forward, choice));
  }

  /** Every call that may become a site, see {@link TapPlan#sites}. */
  List<PlannedSite> sites(SiteFilter filter) {
    return named(() -> plan(filter).sites());
  }

  /** Every call that hides sites or cannot be one, see {@link TapPlan#hiddenSites}. */
  List<SkippedSite> hiddenSites(SiteFilter filter) {
    return named(() -> plan(filter).hiddenSites());
  }

  /** Names of the model's inputs. */
  List<String> inputs() {
    return new RootForward(graph, forward).inputs();
  }

  /** Whether DJL cannot hand back the model's result as it is. */
  boolean needsFlattening() {
    return new RootForward(graph, forward).needsFlattening();
  }

  /** All source files of a copy that returns what its sites see as well, by path. */
  Map<String, String> instrumented(TapOptions options) {
    Set<String> leftOut = leftOut(options.sites());
    String newForward = named(() -> new RootForward(graph, forward).tapped(options, leftOut));
    Map<String, String> sources =
        new TapPass(graph, named(() -> plan(options.sites())), forward).print(files, newForward);
    sources.put(TAPS_FILE, tapsSource());
    return sources;
  }

  /** Scope and kind of every call that the filter does not mean, as the taps name them. */
  private Set<String> leftOut(SiteFilter filter) {
    Set<String> keys = new LinkedHashSet<>();
    for (PlannedSite site : sites(filter)) {
      for (SiteKind kind : site.kind().possibleAtRunTime()) {
        if (!filter.mayAccept(site.path(), kind)) {
          keys.add(TapKey.scope(site.path()) + "|" + kind.word());
        }
      }
    }
    return keys;
  }

  /** The same for a copy that observes nothing but returns the tensors of its result as a list. */
  Map<String, String> flattened() {
    ScriptFile file = graph.file(forward);
    Map<String, String> sources = new LinkedHashMap<>();
    files.forEach(f -> sources.put(f.name(), f.source()));
    int name = file.tokens().get(forward.open()).start() - forward.name().length();
    int end = file.tokens().get(forward.bodyEnd() - 1).end();
    sources.put(
        file.name(),
        file.source().substring(0, name)
            + TapPass.FORWARD
            + file.source().substring(name + forward.name().length(), end)
            + '\n'
            + named(() -> new RootForward(graph, forward).plain())
            + file.source().substring(end));
    return sources;
  }

  private static String tapsSource() {
    try (InputStream in = ScriptProgram.class.getResourceAsStream("affinis.py")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
