/* Correlation of two columns, as dev.affinis.signature.compare.Correlation computes it: for any two scores that are chosen. */
Affinis.statistics = (function () {
  'use strict';

  const QUANTILE = 1.959963984540054; // of the standard normal distribution, at 0.975

  function mean(values) {
    return values.reduce(function (sum, value) { return sum + value; }, 0) / values.length;
  }

  function pearson(x, y) {
    const meanX = mean(x);
    const meanY = mean(y);
    let xy = 0;
    let xx = 0;
    let yy = 0;
    x.forEach(function (value, i) {
      const dx = value - meanX;
      const dy = y[i] - meanY;
      xy += dx * dy;
      xx += dx * dx;
      yy += dy * dy;
    });
    return Math.max(-1, Math.min(1, xy / Math.sqrt(xx) / Math.sqrt(yy)));
  }

  /* Ranks from 1; equal values share the mean of their ranks. */
  function ranks(values) {
    const order = values.map(function (value, i) { return i; });
    order.sort(function (a, b) { return values[a] - values[b]; });
    const result = new Array(values.length);
    let start = 0;
    while (start < order.length) {
      let end = start;
      while (end + 1 < order.length && values[order[end + 1]] === values[order[start]]) {
        end++;
      }
      for (let i = start; i <= end; i++) {
        result[order[i]] = (start + end) / 2 + 1;
      }
      start = end + 1;
    }
    return result;
  }

  function isConstant(values) {
    return values.every(function (value) { return value === values[0]; });
  }

  function none(method, pairs, reason) {
    return { method: method, pairs: pairs, coefficient: null, reason: reason, low: null, high: null };
  }

  /* Pearson's or Spearman's coefficient with its 95 percent interval (Fisher; Bonett and Wright), or the reason for none. */
  function correlation(method, x, y) {
    const n = x.length;
    if (n < 3) {
      return none(method, n, 'a correlation needs at least 3 pairs, got ' + n);
    }
    if (isConstant(x) || isConstant(y)) {
      return none(method, n, 'all ' + n + ' values of one column are the same');
    }
    const r = method === 'pearson' ? pearson(x, y) : pearson(ranks(x), ranks(y));
    const result = { method: method, pairs: n, coefficient: r, reason: null, low: null, high: null };
    if (n > 3) {
      const factor = method === 'pearson' ? 1 : 1 + r * r / 2;
      const half = QUANTILE * Math.sqrt(factor / (n - 3));
      const middle = 0.5 * Math.log((1 + r) / (1 - r));
      result.low = Math.tanh(middle - half);
      result.high = Math.tanh(middle + half);
    }
    return result;
  }

  return { correlation: correlation };
})();
