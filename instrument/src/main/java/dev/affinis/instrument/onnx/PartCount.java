package dev.affinis.instrument.onnx;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.WireFormat;
import java.io.IOException;

/**
 * Counts what a serialised message is made of, before objects are made of it: an empty node takes
 * two bytes in a file and a hundred in memory, so that a small file could ask for all memory there
 * is. Weights are passed over.
 */
final class PartCount {
  /** Some 400,000 nodes: one has 20 to 40 parts with the types and notes of its results. */
  static final int MOST_PARTS = 16_000_000;

  /** As deep as protocol buffers are read. */
  private static final int DEEPEST = 100;

  private final CodedInputStream in;
  private int parts;

  /** A message that may be whole, but has more parts than are read. */
  static final class TooManyParts extends InvalidProtocolBufferException {
    private static final long serialVersionUID = 1L;

    TooManyParts() {
      super("more than " + MOST_PARTS + " parts");
    }
  }

  private PartCount(CodedInputStream in) {
    this.in = in;
  }

  /**
   * Reads a message to its end.
   *
   * @param in the message
   * @param type what it should be
   * @throws TooManyParts if it has more than {@link #MOST_PARTS}
   * @throws InvalidProtocolBufferException if it is damaged or nested too deeply
   */
  static void requireModest(CodedInputStream in, Descriptor type) throws IOException {
    new PartCount(in).message(type, 0);
  }

  private void message(Descriptor type, int depth) throws IOException {
    if (depth > DEEPEST) {
      throw new InvalidProtocolBufferException("it is nested more than " + DEEPEST + " deep");
    }
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      FieldDescriptor field = type.findFieldByNumber(WireFormat.getTagFieldNumber(tag));
      int wire = WireFormat.getTagWireType(tag);
      boolean isNumber = field != null && wire != WireFormat.WIRETYPE_LENGTH_DELIMITED;
      if (!isNumber && ++parts > MOST_PARTS) {
        throw new TooManyParts();
      }
      if (wire == WireFormat.WIRETYPE_START_GROUP || wire == WireFormat.WIRETYPE_END_GROUP) {
        throw new InvalidProtocolBufferException("it has a group, which no ONNX file has");
      }
      boolean isMessage =
          field != null
              && field.getJavaType() == FieldDescriptor.JavaType.MESSAGE
              && wire == WireFormat.WIRETYPE_LENGTH_DELIMITED;
      if (isMessage) {
        int outer = in.pushLimit(in.readRawVarint32());
        message(field.getMessageType(), depth + 1);
        in.popLimit(outer);
      } else {
        in.skipField(tag);
      }
    }
  }
}
