package dev.affinis.instrument.data;

import dev.affinis.instrument.InvalidInputException;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.ComponentColorModel;
import java.awt.image.ComponentSampleModel;
import java.awt.image.DataBufferByte;
import java.awt.image.Raster;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Locale;
import java.util.Set;
import javax.imageio.IIOException;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.spi.ImageReaderSpi;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.ImageInputStreamImpl;

/**
 * Decodes an image file with ImageIO into the sample values that the file holds.
 *
 * <p>Values are taken as they are stored, as Pillow and torchvision do: embedded colour profiles
 * and EXIF orientation are not applied, alpha is dropped, a grey value stands for red, green and
 * blue. CMYK is the exception: the JPEG plugin converts it to RGB. Values with 16 bits keep them.
 *
 * <p>A file that ends too early is unreadable. Most decoders fail on one; for JPEG and GIF the
 * decoder's warning tells, for WebP the length in the file's header.
 */
final class ImageDecoder {

  /** Larger files are not looked into: a model's input is a few pixels. */
  private static final long MAX_BYTES = 1L << 28;

  /**
   * Larger images are refused before memory for them is asked for; Pillow warns of a decompression
   * bomb from here on.
   */
  static final long MAX_PIXELS = 89_478_485;

  /** Formats that are decoded; Java knows others, which no folder of images has. */
  private static final Set<String> FORMATS = Set.of("jpeg", "png", "bmp", "gif", "webp");

  /** Width and height from a file's header. */
  record Size(int width, int height) {
    @Override
    public String toString() {
      return width + " x " + height;
    }
  }

  /** What is done with a reader that has a file for its input. */
  private interface Action<T> {
    T apply(ImageReader reader) throws IOException;
  }

  private ImageDecoder() {}

  /**
   * Decodes a file.
   *
   * @throws InvalidInputException if it cannot be decoded completely; the message names it
   */
  static RgbImage decode(Path file) {
    return decode(file, MAX_PIXELS);
  }

