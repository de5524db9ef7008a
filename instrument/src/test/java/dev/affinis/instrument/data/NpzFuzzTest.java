package dev.affinis.instrument.data;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.affinis.fuzz.ByteMutator;
import dev.affinis.fuzz.ClearError;
import dev.affinis.fuzz.Fuzz;
import dev.affinis.fuzz.Mutator;
import dev.affinis.fuzz.TextMutator;
import dev.affinis.fuzz.ZipMutator;
import dev.affinis.instrument.InvalidInputException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Archives of arrays that NumPy has not written: entries, headers and lengths that lie. */
class NpzFuzzTest {
  private static final int BOMB = 1 << 22;

  private static final Path FOLDER = Fuzz.temporaryFolder();

  private static final Fuzz FUZZ = fuzz();

  private static Fuzz fuzz() {
    Mutator ofBytes = new ByteMutator("\u0093NUMPY", "<f4", "|u1");
    Mutator ofHeaders =
        headers(
            new TextMutator(
                "'descr'",
                "'fortran_order'",
                "'shape'",
                "True",
                "<f4",
                "<f8",
                "|u1",
                "|O",
                ">f4",
                "<i8",
                "images",
                "(2, 2, 2, 3)",
                "(3,)",
                "__import__('os')",
                "1, ".repeat(100)));
    Fuzz.Builder builder =
        Fuzz.builder()
            .setName("npz")
            .setTarget(NpzFuzzTest::read)
            .optAccepted(InvalidInputException.class)
            .optMutator(new ZipMutator(name -> Mutator.anyOf(ofBytes, ofHeaders), BOMB));
    try {
      for (boolean isDeflated : List.of(true, false)) {
        builder.optSeed(
            seed(
                new NpzWriter()
                    .array("images", "|u1", "(2, 2, 4, 3)", NpzWriter.counting(48))
                    .array("labels", "<i8", "(2,)", new byte[16]),
                isDeflated));
        builder.optSeed(
            seed(
                new NpzWriter()
                    .array("inputs", "<f4", "(3, 1, 2, 2)", NpzWriter.counting(48))
                    .array("labels", "|u1", "(3, 1)", new byte[3])
                    .array("names", "<U5", "(3,)", new byte[60]),
                isDeflated));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return builder.build();
  }

  private static byte[] seed(NpzWriter arrays, boolean isDeflated) throws IOException {
    Path file = arrays.write(FOLDER.resolve("seed.npz"), isDeflated);
    byte[] bytes = Files.readAllBytes(file);
    Files.delete(file);
    return bytes;
  }

  /** Changes the header of an array as text and makes its length fit again. */
  private static Mutator headers(TextMutator mutator) {
    return (input, random, corpus) -> {
      int end = 10;
      while (end < input.length && input[end - 1] != '\n') {
        end++;
      }
      if (end >= input.length) {
        return mutator.mutate(input, random, corpus);
      }
      byte[] text = mutator.mutate(Arrays.copyOfRange(input, 10, end), random, corpus);
      ByteBuffer result = ByteBuffer.allocate(10 + text.length + input.length - end);
      result.order(ByteOrder.LITTLE_ENDIAN).put(input, 0, 8).putShort((short) text.length);
      return result.put(text).put(input, end, input.length - end).array();
    };
  }

  private static void read(byte[] bytes) throws IOException {
    Path file = FOLDER.resolve("data.npz");
    file.toFile().deleteOnExit();
    Files.write(file, bytes);
    try (NpzSource source = NpzSource.open(file, Preprocessing.builder().build())) {
      for (int index : List.of(0, source.size() - 1)) {
        FloatBuffer target = FloatBuffer.allocate(Math.toIntExact(source.sampleShape().size()));
        source.read(index, target);
        assertTrue(!target.hasRemaining());
        assertTrue(source.label(index).orElse(0) >= 0);
      }
    } catch (InvalidInputException e) {
      throw ClearError.check(e, "data.npz");
    }
  }

  /** Called by Jazzer. */
  public static void fuzzerTestOneInput(byte[] input) {
    FUZZ.execute(input);
  }

  @Test
  void nothingButAClearError() {
    FUZZ.run().requireBoth();
  }
}
