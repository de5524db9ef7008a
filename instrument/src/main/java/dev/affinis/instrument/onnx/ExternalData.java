package dev.affinis.instrument.onnx;

import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import dev.affinis.instrument.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The other files that an ONNX file keeps weights in. They must be in its folder or below: a model
 * from a stranger must not choose which files of this machine are read. Links are followed before
 * that is judged; a model that is a link itself, as in caches, has the folder that it leads to,
 * too.
 */
final class ExternalData {
  /** A location that ONNX Runtime takes for memory instead, with the offset as the address. */
  private static final String MEMORY = "*/_ORT_MEM_ADDR_/*";

  private final Path model;
  private final Path folder;
  private final SortedMap<String, Path> files = new TreeMap<>();

  /**
   * Begins without files.
   *
   * @param model the ONNX file
   */
  ExternalData(Path model) {
    this.model = model;
    folder = model.toAbsolutePath().normalize().getParent();
  }

  /** The folder that files are looked for in. */
  Path folder() {
    return folder;
  }

  /** The files, in the order of their names. */
  List<Path> files() {
    return List.copyOf(files.values());
  }

  /**
   * Takes a tensor whose data are in another file.
   *
   * @throws InvalidInputException if they are not there, or anywhere but in the model's folder
   */
  void add(TensorProto tensor) throws IOException {
    Map<String, String> entries = new HashMap<>();
    for (StringStringEntryProto entry : tensor.getExternalDataList()) {
      entries.put(entry.getKey(), entry.getValue());
    }
    Path file;
    long start;
    long end;
    try {
      String name = entries.getOrDefault("location", "");
      if (name.equals(MEMORY)) {
        throw fault(tensor, "memory at an address of its own choice: export it again");
      }
      Path location = Path.of(name);
      file = folder.resolve(location).normalize();
      if (location.isAbsolute() || !file.startsWith(folder)) {
        throw fault(tensor, file + ", outside the model's folder: export it again");
      }
      start = number(entries, "offset");
      end = Math.addExact(start, length(tensor, number(entries, "length")));
    } catch (InvalidPathException | ArithmeticException | NumberFormatException e) {
      throw new InvalidInputException(
          "model "
              + model
              + " says wrongly where its weight "
              + tensor.getName()
              + " is: export it again",
          e);
    }
    if (!Files.isRegularFile(file) || !Files.isReadable(file)) {
      throw fault(
          tensor, file + ", which is not there or cannot be read: put that file next to the model");
    }
    requireInFolder(tensor, file);
    if (Files.size(file) < end) {
      throw fault(
          tensor,
          file
              + " up to byte "
              + end
              + ", but that file has only "
              + Files.size(file)
              + ": it is cut short or belongs to another model, copy both again");
    }
    files.put(folder.relativize(file).toString().replace('\\', '/'), file);
  }

  private static long number(Map<String, String> entries, String key) {
    long number = Long.parseLong(entries.getOrDefault(key, "0"));
    if (number < 0) {
      throw new NumberFormatException(key + " " + number);
    }
    return number;
  }

  /** Bytes of a tensor by its sizes; what the file says where the type does not tell. */
  private static long length(TensorProto tensor, long given) {
    long bytes = Math.multiplyExact(Constants.size(tensor), TensorSizes.elementBytes(tensor));
    if (given != 0 && bytes != 0 && given != bytes) {
      throw new NumberFormatException("length " + given + " of " + bytes);
    }
    return bytes == 0 ? given : bytes;
  }

  private void requireInFolder(TensorProto tensor, Path file) throws IOException {
    Path real = file.toRealPath();
    boolean isNear =
        real.startsWith(folder.toRealPath()) || real.startsWith(model.toRealPath().getParent());
    if (!isNear) {
      throw fault(
          tensor,
          file
              + ", a link to "
              + real
              + " outside the model's folder: put the file itself next to the model");
    }
  }

  private InvalidInputException fault(TensorProto tensor, String where) {
    return new InvalidInputException(
        "model " + model + " keeps its weight " + tensor.getName() + " in " + where);
  }
}
