package dev.affinis.cli;

import ai.djl.Device;
import dev.affinis.instrument.ByteSize;
import dev.affinis.instrument.Layout;
import dev.affinis.instrument.SiteKind;
import dev.affinis.signature.Pooling;
import dev.affinis.signature.TokenPolicy;
import dev.affinis.signature.compare.DynamicTimeWarping;
import dev.affinis.signature.compare.Linkage;
import dev.affinis.signature.compare.ResampledEuclidean;
import dev.affinis.signature.compare.ScoreSeries;
import dev.affinis.signature.compare.SeriesDistance;
import dev.affinis.signature.compare.SummaryStatistics;
import dev.affinis.signature.compare.ValueDistance;
import dev.affinis.signature.covariance.Covariance;
import dev.affinis.signature.covariance.Ridge;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads option values that are words: the same words that stand in signature files. */
final class Words {
  private Words() {}

  /** One of a few values, each known by its word. */
  private abstract static class Word<T> implements ITypeConverter<T> {
    private final List<T> values;
    private final Function<T, String> word;

    Word(T[] values, Function<T, String> word) {
      this.values = List.of(values);
      this.word = word;
    }

    @Override
    public T convert(String given) {
      return values.stream()
          .filter(v -> word.apply(v).equals(given))
          .findFirst()
          .orElseThrow(
              () ->
                  new TypeConversionException(
                      "expected one of "
                          + String.join(", ", values.stream().map(word).toList())
                          + ", got "
                          + given));
    }
  }

  static final class PoolingWord extends Word<Pooling> {
    PoolingWord() {
      super(Pooling.values(), Pooling::word);
    }
  }

  /** Which tokens: one of a few words, or a mask by its name or number. */
  static final class TokensWord implements ITypeConverter<TokenPolicy> {
    @Override
    public TokenPolicy convert(String value) {
      try {
        return TokenPolicy.parse(value);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }

  static final class LayoutWord extends Word<Layout> {
    LayoutWord() {
      super(Layout.values(), Layout::word);
    }
  }

  static final class CovarianceWord extends Word<Covariance> {
    CovarianceWord() {
      super(Covariance.values(), Covariance::word);
    }
  }

  static final class RidgeWord extends Word<Ridge> {
    RidgeWord() {
      super(Ridge.values(), Ridge::word);
    }
  }

  static final class KindWord extends Word<SiteKind> {
    KindWord() {
      super(
          EnumSet.range(SiteKind.RELU, SiteKind.SOFTMAX).toArray(SiteKind[]::new), SiteKind::word);
    }
  }

  static final class ViewWord extends Word<ScoreSeries.View> {
    ViewWord() {
      super(ScoreSeries.View.values(), view -> view.name().toLowerCase(Locale.ROOT));
    }
  }

  static final class LinkageWord extends Word<Linkage> {
    LinkageWord() {
      super(Linkage.values(), linkage -> linkage.name().toLowerCase(Locale.ROOT));
    }
  }

  static final class DistanceWord extends Word<SeriesDistance> {
    DistanceWord() {
      super(
          new SeriesDistance[] {
            DynamicTimeWarping.FREE,
            new ResampledEuclidean(),
            new ValueDistance(),
            new SummaryStatistics.Difference()
          },
          SeriesDistance::name);
    }
  }

  /** {@code cpu} or {@code gpu:N}. */
  static final class DeviceWord implements ITypeConverter<Device> {
    @Override
    public Device convert(String value) {
      if (value.equals("cpu")) {
        return Device.cpu();
      }
      if (value.matches("gpu(:\\d{1,4})?")) {
        return Device.gpu(value.length() > 4 ? Integer.parseInt(value.substring(4)) : 0);
      }
      throw new TypeConversionException("expected cpu or gpu:N, got " + value);
    }
  }

  /**
   * How many samples run at a time.
   *
   * @param first how many at first
   * @param shrinks whether fewer are tried if they do not fit into memory
   */
  record BatchSize(int first, boolean shrinks) {}

  /** A number, or {@code auto}. */
  static final class BatchSizeWord implements ITypeConverter<BatchSize> {
    private static final int AUTO = 16;

    @Override
    public BatchSize convert(String value) {
      if (value.equals("auto")) {
        return new BatchSize(AUTO, true);
      }
      try {
        return new BatchSize(Integer.parseInt(value), false);
      } catch (NumberFormatException e) {
        throw new TypeConversionException("expected a number or auto, got " + value);
      }
    }
  }

  /** An amount of memory. */
  static final class BytesWord implements ITypeConverter<Long> {
    @Override
    public Long convert(String value) {
      try {
        return ByteSize.parse(value);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }
}
