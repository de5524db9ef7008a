package dev.affinis.instrument.torchscript;

import dev.affinis.instrument.CaptureForm;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.Layout;
import dev.affinis.instrument.SiteKind;
import dev.affinis.instrument.TapOptions;
import dev.affinis.instrument.TokenMask;
import dev.affinis.instrument.torchscript.ScriptFile.ScriptClass;
import dev.affinis.instrument.torchscript.ScriptFunction.Parameter;
import dev.affinis.signature.Pooling;
import dev.affinis.signature.TokenPolicy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Writes the method that takes the place of the root module's forward: it makes the taps, calls the
 * old forward and returns its result next to what was seen.
 *
 * <p>DJL can hand back tensors and tuples, lists and dictionaries of tensors. A result of any other
 * type (a NamedTuple with an optional field, say) is flattened into the list of the tensors in it.
 */
final class RootForward {
  /** The keys, values, states and attentions of a hundred layers are half of that. */
  private static final int MOST_PARTS = 1000;

  private static final int DEEPEST_TYPE = 50;

  private final CallGraph graph;
  private final ScriptFunction forward;
  private final StringBuilder out = new StringBuilder();
  private int names;

  RootForward(CallGraph graph, ScriptFunction forward) {
    this.graph = graph;
    this.forward = forward;
  }

  /** Whether DJL cannot hand back the result of this forward as it is. */
  boolean needsFlattening() {
    String type = forward.returnType();
    List<String> parts = arguments(type, "Tuple");
    boolean supported =
        parts == null
            ? List.of("Tensor", "List[Tensor]", "Dict[str, Tensor]").contains(type)
            : parts.stream().allMatch("Tensor"::equals);
    return !supported;
  }

  /**
   * The method for an instrumented model: returns (result, taps).
   *
   * @param options how tensors are captured
   * @param leftOut scope and kind of calls that are not, as {@code .scope|kind}
   */
  String tapped(TapOptions options, Collection<String> leftOut) {
    String result = needsFlattening() ? "List[Tensor]" : forward.returnType();
    header("Tuple[" + result + ", Dict[str, Tensor]]");
    String type = TapPass.TAPS_TYPE;
    line(4, TapPass.TAPS + " = " + type + ".__new__(" + type + ")");
    line(
        4,
        "affinis_init = ("
            + TapPass.TAPS
            + ").__init__("
            + bool(options.pooling() == Pooling.REFERENCE)
            + ", "
            + bool(options.form() == CaptureForm.RAW)
            + ", "
            + forced(options.layout())
            + ", annotate(List[str], ["
            + leftOut.stream().map(TapPass::quote).collect(Collectors.joining(", "))
            + "]), "
            + chosen(options.tokens())
            + ", "
            + options.threshold().orElse(-1)
            + ", annotate(Dict[str, List[float]], {"
            + Arrays.stream(SiteKind.values())
                .flatMap(RootForward::bounds)
                .collect(Collectors.joining(", "))
            + "}), )");
    if (options.tokens().choice() == TokenPolicy.Choice.MASKED) {
      takeMask(options.tokens());
    }
    for (Parameter parameter : forward.parameters()) {
      if (parameter.type().equals("Tensor")) {
        line(4, name() + " = (" + TapPass.TAPS + ").input(" + parameter.name() + ", )");
      }
    }
    call(TapPass.TAPS + ", \"\", ");
    line(4, "return (" + result() + ", " + TapPass.TAPS + ".rows)");
    return out.toString();
  }

  /** The method for the plain model: returns the flattened result and observes nothing. */
  String plain() {
    header(needsFlattening() ? "List[Tensor]" : forward.returnType());
    call("");
    line(4, "return " + result());
    return out.toString();
  }

  /** The interval of a kind's values, as an entry of a dictionary. */
  private static Stream<String> bounds(SiteKind kind) {
    return kind.bounds().stream()
        .map(b -> '"' + kind.word() + "\": [" + b.low() + ", " + b.high() + "]");
  }

  private static String bool(boolean value) {
    return value ? "True" : "False";
  }

  /** The number of a layout in the taps' source. */
  private static int forced(Layout layout) {
    return switch (layout) {
      case AUTO -> -1;
      case CHANNELS_FIRST -> 0;
      case CHANNELS_LAST -> 1;
    };
  }

  /** The number of a token policy in the taps' source. */
  private static int chosen(TokenPolicy tokens) {
    return switch (tokens.choice()) {
      case ALL -> 0;
      case CLASS -> 1;
      case PATCHES -> 2;
      case MASKED -> 3;
    };
  }

  /** Names the inputs: the parameters behind the module itself. */
  List<String> inputs() {
    return inputParameters().stream().map(Parameter::name).toList();
  }

  private List<Parameter> inputParameters() {
    return forward.parameters().subList(1, forward.parameters().size());
  }

