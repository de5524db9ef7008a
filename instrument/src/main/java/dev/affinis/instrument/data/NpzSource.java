package dev.affinis.instrument.data;

import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.FileIdentity;
import dev.affinis.instrument.InvalidInputException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.zip.ZipEntry;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipFile;

/**
 * The samples in a NumPy {@code .npz} file, of any size: either {@code images}, n x H x W x 3
 * uint8, which go through the preprocessing, or {@code inputs}, n x C x H x W float16, float32 or
 * float64, which are used as they are, rounded to float32. An array {@code labels} holds the class
 * of each; other arrays are ignored.
 *
 * <p>An interrupt of a thread that reads closes the file: reading is then an {@link
 * IllegalStateException} until the file is opened again.
 */
public final class NpzSource implements SampleSource {
  private static final Set<String> FLOATS = Set.of("float16", "float32", "float64");
  private static final Set<String> KNOWN = Set.of("images", "inputs", NpzLabels.ARRAY);
  private static final int SHOWN = 10;

  /** More than any dataset has: a few kilobytes can be unpacked to that many. */
  private static final long MOST_SAMPLES = 1L << 25;

  /** Colour values of the largest image that is decoded, too. */
  private static final long MOST_VALUES = 3 * ImageDecoder.MAX_PIXELS;

  private static final String EXPECTED =
      "expected an array images (n x H x W x 3, uint8) or inputs (n x C x H x W, float32)";

  private final Path file;
  private final String array;
  private final NpyArray.Header header;
  private final NpyArray data;
  private final int[] labels;
  private final Preprocessing preprocessing;
  private final ImageTransform transform;
  private final ImageTransform.Geometry geometry;
  private final Shape shape;

  private NpzSource(
      Path file,
      String array,
      NpyArray.Header header,
      NpyArray data,
      int[] labels,
      Preprocessing preprocessing) {
    this.file = file;
    this.array = array;
    this.header = header;
    this.data = data;
    this.labels = labels;
    this.preprocessing = preprocessing;
    this.transform = new ImageTransform(preprocessing);
    List<Long> sizes = header.shape();
    if (isImages()) {
      geometry = transform.geometry(sizes.get(2).intValue(), sizes.get(1).intValue());
      shape = new Shape(preprocessing.channels(), geometry.height(), geometry.width());
    } else {
      geometry = null;
      shape = new Shape(sizes.get(1), sizes.get(2), sizes.get(3));
    }
  }

  /**
   * Opens a file.
   *
   * @param file the {@code .npz} file
   * @param preprocessing how {@code images} become tensors; must not ask for a size with {@code
   *     inputs}
   * @return the open source
   * @throws InvalidInputException if the file is no complete zip of NumPy arrays, or its arrays are
   *     not as expected; the message says what was found
   */
  public static NpzSource open(Path file, Preprocessing preprocessing) {
    if (!Files.isRegularFile(file)) {
      throw new InvalidInputException(
          "data file " + file + (Files.exists(file) ? " is not a file" : " does not exist"));
    }
    try (ZipFile zip = ZipFile.builder().setPath(file).get()) {
      Map<String, NpyArray.Header> found = headers(file, zip);
      String array = choose(file, found);
      NpyArray.Header header = found.get(array);
      check(file, array, header, preprocessing);
      NpyArray.Header classes = found.get(NpzLabels.ARRAY);
      int[] labels =
          classes == null ? new int[0] : NpzLabels.read(file, zip, classes, header.shape().get(0));
      ZipArchiveEntry entry = zip.getEntry(array + ".npy");
      NpyArray data = NpyArray.open(file, zip, entry, header);
      try {
        return new NpzSource(file, array, header, data, labels, preprocessing);
      } catch (RuntimeException e) {
        data.close();
        throw e;
      }
    } catch (IOException | IllegalArgumentException e) {
      throw new InvalidInputException(
          "data file "
              + file
              + " cannot be read: "
              + e.getMessage()
              + "; expected a complete .npz, as numpy.savez writes it",
          e);
    }
  }

