package dev.affinis.instrument.onnx;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
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
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

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
  private final ExternalData external;

  /**
   * Reads a file.
   *
   * @throws InvalidInputException if it is no ONNX model, breaks a rule of {@link GraphRules}, or
   *     weights that it keeps in other files are not there or not in its folder
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
    GraphRules.check(path, model);
    external = new ExternalData(path);
    List<TensorProto> elsewhere = new ArrayList<>();
    TensorSizes.forEach(
        model,
        tensor -> {
          if (Constants.isExternal(tensor)) {
            elsewhere.add(tensor);
          }
        });
    for (TensorProto tensor : elsewhere) {
      external.add(tensor);
    }
  }

  private static ModelProto parse(Path path) throws IOException {
    if (!Files.isRegularFile(path)) {
      throw new InvalidInputException("model " + path + " is no file: give an ONNX file");
    }
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      if (channel.size() > Integer.MAX_VALUE) {
        throw new InvalidInputException(
            "model "
                + path
                + " has "
                + channel.size()
                + " bytes, but an ONNX file holds at most 2 GB: export it with external data");
      }
      ByteString bytes =
          UnsafeByteOperations.unsafeWrap(channel.map(MapMode.READ_ONLY, 0, channel.size()));
      PartCount.requireModest(bytes.newCodedInput(), ModelProto.getDescriptor());
      CodedInputStream in = bytes.newCodedInput();
      in.enableAliasing(true);
      return ModelProto.parseFrom(in);
    } catch (PartCount.TooManyParts e) {
      throw new InvalidInputException(
          "model "
              + path
              + " is too large to be instrumented: its graph has more than "
              + PartCount.MOST_PARTS
              + " parts (nodes, attributes, names, sizes), as some 400,000 nodes have; export it"
              + " without notes (doc_string, value_info) and unrolled loops, or give a part of it"
              + " (onnx.utils.extract_model)",
          e);
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

  Path path() {
    return path;
  }

  ModelProto model() {
    return model;
  }

  /** Whether weights are in other files, which are looked for in {@link #folder()}. */
  boolean hasExternalData() {
    return !external.files().isEmpty();
  }

  /** The other files that hold weights, in the order of their names. */
  List<Path> externalFiles() {
    return external.files();
  }

  Path folder() {
    return external.folder();
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
