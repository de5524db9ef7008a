package dev.affinis.instrument.torchscript;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.affinis.instrument.InvalidInputException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Archives by hand: what is read of them, what a copy holds, and what is refused. */
class ScriptArchiveTest {
  private static final String ROOT = "\u0080\2c__torch__.m\nNet\n)";

  @TempDir Path folder;

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  /** Names and contents in turn. */
  private Path zip(String... entries) throws IOException {
    Path file = folder.resolve("model.pt");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
      for (int i = 0; i < entries.length; i += 2) {
        zip.putNextEntry(new ZipEntry(entries[i]));
        zip.write(bytes(entries[i + 1]));
        zip.closeEntry();
      }
    }
    return file;
  }

  private static String refusal(Path file) {
    return assertThrows(
            InvalidInputException.class,
            () -> {
              try (ScriptArchive archive = ScriptArchive.open(file)) {
                archive.rootClass();
              }
            })
        .getMessage();
  }

  @Test
  void rootSourcesAndWeightsAreRead() throws IOException {
    Path file =
        zip(
            "net/data.pkl", ROOT,
            "net/code/__torch__/m.py", "class Net",
            "net/code/__torch__/m.py.debug_pkl", "no source",
            "net/code/a.py", "\u00c3\u00a9",
            "net/other/b.py", "elsewhere");
    try (ScriptArchive archive = ScriptArchive.open(file)) {
      assertEquals("__torch__.m.Net", archive.rootClass());
      Map<String, String> expected = new LinkedHashMap<>();
      expected.put("__torch__/m.py", "class Net");
      expected.put("a.py", "\u00e9");
      assertEquals(expected, archive.readSources());
      assertEquals(List.copyOf(expected.keySet()), List.copyOf(archive.readSources().keySet()));
      assertEquals(List.of(), archive.readConstants());
    }
  }

  /** A copy has the same weights, byte for byte, other source, and nothing besides. */
  @Test
  void copiesHaveOtherSourceAndTheSameRest() throws IOException {
    byte[] weights = new byte[200_000];
    new Random(1).nextBytes(weights);
    Path file =
        zip(
            "net/data.pkl", ROOT,
            "net/code/a.py", "old",
            "net/code/a.py.debug_pkl", "old",
            "net/data/", "",
            "net/data/0", new String(weights, StandardCharsets.ISO_8859_1),
            "other/c", "left out");
    Path copy = folder.resolve("copy.pt");
    try (ScriptArchive archive = ScriptArchive.open(file)) {
      archive.copyTo(copy, Map.of("a.py", "n\u00e9w"));
    }
    try (ZipFile zip = new ZipFile(copy.toFile())) {
      assertEquals(
          List.of("net/data.pkl", "net/data/0", "net/code/a.py"),
          zip.stream().map(ZipEntry::getName).toList());
      assertTrue(zip.stream().allMatch(entry -> entry.getMethod() == ZipEntry.STORED));
      try (InputStream in = zip.getInputStream(zip.getEntry("net/data/0"))) {
        assertArrayEquals(weights, in.readAllBytes());
      }
    }
    try (ScriptArchive archive = ScriptArchive.open(copy)) {
      assertEquals(Map.of("a.py", "n\u00e9w"), archive.readSources());
      assertEquals("__torch__.m.Net", archive.rootClass());
    }
  }

  @Test
  void constantsAreReadWhereTheirElementsAre() throws IOException {
    String tensor =
        "ctorch._utils\n_rebuild_tensor_v2\n((X\7\0\0\0storagectorch\nFloatStorage\n"
            + "X\1\0\0\0"
            + "0X\3\0\0\0cpuK\1tQK\1))\u0089)tR";
    String second = tensor.replace("K\1))", "K\2))");
    Path file =
        zip(
            "net/data.pkl",
            ROOT,
            "net/code/a.py",
            "",
            "net/constants.pkl",
            "(" + tensor + second + "t.",
            "net/constants/0",
            "\0\0\0\0\0\0 A");
    try (ScriptArchive archive = ScriptArchive.open(file)) {
      assertEquals(Arrays.asList(10.0, null), archive.readConstants());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'' | is empty",
        "'\u0080\u0002abc' | is a Python pickle",
        "hello | is not a zip",
        "PK | is not a zip"
      })
  void filesThatAreNoArchivesAreToldApart(String content, String found) throws IOException {
    Path file = Files.write(folder.resolve("m.pt"), bytes(content));
    String message = refusal(file);
    assertTrue(message.startsWith("model " + file + " " + found), message);
    assertTrue(message.contains("torch.jit.save"), message);
  }

  @Test
  void archivesWithoutAProgramAreToldApart() throws IOException {
    assertTrue(refusal(zip("data.pkl", ROOT)).contains("without data.pkl in its first folder"));
    assertTrue(refusal(zip("a/code/m.py", "", "b/data.pkl", ROOT)).contains("without data.pkl"));
    assertTrue(
        refusal(zip("a/data.pkl", "\u0080\2ccollections\nOrderedDict\n"))
            .contains("holds a state_dict"));
    assertTrue(refusal(zip("a/data.pkl", "\u0080\2}q")).contains("holds a state_dict"));
    assertTrue(refusal(zip("a/data.pkl", ROOT)).contains("holds a pickled Python object"));
    assertTrue(
        refusal(zip("a/data.pkl", ROOT, "a/code/m.txt", "")).contains("a pickled Python object"));
    assertTrue(
        refusal(zip("a/data.pkl", ROOT, "a/lib/m.py", "")).contains("a pickled Python object"));
  }

  @Test
  void namesThatDifferByCaseAloneAreRefused() throws IOException {
    assertTrue(
        refusal(zip("a/data.pkl", ROOT, "a/code/m.py", "", "a/code/M.py", ""))
            .contains("has two entries named \"a/code/M.py\""));
    assertTrue(
        refusal(zip("a/data.pkl", ROOT, "a/code/m.py", "", "a/Code/n.py", ""))
            .contains("has source under another name, \"a/Code/n.py\""));
    assertTrue(
        refusal(zip("a/data.pkl", ROOT, "a/code/m.py", "", "a/code/n.PY", ""))
            .contains("has source under another name, \"a/code/n.PY\""));
    assertTrue(
        refusal(zip("a/data.pkl", ROOT, "a/code/m.py", "", "a/Model.json", ""))
            .contains("older than PyTorch 1.4"));
    String name = "a/" + "n\u00e9".repeat(60);
    String message = refusal(zip("a/data.pkl", ROOT, name, "", name.replace('n', 'N'), ""));
    assertTrue(message.contains("\"a/" + "N?".repeat(39) + "...\""), message);
  }

  @Test
  void rootsThatAreNotNamedAreRefused() throws IOException {
    for (String pickle : List.of("\u0080\2X__torch__\nNet\n", "\u0080\2c__torch__", "\u0080\2c")) {
      assertTrue(
          refusal(zip("a/data.pkl", pickle, "a/code/m.py", "")).contains("does not say what"));
    }
  }

  @Test
  void archivesThatAreCutOffAreRefused() throws IOException {
    Path whole = zip("a/data.pkl", ROOT, "a/code/m.py", "class Net");
    byte[] all = Files.readAllBytes(whole);
    Path half = Files.write(folder.resolve("half.pt"), Arrays.copyOf(all, all.length / 2));
    assertTrue(refusal(half).contains("is a damaged or truncated zip ("), refusal(half));
  }

  /** A gibibyte of zeros packs to a megabyte; so much source or so large a pickle does as well. */
  @Test
  void contentsBeyondTheLimitsAreRefused() throws IOException {
    String large = "\n".repeat((1 << 24) + 1);
    try (ScriptArchive archive =
        ScriptArchive.open(zip("a/data.pkl", ROOT, "a/code/m.py", "", "a/constants.pkl", large))) {
      String message =
          assertThrows(InvalidInputException.class, archive::readConstants).getMessage();
      assertTrue(message.contains("16777217 bytes, more than the 16777216"), message);
    }
    try (ScriptArchive archive =
        ScriptArchive.open(zip("a/data.pkl", ROOT, "a/code/m.py", large, "a/code/n.py", large))) {
      String message = assertThrows(InvalidInputException.class, archive::readSources).getMessage();
      assertTrue(message.contains("more than the 33554432 bytes of source"), message);
    }
  }
}
