package dev.affinis.instrument;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.BlockFactory;
import ai.djl.training.ParameterStore;
import ai.djl.util.ClassLoaderUtils;
import dev.affinis.instrument.data.ImageConversion;
import dev.affinis.instrument.data.Preprocessing;
import dev.affinis.instrument.data.SampleSource;
import dev.affinis.instrument.data.Selection;
import dev.affinis.instrument.torchscript.TestArchive;
import dev.affinis.signature.Signature;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ZooAddressTest {
  private static final String RESNET = "djl://ai.djl.pytorch/resnet";
  private static final String RESNET_FOLDER =
      "model/cv/image_classification/ai/djl/pytorch/resnet/";
  private static final String METADATA =
      """
      {"metadataVersion": "0.2", "resourceType": "model",
       "application": "cv/image_classification",
       "groupId": "ai.djl.pytorch", "artifactId": "resnet",
       "artifacts": [{"version": "0.0.1", "name": "tiny",
         "arguments": {"width": 8, "height": 6, "resize": true},
         "files": {
           "synset": {"uri": "synset.txt"},
           "model": {"uri": "0.0.1/tiny.pt.gz"}}}]}
      """;

  @TempDir Path folder;
  private Path cache;
  private Path images;

  @BeforeEach
  void useAnEmptyCache() throws IOException {
    Engine.getInstance(); // Its libraries belong into the usual cache.
    cache = Files.createDirectory(folder.resolve("cache"));
    System.setProperty("DJL_CACHE_DIR", cache.toString());
    images = Files.createDirectory(folder.resolve("images"));
    for (int i = 0; i < 4; i++) {
      BufferedImage image = new BufferedImage(10, 10, BufferedImage.TYPE_INT_RGB);
      image.setRGB(i, i, 0x102030 * (i + 1));
      ImageIO.write(image, "png", images.resolve(i + ".png").toFile());
    }
  }

  @AfterEach
  void restore() {
    System.clearProperty("DJL_CACHE_DIR");
  }

  private static Path model(Path file) throws IOException {
    Files.createDirectories(file.getParent());
    return new TestArchive("M")
        .write(
            file,
            TestArchive.module(
                "M",
                "",
                """
                def forward(self: __torch__.M,
                    x: Tensor) -> Tensor:
                  return torch.relu(x)
                """));
  }

  private static Path write(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    return Files.writeString(file, text);
  }

  private static String failure(String address, String... words) {
    String message =
        assertThrows(InvalidInputException.class, () -> ZooAddress.open(address, Device.cpu()))
            .getMessage();
    assertFalse(message.contains("\n"), message);
    assertTrue(message.startsWith("model " + address + " "), message);
    for (String word : words) {
      assertTrue(message.contains(word), word + " in: " + message);
    }
    return message;
  }

  private SampleSource data(ModelSource<?, ?> model) {
    ImageConversion conversion = model.imageTranslation().orElseThrow();
    return SampleSource.open(images.toString(), conversion, Selection.first(4));
  }

  @Test
  void knowsWhatIsAnAddress() throws IOException {
    for (String address :
        List.of(RESNET, "file:/a", "jar:///a.zip", "https://a.b/c.zip", "s3://bucket/x")) {
      assertTrue(ZooAddress.isAddress(address), address);
    }
    Path plain = model(folder.resolve("plain/m.pt"));
    Path served = folder.resolve("served");
    write(served.resolve("serving.properties"), "engine=PyTorch");
    assertTrue(ZooAddress.isAddress(served.toString()));
    assertTrue(ZooAddress.isAddress(write(folder.resolve("m.zip"), "").toString()));
    for (Object path : List.of(plain, plain.getParent(), "C:\\models\\m.pt", "gone.zip")) {
      assertFalse(ZooAddress.isAddress(path.toString()), path.toString());
    }
  }

  @Test
  void offlineTheMessageSaysWhichFileToPutWhere() throws IOException {
    Path place = cache.resolve("cache/repo/" + RESNET_FOLDER);
    failure(
        RESNET,
        "offline",
        "https://mlrepo.djl.ai/" + RESNET_FOLDER + "metadata.json into " + place,
        "give a model file");

    write(place.resolve("metadata.json"), METADATA);
    failure(
        RESNET,
        "synset.txt (https://mlrepo.djl.ai/" + RESNET_FOLDER + "synset.txt",
        "tiny.pt (https://mlrepo.djl.ai/" + RESNET_FOLDER + "0.0.1/tiny.pt.gz",
        "into " + place.resolve("0.0.1/tiny"));

    // The way out that the message names works.
    model(place.resolve("0.0.1/tiny/tiny.pt"));
    write(place.resolve("0.0.1/tiny/synset.txt"), "a\nb\n");
    try (ModelSource<?, ?> source = ZooAddress.open(RESNET, Device.cpu())) {
      assertEquals("tiny", source.name());
    }
    try (ModelSource<?, ?> source = ZooAddress.open(RESNET + "/0.0.1/tiny", Device.cpu())) {
      assertEquals("tiny", source.name());
    }
    failure(RESNET + "/0.0.2", "known versions and names: ");
    failure(RESNET + "/0.0.1/other", "0.0.1/tiny");
  }

  @Test
  void theModelsTranslatorMakesItsInputs() throws IOException {
    Path place = cache.resolve("cache/repo/" + RESNET_FOLDER);
    write(place.resolve("metadata.json"), METADATA);
    model(place.resolve("0.0.1/tiny/tiny.pt"));
    write(place.resolve("0.0.1/tiny/synset.txt"), "a\nb\n");
    try (ModelSource<?, ?> model = ZooAddress.open(RESNET, Device.cpu());
        SampleSource source = data(model)) {
      assertEquals(3 * 6 * 8, source.sampleShape().size());
      Signature signature =
          Measurement.builder()
              .setModel(model)
              .setSource(source)
              .optSelection(Selection.first(4))
              .build()
              .run();
      assertEquals("tiny", signature.model().name());
      Map<String, Object> preprocess = signature.data().preprocess();
      assertEquals(
          "ai.djl.modality.cv.translator.ImageClassificationTranslator",
          preprocess.get("translator"));
      assertEquals(
          List.of(
              Map.of("transform", "Resize", "width", 8, "height", 6, "interpolation", "BILINEAR"),
              Map.of("transform", "ToTensor")),
          preprocess.get("pipeline"));
      assertEquals(1, signature.layers().size());
    }
  }

  @Test
  void readsARepositoryOfFiles() throws IOException {
    Path repository = folder.resolve("repository");
    write(repository.resolve(RESNET_FOLDER + "metadata.json"), METADATA);
    write(repository.resolve(RESNET_FOLDER + "synset.txt"), "a\nb\n");
    Path packed = repository.resolve(RESNET_FOLDER + "0.0.1/tiny.pt.gz");
    Files.createDirectories(packed.getParent());
    try (GZIPOutputStream gzip = new GZIPOutputStream(Files.newOutputStream(packed))) {
      Files.copy(model(folder.resolve("tiny.pt")), gzip);
    }
    try (ModelSource<?, ?> model = ZooAddress.open(repository.toUri().toString(), Device.cpu());
        SampleSource source = data(model)) {
      assertEquals("tiny", model.name());
      assertEquals(3 * 6 * 8, source.sampleShape().size());
    }
    write(
        repository.resolve("model/cv/ai/djl/pytorch/more/metadata.json"),
        METADATA.replace("\"resnet\"", "\"more\""));
    failure(repository.toUri().toString(), "holds 2 models", "more, resnet");
  }

  @Test
  void readsAFolderWithServingProperties() throws IOException {
    Path served = folder.resolve("served");
    Path file = model(served.resolve("net.pt"));
    write(
        served.resolve("serving.properties"),
        """
        engine=PyTorch
        translatorFactory=ai.djl.modality.cv.translator.ImageFeatureExtractorFactory
        width=4
        height=4
        resize=true
        range=0,1
        toTensor=true
        """);
    try (ModelSource<?, ?> model = ZooAddress.open(served.toString(), Device.cpu());
        SampleSource source = data(model)) {
      assertEquals("net", model.name());
      assertEquals(ModelSource.of(file).sha256(), model.sha256());
      assertArrayEquals(new long[] {3, 4, 4}, source.sampleShape().getShape());
      assertEquals(
          "ai.djl.modality.cv.translator.ImageFeatureExtractor",
          source.preprocess().get("translator"));
      List<?> pipeline = (List<?>) source.preprocess().get("pipeline");
      assertEquals(Map.of("transform", "a lambda"), pipeline.get(2));
    }
    Path zip = folder.resolve("packed.zip");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(zip))) {
      for (String name : List.of("net.pt", "serving.properties")) {
        out.putNextEntry(new ZipEntry(name));
        Files.copy(served.resolve(name), out);
      }
    }
    try (ModelSource<?, ?> model = ZooAddress.open(zip.toString(), Device.cpu())) {
      assertEquals("net", model.name());
      assertTrue(model.imageTranslation().isPresent());
    }
  }

  @Test
  void findsAModelOfDjlsOwnBlocks() throws Exception {
    String factory = "ai.djl.basicmodelzoo.basic.MlpBlockFactory";
    Map<String, Object> sizes = Map.of("width", 2, "height", 3, "output", 4, "hidden", "5");
    Path served = Files.createDirectory(folder.resolve("served"));
    try (Model model = Model.newInstance("mlp", Device.cpu(), "PyTorch")) {
      Block block =
          ClassLoaderUtils.initClass(
                  ClassLoaderUtils.getContextClassLoader(), BlockFactory.class, factory)
              .newBlock(model, served, sizes);
      block.initialize(model.getNDManager(), DataType.FLOAT32, new Shape(1, 6));
      model.setBlock(block);
      model.save(served, "mlp");
    }
    write(
        served.resolve("serving.properties"),
        "blockFactory=" + factory + "\nwidth=2\nheight=3\noutput=4\nhidden=5\n");
    try (Model model = ZooAddress.criteria(served.toString(), Device.cpu()).loadModel();
        NDManager manager = model.getNDManager().newSubManager()) {
      assertEquals("mlp", model.getName());
      ParameterStore parameters = new ParameterStore(manager, false);
      NDList input = new NDList(manager.ones(new Shape(2, 6)));
      NDList outputs = model.getBlock().forward(parameters, input, false);
      assertEquals(new Shape(2, 4), outputs.head().getShape());
    }
  }

  @Test
  void aTranslatorForOtherThingsIsLeftAside() throws IOException {
    for (String factory :
        List.of("ai.djl.translate.NoopServingTranslatorFactory", "com.example.NotThere")) {
      Path served = folder.resolve(factory);
      model(served.resolve("net.pt"));
      write(served.resolve("serving.properties"), "translatorFactory=" + factory);
      try (ModelSource<?, ?> model = ZooAddress.open(served.toString(), Device.cpu());
          SampleSource source =
              SampleSource.open(
                  images.toString(), Preprocessing.builder().build(), Selection.first(4))) {
        assertTrue(model.imageTranslation().isEmpty());
        float[] sample = new float[300];
        source.read(0, FloatBuffer.wrap(sample));
        assertTrue(source.preprocess().containsKey("mean"));
      }
    }
  }

  @Test
  void namesWhatIsWrongWithAnAddress() throws IOException {
    failure("djl://ai.djl.pytorch/renset", "model zoo ai.djl.pytorch, which has", "resnet");
    failure("djl://ai.djl.nobody/x", "group ai.djl.nobody", "ai.djl.pytorch");
    failure("djl://ai.djl.pytorch", "djl://group/artifact");
    failure("djl://a b/c", "is no valid address");
    failure("file:models/net", "expected file:/");
    failure("https://a.b/model.zip", "offline", "give its path");
    failure("https://a.b/predict", "no packed model");
    failure("ftp://a.b/model.zip", "unknown scheme", "djl://group/artifact");
    failure("jar:///gone.zip", "gone.zip");
    failure(folder.resolve("gone").toUri().toString(), "does not exist");
    Path empty = folder.resolve("empty");
    write(empty.resolve("serving.properties"), "engine=PyTorch");
    failure(empty.toString(), "empty.pt file not found");
    write(empty.resolve("serving.properties"), "engine=Cobol");
    failure(empty.toString(), "Cobol");
    write(empty.resolve("serving.properties"), "engine=\\u00zz");
    failure(empty.toString(), "serving.properties is damaged");
    write(empty.resolve("serving.properties"), "#".repeat(1 << 21));
    failure(empty.toString(), "serving.properties has more than 1048576 bytes");
    Path broken = folder.resolve("broken");
    write(broken.resolve("net.pt"), "this is no model");
    write(broken.resolve("serving.properties"), "engine=PyTorch");
    failure(broken.toString());
    failure(write(folder.resolve("broken.zip"), "no zip").toString());
  }
}
