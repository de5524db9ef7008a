package dev.affinis.instrument.torchscript;

import java.util.List;
import java.util.Map;

/**
 * One source file of an archive.
 *
 * @param name its path inside the archive's {@code code} folder, such as {@code
 *     __torch__/torch/nn/functional.py}
 * @param source its text
 * @param tokens its tokens
 * @param classes the classes it declares
 * @param functions all functions and methods it declares, in order
 */
record ScriptFile(
    String name,
    String source,
    List<Token> tokens,
    List<ScriptClass> classes,
    List<ScriptFunction> functions) {

  /** Returns the source text of the tokens from (inclusive) to (exclusive). */
  String text(int from, int to) {
    return from >= to ? "" : source.substring(tokens.get(from).start(), tokens.get(to - 1).end());
  }

  /**
   * A class declaration.
   *
   * @param name qualified name, such as {@code __torch__.torch.nn.modules.activation.ReLU}
   * @param base {@code Module}, {@code NamedTuple}, {@code Interface}, ... or empty
   * @param attributes declared type of each attribute, in order
   * @param methods methods by name
   */
  record ScriptClass(
      String name,
      String base,
      Map<String, String> attributes,
      Map<String, ScriptFunction> methods) {

    boolean isModule() {
      return base.equals("Module");
    }
  }
}
