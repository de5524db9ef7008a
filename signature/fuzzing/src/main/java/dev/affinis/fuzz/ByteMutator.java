package dev.affinis.fuzz;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** Changes bytes, knowing nothing of a format: one to eight changes, most often one. */
public final class ByteMutator implements Mutator {
  private static final long[] NUMBERS = {
    0,
    1,
    -1,
    2,
    16,
    64,
    127,
    128,
    255,
    256,
    Short.MAX_VALUE,
    Short.MIN_VALUE,
    0xffff,
    Integer.MAX_VALUE,
    Integer.MIN_VALUE,
    0xffffffffL,
    1L << 32,
    Long.MAX_VALUE,
    Long.MIN_VALUE
  };

  private final List<byte[]> words;

  /**
   * Makes a mutator.
   *
   * @param words that mean something in the format
   */
  public ByteMutator(String... words) {
    this.words = Arrays.stream(words).map(w -> w.getBytes(StandardCharsets.UTF_8)).toList();
  }

  @Override
  public byte[] mutate(byte[] input, SplittableRandom random, List<byte[]> corpus) {
    byte[] result = input;
    int changes = 1;
    while (changes < 8 && random.nextInt(3) == 0) {
      changes++;
    }
    for (int i = 0; i < changes; i++) {
      result = change(result, random, corpus);
    }
    return result;
  }

  private byte[] change(byte[] input, SplittableRandom random, List<byte[]> corpus) {
    int at = random.nextInt(input.length + 1);
    int length = random.nextInt(1, 1 + Math.min(64, input.length - at + 1));
    int end = Math.min(input.length, at + length);
    return switch (random.nextInt(10)) {
      case 0, 1 -> flip(input, random);
      case 2, 3 -> number(input, random);
      case 4 -> join(input, at, new byte[0], end);
      case 5 -> join(input, at, noise(random, length), at);
      case 6 -> join(input, end, Arrays.copyOfRange(input, at, end), end);
      case 7 -> join(input, at, part(corpus.get(random.nextInt(corpus.size())), random), end);
      case 8 -> Arrays.copyOf(input, at);
      default ->
          words.isEmpty()
              ? flip(input, random)
              : join(input, at, words.get(random.nextInt(words.size())), at);
    };
  }

  private static byte[] flip(byte[] input, SplittableRandom random) {
    byte[] result = input.clone();
    if (result.length > 0) {
      result[random.nextInt(result.length)] ^= (byte) (1 << random.nextInt(8));
    }
    return result;
  }

  /** Writes a number of 1, 2, 4 or 8 bytes over what is there. */
  private static byte[] number(byte[] input, SplittableRandom random) {
    int width = 1 << random.nextInt(4);
    if (input.length < width) {
      return input;
    }
    long value = NUMBERS[random.nextInt(NUMBERS.length)];
    boolean isLittle = random.nextBoolean();
    byte[] eight =
        ByteBuffer.allocate(Long.BYTES)
            .order(isLittle ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN)
            .putLong(value)
            .array();
    byte[] result = input.clone();
    System.arraycopy(
        eight,
        isLittle ? 0 : Long.BYTES - width,
        result,
        random.nextInt(input.length - width + 1),
        width);
    return result;
  }

  private static byte[] noise(SplittableRandom random, int length) {
    byte[] noise = new byte[length];
    random.nextBytes(noise);
    return noise;
  }

  private static byte[] part(byte[] other, SplittableRandom random) {
    int from = random.nextInt(other.length + 1);
    return Arrays.copyOfRange(
        other, from, from + random.nextInt(Math.min(other.length - from, 1024) + 1));
  }

  /** What stands before {@code from}, something else, what stands from {@code to} on. */
  private static byte[] join(byte[] input, int from, byte[] between, int to) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(input.length + between.length);
    out.write(input, 0, from);
    out.writeBytes(between);
    out.write(input, to, input.length - to);
    return out.toByteArray();
  }
}
