package dev.affinis.zoo;

/** A colour for every point of a canvas. */
@FunctionalInterface
interface Paint {
  /** Returns the value of channel 0, 1 or 2 at a point, 0 for none of it and 1 for all. */
  double at(int channel, double x, double y);

  /** Returns the same colour everywhere. */
  static Paint solid(double[] colour) {
    return (channel, x, y) -> colour[channel];
  }

  /**
   * Returns a gradient along a direction through the middle of a canvas.
   *
   * @param from colour at one border
   * @param to colour at the opposite border
   * @param angle direction in radians
   * @param size side of the canvas in pixels
   */
  static Paint gradient(double[] from, double[] to, double angle, int size) {
    double cos = StrictMath.cos(angle);
    double sin = StrictMath.sin(angle);
    return (channel, x, y) -> {
      double along = 0.5 + ((x - size / 2.0) * cos + (y - size / 2.0) * sin) / size;
      return from[channel] + Math.min(1, Math.max(0, along)) * (to[channel] - from[channel]);
    };
  }
}
