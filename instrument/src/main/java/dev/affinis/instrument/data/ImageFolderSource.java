package dev.affinis.instrument.data;

import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.InvalidInputException;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The images in a folder and its sub-folders (a folder per class, for example), ordered by their
 * path below the folder, so that the order is the same on every machine.
 *
 * <p>JPEG, PNG, BMP, GIF (its first picture) and WebP files count, told by the file's ending;
 * hidden files and folders, which start with a dot, and everything else are ignored. Embedded
 * colour profiles and EXIF orientation are not applied and alpha is dropped, as torchvision does.
 */
public final class ImageFolderSource implements SampleSource {
  private static final Set<String> ENDINGS = Set.of("jpg", "jpeg", "png", "bmp", "gif", "webp");

  private final Path folder;
  private final List<Path> files;
  private final Preprocessing preprocessing;
  private final ImageTransform transform;
  private final Shape shape;
  private final Optional<String> notice;

  private ImageFolderSource(
      Path folder,
      List<Path> files,
      Preprocessing preprocessing,
      int width,
      int height,
      Optional<String> notice) {
    this.folder = folder;
    this.files = files;
    this.preprocessing = preprocessing;
    this.transform = new ImageTransform(preprocessing);
    this.shape = new Shape(3, height, width);
    this.notice = notice;
  }

  /**
   * Opens a folder.
   *
   * @param folder the folder
   * @param preprocessing how images become tensors; if it leaves their size open, the headers of
   *     the selected images are read
   * @param selection which images will be used
   * @return the source
   * @throws InvalidInputException if there is no such folder, it has no images, none of the
   *     selected ones can be read, or they come out in different sizes
   */
  public static ImageFolderSource open(
      Path folder, Preprocessing preprocessing, Selection selection) {
    if (!Files.isDirectory(folder)) {
      throw new InvalidInputException(
          "image folder " + folder + (Files.exists(folder) ? " is a file" : " does not exist"));
    }
    List<Path> files = imagesBelow(folder);
    if (files.isEmpty()) {
      throw new InvalidInputException(
          "folder "
              + folder
              + " has no images: expected .jpg, .jpeg, .png, .bmp, .gif or .webp files in it or"
              + " its sub-folders");
    }
    int fixed = preprocessing.inputSize().orElse(preprocessing.crop().orElse(0));
    if (fixed > 0) {
      return new ImageFolderSource(folder, files, preprocessing, fixed, fixed, Optional.empty());
    }
    Set<ImageDecoder.Size> sizes = resultSizes(folder, files, preprocessing, selection);
    if (sizes.size() == 1) {
      ImageDecoder.Size size = sizes.iterator().next();
      return new ImageFolderSource(
          folder, files, preprocessing, size.width(), size.height(), Optional.empty());
    }
    String found = "images in " + folder + " come in different sizes " + sizes;
    if (!preprocessing.keepsSize()) {
      throw new InvalidInputException(
          found + " after --resize: pass --crop too, or --input-size instead");
    }
    return new ImageFolderSource(
        folder,
        files,
        preprocessing.withImageNetGeometry(),
        224,
        224,
        Optional.of(
            found
                + ": using ImageNet's standard, shorter side 256 and centre crop 224; pass"
                + " --input-size, or --resize and --crop, to choose"));
  }

  private static List<Path> imagesBelow(Path folder) {
    List<Path> files = new ArrayList<>();
    try {
      Files.walkFileTree(
          folder,
          EnumSet.of(FileVisitOption.FOLLOW_LINKS),
          Integer.MAX_VALUE,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes) {
              return !dir.equals(folder) && isHidden(dir)
                  ? FileVisitResult.SKIP_SUBTREE
                  : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
              if (attributes.isRegularFile() && !isHidden(file) && ENDINGS.contains(ending(file))) {
                files.add(file);
              }
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
              // A link to a folder above would go round for ever; a dangling one leads nowhere.
              if (Files.isSymbolicLink(file)) {
                return FileVisitResult.CONTINUE;
              }
              throw e;
            }
          });
    } catch (IOException e) {
      throw new InvalidInputException("folder " + folder + " cannot be read: " + e, e);
    }
    files.sort(Comparator.comparing(file -> folder.relativize(file).toString().replace('\\', '/')));
    return files;
  }

  private static boolean isHidden(Path path) {
    return path.getFileName().toString().startsWith(".");
  }

  private static String ending(Path file) {
    String name = file.getFileName().toString();
    int dot = name.lastIndexOf('.');
    return dot < 0 ? "" : name.substring(dot + 1).toLowerCase(Locale.ROOT);
  }

  /**
   * The first two different sizes of the selected images after the transform, or the only one.
   * Unreadable images are passed over, as they are when they are read with {@code --skip-bad}.
   */
  private static Set<ImageDecoder.Size> resultSizes(
      Path folder, List<Path> files, Preprocessing preprocessing, Selection selection) {
    ImageTransform transform = new ImageTransform(preprocessing);
    Set<ImageDecoder.Size> sizes = new LinkedHashSet<>();
    InvalidInputException firstFailure = null;
    int readable = 0;
    for (int index : selection.candidates(files.size())) {
      try {
        ImageDecoder.Size size = ImageDecoder.size(files.get(index));
        ImageTransform.Geometry result = transform.geometry(size.width(), size.height());
        sizes.add(new ImageDecoder.Size(result.width(), result.height()));
        readable++;
      } catch (InvalidInputException e) {
        firstFailure = firstFailure == null ? e : firstFailure;
      }
      if (readable == selection.count() || sizes.size() == 2) {
        break;
      }
    }
    if (sizes.isEmpty() && firstFailure != null) {
      throw new InvalidInputException(
          "none of the "
              + files.size()
              + " images in "
              + folder
              + " can be read; "
              + firstFailure.getMessage(),
          firstFailure);
    }
    return sizes;
  }

  @Override
  public int size() {
    return files.size();
  }

  @Override
  public Shape sampleShape() {
    return shape;
  }

  @Override
  public void read(int index, FloatBuffer target) {
    Path file = files.get(index);
    RgbImage image = ImageDecoder.decode(file);
    ImageTransform.Geometry geometry;
    try {
      geometry = transform.geometry(image.width(), image.height());
    } catch (InvalidInputException e) {
      throw new InvalidInputException("image " + file + ": " + e.getMessage(), e);
    }
    if (geometry.width() != shape.get(2) || geometry.height() != shape.get(1)) {
      throw new InvalidInputException(
          "image "
              + file
              + " comes out as "
              + geometry.width()
              + " x "
              + geometry.height()
              + ", the others as "
              + shape.get(2)
              + " x "
              + shape.get(1)
              + ": pass --input-size, or --resize and --crop");
    }
    transform.apply(image, geometry, target);
  }

  @Override
  public String name(int index) {
    return files.get(index).toString();
  }

  @Override
  public String description() {
    return folder.toString();
  }

  @Override
  public Map<String, Object> preprocess() {
    Map<String, Object> map = new LinkedHashMap<>(preprocessing.describe());
    map.put("ignored", List.of("alpha", "colour profile", "EXIF orientation"));
    map.put("shape", Arrays.stream(shape.getShape()).boxed().toList());
    if (notice.isPresent()) {
      map.put("default", "images differ in size: ImageNet's standard geometry");
    }
    return map;
  }

  @Override
  public Optional<String> notice() {
    return notice;
  }

  @Override
  public void close() {
    // Files are opened one at a time.
  }
}
