package dev.affinis.signature.covariance;

/** What is added to the diagonal of a covariance matrix so that it can be inverted. */
public enum Ridge {
  /**
   * 1e-6 of the mean variance, trace / d. Scores then do not depend on the scale of the
   * activations.
   */
  RELATIVE("relative"),

  /** 1e-6, whatever the scale of the activations, as in the paper's own code. */
  ABSOLUTE("absolute");

  private static final double RIDGE = 1e-6;

  private final String word;

  Ridge(String word) {
    this.word = word;
  }

  /**
   * Returns the name used in files and on the command line.
   *
   * @return the name
   */
  public String word() {
    return word;
  }

  /**
   * Adds the ridge to an estimate.
   *
   * @param estimate the estimate
   * @param unit how many units of the original data one unit of the estimate's data stands for; an
   *     absolute ridge is in squared original units
   * @return a new estimate with a larger diagonal
   */
  public CovarianceEstimate addTo(CovarianceEstimate estimate, double unit) {
    double ridge =
        this == RELATIVE ? RIDGE * estimate.trace() / estimate.dimension() : RIDGE / unit / unit;
    return new CovarianceEstimate(
        estimate.weight(),
        estimate.diagonal() + ridge,
        estimate.trace() + ridge * estimate.dimension(),
        estimate.dimension());
  }
}