  /** Decodes a file that has no more pixels than are allowed. */
  static RgbImage decode(Path file, long mostPixels) {
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new IIOException("larger than " + (MAX_BYTES >> 20) + " MiB");
      }
      byte[] bytes = Files.readAllBytes(file);
      WebpFrames.requireComplete(bytes);
      JpegScans.requireFew(bytes);
      return withReader(new ByteArrayInput(bytes), reader -> decode(reader, bytes, mostPixels));
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  /**
   * Reads only a file's header.
   *
   * @throws InvalidInputException if it has none; the message names the file
   */
  static Size size(Path file) {
    try (ImageInputStream input = ImageIO.createImageInputStream(file.toFile())) {
      if (input == null) {
        throw new IIOException("it cannot be opened");
      }
      return withReader(input, reader -> checkedSize(reader, MAX_PIXELS));
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  private static InvalidInputException unreadable(Path file, IOException e) {
    Throwable cause = e;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    String reason = cause.getMessage();
    if (reason == null) {
      reason = cause instanceof EOFException ? "the file is incomplete" : cause.toString();
    }
    return new InvalidInputException(
        "image " + file + " cannot be read: " + reason.lines().findFirst().orElse(""), e);
  }

  private static <T> T withReader(ImageInputStream input, Action<T> action) throws IOException {
    if (input.length() == 0) {
      throw new IIOException("the file is empty");
    }
    ImageReader reader = reader(input);
    try {
      reader.setInput(input, true, true);
      return action.apply(reader);
    } catch (RuntimeException e) {
      // Decoders throw all kinds of unchecked exceptions on damaged files.
      throw new IIOException("its content is damaged (" + e + ")");
    } finally {
      reader.dispose();
    }
  }

  private static ImageReader reader(ImageInputStream input) throws IOException {
    for (Iterator<ImageReader> all = ImageIO.getImageReaders(input); all.hasNext(); ) {
      ImageReader reader = all.next();
      ImageReaderSpi provider = reader.getOriginatingProvider();
      boolean isKnown =
          provider != null
              && Arrays.stream(provider.getFormatNames())
                  .anyMatch(name -> FORMATS.contains(name.toLowerCase(Locale.ROOT)));
      if (isKnown) {
        return reader;
      }
      reader.dispose();
    }
    throw new IIOException("its content is not an image of a known format");
  }

  private static Size checkedSize(ImageReader reader, long mostPixels) throws IOException {
    Size size = new Size(reader.getWidth(0), reader.getHeight(0));
    if (size.width() < 1 || size.height() < 1) {
      throw new IIOException("it has no pixels: " + size);
    }
    if ((long) size.width() * size.height() > mostPixels) {
      throw new IIOException("it has more than " + mostPixels + " pixels: " + size);
    }
    return size;
  }

  private static RgbImage decode(ImageReader reader, byte[] bytes, long mostPixels)
      throws IOException {
    WebpFrames.requireWithin(bytes, checkedSize(reader, mostPixels));
    String[] damage = new String[1];
    reader.addIIOReadWarningListener(
        (source, warning) -> {
          if (warning.contains("premature end")
              || warning.contains("Truncated")
              || warning.contains("Out-of-sequence")) {
            damage[0] = warning;
          }
        });
    BufferedImage image = reader.read(0);
    if (damage[0] != null) {
      throw new IIOException("the file is incomplete or damaged (" + damage[0] + ")");
    }
    return rgb(image);
  }

  private static RgbImage rgb(BufferedImage image) throws IIOException {
    ColorModel colors = image.getColorModel();
    if (!(colors instanceof ComponentColorModel)) {
      return new Packed(image);
    }
    int type = colors.getColorSpace().getType();
    if (type != ColorSpace.TYPE_RGB && type != ColorSpace.TYPE_GRAY) {
      throw new IIOException("its colour space, number " + type + ", is neither RGB nor grey");
    }
    boolean grey = type == ColorSpace.TYPE_GRAY;
    Raster raster = image.getRaster();
    if (raster.getDataBuffer() instanceof DataBufferByte data
        && data.getNumBanks() == 1
        && colors.getComponentSize(0) == 8
        && raster.getSampleModel() instanceof ComponentSampleModel layout) {
      int[] offsets = layout.getBandOffsets();
      int base =
          data.getOffset()
              - raster.getSampleModelTranslateY() * layout.getScanlineStride()
              - raster.getSampleModelTranslateX() * layout.getPixelStride();
      return new RgbImage.Bytes(
          image.getWidth(),
          image.getHeight(),
          data.getData(),
          base,
          layout.getPixelStride(),
          layout.getScanlineStride(),
          offsets[0],
          offsets[grey ? 0 : 1],
          offsets[grey ? 0 : 2]);
    }
    return new Samples(raster, grey, (1L << colors.getComponentSize(0)) - 1);
  }

  /** Samples of any width, mostly 16 bits. */
  private record Samples(Raster raster, boolean grey, long largest) implements RgbImage {
    @Override
    public int width() {
      return raster.getWidth();
    }

    @Override
    public int height() {
      return raster.getHeight();
    }

    @Override
    public void row(int y, float[] target) {
      for (int c = 0; c < 3; c++) {
        for (int x = 0; x < width(); x++) {
          int value = raster.getSample(x + raster.getMinX(), y + raster.getMinY(), grey ? 0 : c);
          target[c * width() + x] = value / (float) largest;
        }
      }
    }
  }

  /** Palettes and packed pixels, which are RGB with 8 bits each by definition. */
  private record Packed(BufferedImage image) implements RgbImage {
    @Override
    public int width() {
      return image.getWidth();
    }

    @Override
    public int height() {
      return image.getHeight();
    }

    @Override
    public void row(int y, float[] target) {
      int width = width();
      int[] argb = image.getRGB(0, y, width, 1, null, 0, width);
      for (int x = 0; x < width; x++) {
        target[x] = BYTE_VALUES[argb[x] >> 16 & 0xff];
        target[width + x] = BYTE_VALUES[argb[x] >> 8 & 0xff];
        target[2 * width + x] = BYTE_VALUES[argb[x] & 0xff];
      }
    }
  }

  /** A file's bytes as the input of an {@link ImageReader}, without ImageIO's cache file. */
  private static final class ByteArrayInput extends ImageInputStreamImpl {
    /** Decoders look a little ahead; one that goes on for ever has missed the end. */
    private static final int MOST_BEYOND = 1_000;

    private final byte[] bytes;
    private int beyond;

    ByteArrayInput(byte[] bytes) {
      this.bytes = bytes;
    }

    @Override
    public int read() throws IIOException {
      bitOffset = 0;
      return streamPos < bytes.length ? bytes[(int) streamPos++] & 0xff : end();
    }

    private int end() throws IIOException {
      if (++beyond > MOST_BEYOND) {
        throw new IIOException("the file is incomplete");
      }
      return -1;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IIOException {
      bitOffset = 0;
      int count = (int) Math.min(length, bytes.length - streamPos);
      if (count <= 0) {
        return length == 0 ? 0 : end();
      }
      System.arraycopy(bytes, (int) streamPos, target, offset, count);
      streamPos += count;
      return count;
    }

    @Override
    public long length() {
      return bytes.length;
    }
  }
}
