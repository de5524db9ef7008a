package dev.affinis.instrument;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.affinis.signature.TokenPolicy;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * What every runtime must give for one model of two inputs, x (batch x 5 tokens x 3 channels) and
 * mask: y = relu(2 x - 0.5), at the top level; z = sigmoid(y without its first token); the tanh of
 * the sum of y over tokens. It returns the last and z. Expected rows are computed here, in Java.
 */
public final class MaskedTokens {
  private static final int SAMPLES = 4;
  private static final int TOKENS = 5;
  private static final int CHANNELS = 3;
  private static final int[][] MASK = {
    {1, 1, 1, 1, 1}, {1, 1, 0, 0, 0}, {0, 1, 0, 1, 1}, {1, 0, 0, 0, 0}
  };
  private static final float ROUNDING = 1e-6f;

  private MaskedTokens() {}

  /** Opens the model with some options. */
  public interface Opening {
    InstrumentedModel<?, ?> open(TokenPolicy tokens) throws IOException;
  }

  private static float[] values(long seed) {
    Random random = new Random(seed);
    float[] values = new float[SAMPLES * TOKENS * CHANNELS];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  /** Other values where there is padding. */
  private static float[] padded(float[] values, float... padding) {
    float[] changed = values.clone();
    for (int i = 0; i < changed.length; i++) {
      int token = i / CHANNELS;
      if (MASK[token / TOKENS][token % TOKENS] == 0) {
        changed[i] = padding[i % padding.length];
      }
    }
    return changed;
  }

  private static NDList inputs(NDManager manager, float[] x, int[][] mask, DataType type) {
    NDArray first = manager.create(x, new Shape(SAMPLES, TOKENS, CHANNELS));
    int[] flat = Arrays.stream(mask).flatMapToInt(Arrays::stream).toArray();
    NDArray second = manager.create(flat, new Shape(SAMPLES, TOKENS)).toType(type, false);
    first.setName("x");
    second.setName("mask");
    return new NDList(first, second);
  }

  private interface Value {
    double of(float x);
  }

  /** The mean of something over the tokens of each sample that have a 1. */
  private static float[] rows(float[] x, int[][] mask, Value value) {
    float[] rows = new float[SAMPLES * CHANNELS];
    for (int sample = 0; sample < SAMPLES; sample++) {
      for (int channel = 0; channel < CHANNELS; channel++) {
        double sum = 0;
        for (int token = 0; token < TOKENS; token++) {
          double v = value.of(x[(sample * TOKENS + token) * CHANNELS + channel]);
          sum += mask[sample][token] * v;
        }
        rows[sample * CHANNELS + channel] = (float) (sum / Arrays.stream(mask[sample]).sum());
      }
    }
    return rows;
  }

  private static double linear(float x) {
    return 2 * x - 0.5;
  }

  private static double relu(float x) {
    return Math.max(0, linear(x));
  }

  /**
   * Compares rows, counts and messages.
   *
   * @param opening opens the model; counts values up to 0.001
   * @param type type of the mask that it takes
   */
  public static void check(Opening opening, DataType type) throws IOException {
    checkRows(opening, TokenPolicy.masked("mask"), type);
    checkRows(opening, TokenPolicy.masked(1), type);
    checkNotFinite(opening, type);
    checkMessages(opening, type);
  }

  private static void checkNotFinite(Opening opening, DataType type) throws IOException {
    try (InstrumentedModel<?, ?> model = opening.open(TokenPolicy.masked("mask"));
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      float[] x = values(1);
      float[] other = padded(x, Float.NaN, Float.POSITIVE_INFINITY);
      assertSame(
          model.run(inputs(manager, x, MASK, type)).captures().get(0),
          model.run(inputs(manager, other, MASK, type)).captures().get(0));
    }
  }

  /**
   * As {@link #check}, for programs of operators that know no choice between values: padding that
   * is not finite makes rows that are not.
   */
  public static void checkFinite(Opening opening, DataType type) throws IOException {
    checkRows(opening, TokenPolicy.masked("mask"), type);
    checkMessages(opening, type);
  }

  private static void checkRows(Opening opening, TokenPolicy tokens, DataType type)
      throws IOException {
    try (InstrumentedModel<?, ?> model = opening.open(tokens);
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      float[] x = values(1);
      InstrumentedModel.Run run = model.run(inputs(manager, x, MASK, type));
      assertEquals(
          List.of("relu", "sigmoid", "tanh"),
          run.captures().stream().map(capture -> capture.site().kind().word()).toList());
      assertEquals(List.of(run.captures().get(1).site()), run.unmasked());
      Capture relu = run.captures().get(0);
      assertArrayEquals(rows(x, MASK, MaskedTokens::linear), relu.pre().toFloatArray(), ROUNDING);
      assertArrayEquals(rows(x, MASK, MaskedTokens::relu), relu.post().toFloatArray(), ROUNDING);
      int[][] allButFirst = new int[SAMPLES][];
      Arrays.fill(allButFirst, new int[] {0, 1, 1, 1, 1});
      Capture sigmoid = run.captures().get(1);
      assertArrayEquals(
          rows(x, allButFirst, MaskedTokens::relu), sigmoid.pre().toFloatArray(), ROUNDING);
      Capture tanh = run.captures().get(2);
      assertArrayEquals(run.outputs().head().toFloatArray(), tanh.post().toFloatArray(), ROUNDING);
      checkCounts(x, relu, sigmoid, tanh);
      InstrumentedModel.Run other = model.run(inputs(manager, padded(x, 100f, -3f), MASK, type));
      assertSame(relu, other.captures().get(0));
      assertFalse(
          Arrays.equals(
              sigmoid.post().toFloatArray(), other.captures().get(1).post().toFloatArray()),
          "the site without a mask must see padding, or this test shows nothing");
      // Another batch, of other sizes.
      float[] two = Arrays.copyOf(x, 2 * TOKENS * CHANNELS);
      NDArray first = manager.create(two, new Shape(2, TOKENS, CHANNELS));
      NDArray mask = manager.create(MASK[1].clone(), new Shape(1, TOKENS)).repeat(0, 2);
      first.setName("x");
      NDArray typed = mask.toType(type, false);
      typed.setName("mask");
      float[] rows = model.run(new NDList(first, typed)).captures().get(0).pre().toFloatArray();
      assertArrayEquals(
          Arrays.copyOfRange(rows(x, MASK, MaskedTokens::linear), 3, 6),
          Arrays.copyOfRange(rows, 3, 6),
          ROUNDING);
    }
  }

  private static void assertSame(Capture expected, Capture found) {
    assertArrayEquals(expected.pre().toFloatArray(), found.pre().toFloatArray());
    assertArrayEquals(expected.post().toFloatArray(), found.post().toFloatArray());
    TapCounts counts = expected.counts().orElseThrow();
    assertArrayEquals(
        counts.smallPost().toFloatArray(), found.counts().orElseThrow().smallPost().toFloatArray());
  }

  private static void checkCounts(float[] x, Capture relu, Capture sigmoid, Capture tanh) {
    TapCounts counts = relu.counts().orElseThrow();
    assertEquals(List.of(5, 2, 3, 1), counts.tokens());
    Value isSmall = v -> Math.abs(relu(v)) <= 1e-3 ? 1 : 0;
    float[] shares = rows(x, MASK, isSmall);
    assertTrue(shares[0] > 0, "nothing is small");
    assertArrayEquals(shares, counts.smallPost().toFloatArray(), ROUNDING);
    assertEquals(List.of(), sigmoid.counts().orElseThrow().tokens());
    assertEquals(List.of(), tanh.counts().orElseThrow().tokens());
    SiteTally tally = new SiteTally(relu.site(), 1e-3, SAMPLES);
    tally.add(counts, 0);
    double small = 0;
    for (int i = 0; i < shares.length; i++) {
      small += shares[i] * counts.tokens().get(i / CHANNELS);
    }
    assertEquals(small / (11 * CHANNELS), tally.counts(0).smallOutputs(), ROUNDING);
  }

  private static void checkMessages(Opening opening, DataType type) throws IOException {
    try (InstrumentedModel<?, ?> model = opening.open(TokenPolicy.masked("mask"));
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      int[][] empty = MASK.clone();
      empty[2] = new int[TOKENS];
      requireError(model, inputs(manager, values(1), empty, type), "sample 2 of a batch");
      if (type != DataType.BOOLEAN) {
        int[][] wrong = MASK.clone();
        wrong[1] = new int[] {1, 1, 7, 0, 0};
        requireError(model, inputs(manager, values(1), wrong, type), "value of 7.0");
      }
    }
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDList inputs = inputs(manager, values(1), MASK, type);
      requireNoMask(opening, TokenPolicy.masked("attention"), inputs, "takes x, mask");
      requireNoMask(opening, TokenPolicy.masked(2), inputs, "takes x, mask");
      requireNoMask(opening, TokenPolicy.masked(0), inputs, "expected samples x tokens");
    }
  }

