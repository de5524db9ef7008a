package dev.affinis.zoo;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Command line of {@link ZooImages}: writes an {@code .npz} with {@code images} and {@code labels}.
 */
@Command(
    name = "generate-images",
    mixinStandardHelpOptions = true,
    description =
        "Draws labelled images of shapes and textures, 32 x 32, ten classes, and writes them to a file.")
public final class GenerateImages implements Callable<Integer> {
  private static final int FAILED = 1;

  @Option(names = "--count", required = true, description = "number of images, at least 1")
  private int count;

  @Option(
      names = "--seed",
      required = true,
      description = "seed of the drawing; the same seed draws the same images")
  private long seed;

  @Option(names = "--out", required = true, description = "file to write, .npz")
  private Path out;

  private GenerateImages() {}

  /**
   * Runs the command and ends the process with its exit code: 0 done, 2 wrong use, 1 not written.
   */
  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    return new CommandLine(new GenerateImages())
        .setExecutionExceptionHandler(
            (e, command, parsed) -> {
              command.getErr().println(e);
              return e instanceof IllegalArgumentException ? CommandLine.ExitCode.USAGE : FAILED;
            });
  }

  @Override
  public Integer call() throws IOException {
    ZooImages images = ZooImages.generate(count, seed);
    try (OutputStream stream = new BufferedOutputStream(Files.newOutputStream(out))) {
      write(images, stream);
    }
    return 0;
  }

  /**
   * Writes images as an {@code .npz} archive: {@code images} n x 32 x 32 x 3 uint8, {@code labels}
   * n int64.
   *
   * @param images what to write
   * @param stream where to, closed afterwards
   * @throws IOException if writing fails
   */
  static void write(ZooImages images, OutputStream stream) throws IOException {
    try (NpzWriter npz = new NpzWriter(stream)) {
      npz.writeUint8("images", images.pixels(), images.count(), ZooImages.SIZE, ZooImages.SIZE, 3);
      npz.writeInt64("labels", images.labels());
    }
  }
}
