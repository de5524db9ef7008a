package dev.affinis.instrument.torchscript;

/**
 * One token of TorchScript source.
 *
 * @param kind what it is
 * @param text its characters
 * @param start offset of its first character in the source
 * @param column distance of its first character from the start of its line
 * @param firstOnLine whether only blanks stand before it on its line
 */
record Token(Kind kind, String text, int start, int column, boolean firstOnLine) {

  enum Kind {
    NAME,
    NUMBER,
    STRING,
    SYMBOL,
    END
  }

  int end() {
    return start + text.length();
  }

  boolean is(String expected) {
    return kind != Kind.STRING && text.equals(expected);
  }

  boolean isName() {
    return kind == Kind.NAME;
  }
}
