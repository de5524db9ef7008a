package dev.affinis.fuzz;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class FuzzTest {
  private static final byte[] SEED =
      "a = [1, (2), \"three\"]\nb = 4\n".getBytes(StandardCharsets.UTF_8);

  private static Fuzz.Builder fuzz(Fuzz.Target target) {
    return Fuzz.builder().setName("fuzz-test").setTarget(target).optSeed(SEED);
  }

  @Test
  void countsWhatIsTakenAndWhatIsRefused() {
    Fuzz.Outcome outcome =
        fuzz(input -> {
              if (input.length > SEED.length) {
                throw new IllegalArgumentException("too long");
              }
            })
            .optAccepted(IllegalArgumentException.class)
            .build()
            .run(500);
    assertEquals(501, outcome.taken() + outcome.refused());
    assertTrue(outcome.taken() > 50 && outcome.refused() > 50, outcome.toString());
    outcome.requireBoth();
  }

  @Test
  void filesThatAreAllTakenOrAllRefusedAreTold() {
    assertThrows(AssertionError.class, () -> new Fuzz.Outcome(3, 0).requireBoth());
    assertThrows(AssertionError.class, () -> new Fuzz.Outcome(0, 3).requireBoth());
  }

  @Test
  void anyOtherErrorIsAFinding() {
    Fuzz fuzz =
        fuzz(input -> {
              if (input.length < SEED.length) {
                throw new NumberFormatException("a kind of IllegalArgumentException, but not that");
              }
            })
            .optAccepted(IllegalArgumentException.class)
            .build();
    String message = assertThrows(AssertionError.class, () -> fuzz.run(500)).getMessage();
    assertTrue(message.startsWith("fuzz-test: 1 kinds of finding"), message);
    assertTrue(message.contains("NumberFormatException"), message);
    assertTrue(message.contains("kept as target"), message);
  }

  @Test
  void aMutatorThatFailsIsNotTakenForTheEnd() {
    Fuzz fuzz =
        fuzz(input -> assertEquals(SEED.length, input.length))
            .optMutator(
                (input, random, corpus) -> {
                  throw new OutOfMemoryError("of the mutator");
                })
            .build();
    Throwable thrown = assertThrows(IllegalStateException.class, () -> fuzz.run(3));
    assertEquals("of the mutator", thrown.getCause().getMessage());
  }

  @Test
  void deepRecursionIsAFinding() {
    Fuzz fuzz = fuzz(input -> recurse(0)).build();
    String message = assertThrows(AssertionError.class, () -> fuzz.run(1)).getMessage();
    assertTrue(message.contains("StackOverflowError"), message);
  }

  private static int recurse(int depth) {
    return depth < 0 ? 0 : 1 + recurse(depth + 1);
  }

  @Test
  void muchMemoryIsAFinding() {
    Fuzz fuzz =
        fuzz(input -> assertEquals(2 << 20, new byte[2 << 20].length)).optBytes(1 << 20).build();
    String message = assertThrows(AssertionError.class, () -> fuzz.run(1)).getMessage();
    assertTrue(message.contains("bytes of memory"), message);
  }

  @Test
  void whatDoesNotEndIsAFinding() {
    Fuzz fuzz =
        fuzz(input -> {
              while (!Thread.currentThread().isInterrupted()) {
                Thread.onSpinWait();
              }
            })
            .optSeconds(0.05)
            .build();
    String message = assertThrows(AssertionError.class, () -> fuzz.run(1)).getMessage();
    assertTrue(message.contains("does not end"), message);
  }

  @Test
  void slownessIsAFinding() {
    Fuzz fuzz =
        fuzz(input -> {
              long end = System.nanoTime() + 20_000_000;
              while (System.nanoTime() < end) {
                Thread.onSpinWait();
              }
            })
            .optSeconds(0.002)
            .build();
    assertThrows(AssertionError.class, () -> fuzz.run(1));
  }

  @Test
  void aSeedSaysWhichFileItIs() {
    ZipMutator ofZips = new ZipMutator(name -> new ByteMutator("word"), 1000);
    for (Mutator mutator : List.of(new ByteMutator("word"), new TextMutator("word"), ofZips)) {
      Set<Integer> distinct = new HashSet<>();
      for (int i = 0; i < 300; i++) {
        byte[] first = mutator.mutate(SEED, new SplittableRandom(i), List.of(SEED));
        assertArrayEquals(
            first, mutator.mutate(SEED, new SplittableRandom(i), List.of(SEED)), "seed " + i);
        distinct.add(Arrays.hashCode(first));
      }
      assertTrue(distinct.size() > 150, mutator + " makes " + distinct.size());
    }
  }
}