  private static Map<String, NpyArray.Header> headers(Path file, ZipFile zip) throws IOException {
    Map<String, NpyArray.Header> found = new LinkedHashMap<>();
    Map<String, ZipArchiveEntry> others = new TreeMap<>();
    for (ZipArchiveEntry entry : Collections.list(zip.getEntries())) {
      if (!entry.getName().endsWith(".npy")) {
        continue;
      }
      String name = entry.getName().substring(0, entry.getName().length() - 4);
      if (!KNOWN.contains(name)) {
        others.put(name, entry);
        continue;
      }
      if (!isReadable(zip, entry)) {
        throw new IOException("array " + name + " is encrypted or compressed in an unknown way");
      }
      try (InputStream in = zip.getInputStream(entry)) {
        if (found.put(name, NpyArray.readHeader(in)) != null) {
          throw new IOException("it has two arrays called " + name);
        }
      } catch (IOException e) {
        throw new IOException("array " + name + ": " + e.getMessage(), e);
      }
    }
    if (!found.containsKey("images") && !found.containsKey("inputs")) {
      throw new InvalidInputException(
          "data file " + file + " has " + described(zip, found, others) + ": " + EXPECTED);
    }
    return found;
  }

  /** The first arrays of a file that has none of those that are needed. */
  private static String described(
      ZipFile zip, Map<String, NpyArray.Header> found, Map<String, ZipArchiveEntry> others) {
    Map<String, String> shown = new TreeMap<>();
    found.forEach((name, header) -> shown.put(name, header.toString()));
    for (Map.Entry<String, ZipArchiveEntry> other : others.entrySet()) {
      if (shown.size() == SHOWN) {
        return shown + " and others";
      }
      shown.put(other.getKey(), described(zip, other.getValue()));
    }
    return shown.isEmpty() ? "no arrays" : shown.toString();
  }

  private static String described(ZipFile zip, ZipArchiveEntry entry) {
    if (isReadable(zip, entry)) {
      try (InputStream in = zip.getInputStream(entry)) {
        return NpyArray.readHeader(in).toString();
      } catch (IOException e) {
        return "unreadable";
      }
    }
    return "unreadable";
  }

  /** Zip has many ways to compress; NumPy uses one. */
  private static boolean isReadable(ZipFile zip, ZipArchiveEntry entry) {
    boolean isPlain =
        entry.getMethod() == ZipEntry.STORED || entry.getMethod() == ZipEntry.DEFLATED;
    return isPlain && zip.canReadEntryData(entry);
  }

  private static String choose(Path file, Map<String, NpyArray.Header> found) {
    boolean images = found.containsKey("images");
    if (images && found.containsKey("inputs")) {
      throw new InvalidInputException(
          "data file " + file + " has both images and inputs: keep the one that is meant");
    }
    return images ? "images" : "inputs";
  }

  private static InvalidInputException unfit(
      Path file, String array, NpyArray.Header header, String expected) {
    return new InvalidInputException(
        "data file " + file + " has an array " + array + " of " + header + ": " + expected);
  }

  private static void check(
      Path file, String array, NpyArray.Header header, Preprocessing preprocessing) {
    boolean fits = header.shape().size() == 4 && !header.fortranOrder();
    if (array.equals("images")) {
      fits = fits && header.typeName().equals("uint8") && header.shape().get(3) == 3;
    } else {
      fits &= FLOATS.contains(header.typeName());
    }
    if (!fits) {
      throw unfit(file, array, header, EXPECTED + ", little-endian and in C order");
    }
    List<Long> sizes = header.shape();
    if (sizes.get(0) > MOST_SAMPLES || values(sizes) > MOST_VALUES) {
      String most = "expected at most %s samples with %s values each";
      throw unfit(file, array, header, most.formatted(MOST_SAMPLES, MOST_VALUES));
    }
    if (array.equals("inputs") && !preprocessing.keepsSize()) {
      throw new InvalidInputException(
          "data file "
              + file
              + " has inputs, which are used as they are: leave out --input-size, --resize and"
              + " --crop");
    }
  }

  /** Values of one sample; more than the most if they are too many to be counted. */
  private static long values(List<Long> sizes) {
    long values = 1;
    for (long size : sizes.subList(1, sizes.size())) {
      values = size > MOST_VALUES ? MOST_VALUES + 1 : values * size;
      if (values > MOST_VALUES) {
        return values;
      }
    }
    return values;
  }

