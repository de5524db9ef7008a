package dev.affinis.instrument.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.inference.Predictor;
import ai.djl.modality.Classifications;
import ai.djl.modality.cv.Image;
import ai.djl.modality.cv.ImageFactory;
import ai.djl.modality.cv.transform.CenterCrop;
import ai.djl.modality.cv.transform.Normalize;
import ai.djl.modality.cv.transform.Resize;
import ai.djl.modality.cv.transform.ToTensor;
import ai.djl.modality.cv.translator.ImageClassificationTranslator;
import ai.djl.modality.cv.translator.ImageFeatureExtractor;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.LambdaBlock;
import ai.djl.translate.Batchifier;
import ai.djl.translate.NoBatchifyTranslator;
import ai.djl.translate.Translator;
import ai.djl.translate.TranslatorContext;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.torchscript.TestArchive;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TranslatorSourceTest {
  private static final Selection TEN = Selection.first(10);

  private static final String IDENTITY =
      TestArchive.module(
          "M",
          "",
          """
          def forward(self: __torch__.M,
              x: Tensor) -> Tensor:
            return x
          """);

  @TempDir Path folder;
  private Path images;
  private Model model;

  /** What the model's block was given last. */
  private float[] fed;

  private Shape fedShape;

  @BeforeEach
  void writeImagesAndAModel() throws IOException {
    images = Files.createDirectory(folder.resolve("images"));
    write("a.png", ImageFolderSourceTest.noise(40, 30, 1), "png");
    write("b.jpg", ImageFolderSourceTest.noise(33, 47, 2), "jpg");
    BufferedImage grey = new BufferedImage(25, 20, BufferedImage.TYPE_BYTE_GRAY);
    for (int i = 0; i < 500; i++) {
      grey.getRaster().setSample(i % 25, i / 25, 0, i * 7 % 256);
    }
    write("c.png", grey, "png");
    model = Model.newInstance("spy", Device.cpu(), "PyTorch");
    model.setBlock(
        new LambdaBlock(
            inputs -> {
              fed = inputs.head().toFloatArray();
              fedShape = inputs.head().getShape();
              NDArray pooled = inputs.head().mean(new int[] {3}).mean(new int[] {2});
              return new NDList(pooled);
            }));
  }

  @AfterEach
  void closeModel() {
    model.close();
  }

  private void write(String name, BufferedImage image, String format) throws IOException {
    Files.write(images.resolve(name), ImageFolderSourceTest.encode(image, format));
  }

  private SampleSource open(Translator<Image, ?> translator) {
    return SampleSource.open(images.toString(), ImageTranslation.of(translator, model), TEN);
  }

  private static float[] read(SampleSource source, int index) {
    FloatBuffer target = FloatBuffer.allocate((int) source.sampleShape().size());
    source.read(index, target);
    assertFalse(target.hasRemaining());
    return target.array();
  }

  private static String failure(Runnable action, String... words) {
    String message = assertThrows(InvalidInputException.class, action::run).getMessage();
    assertFalse(message.contains("\n"), message);
    for (String word : words) {
      assertTrue(message.contains(word), word + " in: " + message);
    }
    return message;
  }

  private static ImageClassificationTranslator.Builder classifier() {
    return ImageClassificationTranslator.builder()
        .addTransform(new Resize(24, 20))
        .addTransform(new CenterCrop(16, 16))
        .addTransform(new ToTensor())
        .addTransform(
            new Normalize(new float[] {0.5f, 0.25f, 0.125f}, new float[] {0.5f, 0.25f, 2f}))
        .optSynset(List.of("x", "y", "z"));
  }

  /** The heart of it: every value is the one that the model gets in the user's own program. */
  private <O> void assertAsPredicted(Translator<Image, O> translator) throws Exception {
    try (SampleSource source = open(translator);
        Predictor<Image, O> predictor = model.newPredictor(translator)) {
      int index = 0;
      for (String name : List.of("a.png", "b.jpg", "c.png")) {
        predictor.predict(ImageFactory.getInstance().fromFile(images.resolve(name)));
        float[] sample = read(source, index++);
        assertEquals(fedShape.slice(1), source.sampleShape());
        assertArrayEquals(fed, sample, name);
      }
    }
  }

  @Test
  void givesExactlyWhatAPredictorFeedsTheModel() throws Exception {
    assertAsPredicted(classifier().build());
    assertAsPredicted(
        ImageFeatureExtractor.builder()
            .addTransform(new Resize(10, 12))
            .addTransform(new ToTensor())
            .optFlag(Image.Flag.GRAYSCALE)
            .build());
  }

  /** Batches by itself. */
  private static final class Unbatched implements NoBatchifyTranslator<Image, Float> {
    private final AtomicInteger running = new AtomicInteger();
    private final AtomicInteger prepared = new AtomicInteger();
    private final List<NDManager> managers = new ArrayList<>();
    private DataType type = DataType.FLOAT32;
    private int copies = 1;

    @Override
    public void prepare(TranslatorContext context) {
      prepared.incrementAndGet();
    }

    @Override
    public NDList processInput(TranslatorContext context, Image image) throws IOException {
      if (running.getAndIncrement() != 0) {
        throw new IOException("two at once");
      }
      managers.add(context.getNDManager());
      NDArray array = image.toNDArray(context.getNDManager());
      NDArray input = array.transpose(2, 0, 1).get(":, :9, :8").toType(type, true).expandDims(0);
      NDList list = new NDList();
      for (int i = 0; i < copies; i++) {
        list.add(input);
      }
      running.decrementAndGet();
      return list;
    }

    @Override
    public Float processOutput(TranslatorContext context, NDList list) {
      return list.head().getFloat(0, 0);
    }
  }

  @Test
  void takesTranslatorsThatBatchThemselves() throws Exception {
    Unbatched translator = new Unbatched();
    assertAsPredicted(translator);
    assertEquals(2, translator.prepared.get(), "once for the predictor, once for the source");
  }

  @Test
  void threadsTakeTurnsAndNothingIsLeftBehind() throws Exception {
    Unbatched translator = new Unbatched();
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try (SampleSource source = open(translator)) {
      float[] first = read(source, 0);
      List<Future<?>> tasks = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        tasks.add(threads.submit(() -> assertArrayEquals(first, read(source, 0))));
      }
      for (Future<?> task : tasks) {
        task.get();
      }
      assertEquals(62, translator.managers.size());
      assertTrue(translator.managers.stream().noneMatch(NDManager::isOpen));
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void saysWhatWasDone() {
    try (SampleSource source = open(classifier().build())) {
      Map<String, Object> preprocess = source.preprocess();
      assertEquals(ImageClassificationTranslator.class.getName(), preprocess.get("translator"));
      List<?> pipeline = (List<?>) preprocess.get("pipeline");
      assertEquals(4, pipeline.size());
      assertEquals(Map.of("transform", "CenterCrop", "width", 16, "height", 16), pipeline.get(1));
      assertEquals(List.of(3L, 16L, 16L), preprocess.get("shape"));
      assertEquals(images.toString(), source.description());
    }
  }

  @Test
  void readsImagesOfNpzFilesAndLeavesInputsAlone() throws Exception {
    byte[] pixels = new byte[2 * 6 * 5 * 3];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) (i * 11);
    }
    Path npz = folder.resolve("images.npz");
    new NpzWriter().array("images", "|u1", "(2, 6, 5, 3)", pixels).write(npz, true);
    Translator<Image, float[]> translator =
        ImageFeatureExtractor.builder().addTransform(new ToTensor()).build();
    ImageTranslation translation = ImageTranslation.of(translator, model);
    try (SampleSource source = SampleSource.open(npz.toString(), translation, TEN)) {
      assertEquals(new Shape(3, 6, 5), source.sampleShape());
      assertEquals((pixels[90 + 4] & 0xff) / 255f, read(source, 1)[30 + 1]);
    }
    new NpzWriter()
        .array("inputs", "<f4", "(2, 1, 2, 2)", NpzWriter.counting(32))
        .write(npz, false);
    try (SampleSource source = SampleSource.open(npz.toString(), translation, TEN)) {
      assertEquals(new Shape(1, 2, 2), source.sampleShape());
      assertEquals("arrays, used as they are", source.preprocess().get("input"));
    }
  }

  @Test
  void artifactsOfTheModelAreThereEvenIfItIsClosed() throws Exception {
    Translator<Image, Classifications> readsSynset =
        ImageClassificationTranslator.builder()
            .addTransform(new Resize(4))
            .addTransform(new ToTensor())
            .optSynsetArtifactName("names.txt")
            .setImageSize(4, 4)
            .build();
    Path models = Files.createDirectory(folder.resolve("models"));
    Files.writeString(models.resolve("names.txt"), "x\ny\n");
    Path file = new TestArchive("M").write(models.resolve("m.pt"), IDENTITY);
    Model loaded = Model.newInstance("m", Device.cpu(), "PyTorch");
    loaded.load(file);
    loaded.close();
    ImageTranslation translation = ImageTranslation.of(readsSynset, loaded);
    try (SampleSource source = SampleSource.open(images.toString(), translation, TEN)) {
      assertEquals(new Shape(3, 4, 4), source.sampleShape());
    }
    Translator<Image, Classifications> elsewhere =
        ImageClassificationTranslator.builder()
            .addTransform(new ToTensor())
            .optSynsetArtifactName("gone.txt")
            .build();
    failure(() -> open(elsewhere), "cannot be prepared", "--input-size");
  }

  @Test
  void namesATranslatorThatCannotBeUsed() {
    Unbatched bytes = new Unbatched();
    bytes.type = DataType.UINT8;
    failure(() -> open(bytes), "Unbatched", "(1, 3, 9, 8) uint8", "--input-size");
    Unbatched two = new Unbatched();
    two.copies = 2;
    failure(() -> open(two), "2 arrays");
    Translator<Image, float[]> ownSize =
        ImageFeatureExtractor.builder().addTransform(new ToTensor()).build();
    try (SampleSource source = open(ownSize)) {
      failure(() -> read(source, 1), "b.jpg", "(3, 47, 33)", "(3, 30, 40)", "--input-size");
    }
    Translator<Image, float[]> flat =
        ImageFeatureExtractor.builder()
            .addTransform(new ToTensor())
            .optBatchifier((Batchifier) null)
            .build();
    failure(() -> open(flat), "(3, 30, 40)");
  }

  @Test
  void unreadableImagesArePassedOverForTheShape() throws IOException {
    Files.write(images.resolve("0.png"), new byte[10]);
    try (SampleSource source = open(classifier().build())) {
      assertEquals(new Shape(3, 16, 16), source.sampleShape());
      failure(() -> read(source, 0), "0.png");
    }
    try (var all = Files.list(images)) {
      for (Path file : all.toList()) {
        Files.write(file, new byte[10]);
      }
    }
    failure(() -> open(classifier().build()), "none of the 4 images", "0.png");
  }
}
