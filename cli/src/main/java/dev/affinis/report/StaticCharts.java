package dev.affinis.report;

import com.fasterxml.jackson.databind.JsonNode;
import dev.affinis.signature.AtomicFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.mozilla.javascript.Context;
import org.mozilla.javascript.ContextFactory;
import org.mozilla.javascript.NativeArray;
import org.mozilla.javascript.Script;
import org.mozilla.javascript.ScriptableObject;

/**
 * The charts of a comparison as SVG files, as the report shows them at first, for papers: made by
 * the same scripts, which run here inside the Java virtual machine, without a browser.
 *
 * <p>Names from files are text in the SVG; characters that XML does not allow are replaced.
 */
public final class StaticCharts {
  /** Pixels, if a unit of the SVG is one. */
  private static final int WIDTH = 960;

  private static final ContextFactory RHINO =
      new ContextFactory() {
        @Override
        protected Context makeContext() {
          Context context = super.makeContext();
          // ECharts' functions are too long to be compiled to methods of Java.
          context.setInterpretedMode(true);
          context.setLanguageVersion(Context.VERSION_ES6);
          return context;
        }
      };

  /** What ECharts expects of where it runs; nothing moves, so that no timer ever has to fire. */
  private static final String SURROUNDINGS =
      "function setTimeout() { return 0; } function clearTimeout() {}";

  private StaticCharts() {}

  /**
   * Writes every chart that there is for a comparison: {@code signatures.svg} always, {@code
   * small-multiples.svg} and {@code distances.svg} of several models, {@code scores.svg} of several
   * scores, {@code number.svg} where models have numbers, {@code published.svg} with the published
   * networks; small multiples of many models as several files, {@code small-multiples-1.svg} and so
   * on.
   *
   * @param comparison a comparison of schema {@code affinis.comparison/1}; not modified
   * @param folder where; made if it does not exist
   * @return the files, in the order of the report
   * @throws IOException if the folder cannot be written to
   */
  public static List<Path> write(JsonNode comparison, Path folder) throws IOException {
    Map<String, String> charts = draw(comparison);
    Files.createDirectories(folder);
    List<Path> files = new ArrayList<>();
    for (Map.Entry<String, String> chart : charts.entrySet()) {
      Path file = folder.resolve(chart.getKey() + ".svg");
      AtomicFile.write(file, chart.getValue() + "\n");
      files.add(file);
    }
    return files;
  }

  /** Returns the charts by name, as SVG. */
  static Map<String, String> draw(JsonNode comparison) {
    return RHINO.call(
        context -> {
          ScriptableObject scope = context.initSafeStandardObjects();
          run(context, scope, "surroundings", SURROUNDINGS);
          Library.ECHARTS.exec(context, scope);
          for (String name : ReportSources.CHARTS) {
            run(context, scope, name, ReportSources.read(name));
          }
          scope.put("comparison", scope, comparison.toString());
          NativeArray found =
              (NativeArray)
                  run(context, scope, "all", "Affinis.drawing.all(comparison, " + WIDTH + ")");
          Map<String, String> charts = new LinkedHashMap<>();
          for (Object chart : found) {
            charts.put(text(chart, "name"), text(chart, "svg"));
          }
          return charts;
        });
  }

  /** The charting library, parsed once. */
  private static final class Library {
    static final Script ECHARTS =
        RHINO.call(
            context ->
                context.compileString(
                    ReportSources.read(ReportSources.ECHARTS), ReportSources.ECHARTS, 1, null));
  }

  private static Object run(Context context, ScriptableObject scope, String name, String script) {
    return context.evaluateString(scope, script, name, 1, null);
  }

  private static String text(Object object, String key) {
    return ScriptableObject.getProperty((ScriptableObject) object, key).toString();
  }
}
