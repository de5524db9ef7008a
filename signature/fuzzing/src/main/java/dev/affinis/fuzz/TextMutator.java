package dev.affinis.fuzz;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * Changes text of any language word by word and line by line: words, numbers, strings and symbols
 * are deleted, doubled, swapped, replaced and nested deeply; lines are moved and indented.
 */
public final class TextMutator implements Mutator {
  private static final Pattern PARTS =
      Pattern.compile("\\w+|\"(?:[^\"\\\\\\n]|\\\\.)*+\"|\\n *|\\s|.", Pattern.DOTALL);

  private static final List<String> ODD =
      List.of(
          "",
          "0",
          "-1",
          "1e999",
          "99999999999999999999",
          "9223372036854775808",
          "2147483648",
          "0x",
          "1e",
          ".",
          "\"",
          "'",
          "\\",
          "\"(\"",
          "\")\"",
          "\"\\\"\"",
          "\"\\n\"",
          "'''",
          "#",
          "\t",
          "\r",
          "\u0000",
          "\uFEFF",
          "\u202E",
          "\u00e9",
          "\uD83D\uDE00",
          "\uFFFF",
          "../",
          "null",
          "NaN",
          "()",
          "[]",
          "{}",
          "(",
          ")",
          "[",
          "]",
          "{",
          "}",
          ",",
          ":",
          ";",
          "=",
          "*",
          "&",
          "<",
          ">",
          "\n",
          "\n\n",
          "\n  ");

  private static final List<String> OPENING = List.of("(", "[", "{", "-", "not ", "((", "[{");
  private static final List<String> CLOSING = List.of(")", "]", "}", "", "", "))", "}]");

  private final List<String> words;

  /**
   * Makes a mutator.
   *
   * @param words that mean something in the language
   */
  public TextMutator(String... words) {
    this.words = List.of(words);
  }

  @Override
  public byte[] mutate(byte[] input, SplittableRandom random, List<byte[]> corpus) {
    List<String> parts = parts(input);
    int changes = 1;
    while (changes < 8 && random.nextInt(2) == 0) {
      changes++;
    }
    for (int i = 0; i < changes; i++) {
      if (parts.isEmpty()) {
        parts.add("");
      }
      change(parts, random, corpus);
    }
    return String.join("", parts).getBytes(StandardCharsets.UTF_8);
  }

  private static List<String> parts(byte[] text) {
    return new ArrayList<>(
        PARTS
            .matcher(new String(text, StandardCharsets.UTF_8))
            .results()
            .map(MatchResult::group)
            .toList());
  }

  private void change(List<String> parts, SplittableRandom random, List<byte[]> corpus) {
    int at = random.nextInt(parts.size());
    int other = random.nextInt(parts.size());
    switch (random.nextInt(12)) {
      case 0 -> parts.remove(at);
      case 1 -> parts.add(at, parts.get(at));
      case 2 -> Collections.swap(parts, at, other);
      case 3 -> parts.set(at, parts.get(other));
      case 4 -> parts.set(at, ODD.get(random.nextInt(ODD.size())));
      case 5 -> parts.add(at, ODD.get(random.nextInt(ODD.size())));
      case 6 -> parts.set(at, word(parts, random));
      case 7 -> borrow(parts, at, random, corpus);
      case 8 -> nest(parts, at, random);
      case 9 -> moveLines(parts, random);
      case 10 -> indent(parts, random);
      default -> {
        int from = Math.min(at, other);
        parts.subList(from, Math.min(Math.max(at, other), from + 40)).clear();
      }
    }
  }

  private String word(List<String> parts, SplittableRandom random) {
    return words.isEmpty()
        ? parts.get(random.nextInt(parts.size()))
        : words.get(random.nextInt(words.size()));
  }

  private static void borrow(
      List<String> parts, int at, SplittableRandom random, List<byte[]> corpus) {
    List<String> other = parts(corpus.get(random.nextInt(corpus.size())));
    int from = random.nextInt(other.size() + 1);
    parts.addAll(at, other.subList(from, Math.min(other.size(), from + random.nextInt(1, 60))));
  }

  /** Puts something into many brackets, or repeats it often; rarely, since that is slow. */
  private static void nest(List<String> parts, int at, SplittableRandom random) {
    boolean isDeep = random.nextInt(20) == 0;
    int depth = random.nextInt(1, isDeep ? 20_000 : 30);
    if (random.nextInt(3) == 0) {
      parts.set(
          at, parts.get(at).repeat(Math.min(depth, 1 + 200_000 / (1 + parts.get(at).length()))));
    } else {
      int kind = random.nextInt(OPENING.size());
      parts.set(
          at, OPENING.get(kind).repeat(depth) + parts.get(at) + CLOSING.get(kind).repeat(depth));
    }
  }

  /** Deletes, doubles or moves up to three lines. */
  private static void moveLines(List<String> parts, SplittableRandom random) {
    List<Integer> starts = lineStarts(parts);
    int first = random.nextInt(starts.size());
    int last = Math.min(starts.size() - 1, first + random.nextInt(1, 4));
    List<String> lines = parts.subList(starts.get(first), starts.get(last));
    List<String> copy = List.copyOf(lines);
    int to = starts.get(random.nextInt(starts.size()));
    switch (random.nextInt(3)) {
      case 0 -> lines.clear();
      case 1 -> parts.addAll(to, copy);
      default -> {
        lines.clear();
        parts.addAll(Math.min(to, parts.size()), copy);
      }
    }
  }

  private static void indent(List<String> parts, SplittableRandom random) {
    List<Integer> starts = lineStarts(parts);
    int at = starts.get(random.nextInt(starts.size()));
    if (at < parts.size()) {
      parts.set(at, "\n" + " ".repeat(random.nextInt(random.nextInt(50) == 0 ? 5000 : 9)));
    }
  }

  /** Where lines start, and the end. */
  private static List<Integer> lineStarts(List<String> parts) {
    List<Integer> starts = new ArrayList<>();
    for (int i = 0; i < parts.size(); i++) {
      if (parts.get(i).startsWith("\n")) {
        starts.add(i);
      }
    }
    starts.add(parts.size());
    return starts;
  }
}
