package dev.affinis.zoo;

/**
 * The ten classes: six shapes and four textures. Shapes have a radius of about 1; textures fill the
 * plane and repeat about twice per unit.
 */
public enum Motif {
  /** A filled circle. */
  DISC(0, false) {
    @Override
    Field draw(SplitMix64 random) {
      return Field.disc(1);
    }
  },
  /** A circle with a hole. */
  RING(1, false) {
    @Override
    Field draw(SplitMix64 random) {
      double halfWidth = random.uniform(0.14, 0.26);
      Field middle = Field.disc(1 - halfWidth);
      return (x, y) -> Math.abs(middle.at(x, y)) - halfWidth;
    }
  },
  /** A filled square. */
  SQUARE(2, false) {
    @Override
    Field draw(SplitMix64 random) {
      return Field.box(0.85, 0.85);
    }
  },
  /** A filled equilateral triangle. */
  TRIANGLE(3, false) {
    @Override
    Field draw(SplitMix64 random) {
      double slope = Math.sqrt(3) / 2;
      return (x, y) -> Math.max(Math.max(slope * x + y / 2, -slope * x + y / 2), -y) - 0.58;
    }
  },
  /** Two crossed bars. */
  CROSS(4, false) {
    @Override
    Field draw(SplitMix64 random) {
      double halfWidth = random.uniform(0.2, 0.32);
      Field lying = Field.box(1, halfWidth);
      Field standing = Field.box(halfWidth, 1);
      return (x, y) -> Math.min(lying.at(x, y), standing.at(x, y));
    }
  },
  /** A star with five points. */
  STAR(5, false) {
    @Override
    Field draw(SplitMix64 random) {
      // By symmetry one edge is enough, from an outer corner at angle 0 to an inner one at angle pi
      // / 5.
      double inner = random.uniform(0.4, 0.52);
      double sector = Math.PI / 5;
      double innerX = inner * StrictMath.cos(sector);
      double innerY = inner * StrictMath.sin(sector);
      double length = Math.sqrt((innerX - 1.1) * (innerX - 1.1) + innerY * innerY);
      return (x, y) -> {
        double angle = Math.abs(StrictMath.atan2(y, x));
        double folded = Math.abs(angle - 2 * sector * Math.rint(angle / (2 * sector)));
        double radius = Math.sqrt(x * x + y * y);
        double px = radius * StrictMath.cos(folded);
        double py = radius * StrictMath.sin(folded);
        return ((px - 1.1) * innerY + py * (1.1 - innerX)) / length;
      };
    }
  },
  /** Parallel straight bars. */
  STRIPES(6, true) {
    @Override
    Field draw(SplitMix64 random) {
      return bars(random.uniform(0.4, 0.7), random.nextDouble());
    }
  },
  /** A chessboard. */
  CHECKER(7, true) {
    @Override
    Field draw(SplitMix64 random) {
      double period = random.uniform(0.6, 0.9);
      Field across = bars(period, random.nextDouble());
      Field along = bars(period, random.nextDouble());
      return (x, y) -> {
        double a = across.at(x, y);
        double b = along.at(y, x);
        return Math.min(Math.max(a, b), Math.max(-a, -b));
      };
    }
  },
  /** A lattice of small discs. */
  DOTS(8, true) {
    @Override
    Field draw(SplitMix64 random) {
      double period = random.uniform(0.45, 0.7);
      double radius = period * random.uniform(0.28, 0.36);
      double phaseX = random.nextDouble();
      double phaseY = random.nextDouble();
      return (x, y) -> {
        double dx = period * fromMiddle(x / period + phaseX);
        double dy = period * fromMiddle(y / period + phaseY);
        return Math.sqrt(dx * dx + dy * dy) - radius;
      };
    }
  },
  /** Parallel bars, bent to a sine. */
  WAVES(9, true) {
    @Override
    Field draw(SplitMix64 random) {
      Field straight = bars(random.uniform(0.45, 0.7), random.nextDouble());
      double height = random.uniform(0.13, 0.22);
      double turns = 2 * Math.PI / random.uniform(0.8, 1.3);
      double phase = random.uniform(0, 2 * Math.PI);
      return (x, y) -> straight.at(x + height * StrictMath.sin(turns * y + phase), y);
    }
  };

  private final int label;
  private final boolean texture;

  Motif(int label, boolean texture) {
    this.label = label;
    this.texture = texture;
  }

  /**
   * Draws an instance; what is free about it (widths, periods, phases) comes from the random
   * numbers.
   */
  abstract Field draw(SplitMix64 random);

  /** Returns the number that stands for this class in the labels. */
  public int label() {
    return label;
  }

  /** Tells a texture, which needs a region to fill, from a shape. */
  boolean isTexture() {
    return texture;
  }

  /** Bars along the second axis, half ink and half gap. */
  private static Field bars(double period, double phase) {
    return (x, y) -> period * (Math.abs(fromMiddle(x / period + phase)) - 0.25);
  }

  /** Distance to the middle of the unit cell that holds a coordinate, in [-0.5, 0.5). */
  private static double fromMiddle(double coordinate) {
    return coordinate - Math.floor(coordinate) - 0.5;
  }
}
