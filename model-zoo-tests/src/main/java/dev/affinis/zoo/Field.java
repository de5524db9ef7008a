package dev.affinis.zoo;

/**
 * A drawing as a signed distance: negative inside the ink, positive outside, about the distance to
 * the nearest edge.
 */
@FunctionalInterface
interface Field {
  /** Returns the signed distance at a point, in the unit of the coordinates. */
  double at(double x, double y);

  /** Returns the part of this drawing that lies inside another one. */
  default Field within(Field mask) {
    return (x, y) -> Math.max(at(x, y), mask.at(x, y));
  }

  /** Returns a disc around the origin. */
  static Field disc(double radius) {
    return (x, y) -> Math.sqrt(x * x + y * y) - radius;
  }

  /** Returns a box around the origin with the given half sides. */
  static Field box(double halfWidth, double halfHeight) {
    return (x, y) -> Math.max(Math.abs(x) - halfWidth, Math.abs(y) - halfHeight);
  }

  /**
   * Returns this drawing, turned and scaled and with its origin moved.
   *
   * @param centreX new place of the origin, in units of the result
   * @param centreY new place of the origin, in units of the result
   * @param angle in radians
   * @param scaleX length of this drawing's first axis, in units of the result
   * @param scaleY length of its second axis
   */
  default Field placed(double centreX, double centreY, double angle, double scaleX, double scaleY) {
    double cos = StrictMath.cos(angle);
    double sin = StrictMath.sin(angle);
    double scale = Math.min(scaleX, scaleY);
    return (x, y) -> {
      double dx = x - centreX;
      double dy = y - centreY;
      return scale * at((cos * dx + sin * dy) / scaleX, (cos * dy - sin * dx) / scaleY);
    };
  }
}
