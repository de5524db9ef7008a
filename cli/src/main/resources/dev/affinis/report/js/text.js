/* Text from files, made fit to be shown: everything that a chart or a cell shows goes through here. */
var Affinis = {};
Affinis.text = (function () {
  'use strict';

  /* What XML and a canvas cannot show (control characters, halves of characters) becomes a mark; space is space. */
  function printable(text) {
    return String(text)
      .replace(/[\s\u2028\u2029]+/g, ' ')
      .replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/g, '\ufffd')
      .replace(/[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]/g, function (found) {
        return found.length === 2 ? found : '\ufffd';
      });
  }

  /* At most so many characters; of a longer text the start and the end, where names differ most. */
  function shorten(text, most) {
    const shown = printable(text);
    if (shown.length <= most) {
      return shown;
    }
    const end = Math.floor((most - 1) / 3);
    return printable(shown.slice(0, most - 1 - end) + '\u2026' + shown.slice(shown.length - end));
  }

  /* A number to read: about four significant digits. */
  function number(value) {
    if (value === null || value === undefined) {
      return '\u2013';
    }
    if (value === Math.round(value) && Math.abs(value) < 1e7) {
      return minus(String(value));
    }
    const size = Math.abs(value);
    if (size >= 1e5 || size < 1e-3) {
      return minus(value.toExponential(2));
    }
    return minus(size >= 1e4 ? value.toFixed(0) : size >= 1 ? value.toPrecision(4) : value.toFixed(3));
  }

  function minus(digits) {
    return digits.replace(/-/g, '\u2212');
  }

  /* A coefficient with its interval, or why there is none. */
  function coefficient(correlation) {
    if (correlation.coefficient === null) {
      return 'none: ' + correlation.reason;
    }
    const interval = correlation.low === null
      ? '' : ' [' + hundredths(correlation.low) + ', ' + hundredths(correlation.high) + ']';
    return hundredths(correlation.coefficient) + interval;
  }

  function hundredths(value) {
    return minus(value.toFixed(2));
  }

  /* Name of a score as words: linear_cka becomes linear CKA. */
  function score(name) {
    return printable(name).replace(/_/g, ' ').replace(/\bcka\b/, 'CKA').replace(/\br2\b/, 'R\u00b2');
  }

  return { printable: printable, shorten: shorten, number: number, coefficient: coefficient, score: score };
})();
