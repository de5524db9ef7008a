package dev.affinis.zoo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import dev.affinis.instrument.Measurement;
import dev.affinis.instrument.ModelSource;
import dev.affinis.instrument.data.Preprocessing;
import dev.affinis.instrument.data.SampleSource;
import dev.affinis.instrument.data.Selection;
import dev.affinis.signature.LayerScores;
import dev.affinis.signature.Signature;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The bundled archives were written by PyTorch 1.13. Here the engine, PyTorch 2.7, writes each
 * again, in its own printed form: same sites, same scores.
 */
class RewrittenArchivesTest {
  private static final Path MODELS = Path.of("zoo", "models");
  private static final Selection IMAGES = Selection.first(32);

  @TempDir Path folder;

  static Stream<String> archives() {
    return Stream.of(
            "alexnet", "convnext", "densenet", "googlenet", "mobilenetv3", "resnet", "vgg", "vit")
        .flatMap(name -> Stream.of(name + ".traced.pt", name + ".scripted.pt"));
  }

  @ParameterizedTest
  @MethodSource("archives")
  void anArchiveOfAnotherPyTorchHasTheSameSignature(String name)
      throws IOException, MalformedModelException {
    Path archive = MODELS.resolve(name);
    Path again = writtenByTheEngine(archive);
    assertNotEquals(files(archive).keySet(), files(again).keySet(), "one and the same writer");
    assertEquals(measure(archive), measure(again));
  }

  private Path writtenByTheEngine(Path archive) throws IOException, MalformedModelException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (Model model = Model.newInstance("written", "PyTorch")) {
      model.load(archive.toAbsolutePath());
      model.getBlock().saveParameters(new DataOutputStream(bytes));
    }
    // DJL puts the version of its own format and the size in front.
    int front = Byte.BYTES + Long.BYTES;
    byte[] content = Arrays.copyOfRange(bytes.toByteArray(), front, bytes.size());
    return Files.write(folder.resolve(archive.getFileName()), content);
  }

  /** Names of the entries without the first folder, and their sizes. */
  private static Map<String, Long> files(Path archive) throws IOException {
    Map<String, Long> files = new TreeMap<>();
    try (ZipFile zip = new ZipFile(archive.toFile())) {
      for (ZipEntry entry : zip.stream().toList()) {
        files.put(entry.getName().replaceFirst("^[^/]*/", ""), entry.getSize());
      }
    }
    return files;
  }

  private static List<LayerScores> measure(Path archive) throws IOException {
    String images = Path.of("zoo", "images.npz").toString();
    try (ModelSource<?, ?> model = ModelSource.of(archive);
        SampleSource source = SampleSource.open(images, Preprocessing.builder().build(), IMAGES)) {
      Signature signature =
          Measurement.builder()
              .setModel(model)
              .setSource(source)
              .optSelection(IMAGES)
              .optBatchSize(32)
              .build()
              .run();
      assertEquals(List.of(), signature.skipped());
      return signature.layers();
    }
  }
}