  /** Hands the taps the mask; an optional one that is not given leaves them without. */
  private void takeMask(TokenPolicy tokens) {
    Parameter mask = inputParameters().get(TokenMask.index(tokens, inputs()));
    if (mask.type().equals("Tensor")) {
      line(4, name() + " = (" + TapPass.TAPS + ").take_mask(" + mask.name() + ", )");
    } else if (mask.type().equals("Optional[Tensor]")) {
      line(4, "if torch.__isnot__(" + mask.name() + ", None):");
      String present = name();
      line(6, present + " = unchecked_cast(Tensor, " + mask.name() + ")");
      line(6, name() + " = (" + TapPass.TAPS + ").take_mask(" + present + ", )");
      line(4, "else:");
      line(6, "pass");
    } else {
      throw new InvalidInputException(
          "tokens "
              + tokens.word()
              + " name an input that is a "
              + mask.type()
              + ", expected a tensor (batch x tokens)");
    }
  }

  private void header(String returnType) {
    String parameters =
        forward.parameters().stream()
            .map(p -> graph.file(forward).text(startOf(p), p.end()))
            .collect(Collectors.joining(",\n    "));
    line(2, "def forward(" + parameters + ") -> " + returnType + ":");
  }

  private int startOf(Parameter parameter) {
    // Parameters follow each other: the first after the parenthesis, the others after a comma.
    int index = forward.parameters().indexOf(parameter);
    return index == 0 ? forward.open() + 1 : forward.parameters().get(index - 1).end() + 1;
  }

  private void call(String extra) {
    String arguments =
        forward.parameters().stream()
            .skip(1)
            .map(p -> p.name() + ", ")
            .collect(Collectors.joining());
    line(
        4,
        "affinis_result = (" + forward.selfName() + ").affinis_forward(" + extra + arguments + ")");
  }

  private String result() {
    if (!needsFlattening()) {
      return "affinis_result";
    }
    line(4, "affinis_tensors = annotate(List[Tensor], [])");
    flatten(4, 0, forward.returnType(), "affinis_result");
    return "affinis_tensors";
  }

  private void flatten(int indent, int depth, String type, String value) {
    if (names > MOST_PARTS || depth > DEEPEST_TYPE) {
      throw new InvalidInputException(
          "it cannot be instrumented: its result is of type "
              + forward.returnType()
              + ", which has more than "
              + MOST_PARTS
              + " parts, more than "
              + DEEPEST_TYPE
              + " in each other, or has itself in it: return tensors and export the model again");
    }
    List<String> tuple = arguments(type, "Tuple");
    List<String> optional = arguments(type, "Optional");
    ScriptClass named = graph.type(type);
    if (type.equals("Tensor")) {
      line(indent, name() + " = torch.append(affinis_tensors, " + value + ")");
    } else if (type.equals("List[Tensor]")) {
      line(indent, "torch.extend(affinis_tensors, " + value + ")");
    } else if (type.equals("Dict[str, Tensor]")) {
      line(indent, "torch.extend(affinis_tensors, torch.values(" + value + "))");
    } else if (optional != null && !optional.isEmpty()) {
      line(indent, "if torch.__isnot__(" + value + ", None):");
      String present = name();
      line(indent + 2, present + " = unchecked_cast(" + optional.get(0) + ", " + value + ")");
      flatten(indent + 2, depth + 1, optional.get(0), present);
      line(indent, "else:");
      line(indent + 2, "pass");
    } else if (tuple != null) {
      List<String> parts = new ArrayList<>();
      tuple.forEach(t -> parts.add(name()));
      line(indent, String.join(", ", parts) + ", = " + value);
      for (int i = 0; i < parts.size(); i++) {
        flatten(indent, depth + 1, tuple.get(i), parts.get(i));
      }
    } else if (named != null && named.base().equals("NamedTuple")) {
      for (Map.Entry<String, String> field : named.attributes().entrySet()) {
        String part = name();
        line(indent, part + " = " + value + "." + field.getKey());
        flatten(indent, depth + 1, field.getValue(), part);
      }
    }
  }

  private String name() {
    return "affinis_part" + names++;
  }

  private void line(int indent, String text) {
    out.append(" ".repeat(indent)).append(text).append('\n');
  }

  /** The type arguments of {@code Generic[A, B[C, D]]}, or null if the type is another. */
  private static List<String> arguments(String type, String generic) {
    if (!type.startsWith(generic + "[") || !type.endsWith("]")) {
      return null;
    }
    List<String> parts = new ArrayList<>();
    int depth = 0;
    int from = generic.length() + 1;
    for (int i = from; i < type.length(); i++) {
      char c = type.charAt(i);
      if (depth == 0 && (c == ',' || i == type.length() - 1)) {
        parts.add(type.substring(from, i).strip());
        from = i + 1;
      }
      depth += c == '[' ? 1 : c == ']' ? -1 : 0;
    }
    return parts;
  }
}
