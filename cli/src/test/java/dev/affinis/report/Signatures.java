package dev.affinis.report;

import dev.affinis.signature.LayerScores;
import dev.affinis.signature.Pooling;
import dev.affinis.signature.Score;
import dev.affinis.signature.Signature;
import dev.affinis.signature.SignatureFile;
import dev.affinis.signature.covariance.Covariance;
import dev.affinis.signature.covariance.Ridge;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Signatures made for tests. */
public final class Signatures {
  private Signatures() {}

  /** ReLUs of 4 channels on 256 random samples, each with an affinity. */
  public static Signature of(String name, double... affinities) {
    List<LayerScores> layers = new ArrayList<>();
    for (double affinity : affinities) {
      layers.add(
          layer(layers.size(), "b" + layers.size(), 1, Map.of("affinity", Score.of(affinity))));
    }
    return of(name, 256, layers);
  }

  /** Any layers on random samples. */
  public static Signature of(String name, int samples, List<LayerScores> layers) {
    return new Signature(
        new Signature.Model(name, Signature.ModelRuntime.TORCHSCRIPT, "00", 10),
        new Signature.Data("random", samples, 0, Map.of("mean", List.of(0, 0, 0))),
        new Signature.Settings(
            Pooling.CHANNEL,
            Covariance.LEDOIT_WOLF,
            Ridge.RELATIVE,
            "cpu",
            "none",
            Map.of("batch_size", 16)),
        layers,
        List.of());
  }

  /** A ReLU of 4 channels. */
  public static LayerScores layer(int index, String path, int call, Map<String, Score> scores) {
    return new LayerScores(index, path, call, "relu", List.of(4L, 2L, 2L), 4, scores);
  }

  /** The same signature, measured with another pooling. */
  public static Signature withPooling(Signature signature, Pooling pooling) {
    Signature.Settings s = signature.settings();
    return new Signature(
        signature.model(),
        signature.data(),
        new Signature.Settings(
            pooling, s.covariance(), s.ridge(), s.device(), s.engine(), s.more()),
        signature.layers(),
        signature.skipped());
  }

  /** Writes a signature into a folder and returns the file. */
  public static Path write(Signature signature, Path folder, String file) {
    try {
      Path path = folder.resolve(file);
      SignatureFile.write(signature, path);
      return path;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
