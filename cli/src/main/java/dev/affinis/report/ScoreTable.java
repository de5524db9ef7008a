package dev.affinis.report;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.SequenceWriter;
import com.fasterxml.jackson.dataformat.csv.CsvMapper;
import com.fasterxml.jackson.dataformat.csv.CsvSchema;
import dev.affinis.signature.BatchScores;
import dev.affinis.signature.LayerScores;
import dev.affinis.signature.Score;
import java.io.IOException;
import java.io.Writer;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A comparison as a table in long format (CSV, RFC 4180): one row for each model, site and score. A
 * cell is empty where there is nothing to say; {@code note} has the reason where {@code value} is
 * empty.
 */
public final class ScoreTable {
  private static final List<String> COLUMNS =
      List.of(
          "model",
          "file",
          "index",
          "path",
          "call",
          "activation",
          "type",
          "shape",
          "dimension",
          "score",
          "value",
          "error",
          "deviation",
          "count",
          "note");

  private ScoreTable() {}

  /**
   * Writes the table.
   *
   * @param models whose scores to write
   * @param out where to; not closed
   * @throws IOException if it cannot be written
   */
  public static void write(List<ComparedModel> models, Writer out) throws IOException {
    CsvSchema.Builder schema = CsvSchema.builder();
    COLUMNS.forEach(schema::addColumn);
    SequenceWriter rows =
        CsvMapper.builder()
            .disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET)
            .build()
            .writer(schema.build().withHeader())
            .writeValues(out);
    for (ComparedModel model : models) {
      for (LayerScores layer : model.signature().layers()) {
        for (String score : layer.scores().keySet()) {
          rows.write(row(model, layer, score));
        }
      }
    }
    rows.flush();
  }

  private static Object[] row(ComparedModel model, LayerScores layer, String score) {
    Score value = layer.scores().get(score);
    BatchScores batches = layer.batches().get(score);
    return new Object[] {
      model.name(),
      model.file().toString(),
      layer.index(),
      layer.path(),
      layer.call(),
      layer.activation(),
      layer.type(),
      layer.shape().stream().map(String::valueOf).collect(Collectors.joining("x")),
      layer.dimension(),
      score,
      cell(value),
      layer.errors().containsKey(score) ? cell(layer.errors().get(score)) : "",
      batches == null || batches.deviation().isEmpty() ? "" : batches.deviation().getAsDouble(),
      batches == null ? "" : batches.count(),
      value.map(number -> "", reason -> reason)
    };
  }

  private static Object cell(Score score) {
    return score.number().isPresent() ? (Object) score.number().getAsDouble() : "";
  }
}