  /** Runtimes may know before they run the model, or not. */
  private static void requireNoMask(
      Opening opening, TokenPolicy tokens, NDList inputs, String part) {
    InvalidInputException e =
        assertThrows(
            InvalidInputException.class,
            () -> {
              try (InstrumentedModel<?, ?> model = opening.open(tokens)) {
                model.run(inputs);
              }
            });
    assertTrue(e.getMessage().contains(part), e.getMessage());
  }

  private static void requireError(InstrumentedModel<?, ?> model, NDList inputs, String part) {
    InvalidInputException e = assertThrows(InvalidInputException.class, () -> model.run(inputs));
    assertTrue(e.getMessage().contains(part), e.getMessage());
  }

  /** Opens a model of one input, which has no mask. */
  public static void checkSingleInput(Opening opening) {
    InvalidInputException e =
        assertThrows(
            InvalidInputException.class,
            () -> {
              try (InstrumentedModel<?, ?> model = opening.open(TokenPolicy.masked("mask"));
                  NDManager manager = NDManager.newBaseManager("PyTorch")) {
                model.run(new NDList(manager.ones(new Shape(2, TOKENS, CHANNELS))));
              }
            });
    assertTrue(e.getMessage().contains("need a model that takes a mask"), e.getMessage());
  }
}
