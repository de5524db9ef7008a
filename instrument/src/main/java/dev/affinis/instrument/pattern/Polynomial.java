package dev.affinis.instrument.pattern;

/**
 * A polynomial in two tensors: x, the input of an activation, and s, what its one non-linear node
 * gives. Exporters write {@code x (1 + s) / 2} in many orders; as a polynomial they are all {@code
 * x/2 + x s/2}.
 *
 * <p>Constants of half precision are rounded by up to 5e-4, so that coefficients agree if they do
 * to {@link #TOLERANCE}, relative to the larger.
 */
final class Polynomial {
  private static final int MOST_X = 3;
  private static final int MOST_S = 1;
  private static final double TOLERANCE = 2e-3;

  static final Polynomial X = of(0, 1);
  static final Polynomial S = product(0, 1);

  /** Coefficient of x^i s^j. */
  private final double[][] coefficients = new double[MOST_X + 1][MOST_S + 1];

  private Polynomial() {}

  /** The polynomial c0 + c1 x + c2 x^2 + c3 x^3. */
  static Polynomial of(double... powers) {
    Polynomial result = new Polynomial();
    for (int i = 0; i < powers.length; i++) {
      result.coefficients[i][0] = powers[i];
    }
    return result;
  }

  /** The polynomial (c0 + c1 x + ...) s. */
  static Polynomial product(int power, double coefficient) {
    Polynomial result = new Polynomial();
    result.coefficients[power][1] = coefficient;
    return result;
  }

  Polynomial plus(Polynomial other, double factor) {
    Polynomial result = new Polynomial();
    for (int i = 0; i <= MOST_X; i++) {
      for (int j = 0; j <= MOST_S; j++) {
        result.coefficients[i][j] = coefficients[i][j] + factor * other.coefficients[i][j];
      }
    }
    return result;
  }

  /** The product, or {@code null} if its degree is none that an activation has. */
  Polynomial times(Polynomial other) {
    Polynomial result = new Polynomial();
    for (int i = 0; i <= MOST_X; i++) {
      for (int j = 0; j <= MOST_S; j++) {
        for (int k = 0; k <= MOST_X && coefficients[i][j] != 0; k++) {
          for (int l = 0; l <= MOST_S; l++) {
            double value = coefficients[i][j] * other.coefficients[k][l];
            if (value != 0) {
              if (i + k > MOST_X || j + l > MOST_S) {
                return null;
              }
              result.coefficients[i + k][j + l] += value;
            }
          }
        }
      }
    }
    return result;
  }

  /** The value if neither x nor s occurs, otherwise {@code null}. */
  Double constant() {
    double value = coefficients[0][0];
    return is(of(value)) ? value : null;
  }

  /** Coefficient of x^power. */
  double coefficient(int power) {
    return coefficients[power][0];
  }

  /** Coefficient of x^power s. */
  double coefficientOfS(int power) {
    return coefficients[power][1];
  }

  /** Whether the coefficients are those of another polynomial. */
  boolean is(Polynomial other) {
    for (int i = 0; i <= MOST_X; i++) {
      for (int j = 0; j <= MOST_S; j++) {
        if (!near(coefficients[i][j], other.coefficients[i][j])) {
          return false;
        }
      }
    }
    return true;
  }

  static boolean near(double a, double b) {
    return Math.abs(a - b) <= TOLERANCE * Math.max(Math.abs(a), Math.abs(b));
  }
}
