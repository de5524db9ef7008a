package dev.affinis.report;

import dev.affinis.instrument.InvalidInputException;
import dev.affinis.signature.Signature;
import dev.affinis.signature.SignatureFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A model that takes part in a comparison.
 *
 * @param name what the model is called; different for each model of a comparison
 * @param file the signature file
 * @param measured when the signature was written, to the second
 * @param signature what was measured
 * @param numbers what else is known of the model, by name, such as its accuracy; finite; copied
 */
public record ComparedModel(
    String name, Path file, Instant measured, Signature signature, Map<String, Double> numbers) {
  /** Checks the numbers and copies them. */
  public ComparedModel {
    numbers = Collections.unmodifiableMap(new LinkedHashMap<>(numbers));
    numbers.forEach(
        (number, value) -> {
          if (!Double.isFinite(value)) {
            throw new IllegalArgumentException(
                "%s of %s must be finite, got %s".formatted(number, name, value));
          }
        });
  }

  /**
   * Reads signature files. Models of the same name get the names of their files appended, and a
   * number if these are the same, too.
   *
   * @param files signature files; none twice
   * @return a model for each file, in the same order, without further numbers
   * @throws IOException if a file cannot be read
   * @throws InvalidInputException if a file does not exist, is named twice, or is no complete
   *     signature of a schema that is known
   */
  public static List<ComparedModel> read(List<Path> files) throws IOException {
    Set<Path> seen = new HashSet<>();
    List<ComparedModel> models = new ArrayList<>();
    for (Path file : files) {
      if (!Files.exists(file)) {
        throw new InvalidInputException(
            "signature file " + file + " does not exist: write it with affinis measure --out");
      }
      if (Files.isDirectory(file)) {
        throw new InvalidInputException(
            "signature file %s is a folder: name the files in it, such as %s/*.json"
                .formatted(file, file));
      }
      if (!seen.add(file.toRealPath())) {
        throw new InvalidInputException("signature file " + file + " is named twice: name it once");
      }
      models.add(read(file));
    }
    return withOwnNames(models);
  }

  /**
   * Takes a signature that was just read or written.
   *
   * @param file its file
   * @param signature what is in it
   * @return the model, by the name in the signature, without further numbers
   * @throws IOException if the file is not there
   */
  public static ComparedModel of(Path file, Signature signature) throws IOException {
    Instant written = Files.getLastModifiedTime(file).toInstant().truncatedTo(ChronoUnit.SECONDS);
    return new ComparedModel(signature.model().name(), file, written, signature, Map.of());
  }

  private static ComparedModel read(Path file) throws IOException {
    Signature signature;
    try {
      signature = SignatureFile.read(file);
    } catch (NoSuchFileException e) {
      throw new InvalidInputException("signature file " + file + " has vanished", e);
    } catch (IllegalArgumentException e) {
      throw new InvalidInputException(e.getMessage(), e);
    }
    return of(file, signature);
  }

  private static List<ComparedModel> withOwnNames(List<ComparedModel> models) {
    Map<String, Long> counts =
        models.stream().collect(Collectors.groupingBy(ComparedModel::name, Collectors.counting()));
    List<ComparedModel> unique = new ArrayList<>();
    Set<String> taken = new HashSet<>();
    for (ComparedModel model : models) {
      String own =
          counts.get(model.name) == 1
              ? model.name
              : "%s (%s)".formatted(model.name, stem(model.file));
      String name = own;
      for (int number = 2; !taken.add(name); number++) {
        name = own + " " + number;
      }
      unique.add(model.withName(name));
    }
    return unique;
  }

  private static String stem(Path file) {
    String name = file.getFileName().toString();
    return name.endsWith(".json") ? name.substring(0, name.length() - ".json".length()) : name;
  }

  /**
   * Returns the same model by another name.
   *
   * @param other the name
   * @return the model
   */
  public ComparedModel withName(String other) {
    return new ComparedModel(other, file, measured, signature, numbers);
  }

  /**
   * Returns the same model with other numbers.
   *
   * @param others numbers by name, finite
   * @return the model
   */
  public ComparedModel withNumbers(Map<String, Double> others) {
    return new ComparedModel(name, file, measured, signature, others);
  }
}
