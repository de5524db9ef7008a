package dev.affinis.instrument.torchscript;

import dev.affinis.instrument.InvalidInputException;
import java.util.List;
import java.util.Set;

/**
 * Refuses programs that call operators which read or write files of their own choice, before the
 * engine sees them. A network needs none of these.
 *
 * <p>Operators can only be named as {@code torch.NAME} or {@code ops.NAMESPACE.NAME}, so that the
 * text tells which are called, as long as {@code torch} and {@code ops} are not handed on as
 * values; that is refused, too. Attributes and methods may have these names: they are only reached
 * behind a dot. Refused are the operators of PyTorch 2.7.1 that take the name of a file, and those
 * of torchvision, should it be loaded: no promise that others do no harm.
 */
final class FileOperators {
  private static final Set<String> NAMES =
      Set.of(
          "from_file",
          "save",
          "load",
          "read_file",
          "write_file",
          "read_video_from_file",
          "probe_video_from_file");

  private FileOperators() {}

  /**
   * Looks through a file.
   *
   * @param model what messages call the model
   * @param file one of its files
   * @throws InvalidInputException if it calls one of these operators, or hides which it calls
   */
  static void requireNone(String model, ScriptFile file) {
    List<Token> tokens = file.tokens();
    for (int i = 0; i < tokens.size(); i++) {
      int parts = tokens.get(i).is("torch") ? 1 : tokens.get(i).is("ops") ? 2 : 0;
      if (parts == 0 || isMember(tokens, i)) {
        continue;
      }
      int last = i + 2 * parts;
      for (int dot = i + 1; dot < last; dot += 2) {
        if (last >= tokens.size() || !tokens.get(dot).is(".") || !tokens.get(dot + 1).isName()) {
          throw refused(model, file, tokens.get(i), "hides which operator it calls by the value ");
        }
      }
      if (NAMES.contains(tokens.get(last).text())) {
        throw refused(model, file, tokens.get(last), "reads or writes files by the operator ");
      }
    }
  }

  /** Whether a name is a member's: behind a dot, or where the member is declared. */
  private static boolean isMember(List<Token> tokens, int i) {
    if (i > 0 && (tokens.get(i - 1).is(".") || tokens.get(i - 1).is("def"))) {
      return true;
    }
    return tokens.get(i).firstOnLine() && i + 1 < tokens.size() && tokens.get(i + 1).is(":");
  }

  private static InvalidInputException refused(
      String model, ScriptFile file, Token token, String what) {
    return new InvalidInputException(
        "model "
            + model
            + " "
            + what
            + token.text()
            + " in "
            + file.name()
            + ", at character "
            + token.start()
            + "; such a model is not run: export it without");
  }
}
