package dev.affinis.cli;

import dev.affinis.instrument.Globs;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.ZooAddress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Paths in a zoo's YAML file, which are relative to the folder of the file. */
final class ZooPaths {
  private static final String RANDOM = "random";

  /** One of DJL's datasets with files of one's own. */
  private static final Pattern PLACED = Pattern.compile("(djl:[^=]*=)(.+)");

  private static final Pattern EXTENSION =
      Pattern.compile("(.+?)(\\.pt|\\.onnx|\\.zip|\\.tar|\\.tar\\.gz|\\.tgz)");

  private final Path folder;

  ZooPaths(Path file) {
    folder = file.toAbsolutePath().normalize().getParent();
  }

  /** Whether an entry names no model itself, but what several may fit. */
  boolean isPattern(String written) {
    return !isAddress(written) && firstWildcard(written) < written.length() && !isThere(written);
  }

  /** Whether a model is no path on this machine, or is not written as one. */
  static boolean isAddress(String written) {
    return written.contains("://") || written.startsWith("jar:") || written.startsWith("file:");
  }

  /**
   * Finds the models that an entry means.
   *
   * @param written a path, a pattern of paths, or an address
   * @return absolute paths in their order, or the address
   * @throws InvalidInputException if it is a pattern, and no model fits it
   */
  List<String> models(String written, YamlFields entry) throws IOException {
    try {
      if (isPattern(written)) {
        return fitting(written, entry);
      }
      return List.of(isAddress(written) ? written : folder.resolve(written).normalize().toString());
    } catch (InvalidPathException e) {
      throw entry.error("model", written + " is no valid path: " + e.getReason());
    }
  }

  private boolean isThere(String written) {
    try {
      return Files.exists(folder.resolve(written));
    } catch (InvalidPathException e) {
      return false; // some systems know no file with a * in its name
    }
  }

  private List<String> fitting(String pattern, YamlFields entry) throws IOException {
    String text = pattern.replace('\\', '/');
    int plain = text.substring(0, firstWildcard(text)).lastIndexOf('/') + 1;
    Path start = folder.resolve(text.substring(0, plain)).normalize();
    String rest = text.substring(plain);
    int depth = rest.contains("**") ? Integer.MAX_VALUE : rest.split("/", -1).length;
    PathMatcher matcher;
    try {
      matcher = Globs.matcher(rest);
    } catch (IllegalArgumentException e) {
      throw entry.error("model", "pattern " + pattern + " " + e.getMessage());
    }
    List<String> found = List.of();
    if (Files.isDirectory(start)) {
      try (Stream<Path> files = Files.walk(start, depth)) {
        found =
            files
                .filter(file -> matcher.matches(start.relativize(file)) && isModel(file))
                .sorted()
                .map(Path::toString)
                .toList();
      }
    }
    if (found.isEmpty()) {
      throw entry.error("model", "no .pt or .onnx file in " + folder + " fits " + pattern);
    }
    return found;
  }

  private static int firstWildcard(String text) {
    Matcher wildcard = Pattern.compile("[*?\\[{]").matcher(text);
    return wildcard.find() ? wildcard.start() : text.length();
  }

  private static boolean isModel(Path file) {
    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    return Files.isRegularFile(file) && (name.endsWith(".pt") || name.endsWith(".onnx"));
  }

  /** The data as {@code measure} takes them, wherever it runs. */
  String data(String written) {
    if (written.equals(RANDOM)) {
      return written;
    }
    Matcher placed = PLACED.matcher(written);
    if (placed.matches()) {
      return placed.group(1) + folder.resolve(placed.group(2)).normalize();
    }
    return written.startsWith("djl:") ? written : folder.resolve(written).normalize().toString();
  }

  /** What to call a model, from its path or address. */
  static String nameOf(String model) {
    String path = ZooAddress.isAddress(model) ? model.replaceFirst("[?#].*", "") : model;
    String folders = path.replace('\\', '/');
    int end = folders.length();
    while (end > 0 && folders.charAt(end - 1) == '/') {
      end--;
    }
    String last = folders.substring(folders.lastIndexOf('/', end - 1) + 1, end);
    Matcher extension = EXTENSION.matcher(last);
    return extension.matches() ? extension.group(1) : last;
  }
}
