package dev.affinis.fuzz;

import java.util.List;
import java.util.SplittableRandom;

/** Makes another file of one. */
@FunctionalInterface
public interface Mutator {
  /**
   * Makes another file.
   *
   * @param input the file, not to be changed
   * @param random the only source of chance, so that a seed says which file it is
   * @param corpus files of the same format, to take parts from; not empty, not to be changed
   * @return the other file
   */
  byte[] mutate(byte[] input, SplittableRandom random, List<byte[]> corpus);

  /** A mutator that is one of several, each time. */
  static Mutator anyOf(Mutator... mutators) {
    List<Mutator> all = List.of(mutators);
    return (input, random, corpus) ->
        all.get(random.nextInt(all.size())).mutate(input, random, corpus);
  }
}
