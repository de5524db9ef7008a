package dev.affinis.instrument.pattern;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.affinis.instrument.SiteKind;
import dev.affinis.instrument.pattern.GatePatterns.Activated;
import dev.affinis.instrument.pattern.GatePatterns.Gate;
import dev.affinis.instrument.pattern.GatePatterns.Origin;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Products of linear maps: {@code g} and {@code v} are maps of x, {@code w} one to another size,
 * {@code z} one of another tensor, {@code h1} and {@code h2} the halves of a map of x.
 */
class GatePatternsTest {
  private static final Map<String, Origin> ORIGINS =
      Map.of(
          "g", new Origin(100, "x", "", "4"),
          "v", new Origin(101, "x", "", "4"),
          "w", new Origin(102, "x", "", "1"),
          "z", new Origin(103, "y", "", "4"),
          "h1", new Origin(104, "x", "first", "2"),
          "h2", new Origin(104, "x", "second", "2"));

  /** What an activation of each kind, a tensor of its name, makes of the tensor in front of it. */
  private static Map<String, Activated> activations(String input) {
    return Map.of(
        "silu", new Activated(SiteKind.SILU, input),
        "swish", new Activated(SiteKind.SWISH, input),
        "gelu", new Activated(SiteKind.GELU, input),
        "relu", new Activated(SiteKind.RELU, input),
        "sigmoid", new Activated(SiteKind.SIGMOID, input),
        "tanh", new Activated(SiteKind.TANH, input));
  }

  private static List<Gate> gates(String graph, String input, Integer... taken) {
    return GatePatterns.find(new TextGraph(graph), activations(input), Set.of(taken), ORIGINS::get);
  }

  @ParameterizedTest
  @CsvSource({
    "silu v, g, SWIGLU g v 1",
    "v silu, g, SWIGLU g v 0",
    "swish v, g, SWIGLU g v 1",
    "gelu v, g, GEGLU g v 1",
    "relu v, g, REGLU g v 1",
    "sigmoid v, g, SIGMOID_GLU g v 1",
    "sigmoid h2, h1, SIGMOID_GLU h1 h2 1",
    "h1 sigmoid, h2, SIGMOID_GLU h2 h1 0",
    "g v, g, BILINEAR g v 1",
    "h1 h2, g, BILINEAR h1 h2 1",
    "tanh v, g, ",
    "silu w, g, ",
    "silu z, g, ",
    "silu g, g, ",
    "silu h1, h1, ",
    "silu h1, g, ",
    "h2 g, g, ",
    "silu other, g, ",
    "silu v, other, ",
    "other v, g, ",
    "g other, g, ",
    "g g, g, ",
    "g v v, g, "
  })
  void gatesAreProductsOfTwoMapsOfOneTensor(String factors, String input, String expected) {
    List<String> found =
        gates("y = Mul " + factors, input).stream()
            .map(g -> g.kind() + " " + g.gate() + " " + g.value() + " " + g.factor())
            .toList();
    assertEquals(expected == null ? List.of() : List.of(expected), found);
  }

  @Test
  void onlyProductsThatAreNoActivationsAreGates() {
    assertEquals(List.of(), gates("y = Add silu v", "g"));
    assertEquals(List.of(), gates("y = Mul silu v", "g", 0));
    List<Gate> both = gates("a = Mul silu v; b = Neg a; c = Mul g v; y = Add b c", "g");
    assertEquals(List.of(0, 2), both.stream().map(Gate::product).toList());
  }

  @Test
  void whatChangesNoValueIsPassed() {
    String copies = "a = Cast silu; b = Identity a; c = Dropout b; y = Mul c v";
    assertEquals(1, gates(copies, "g").size());
    assertEquals("silu", GatePatterns.passed(new TextGraph(copies), "c"));
    assertEquals("y", GatePatterns.passed(new TextGraph(copies), "y"));
    assertEquals("silu", GatePatterns.passed(new TextGraph(copies), "silu"));
    StringBuilder chain = new StringBuilder("a1 = Cast x");
    for (int i = 1; i <= 16; i++) {
      chain.append("; a").append(i + 1).append(" = Cast a").append(i);
    }
    TextGraph longer = new TextGraph(chain.toString());
    assertEquals("x", GatePatterns.passed(longer, "a16"));
    assertEquals("a1", GatePatterns.passed(longer, "a17"));
  }
}