  /**
   * The images, to be converted in another way; nothing if the file has inputs. This source keeps
   * the file open: closing the images closes it.
   */
  Optional<ImageCollection> images() {
    return isImages() ? Optional.of(new Images()) : Optional.empty();
  }

  /** The array {@code images} without the preprocessing. */
  private final class Images implements ImageCollection {
    private final int width = header.shape().get(2).intValue();
    private final int height = header.shape().get(1).intValue();

    @Override
    public int size() {
      return NpzSource.this.size();
    }

    @Override
    public ImageDecoder.Size imageSize(int index) {
      return new ImageDecoder.Size(width, height);
    }

    @Override
    public RgbImage image(int index) {
      return new RgbImage.Bytes(width, height, row(index), 0, 3, 3 * width, 0, 1, 2);
    }

    @Override
    public OptionalInt label(int index) {
      return NpzSource.this.label(index);
    }

    @Override
    public String name(int index) {
      return NpzSource.this.name(index);
    }

    @Override
    public String description() {
      return NpzSource.this.description();
    }

    @Override
    public Map<String, Object> describe() {
      return Map.of();
    }

    @Override
    public Optional<String> identity() throws IOException {
      return NpzSource.this.identity();
    }

    @Override
    public void close() {
      NpzSource.this.close();
    }
  }

  private boolean isImages() {
    return array.equals("images");
  }

  @Override
  public int size() {
    return header.shape().get(0).intValue();
  }

  @Override
  public Shape sampleShape() {
    return shape;
  }

  @Override
  public void read(int index, FloatBuffer target) {
    if (geometry != null) {
      transform.apply(new Images().image(index), geometry, target);
    } else {
      copyFloats(ByteBuffer.wrap(row(index)).order(ByteOrder.LITTLE_ENDIAN), target);
    }
  }

  private byte[] row(int index) {
    try {
      return data.row(index);
    } catch (ClosedChannelException e) {
      // No fault of the sample, which another would replace.
      throw new IllegalStateException(
          "data file "
              + file
              + " is closed, by close() or because a thread was interrupted while it read: open it"
              + " again",
          e);
    } catch (IOException e) {
      throw new InvalidInputException(name(index) + " cannot be read: " + e.getMessage(), e);
    }
  }

  private void copyFloats(ByteBuffer row, FloatBuffer target) {
    switch (header.itemBytes()) {
      case 2 -> {
        while (row.hasRemaining()) {
          target.put(halfToFloat(row.getShort()));
        }
      }
      case 4 -> target.put(row.asFloatBuffer());
      default -> {
        while (row.hasRemaining()) {
          target.put((float) row.getDouble());
        }
      }
    }
  }

  /** The value of an IEEE 754 half: 1 sign bit, 5 bits of exponent, 10 of mantissa. */
  static float halfToFloat(short half) {
    int exponent = half >> 10 & 0x1f;
    int mantissa = half & 0x3ff;
    float magnitude;
    if (exponent == 0) {
      magnitude = mantissa * 0x1p-24f;
    } else if (exponent == 0x1f) {
      magnitude = mantissa == 0 ? Float.POSITIVE_INFINITY : Float.NaN;
    } else {
      magnitude = Float.intBitsToFloat((exponent + 112) << 23 | mantissa << 13);
    }
    return half < 0 ? -magnitude : magnitude;
  }

  @Override
  public OptionalInt label(int index) {
    return labels.length == 0 ? OptionalInt.empty() : OptionalInt.of(labels[index]);
  }

  @Override
  public String name(int index) {
    return array + "[" + index + "] of " + file;
  }

  @Override
  public String description() {
    return file.toString();
  }

  @Override
  public Map<String, Object> preprocess() {
    Map<String, Object> map = new LinkedHashMap<>();
    if (isImages()) {
      map.putAll(preprocessing.describe());
    } else {
      map.put("input", "arrays, used as they are");
    }
    map.put("shape", Arrays.stream(shape.getShape()).boxed().toList());
    return map;
  }

  @Override
  public Optional<String> identity() throws IOException {
    return Optional.of(FileIdentity.of(file));
  }

  @Override
  public void close() {
    try {
      data.close();
    } catch (IOException e) {
      throw new UncheckedIOException("data file " + file + " cannot be closed", e);
    }
  }
}
