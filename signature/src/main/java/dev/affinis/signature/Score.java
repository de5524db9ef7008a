package dev.affinis.signature;

import java.util.OptionalDouble;
import java.util.function.DoubleFunction;
import java.util.function.Function;

/** The score of one layer: a finite number, or the reason why there is none. */
public sealed interface Score {

  /**
   * Returns a score that is a number.
   *
   * @param value the number, finite
   * @return the score
   */
  static Score of(double value) {
    return new Value(value);
  }

  /**
   * Returns a score that could not be computed.
   *
   * @param reason why, in one line
   * @return the score
   */
  static Score unavailable(String reason) {
    return new Unavailable(reason);
  }

  /**
   * Applies one of two functions, depending on what this score is.
   *
   * @param ifValue what to make of a number
   * @param ifUnavailable what to make of a reason
   * @param <T> what is made
   * @return the result of the function applied
   */
  <T> T map(DoubleFunction<T> ifValue, Function<String, T> ifUnavailable);

  /**
   * Returns the number, if there is one.
   *
   * @return the number or empty
   */
  default OptionalDouble number() {
    return map(OptionalDouble::of, reason -> OptionalDouble.empty());
  }

  /**
   * A score that is a number.
   *
   * @param value the number, finite
   */
  record Value(double value) implements Score {
    /** Checks the number. */
    public Value {
      if (!Double.isFinite(value)) {
        throw new IllegalArgumentException(
            "score must be finite, got " + value + ": use Score.unavailable with the reason");
      }
    }

    @Override
    public <T> T map(DoubleFunction<T> ifValue, Function<String, T> ifUnavailable) {
      return ifValue.apply(value);
    }
  }

  /**
   * A score that could not be computed.
   *
   * @param reason why, in one line, not blank
   */
  record Unavailable(String reason) implements Score {
    /** Checks the reason. */
    public Unavailable {
      if (reason.isBlank()) {
        throw new IllegalArgumentException("the reason of an unavailable score must not be blank");
      }
    }

    @Override
    public <T> T map(DoubleFunction<T> ifValue, Function<String, T> ifUnavailable) {
      return ifUnavailable.apply(reason);
    }
  }
}
