package dev.affinis.instrument.onnx;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnsafeByteOperations;
import dev.affinis.instrument.InvalidInputException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * An ONNX file: read without its weights taking memory, and copied with more nodes.
 *
 * <p>The file is mapped and weights stay where they are in it. Two protocol buffers of the same
 * type, one after the other, are one that has the fields of both; so a copy with more nodes is the
 * file itself, byte by byte, with a small message behind it that holds nothing but these nodes.
 */
final class OnnxFile {
  private final Path path;
  private final ModelProto model;
  private final SortedMap<String, Path> external = new TreeMap<>();

  /**
   * Reads a file.
   *
   * @throws InvalidInputException if it is no ONNX model, or weights that it keeps in other files
   *     are not there
   */
  OnnxFile(Path path) throws IOException {
    this.path = path;
    model = parse(path);
    if (model.getGraph().getNodeCount() == 0) {
      throw new InvalidInputException(
          "model "
              + path
              + " is no ONNX model with a graph: give a file that an exporter wrote, such as"
              + " torch.onnx.export");
    }
    for (TensorProto tensor : model.getGraph().getInitializerList()) {
      if (Constants.isExternal(tensor)) {
        Path data = requirePresent(tensor);
        external.put(folder().relativize(data).toString().replace('\\', '/'), data);
      }
    }
  }

  private static ModelProto parse(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      if (channel.size() > Integer.MAX_VALUE) {
        throw new InvalidInputException(
            "model "
                + path
                + " has "
                + channel.size()
                + " bytes, but an ONNX file holds at most 2 GB: export it with external data");
      }
      CodedInputStream in =
          UnsafeByteOperations.unsafeWrap(channel.map(MapMode.READ_ONLY, 0, channel.size()))
              .newCodedInput();
      in.enableAliasing(true);
      return ModelProto.parseFrom(in);
    } catch (InvalidProtocolBufferException e) {
      throw new InvalidInputException(
          "model "
              + path
              + " is no ONNX file or is damaged ("
              + e.getMessage()
              + "): export it again",
          e);
    }
  }

  private Path requirePresent(TensorProto tensor) throws IOException {
    Map<String, String> entries = new HashMap<>();
    for (StringStringEntryProto entry : tensor.getExternalDataList()) {
      entries.put(entry.getKey(), entry.getValue());
    }
    String location = entries.getOrDefault("location", "");
    Path file;
    long end;
    try {
      file = folder().resolve(location).normalize();
      end =
          Long.parseLong(entries.getOrDefault("offset", "0"))
              + Long.parseLong(entries.getOrDefault("length", "0"));
    } catch (InvalidPathException | NumberFormatException e) {
      throw new InvalidInputException(
          "model "
              + path
              + " says wrongly where its weight "
              + tensor.getName()
              + " is: export it"
              + " again",
          e);
    }
    if (!Files.isRegularFile(file) || !Files.isReadable(file)) {
      throw new InvalidInputException(
          "model "
              + path
              + " keeps its weight "
              + tensor.getName()
              + " in "
              + file
              + ", which is not there or cannot be read: put that file next to the model");
    }
    if (Files.size(file) < end) {
      throw new InvalidInputException(
          "model "
              + path
              + " keeps its weight "
              + tensor.getName()
              + " in "
              + file
              + " up to byte "
              + end
              + ", but that file has only "
              + Files.size(file)
              + ": it is cut short or belongs to another model, copy both again");
    }
    return file;
  }

  Path path() {
    return path;
  }

  ModelProto model() {
    return model;
  }

  /** Whether weights are in other files, which are looked for in {@link #folder()}. */
  boolean hasExternalData() {
    return !external.isEmpty();
  }

  /** The other files that hold weights, in the order of their names. */
  List<Path> externalFiles() {
    return List.copyOf(external.values());
  }

  Path folder() {
    return path.toAbsolutePath().normalize().getParent();
  }

  /** Writes the file with more fields behind it. */
  void copyTo(Path target, ModelProto more) throws IOException {
    Files.copy(path, target, StandardCopyOption.REPLACE_EXISTING);
    Files.write(target, more.toByteArray(), StandardOpenOption.APPEND);
  }

  /** The file with more fields behind it. */
  InputStream open(ModelProto more) throws IOException {
    return new SequenceInputStream(
        Files.newInputStream(path), new ByteArrayInputStream(more.toByteArray()));
  }
}
