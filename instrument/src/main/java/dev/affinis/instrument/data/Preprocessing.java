package dev.affinis.instrument.data;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * How an RGB image with values in [0, 1] becomes a model's input: an optional resize, an optional
 * centre crop, then (value - mean) / std per channel. When neither a size nor a crop is asked for,
 * images are used at their own size if all have the same one, and otherwise by the ImageNet
 * standard (shorter side to 256, centre crop of 224).
 *
 * <p>The number of means says how many channels the model takes: with three, a grey image stands
 * for red, green and blue; with one, colours become 0.299 red + 0.587 green + 0.114 blue.
 *
 * @param inputSize resize to this many pixels in width and height, whatever the image's proportions
 * @param resize resize the shorter side to this many pixels and keep the proportions
 * @param crop cut a square with this many pixels a side out of the centre
 * @param mean mean per channel (red, green, blue; or grey alone) of values in [0, 1]
 * @param std standard deviation per channel of values in [0, 1]; as many as there are means
 */
public record Preprocessing(
    OptionalInt inputSize,
    OptionalInt resize,
    OptionalInt crop,
    List<Double> mean,
    List<Double> std)
    implements ImageConversion {

  /** Largest width and height that may be asked for. */
  private static final int MAX_PIXELS = 16_384;

  private static final List<Double> IMAGENET_MEAN = List.of(0.485, 0.456, 0.406);
  private static final List<Double> IMAGENET_STD = List.of(0.229, 0.224, 0.225);

  /** Checks that the parts fit together. */
  public Preprocessing {
    mean = List.copyOf(mean);
    std = List.copyOf(std);
    checkPixels("--input-size", inputSize);
    checkPixels("--resize", resize);
    checkPixels("--crop", crop);
    if (inputSize.isPresent() && (resize.isPresent() || crop.isPresent())) {
      throw new IllegalArgumentException(
          "--input-size excludes --resize and --crop: pass either a size or a resize with a crop");
    }
    if (resize.isPresent() && crop.isPresent() && crop.getAsInt() > resize.getAsInt()) {
      throw new IllegalArgumentException(
          "--crop "
              + crop.getAsInt()
              + " is larger than --resize "
              + resize.getAsInt()
              + ": the crop must fit into the resized image");
    }
    checkChannels("--mean", mean, false);
    checkChannels("--std", std, true);
    if (mean.size() != std.size()) {
      throw new IllegalArgumentException(
          "--mean " + mean + " and --std " + std + " must have the same number of values");
    }
  }

  private static void checkPixels(String option, OptionalInt pixels) {
    if (pixels.isPresent() && (pixels.getAsInt() < 1 || pixels.getAsInt() > MAX_PIXELS)) {
      throw new IllegalArgumentException(
          option + " must be 1 to " + MAX_PIXELS + " pixels, got " + pixels.getAsInt());
    }
  }

  private static void checkChannels(String option, List<Double> values, boolean positive) {
    if (values.size() != 3 && values.size() != 1) {
      throw new IllegalArgumentException(
          option
              + " must be three numbers (red, green, blue), or one for a model that takes grey images,"
              + " got "
              + values);
    }
    for (double value : values) {
      if (!Double.isFinite(value) || (positive && value <= 0)) {
        throw new IllegalArgumentException(
            option + " must be " + (positive ? "positive" : "finite") + " numbers, got " + values);
      }
    }
  }

  /**
   * Starts with nothing asked for and ImageNet's mean and deviation.
   *
   * @return a new builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /** How many channels an input has: 3, or 1 for grey. */
  int channels() {
    return mean.size();
  }

  /** Returns whether images keep their own size and are not cropped. */
  boolean keepsSize() {
    return inputSize.isEmpty() && resize.isEmpty() && crop.isEmpty();
  }

  /** The same mean and deviation with the geometry of ImageNet's standard evaluation. */
  Preprocessing withImageNetGeometry() {
    return new Preprocessing(
        OptionalInt.empty(), OptionalInt.of(256), OptionalInt.of(224), mean, std);
  }

  /** What is done to an image, for the signature file. */
  Map<String, Object> describe() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("input", (channels() == 1 ? "grey" : "RGB") + " images, values in [0, 1]");
    inputSize.ifPresent(px -> map.put("resize", Map.of("exactly", List.of(px, px))));
    resize.ifPresent(px -> map.put("resize", Map.of("shorter_side", px)));
    if (inputSize.isPresent() || resize.isPresent()) {
      map.put("interpolation", "bilinear, half-pixel centres, antialiased when shrinking");
    } else {
      map.put("resize", "none");
    }
    map.put("crop", crop.isPresent() ? Map.of("centre", crop.getAsInt()) : "none");
    map.put("mean", mean);
    map.put("std", std);
    return map;
  }

  /** Collects the parts of a {@link Preprocessing}. */
  public static final class Builder {
    private OptionalInt inputSize = OptionalInt.empty();
    private OptionalInt resize = OptionalInt.empty();
    private OptionalInt crop = OptionalInt.empty();
    private List<Double> mean = IMAGENET_MEAN;
    private List<Double> std = IMAGENET_STD;

    private Builder() {}

    /**
     * Resizes to a square, whatever the image's proportions.
     *
     * @param pixels width and height
     * @return this builder
     */
    public Builder optInputSize(int pixels) {
      inputSize = OptionalInt.of(pixels);
      return this;
    }

    /**
     * Resizes the shorter side and keeps the proportions.
     *
     * @param pixels length of the shorter side
     * @return this builder
     */
    public Builder optResize(int pixels) {
      resize = OptionalInt.of(pixels);
      return this;
    }

    /**
     * Cuts a square out of the centre.
     *
     * @param pixels width and height of the square
     * @return this builder
     */
    public Builder optCrop(int pixels) {
      crop = OptionalInt.of(pixels);
      return this;
    }

    /**
     * Sets what is subtracted from each channel; ImageNet's mean unless set.
     *
     * @param values red, green, blue; or one value for grey images
     * @return this builder
     */
    public Builder optMean(List<Double> values) {
      mean = values;
      return this;
    }

    /**
     * Sets what each channel is then divided by; ImageNet's deviation unless set.
     *
     * @param values red, green, blue, or one for grey images; all positive
     * @return this builder
     */
    public Builder optStd(List<Double> values) {
      std = values;
      return this;
    }

    /**
     * Checks the parts and puts them together.
     *
     * @return the preprocessing
     * @throws IllegalArgumentException if a part is out of range or two exclude each other
     */
    public Preprocessing build() {
      return new Preprocessing(inputSize, resize, crop, mean, std);
    }
  }
}
