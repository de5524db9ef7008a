package dev.affinis.instrument;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * What a site computes: the activation functions of {@code torch.nn} and {@code
 * torch.nn.functional}, and the kinds of the other {@link SiteType}s.
 *
 * <p>{@link #GLU} and the gates halve the width, and a module may give any other than it takes;
 * such sites are captured, but scores that need input and output of the same width give a reason
 * instead of a number.
 */
public enum SiteKind {
  /** max(0, x). */
  RELU,
  /** min(max(0, x), 6). */
  RELU6,
  /** x for x &gt; 0, otherwise a fixed slope times x. */
  LEAKY_RELU,
  /** Leaky ReLU with a learned slope. */
  PRELU,
  /** Leaky ReLU with a random slope in training and the mean slope in inference. */
  RRELU,
  /** x for x &gt; 0, otherwise alpha (exp(x) - 1). */
  ELU,
  /** Scaled ELU with its two fixed constants. */
  SELU,
  /** Continuously differentiable ELU. */
  CELU,
  /** x Phi(x), exact or by its tanh approximation. */
  GELU,
  /** x sigmoid(x), also known as swish. */
  SILU,
  /** x sigmoid(beta x) for a beta other than 1; at 1.702 known as quick GELU. */
  SWISH,
  /** x tanh(softplus(x)). */
  MISH,
  /** 1 / (1 + exp(-x)). */
  SIGMOID,
  /** min(max(0, x / 6 + 1/2), 1). */
  HARDSIGMOID,
  /** log(sigmoid(x)). */
  LOG_SIGMOID,
  /** tanh(x). */
  TANH,
  /** x clipped to an interval other than [0, 6]. */
  HARDTANH,
  /** x - tanh(x). */
  TANHSHRINK,
  /** x hardsigmoid(x). */
  HARDSWISH,
  /** log(1 + exp(x)). */
  SOFTPLUS,
  /** x / (1 + |x|). */
  SOFTSIGN,
  /** x shrunk towards 0 by a fixed amount. */
  SOFTSHRINK,
  /** x where |x| exceeds a bound, otherwise 0. */
  HARDSHRINK,
  /** x above a threshold, otherwise a fixed value. */
  THRESHOLD,
  /** First half of the units times the sigmoid of the second half. */
  GLU,
  /** The largest value of each window of positions, or of all. */
  MAX_POOL(SiteType.POOLING),
  /** The mean of each window of positions, or of all. */
  AVERAGE_POOL(SiteType.POOLING),
  /** Each channel shifted and scaled by statistics of the training data. */
  BATCH_NORM(SiteType.NORMALISATION),
  /** Each position of each sample shifted and scaled by the statistics of its channels. */
  LAYER_NORM(SiteType.NORMALISATION),
  /** Groups of channels of each sample shifted and scaled by their statistics. */
  GROUP_NORM(SiteType.NORMALISATION),
  /** Each channel of each sample shifted and scaled by its statistics. */
  INSTANCE_NORM(SiteType.NORMALISATION),
  /** Each position of each sample divided by the root mean square of its channels. */
  RMS_NORM(SiteType.NORMALISATION),
  /** SiLU (or swish) of one linear map times another of the same tensor. */
  SWIGLU(SiteType.GATE),
  /** GELU of one linear map times another of the same tensor. */
  GEGLU(SiteType.GATE),
  /** ReLU of one linear map times another of the same tensor. */
  REGLU(SiteType.GATE),
  /** Sigmoid of one linear map times another of the same tensor. */
  SIGMOID_GLU(SiteType.GATE),
  /** The product of two linear maps of the same tensor. */
  BILINEAR(SiteType.GATE),
  /** The weights of attention, from its logits. */
  SOFTMAX(SiteType.ATTENTION),
  /** Whatever a module computes. */
  MODULE(SiteType.MODULE),
  /** Whatever lies between two sites. */
  SPAN(SiteType.SPAN);

  private final SiteType type;

  SiteKind() {
    this(SiteType.ACTIVATION);
  }

  SiteKind(SiteType type) {
    this.type = type;
  }

  /**
   * Returns the family that this kind belongs to.
   *
   * @return the type
   */
  public SiteType type() {
    return type;
  }

  /**
   * Returns the name used in signature files and on the command line, such as {@code leaky_relu}.
   *
   * @return the name in lower case with underscores
   */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * Returns what a call that is planned as this kind may turn out to be: the bounds of a clipping
   * or a threshold may be known at run time only.
   *
   * @return the kinds, this one among them
   */
  public Set<SiteKind> possibleAtRunTime() {
    return switch (this) {
      case HARDTANH -> EnumSet.of(HARDTANH, RELU6);
      case THRESHOLD -> EnumSet.of(THRESHOLD, RELU);
      default -> EnumSet.of(this);
    };
  }

  /**
   * Returns the interval that the function's values lie in, where both ends are known: a unit whose
   * output is at one of them is saturated.
   *
   * @return the interval; nothing for a function without one, and for {@link #HARDTANH}, whose ends
   *     are the model's choice
   */
  public Optional<Bounds> bounds() {
    return switch (this) {
      case SIGMOID, HARDSIGMOID -> Optional.of(new Bounds(0, 1));
      case TANH, SOFTSIGN -> Optional.of(new Bounds(-1, 1));
      case RELU6 -> Optional.of(new Bounds(0, 6));
      default -> Optional.empty();
    };
  }

  /**
   * Finds a kind by its {@link #word()}.
   *
   * @param word the name in lower case
   * @return the kind
   * @throws IllegalArgumentException if there is none of that name
   */
  public static SiteKind ofWord(String word) {
    return valueOf(word.toUpperCase(Locale.ROOT));
  }
}
