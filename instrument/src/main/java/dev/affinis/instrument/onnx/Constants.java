package dev.affinis.instrument.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Reads the few small constants that matter to us: bounds, factors, axes and shapes. */
final class Constants {
  private static final int MOST_INTEGERS = 64;

  private Constants() {}

  /** What a Constant node gives, or {@code null} if that is not a plain tensor. */
  static TensorProto valueOf(NodeProto constant) {
    for (AttributeProto attribute : constant.getAttributeList()) {
      switch (attribute.getName()) {
        case "value" -> {
          return attribute.getT();
        }
        case "value_float" -> {
          return tensor(DataType.FLOAT).addFloatData(attribute.getF()).build();
        }
        case "value_int" -> {
          return tensor(DataType.INT64).addInt64Data(attribute.getI()).build();
        }
        case "value_floats" -> {
          return tensor(DataType.FLOAT)
              .addDims(attribute.getFloatsCount())
              .addAllFloatData(attribute.getFloatsList())
              .build();
        }
        case "value_ints" -> {
          return tensor(DataType.INT64)
              .addDims(attribute.getIntsCount())
              .addAllInt64Data(attribute.getIntsList())
              .build();
        }
        default -> {}
      }
    }
    return null;
  }

  private static TensorProto.Builder tensor(DataType type) {
    return TensorProto.newBuilder().setDataType(type.getNumber());
  }

  /** Number of elements. */
  static long size(TensorProto tensor) {
    long size = 1;
    for (long dimension : tensor.getDimsList()) {
      size *= dimension;
    }
    return size;
  }

  static boolean isExternal(TensorProto tensor) {
    return tensor.getDataLocation() == TensorProto.DataLocation.EXTERNAL;
  }

  /** The only element, or {@code null} if there are others or its type is not numeric. */
  static Double scalar(TensorProto tensor) {
    return size(tensor) == 1 && !isExternal(tensor) ? element(tensor, 0) : null;
  }

  /** All elements of a short list of integers, or {@code null} if it is none. */
  static long[] integers(TensorProto tensor) {
    int type = tensor.getDataType();
    boolean integer = type == DataType.INT64.getNumber() || type == DataType.INT32.getNumber();
    if (!integer || isExternal(tensor) || size(tensor) > MOST_INTEGERS) {
      return null;
    }
    long[] values = new long[(int) size(tensor)];
    for (int i = 0; i < values.length; i++) {
      values[i] = element(tensor, i).longValue();
    }
    return values;
  }

  private static Double element(TensorProto tensor, int index) {
    DataType type = DataType.forNumber(tensor.getDataType());
    if (type == null) {
      return null;
    }
    if (!tensor.getRawData().isEmpty()) {
      ByteBuffer raw = tensor.getRawData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
      return switch (type) {
        case FLOAT -> (double) raw.getFloat(4 * index);
        case DOUBLE -> raw.getDouble(8 * index);
        case INT64 -> (double) raw.getLong(8 * index);
        case INT32 -> (double) raw.getInt(4 * index);
        case FLOAT16 -> half(raw.getShort(2 * index));
        case BFLOAT16 -> brain(raw.getShort(2 * index));
        default -> null;
      };
    }
    return switch (type) {
      case FLOAT -> (double) tensor.getFloatData(index);
      case DOUBLE -> tensor.getDoubleData(index);
      case INT64 -> (double) tensor.getInt64Data(index);
      case INT32 -> (double) tensor.getInt32Data(index);
      case FLOAT16 -> half((short) tensor.getInt32Data(index));
      case BFLOAT16 -> brain((short) tensor.getInt32Data(index));
      default -> null;
    };
  }

  /** IEEE 754 binary16: one sign bit, five of exponent, ten of fraction. */
  private static double half(short bits) {
    int exponent = (bits >> 10) & 0x1f;
    int fraction = bits & 0x3ff;
    double magnitude;
    if (exponent == 0x1f) {
      magnitude = fraction == 0 ? Double.POSITIVE_INFINITY : Double.NaN;
    } else if (exponent == 0) {
      magnitude = Math.scalb((double) fraction, -24);
    } else {
      magnitude = Math.scalb((double) (fraction | 0x400), exponent - 25);
    }
    return bits < 0 ? -magnitude : magnitude;
  }

  /** The upper half of a binary32. */
  private static double brain(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }
}
