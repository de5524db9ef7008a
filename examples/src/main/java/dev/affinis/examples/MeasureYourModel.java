package dev.affinis.examples;

import dev.affinis.instrument.Measurement;
import dev.affinis.instrument.ModelSource;
import dev.affinis.instrument.data.Preprocessing;
import dev.affinis.instrument.data.SampleSource;
import dev.affinis.instrument.data.Selection;
import dev.affinis.signature.LayerScores;
import dev.affinis.signature.Signature;
import dev.affinis.signature.SignatureFile;
import java.io.IOException;
import java.nio.file.Path;

/** Measures a model on some data and prints the affinity score of every activation. */
public final class MeasureYourModel {
  private MeasureYourModel() {}

  /**
   * Runs the example.
   *
   * @param args a TorchScript file, a folder of images or an npz, and a file for the signature
   * @throws IOException if a file cannot be read or written
   */
  public static void main(String[] args) throws IOException {
    Path model = Path.of(args[0]);
    String photos = args[1];
    Path out = Path.of(args[2]);
    // README: from here
    Selection selection = Selection.first(512);
    try (SampleSource source =
        SampleSource.open(photos, Preprocessing.builder().build(), selection)) {
      Signature signature =
          Measurement.builder()
              .setModel(ModelSource.of(model))
              .setSource(source)
              .optSelection(selection)
              .build()
              .run();
      for (LayerScores layer : signature.layers()) {
        String affinity = layer.scores().get("affinity").map(String::valueOf, reason -> reason);
        System.out.println(layer.path() + " " + layer.activation() + " " + affinity);
      }
      SignatureFile.write(signature, out);
    }
    // README: to here
  }
}
