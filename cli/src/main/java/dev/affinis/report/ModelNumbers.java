package dev.affinis.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.dataformat.csv.CsvMapper;
import com.fasterxml.jackson.dataformat.csv.CsvParser;
import com.fasterxml.jackson.dataformat.csv.CsvSchema;
import dev.affinis.instrument.InvalidInputException;
import java.io.CharConversionException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What is known of models besides their signatures, from a CSV file: a first line with {@code
 * model} and the names of the numbers, such as {@code model,accuracy}, then a line for each model.
 * An empty cell is a number that is not known.
 */
public final class ModelNumbers {
  private static final String KEY = "model";
  private static final long MOST_BYTES = 1 << 24;
  private static final int SHOWN = 10;

  /** Numbers whose squares can be added. */
  private static final double LARGEST = 1e150;

  private ModelNumbers() {}

  /**
   * Reads numbers and gives them to the models they belong to. A line belongs to the model of that
   * name in the comparison, or in the signature file.
   *
   * @param file a CSV file in UTF-8
   * @param models the models
   * @return the models with the numbers that the file has of them, added to what they have; lines
   *     about other models are passed over
   * @throws IOException if the file cannot be read
   * @throws InvalidInputException if it is no such table, a model is in it twice, a cell is no
   *     finite number, or no line is about any of the models
   */
  public static List<ComparedModel> addTo(List<ComparedModel> models, Path file)
      throws IOException {
    Map<String, Map<String, Double>> table = read(file);
    List<ComparedModel> result = new ArrayList<>();
    boolean any = false;
    for (ComparedModel model : models) {
      Map<String, Double> numbers =
          table.getOrDefault(model.name(), table.get(model.signature().model().name()));
      any |= numbers != null;
      Map<String, Double> all = new LinkedHashMap<>(model.numbers());
      all.putAll(numbers == null ? Map.of() : numbers);
      result.add(model.withNumbers(all));
    }
    if (!any) {
      throw new InvalidInputException(
          "%s has lines about %s, but none about the models %s: write their names into the column %s"
              .formatted(
                  file,
                  table.isEmpty() ? "no model" : firstOf(table.keySet()),
                  String.join(", ", models.stream().map(ComparedModel::name).toList()),
                  KEY));
    }
    return result;
  }

  private static String firstOf(Collection<String> names) {
    return names.stream().limit(SHOWN).collect(Collectors.joining(", "))
        + (names.size() > SHOWN ? " and others" : "");
  }

  private static Map<String, Map<String, Double>> read(Path file) throws IOException {
    Map<String, Map<String, Double>> table = new LinkedHashMap<>();
    if (Files.exists(file) && Files.size(file) > MOST_BYTES) {
      throw new InvalidInputException(
          file + " has more than " + MOST_BYTES + " bytes: expected a line for each model");
    }
    try (InputStream in = Files.newInputStream(file);
        MappingIterator<Map<String, String>> rows =
            CsvMapper.builder()
                .enable(CsvParser.Feature.TRIM_SPACES)
                .enable(CsvParser.Feature.SKIP_EMPTY_LINES)
                .enable(CsvParser.Feature.FAIL_ON_MISSING_COLUMNS)
                .build()
                .readerForMapOf(String.class)
                .with(CsvSchema.emptySchema().withHeader())
                .readValues(in)) {
      while (rows.hasNextValue()) {
        Map<String, String> row = new LinkedHashMap<>(rows.nextValue());
        int line = rows.getCurrentLocation().getLineNr();
        String model = row.remove(KEY);
        if (model == null || row.isEmpty()) {
          throw new InvalidInputException(
              "%s: the first line must be %s and names of numbers, such as %s,accuracy"
                  .formatted(file, KEY, KEY));
        }
        if (table.put(model, numbers(row, model, file)) != null) {
          throw new InvalidInputException(
              "%s has a second line about %s near line %s: keep one".formatted(file, model, line));
        }
      }
    } catch (JsonProcessingException e) {
      throw new InvalidInputException(
          file + " is no table of comma-separated values: " + e.getOriginalMessage(), e);
    } catch (NoSuchFileException e) {
      throw new InvalidInputException("file of numbers " + file + " does not exist", e);
    } catch (CharConversionException e) {
      throw new InvalidInputException(file + " is no text in UTF-8: " + e.getMessage(), e);
    }
    return table;
  }

  private static Map<String, Double> numbers(Map<String, String> row, String model, Path file) {
    Map<String, Double> numbers = new LinkedHashMap<>();
    row.forEach(
        (name, cell) -> {
          if (!cell.isEmpty()) {
            numbers.put(name, number(cell, name, model, file));
          }
        });
    return numbers;
  }

  private static double number(String cell, String name, String model, Path file) {
    double value;
    try {
      value = Double.parseDouble(cell);
    } catch (NumberFormatException e) {
      value = Double.NaN;
    }
    if (!(Math.abs(value) <= LARGEST)) {
      throw new InvalidInputException(
          "%s: %s of %s must be a finite number such as 0.76, got %s"
              .formatted(file, name, model, cell));
    }
    return value;
  }
}
