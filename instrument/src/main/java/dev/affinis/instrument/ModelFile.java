package dev.affinis.instrument;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * A model file on disk.
 *
 * @param path the file
 * @param name its name without the extension, used as the model's name
 */
record ModelFile(Path path, String name) {
  private static final String TORCHSCRIPT = ".pt";
  private static final String ONNX = ".onnx";

  /**
   * Finds the model file that a path means.
   *
   * @param path a TorchScript or ONNX file, or a folder that holds exactly one
   * @return the model file
   * @throws InvalidInputException if there is none
   * @throws IOException if a folder cannot be listed
   */
  static ModelFile find(Path path) throws IOException {
    if (Files.isDirectory(path)) {
      List<Path> models;
      try (Stream<Path> files = Files.list(path)) {
        models =
            files
                .filter(f -> hasExtension(f, TORCHSCRIPT) || hasExtension(f, ONNX))
                .sorted()
                .toList();
      }
      if (models.size() != 1) {
        throw new InvalidInputException(
            "folder "
                + path
                + " holds "
                + (models.isEmpty() ? "no" : String.valueOf(models.size()))
                + " .pt or .onnx files, expected one: give the model file itself");
      }
      return find(models.get(0));
    }
    if (!Files.exists(path)) {
      throw new InvalidInputException(
          "model "
              + path
              + " does not exist: give a TorchScript file (.pt), an ONNX file (.onnx) or a folder"
              + " with one");
    }
    if (!Files.isReadable(path)) {
      throw new InvalidInputException(
          "model " + path + " cannot be read: check the file's permissions");
    }
    return new ModelFile(path, nameOf(path));
  }

  private static String nameOf(Path path) {
    String file = path.getFileName().toString();
    for (String extension : List.of(TORCHSCRIPT, ONNX)) {
      if (hasExtension(path, extension)) {
        return file.substring(0, file.length() - extension.length());
      }
    }
    return file;
  }

  /** Whether this is an ONNX file; any other is taken for TorchScript. */
  boolean isOnnx() {
    return hasExtension(path, ONNX);
  }

  private static boolean hasExtension(Path path, String extension) {
    return path.getFileName().toString().toLowerCase(Locale.ROOT).endsWith(extension);
  }

  /**
   * Computes the model's checksum.
   *
   * @param weights further files that hold weights of the model
   * @return SHA-256 of the file's content followed by that of the further files in their order, in
   *     lower-case hexadecimal
   * @throws IOException if one cannot be read
   */
  String sha256(List<Path> weights) throws IOException {
    return Sha256.of(
        out -> {
          Files.copy(path, out);
          for (Path file : weights) {
            Files.copy(file, out);
          }
        });
  }
}
