package dev.affinis.benchmarks;

import java.util.ArrayList;
import java.util.List;
import org.apache.commons.math3.stat.regression.SimpleRegression;

/** Seconds against a size, both on logarithmic scales. */
final class GrowthCurve {
  private final List<Double> sizes = new ArrayList<>();
  private final List<Double> seconds = new ArrayList<>();

  void add(double size, double time) {
    sizes.add(size);
    seconds.add(time);
  }

  List<Double> sizes() {
    return List.copyOf(sizes);
  }

  List<Double> seconds() {
    return List.copyOf(seconds);
  }

  /**
   * Fits seconds = c size^e by least squares on the logarithms.
   *
   * @param from smaller sizes are left out
   * @return e, NaN for fewer than two sizes
   */
  double exponent(double from) {
    SimpleRegression line = new SimpleRegression();
    for (int i = 0; i < sizes.size(); i++) {
      if (sizes.get(i) >= from) {
        line.addData(Math.log(sizes.get(i)), Math.log(seconds.get(i)));
      }
    }
    return line.getSlope();
  }
}
