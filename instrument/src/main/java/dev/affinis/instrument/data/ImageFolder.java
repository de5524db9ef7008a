package dev.affinis.instrument.data;

import dev.affinis.instrument.FileIdentity;
import dev.affinis.instrument.InvalidInputException;
import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;

/**
 * The images in a folder and its sub-folders (a folder per class, for example), ordered by their
 * path below the folder, so that the order is the same on every machine. If every image lies in a
 * sub-folder, those directly below the folder are classes, numbered in the order of their names.
 *
 * <p>JPEG, PNG, BMP, GIF (its first picture) and WebP files count, told by the file's ending;
 * hidden files and folders, which start with a dot, and everything else are ignored. Embedded
 * colour profiles and EXIF orientation are not applied and alpha is dropped, as torchvision does.
 */
final class ImageFolder implements ImageCollection {
  private static final Set<String> ENDINGS = Set.of("jpg", "jpeg", "png", "bmp", "gif", "webp");

  private final Path folder;
  private final String description;
  private final List<Path> files;

  /** The class of each image; empty if some lie in the folder itself. */
  private final List<Integer> labels;

  /**
   * Lists the images.
   *
   * @param folder the folder
   * @param description what the user called it
   * @throws InvalidInputException if there is no such folder, or it has no images
   */
  ImageFolder(Path folder, String description) {
    this.folder = folder;
    this.description = description;
    if (!Files.isDirectory(folder)) {
      throw new InvalidInputException(
          "image folder " + folder + (Files.exists(folder) ? " is a file" : " does not exist"));
    }
    files = imagesBelow(folder);
    if (files.isEmpty()) {
      throw new InvalidInputException(
          "folder "
              + folder
              + " has no images: expected .jpg, .jpeg, .png, .bmp, .gif or .webp files in it or"
              + " its sub-folders");
    }
    labels = classes(folder, files);
  }

  /** Numbers the sub-folders by their names, whatever else is sorted in between. */
  private static List<Integer> classes(Path folder, List<Path> files) {
    List<Path> below = files.stream().map(folder::relativize).toList();
    if (below.stream().anyMatch(file -> file.getNameCount() == 1)) {
      return List.of();
    }
    Map<String, Integer> numbers = new HashMap<>();
    for (String name : new TreeSet<>(below.stream().map(ImageFolder::first).toList())) {
      numbers.put(name, numbers.size());
    }
    return below.stream().map(file -> numbers.get(first(file))).toList();
  }

  private static String first(Path relative) {
    return relative.getName(0).toString();
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

  @Override
  public int size() {
    return files.size();
  }

  @Override
  public ImageDecoder.Size imageSize(int index) {
    return ImageDecoder.size(files.get(index));
  }

  @Override
  public RgbImage image(int index) {
    return ImageDecoder.decode(files.get(index));
  }

  @Override
  public OptionalInt label(int index) {
    return labels.isEmpty() ? OptionalInt.empty() : OptionalInt.of(labels.get(index));
  }

  @Override
  public String name(int index) {
    return files.get(index).toString();
  }

  @Override
  public String description() {
    return description;
  }

  @Override
  public Map<String, Object> describe() {
    return Map.of("ignored", List.of("alpha", "colour profile", "EXIF orientation"));
  }

  @Override
  public Optional<String> identity() throws IOException {
    return Optional.of(FileIdentity.of(folder, files));
  }

  @Override
  public void close() {
    // Files are opened one at a time.
  }
}
