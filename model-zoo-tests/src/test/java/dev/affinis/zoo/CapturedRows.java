package dev.affinis.zoo;

import ai.djl.ndarray.NDArray;
import dev.affinis.instrument.Capture;
import dev.affinis.instrument.CaptureListener;
import dev.affinis.instrument.InstrumentedModel;
import java.util.ArrayList;
import java.util.List;

/** Keeps the rows of every site, over all batches. */
final class CapturedRows implements CaptureListener {
  private final List<List<double[]>> pre = new ArrayList<>();
  private final List<List<double[]>> post = new ArrayList<>();

  @Override
  public void captured(InstrumentedModel.Run run) {
    List<Capture> captures = run.captures();
    for (int i = 0; i < captures.size(); i++) {
      if (pre.size() == i) {
        pre.add(new ArrayList<>());
        post.add(new ArrayList<>());
      }
      addRows(captures.get(i).pre(), pre.get(i));
      addRows(captures.get(i).post(), post.get(i));
    }
  }

  private static void addRows(NDArray batch, List<double[]> rows) {
    float[] values = batch.toFloatArray();
    int width = Math.toIntExact(batch.getShape().get(1));
    for (int from = 0; from < values.length; from += width) {
      double[] row = new double[width];
      for (int j = 0; j < width; j++) {
        row[j] = values[from + j];
      }
      rows.add(row);
    }
  }

  /** The input rows of a site (n x d). */
  double[][] pre(int site) {
    return pre.get(site).toArray(double[][]::new);
  }

  /** The output rows of a site (n x d). */
  double[][] post(int site) {
    return post.get(site).toArray(double[][]::new);
  }
}
