package dev.affinis.zoo;

import java.util.stream.IntStream;

/**
 * Labelled images of drawn shapes and textures, the data of the bundled model zoo.
 *
 * <p>Each image shows one {@link Motif} of random place, size, turn, stretch and colours, on a
 * background with a gradient, among clutter (short bars and blotches) and often behind an occluding
 * bar or blotch, under uneven light, sometimes blurred, with noise. A small network can learn most
 * of it; the last percents are hard.
 *
 * <p>An image depends on the seed and its own index alone: the first k of n images are the k images
 * of the same seed. The bytes are the same on every Java release and machine: only exact
 * arithmetic, {@link Math#sqrt} and {@link StrictMath} are used.
 */
public final class ZooImages {
  /** Width and height of an image in pixels. */
  public static final int SIZE = 32;

  /** How far a motif is from the middle at most, in pixels along each axis. */
  private static final double MOST_SHIFT = 5;

  /** How far a motif is turned at most, in radians. */
  private static final double MOST_TURN = 0.6;

  private static final int IMAGE_BYTES = SIZE * SIZE * 3;

  private final byte[] pixels;
  private final long[] labels;

  private ZooImages(byte[] pixels, long[] labels) {
    this.pixels = pixels;
    this.labels = labels;
  }

  /**
   * Draws images.
   *
   * @param count number of images, at least 1; every run of ten holds each class once
   * @param seed any number
   * @return the images and their labels
   */
  public static ZooImages generate(int count, long seed) {
    if (count < 1 || count > Integer.MAX_VALUE / IMAGE_BYTES) {
      throw new IllegalArgumentException(
          "count must be between 1 and " + Integer.MAX_VALUE / IMAGE_BYTES + ", got " + count);
    }
    byte[] pixels = new byte[count * IMAGE_BYTES];
    long[] labels = new long[count];
    IntStream.range(0, count)
        .parallel()
        .forEach(
            i -> {
              Motif motif = motifOf(i, seed);
              labels[i] = motif.label();
              draw(motif, new SplitMix64(seed, i)).copyTo(pixels, i * IMAGE_BYTES);
            });
    return new ZooImages(pixels, labels);
  }

  /** Number of images. */
  public int count() {
    return labels.length;
  }

  /** Returns a copy of the pixels, count x SIZE x SIZE x 3, unsigned. */
  public byte[] pixels() {
    return pixels.clone();
  }

  /** Returns a copy of the labels, as in {@link Motif#label()}. */
  public long[] labels() {
    return labels.clone();
  }

  /** Every ten images show the ten motifs in an order of their own. */
  private static Motif motifOf(int index, long seed) {
    Motif[] order = Motif.values();
    // Streams below zero belong to the orders, the others to the images.
    SplitMix64 random = new SplitMix64(seed, -1 - index / order.length);
    for (int i = order.length - 1; i > 0; i--) {
      int j = random.below(i + 1);
      Motif swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
    return order[index % order.length];
  }

  private static Canvas draw(Motif motif, SplitMix64 random) {
    Canvas canvas = new Canvas(SIZE);
    double[] background = colour(random);
    canvas.fill(Paint.gradient(background, near(background, 0.25, random), angle(random), SIZE));
    for (int i = 1 + random.below(3); i > 0; i--) {
      canvas.paint(
          clutter(random, 1.2, 3.2), Paint.solid(colour(random)), random.uniform(0.4, 0.9));
    }

    double[] foreground = contrasting(background, random);
    Paint ink = Paint.gradient(foreground, near(foreground, 0.2, random), angle(random), SIZE);
    canvas.paint(place(motif, random), ink, random.uniform(0.75, 1));

    for (int i = random.below(3); i > 0; i--) {
      canvas.paint(clutter(random, 1.5, 3.5), Paint.solid(colour(random)), random.uniform(0.7, 1));
    }
    double[] light = {random.uniform(0.7, 1.1), random.uniform(0.7, 1.1), random.uniform(0.7, 1.1)};
    canvas.light(Paint.gradient(light, near(light, 0.3, random), angle(random), SIZE));
    if (random.chance(0.3)) {
      canvas.blur(random.uniform(0.1, 0.25));
    }
    canvas.addNoise(random.uniform(0.01, 0.1), random);
    return canvas;
  }

  /** The motif somewhere on the canvas; a texture fills a patch of its own, rounder or squarer. */
  private static Field place(Motif motif, SplitMix64 random) {
    Field field = motif.draw(random);
    double radius = random.uniform(7, 12.5);
    if (motif.isTexture()) {
      radius = random.uniform(10, 15);
      double side = random.uniform(0.75, 1);
      field = field.within(random.chance(0.5) ? Field.disc(1) : Field.box(side, side));
    }
    double x = SIZE / 2.0 + random.uniform(-MOST_SHIFT, MOST_SHIFT);
    double y = SIZE / 2.0 + random.uniform(-MOST_SHIFT, MOST_SHIFT);
    double turn = random.uniform(-MOST_TURN, MOST_TURN);
    return field.placed(x, y, turn, radius, radius * random.uniform(0.85, 1.2));
  }

  /** A short bar or a blotch of the given half widths in pixels, anywhere. */
  private static Field clutter(SplitMix64 random, double least, double most) {
    double width = random.uniform(least, most);
    Field field =
        random.chance(0.5)
            ? Field.box(random.uniform(1.5, 4.5), 0.6)
            : Field.disc(random.uniform(0.8, 1.3));
    return field.placed(
        random.uniform(0, SIZE), random.uniform(0, SIZE), angle(random), width, width);
  }

  private static double angle(SplitMix64 random) {
    return random.uniform(0, 2 * Math.PI);
  }

  private static double[] colour(SplitMix64 random) {
    return new double[] {random.nextDouble(), random.nextDouble(), random.nextDouble()};
  }

  private static double[] near(double[] colour, double reach, SplitMix64 random) {
    double[] result = colour.clone();
    for (int c = 0; c < result.length; c++) {
      result[c] = Math.min(1.1, Math.max(0, result[c] + random.uniform(-reach, reach)));
    }
    return result;
  }

  /**
   * A colour at some distance from the background's, so that the motif is faint in some images but
   * never absent.
   */
  private static double[] contrasting(double[] background, SplitMix64 random) {
    while (true) {
      double[] colour = colour(random);
      double squared = 0;
      for (int c = 0; c < colour.length; c++) {
        squared += (colour[c] - background[c]) * (colour[c] - background[c]);
      }
      if (squared > 0.45 * 0.45) {
        return colour;
      }
    }
  }
}
