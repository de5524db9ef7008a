package dev.affinis.cli;

import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * A model of a zoo, and how it is to be measured.
 *
 * @param name what its signature calls it, and the name of the signature file
 * @param model where it is, as {@code measure} takes it
 * @param file the model file; nothing for an address
 * @param source the data as the YAML file names them, which is what the signature says
 * @param data the data, as {@code measure} takes them
 * @param settings how it is measured
 * @param numbers what else is known of it, by name, such as its accuracy; copied
 */
record ZooModel(
    String name,
    String model,
    Optional<Path> file,
    String source,
    String data,
    ZooSettings settings,
    Map<String, Double> numbers) {
  ZooModel {
    numbers = Collections.unmodifiableMap(new LinkedHashMap<>(numbers));
  }
}
