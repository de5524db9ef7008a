package dev.affinis.cli;

import ai.djl.Device;
import dev.affinis.instrument.Layout;
import dev.affinis.signature.Pooling;
import dev.affinis.signature.covariance.Covariance;
import dev.affinis.signature.covariance.Ridge;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads option values that are words: the same words that stand in signature files. */
final class Words {
  private Words() {}

  private static <T> T find(List<T> values, Function<T, String> word, String given) {
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

  static final class PoolingWord implements ITypeConverter<Pooling> {
    @Override
    public Pooling convert(String value) {
      return find(Arrays.asList(Pooling.values()), Pooling::word, value);
    }
  }

  static final class LayoutWord implements ITypeConverter<Layout> {
    @Override
    public Layout convert(String value) {
      return find(Arrays.asList(Layout.values()), Layout::word, value);
    }
  }

  static final class CovarianceWord implements ITypeConverter<Covariance> {
    @Override
    public Covariance convert(String value) {
      return find(Arrays.asList(Covariance.values()), Covariance::word, value);
    }
  }

  static final class RidgeWord implements ITypeConverter<Ridge> {
    @Override
    public Ridge convert(String value) {
      return find(Arrays.asList(Ridge.values()), Ridge::word, value);
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
}
