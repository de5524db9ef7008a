package dev.affinis.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.SerializableString;
import com.fasterxml.jackson.core.io.CharacterEscapes;
import com.fasterxml.jackson.core.io.SerializedString;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.DoubleNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.affinis.signature.AtomicFile;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A comparison as one HTML file that needs nothing else: no network, no server. It holds the
 * charting library, the scripts, the comparison itself (numbers to {@value #DIGITS} digits) and the
 * licences.
 *
 * <p>Names and texts of a comparison may come from anyone's files. They get into the page as JSON
 * in which no character can end the element that holds it, and from there as text, never as HTML;
 * the page's policy runs no script but those that were in it when it was written, known by their
 * checksums, and forbids every connection.
 */
public final class ReportPage {
  /** Significant digits of the numbers in a page. */
  static final int DIGITS = 8;

  /** What the page computes by itself, for any two scores that a reader chooses. */
  private static final Set<String> LEFT_OUT = Set.of("correlations", "against");

  private static final Pattern PLACE = Pattern.compile("\\{\\{([a-z-]+)}}");

  private static final JsonMapper JSON = mapper();

  private ReportPage() {}

  /**
   * Writes the report.
   *
   * @param comparison a comparison of schema {@code affinis.comparison/1}; not modified
   * @param file where, replaced in one step if it exists; its folder must exist
   * @throws IOException if the folder cannot be written to; an old file is then left as it was
   */
  public static void write(JsonNode comparison, Path file) throws IOException {
    AtomicFile.write(file, html(comparison));
  }

  /**
   * Returns the report as text.
   *
   * @param comparison a comparison of schema {@code affinis.comparison/1}; not modified
   * @return the page
   */
  static String html(JsonNode comparison) {
    var scripts =
        Stream.of(
                Stream.of(ReportSources.ECHARTS),
                ReportSources.CHARTS.stream(),
                ReportSources.PAGE.stream())
            .flatMap(names -> names)
            .map(name -> "\n" + ReportSources.read(name))
            .toList();
    Map<String, String> parts =
        Map.of(
            "style", ReportSources.read("report.css"),
            "script-hashes",
                scripts.stream().map(ReportPage::checksum).collect(Collectors.joining(" ")),
            "licences",
                ReportSources.LICENCES.stream()
                    .map(name -> escape(ReportSources.read(name)))
                    .collect(Collectors.joining("\n\n")),
            "comparison", json(comparison),
            "scripts",
                scripts.stream()
                    .map(script -> "<script>" + script + "</script>")
                    .collect(Collectors.joining("\n")));
    // In one pass: what is filled in is not searched again.
    return PLACE
        .matcher(ReportSources.read("report.html"))
        .replaceAll(place -> Matcher.quoteReplacement(parts.get(place.group(1))));
  }

  /** As the policy of a page names a script that may run. */
  private static String checksum(String script) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(script.getBytes(StandardCharsets.UTF_8));
      return "'sha256-" + Base64.getEncoder().encodeToString(hash) + "'";
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  private static String escape(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }

  static String json(JsonNode comparison) {
    ObjectNode shown = JsonNodeFactory.instance.objectNode();
    comparison
        .properties()
        .forEach(
            property -> {
              if (!LEFT_OUT.contains(property.getKey())) {
                shown.set(property.getKey(), rounded(property.getValue()));
              }
            });
    try {
      return JSON.writeValueAsString(shown);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree of JSON can be written", e);
    }
  }

  private static JsonNode rounded(JsonNode node) {
    if (node.isFloatingPointNumber() && Double.isFinite(node.doubleValue())) {
      return DoubleNode.valueOf(
          new BigDecimal(node.doubleValue()).round(new MathContext(DIGITS)).doubleValue());
    }
    if (node.isArray()) {
      ArrayNode array = JsonNodeFactory.instance.arrayNode(node.size());
      node.forEach(item -> array.add(rounded(item)));
      return array;
    }
    if (node.isObject()) {
      ObjectNode object = JsonNodeFactory.instance.objectNode();
      node.properties()
          .forEach(property -> object.set(property.getKey(), rounded(property.getValue())));
      return object;
    }
    return node;
  }

  /** Writes ASCII only, and nothing that means something in HTML. */
  private static JsonMapper mapper() {
    JsonMapper mapper = JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();
    mapper.getFactory().setCharacterEscapes(new HtmlEscapes());
    return mapper;
  }

  /** JSON's own escapes, and those of the characters that make HTML. */
  private static final class HtmlEscapes extends CharacterEscapes {
    private static final long serialVersionUID = 1;

    @Override
    public int[] getEscapeCodesForAscii() {
      int[] codes = standardAsciiEscapesForJSON();
      codes['<'] = ESCAPE_STANDARD;
      codes['>'] = ESCAPE_STANDARD;
      codes['&'] = ESCAPE_STANDARD;
      return codes;
    }

    @Override
    public SerializableString getEscapeSequence(int character) {
      return new SerializedString("\\u%04x".formatted(character));
    }
  }
}
