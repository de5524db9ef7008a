package dev.affinis.instrument.pattern;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;

/** Sums and products against the values of the polynomials that they are of. */
class PolynomialTest {
  private static final double X = 1.7;
  private static final double S = -0.6;

  private static double value(Polynomial polynomial) {
    double value = 0;
    for (int power = 0; power <= 3; power++) {
      value +=
          Math.pow(X, power)
              * (polynomial.coefficient(power) + S * polynomial.coefficientOfS(power));
    }
    return value;
  }

  /** Of the first powers of x, and up to one of these times s. */
  private static Polynomial random(Random random, int powers, int powersOfS) {
    Polynomial result = Polynomial.of(random.doubles(powers).map(c -> c + 0.1).toArray());
    for (int power = 0; power < powersOfS; power++) {
      result = result.plus(Polynomial.product(power, random.nextDouble() + 0.1), 1);
    }
    return result;
  }

  @Test
  void sumsAndProductsAreThoseOfTheValues() {
    Random random = new Random(1);
    for (int trial = 0; trial < 20; trial++) {
      Polynomial cubic = random(random, 4, 4);
      Polynomial other = random(random, 3, 2);
      assertEquals(value(cubic) - 2 * value(other), value(cubic.plus(other, -2)), 1e-12);
      Polynomial square = random(random, 3, 3);
      Polynomial line = random(random, 2, 0);
      assertEquals(value(square) * value(line), value(square.times(line)), 1e-12);
      assertEquals(value(square) * value(line), value(line.times(square)), 1e-12);
    }
    assertEquals(X, value(Polynomial.X));
    assertEquals(S, value(Polynomial.S));
  }

  @Test
  void productsOfHigherDegreeAreNone() {
    Polynomial square = Polynomial.of(0, 0, 1);
    assertNotNull(square.times(Polynomial.X));
    assertNull(square.times(square));
    assertNull(Polynomial.S.times(Polynomial.S));
    assertNull(Polynomial.product(2, 1).times(square));
    assertNotNull(Polynomial.of(0).times(Polynomial.of(0)));
  }

  @Test
  void coefficientsAgreeToATolerance() {
    assertTrue(Polynomial.near(1, 1.0019));
    assertTrue(Polynomial.near(-1.0019, -1));
    assertFalse(Polynomial.near(1, 1.0021));
    assertFalse(Polynomial.near(0, 1e-9));
    assertFalse(Polynomial.near(1, -1));
    assertTrue(Polynomial.near(0, 0));
    Polynomial both = Polynomial.of(1, 2, 3, 4).plus(Polynomial.product(3, 5), 1);
    assertTrue(both.is(both));
    for (int power = 0; power <= 3; power++) {
      assertFalse(both.is(both.plus(Polynomial.product(power, 1), 1)));
      double[] powers = new double[power + 1];
      powers[power] = 1;
      assertFalse(both.is(both.plus(Polynomial.of(powers), 1)));
    }
  }

  @Test
  void constantsHaveNeitherVariable() {
    assertEquals(2.5, Polynomial.of(2.5).constant());
    assertEquals(0.0, Polynomial.of(0, 0).constant());
    assertNull(Polynomial.of(2.5, 1).constant());
    assertNull(Polynomial.S.plus(Polynomial.of(2.5), 1).constant());
  }
}
