package dev.affinis.instrument;

import dev.affinis.signature.Signature;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;

/**
 * Which Affinis this is. Two builds between releases have the same version number, so a checksum of
 * what measures stands behind it.
 */
public final class CodeVersion {
  private static final int DIGITS = 12;

  private CodeVersion() {}

  /** Computed once, when it is first asked for: the code that runs does not change. */
  private static final class Current {
    static final String VERSION = compute();
  }

  /**
   * Returns the version.
   *
   * @return that of a release; otherwise with a checksum of the code that measures
   */
  public static String current() {
    return Current.VERSION;
  }

  private static String compute() {
    String version = CodeVersion.class.getPackage().getImplementationVersion();
    if (version != null && !version.endsWith("-SNAPSHOT")) {
      return version;
    }
    StringBuilder text = new StringBuilder(version == null ? "unpackaged" : version);
    for (Class<?> part : List.of(Signature.class, Measurement.class)) {
      text.append(text.indexOf("+") < 0 ? '+' : '.').append(checksum(part), 0, DIGITS);
    }
    return text.toString();
  }

  private static String checksum(Class<?> part) {
    try {
      URI place = part.getProtectionDomain().getCodeSource().getLocation().toURI();
      return FileIdentity.ofContent(Path.of(place));
    } catch (URISyntaxException e) {
      throw new IllegalStateException("code of " + part + " has no address", e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
