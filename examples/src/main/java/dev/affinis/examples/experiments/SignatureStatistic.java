package dev.affinis.examples.experiments;

import dev.affinis.instrument.InvalidInputException;
import dev.affinis.signature.Signature;
import dev.affinis.signature.compare.Correlation;
import dev.affinis.signature.compare.Correlation.Method;
import dev.affinis.signature.compare.SummaryStatistics;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.knowm.xchart.XYChart;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * One number of a network's signature against its accuracy: mean, standard deviation, least, most,
 * and most over mean. Correlations are Pearson's and, of ranks, Spearman's; eight networks of very
 * different kinds tell little, ten times as many of one family would tell more.
 */
@Command(
    name = "statistic",
    mixinStandardHelpOptions = true,
    description = "Statistics of the signature against the accuracy of the network.")
final class SignatureStatistic extends NetworkExperiment {
  /** What a signature is reduced to. */
  enum Statistic {
    /** The mean score. */
    MEAN("mean"),
    /** The standard deviation of scores, divisor n. */
    DEVIATION("deviation"),
    /** The least score. */
    MIN("least"),
    /** The largest score. */
    MAX("most"),
    /** The largest score over the mean. */
    MAX_OVER_MEAN("most over mean");

    private final String word;

    Statistic(String word) {
      this.word = word;
    }

    /** Takes it out of a summary. */
    double of(SummaryStatistics summary) {
      return switch (this) {
        case MEAN -> summary.mean();
        case DEVIATION -> summary.deviation();
        case MIN -> summary.minimum();
        case MAX -> summary.maximum();
        case MAX_OVER_MEAN -> summary.maximumOverMean();
      };
    }
  }

  @Option(
      names = "--accuracy",
      split = ",",
      description = "accuracies of the networks that --model names, in that order, 0 to 1")
  private List<Double> accuracies = List.of();

  @Override
  void run(Report report) throws IOException {
    List<Network> networks = networks();
    double[] accuracy = accuracies(networks);
    List<Reduced> scored = new ArrayList<>();
    List<List<String>> rows = new ArrayList<>();
    for (int i = 0; i < networks.size(); i++) {
      Optional<SummaryStatistics> summary = summary(measure(networks.get(i)));
      String name = networks.get(i).name();
      List<String> row = new ArrayList<>(List.of(name, Report.number(accuracy[i])));
      for (Statistic statistic : Statistic.values()) {
        row.add(Report.number(summary.map(statistic::of).orElse(Double.NaN)));
      }
      rows.add(row);
      double its = accuracy[i];
      summary.ifPresent(of -> scored.add(new Reduced(name, its, of)));
    }
    for (Method method : Method.values()) {
      rows.add(correlations(method, scored));
    }
    List<String> header = new ArrayList<>(List.of("network", "accuracy"));
    Arrays.stream(Statistic.values()).forEach(statistic -> header.add(statistic.word));
    report.table("statistic", header, rows);
    List<XYChart> charts =
        Arrays.stream(Statistic.values()).map(statistic -> draw(statistic, scored)).toList();
    report.picture("statistic", 3, charts);
  }

  /** A network that has a score, with its accuracy. */
  record Reduced(String name, double accuracy, SummaryStatistics summary) {}

  /** A signature in few numbers; nothing if no site has a score. */
  static Optional<SummaryStatistics> summary(Signature signature) {
    double[] scores = Arrays.stream(affinities(signature)).filter(Double::isFinite).toArray();
    return scores.length == 0 ? Optional.empty() : Optional.of(SummaryStatistics.of(scores));
  }

  /** The row of a table with the correlation of each statistic with accuracy. */
  static List<String> correlations(Method method, List<Reduced> networks) {
    double[] accuracy = networks.stream().mapToDouble(Reduced::accuracy).toArray();
    String name = method.name().charAt(0) + method.name().substring(1).toLowerCase(Locale.ROOT);
    List<String> row = new ArrayList<>(List.of(name, ""));
    for (Statistic statistic : Statistic.values()) {
      double[] x = networks.stream().mapToDouble(n -> statistic.of(n.summary())).toArray();
      row.add(Report.number(Correlation.of(method, x, accuracy).coefficient().number()));
    }
    return row;
  }

  private double[] accuracies(List<Network> networks) {
    if (networks.get(0).accuracy().isPresent()) {
      return networks.stream().mapToDouble(n -> n.accuracy().orElseThrow()).toArray();
    }
    if (accuracies.size() != networks.size()) {
      throw new InvalidInputException(
          "accuracies must be one per model, got "
              + accuracies.size()
              + " for "
              + networks.size()
              + " models: pass --accuracy 0.91,0.95 and so on");
    }
    return accuracies.stream().mapToDouble(v -> v).toArray();
  }

  private static XYChart draw(Statistic statistic, List<Reduced> networks) {
    XYChart chart = Pictures.chart("", statistic.word + " of affinity", "accuracy", 420, 300);
    for (Reduced network : networks) {
      Pictures.points(
          chart,
          network.name(),
          new double[] {statistic.of(network.summary())},
          new double[] {network.accuracy()});
    }
    return chart;
  }
}
