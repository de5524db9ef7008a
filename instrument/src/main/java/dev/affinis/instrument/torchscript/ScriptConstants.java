package dev.affinis.instrument.torchscript;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads the numbers among a program's constants: traced programs keep {@code 0.5} as a tensor with
 * no axes, and call it {@code CONSTANTS.c3}.
 *
 * <p>The list of constants is pickled. Of the pickle machine's operations those are known that a
 * list of tensors needs; where there is another, the constants are not known, which is no error.
 */
final class ScriptConstants {
  private static final Object MARK = new Object();
  private static final String TENSOR = "torch._utils _rebuild_tensor_v2";

  private final ByteBuffer in;
  private final Map<Integer, Object> memo = new HashMap<>();
  private final List<Object> stack = new ArrayList<>();

  /** A tensor: type of its elements, the entry that holds them, the first one, how many. */
  private record Storage(String type, String entry, long offset, long size) {}

  /** Reads bytes of an entry by its name, null if there is none or it ends before. */
  interface Entries {
    byte[] read(String entry, long from, int length) throws IOException;
  }

  private ScriptConstants(byte[] pickle) {
    in = ByteBuffer.wrap(pickle).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Reads the constants.
   *
   * @param pickle the pickled list
   * @param entries where the tensors' elements are
   * @return for each constant its value if it is a tensor with one element, otherwise null
   */
  static List<Double> read(byte[] pickle, Entries entries) throws IOException {
    List<Double> numbers = new ArrayList<>();
    Object all;
    try {
      all = new ScriptConstants(pickle).run();
    } catch (IllegalArgumentException
        | IndexOutOfBoundsException
        | BufferUnderflowException
        | ClassCastException e) {
      // Constants of other kinds are among them: then nothing is known of any.
      return numbers;
    }
    if (all instanceof List<?> list) {
      for (Object constant : list) {
        boolean isOne = constant instanceof Storage storage && storage.size() == 1;
        numbers.add(isOne ? element((Storage) constant, entries) : null);
      }
    }
    return numbers;
  }

  private static Double element(Storage storage, Entries entries) throws IOException {
    int width = storage.type().matches("torch (Double|Long)Storage") ? 8 : 4;
    if (storage.offset() < 0 || storage.offset() > Long.MAX_VALUE / width - 1) {
      return null;
    }
    byte[] bytes = entries.read(storage.entry(), storage.offset() * width, width);
    if (bytes == null) {
      return null;
    }
    ByteBuffer raw = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    return switch (storage.type()) {
      case "torch FloatStorage" -> (double) raw.getFloat(0);
      case "torch DoubleStorage" -> raw.getDouble(0);
      case "torch LongStorage" -> (double) raw.getLong(0);
      case "torch IntStorage" -> (double) raw.getInt(0);
      default -> null;
    };
  }

  private Object run() {
    while (true) {
      int operation = in.get() & 0xff;
      if (operation == '.') {
        return pop();
      }
      step(operation);
    }
  }

  private void step(int operation) {
    switch (operation) {
      case 0x80 -> in.get();
      case '(' -> stack.add(MARK);
      case ')', ']' -> stack.add(new ArrayList<>());
      case 'c' -> stack.add(line() + ' ' + line());
      case 'X' -> stack.add(new String(bytes(in.getInt()), StandardCharsets.UTF_8));
      case 'q' -> memo.put(in.get() & 0xff, top());
      case 'r' -> memo.put(in.getInt(), top());
      case 'h' -> stack.add(remembered(in.get() & 0xff));
      case 'j' -> stack.add(remembered(in.getInt()));
      case 'K' -> stack.add((long) (in.get() & 0xff));
      case 'M' -> stack.add((long) (in.getShort() & 0xffff));
      case 'J' -> stack.add((long) in.getInt());
      case 0x8a -> stack.add(number(bytes(in.get() & 0xff)));
      case 'N', 0x88, 0x89 -> stack.add(operation);
      case 't' -> stack.add(since(stack.lastIndexOf(MARK), 1));
      case 0x85, 0x86, 0x87 -> stack.add(since(stack.size() - (operation - 0x84), 0));
      case 'Q' -> {
        // ("storage", type, entry, device, number of elements)
        List<?> parts = (List<?>) pop();
        stack.add(new Storage((String) parts.get(1), (String) parts.get(2), 0, 0));
      }
      case 'R' -> {
        List<?> arguments = (List<?>) pop();
        stack.add(TENSOR.equals(pop()) ? tensor(arguments) : arguments);
      }
      default -> throw new IllegalArgumentException("pickle operation " + operation);
    }
  }

  /** (storage, offset, sizes, strides, ...) */
  private static Storage tensor(List<?> arguments) {
    Storage storage = (Storage) arguments.get(0);
    long size = 1;
    for (Object axis : (List<?>) arguments.get(2)) {
      size *= (Long) axis;
    }
    return new Storage(storage.type(), storage.entry(), (Long) arguments.get(1), size);
  }

  private Object remembered(int key) {
    if (!memo.containsKey(key)) {
      throw new IllegalArgumentException("pickle memo " + key);
    }
    return memo.get(key);
  }

  private Object top() {
    return stack.get(stack.size() - 1);
  }

  private Object pop() {
    return stack.remove(stack.size() - 1);
  }

  /** Takes everything from a position on, less the mark that may stand there. */
  private List<Object> since(int position, int marks) {
    List<Object> items = stack.subList(position, stack.size());
    List<Object> copy = new ArrayList<>(items.subList(marks, items.size()));
    items.clear();
    return copy;
  }

  private byte[] bytes(int length) {
    if (length < 0 || length > in.remaining()) {
      throw new IllegalArgumentException("pickle text of length " + length);
    }
    byte[] bytes = new byte[length];
    in.get(bytes);
    return bytes;
  }

  private String line() {
    StringBuilder line = new StringBuilder();
    for (char c = (char) in.get(); c != '\n'; c = (char) in.get()) {
      line.append(c);
    }
    return line.toString();
  }

  /** Little-endian two's complement. */
  private static long number(byte[] bytes) {
    long number = 0;
    for (int i = bytes.length - 1; i >= 0; i--) {
      number = i == bytes.length - 1 ? bytes[i] : number << 8 | (bytes[i] & 0xff);
    }
    return number;
  }
}
