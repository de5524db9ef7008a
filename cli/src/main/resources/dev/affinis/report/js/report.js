/* The comparison as the charts see it: models with short names, marks of kinds and types, sites with their scores. */
Affinis.report = (function () {
  'use strict';

  const text = Affinis.text;
  const SHORT = 26; // characters of a name in a chart

  /* Key, name, short name. */
  const STATISTICS = [
    ['mean', 'mean', 'mean'], ['std', 'standard deviation', 'std'], ['min', 'minimum', 'min'], ['median', 'median', 'median'],
    ['max', 'maximum', 'max'], ['max_over_mean', 'maximum over mean', 'max / mean'],
  ];

  function create(data) {
    const models = data.models.map(function (source, index) {
      return { index: index, id: 'm' + index, name: text.printable(source.name), short: text.shorten(source.name, SHORT), source: source };
    });
    return {
      data: data, models: models, marks: marksOf(data),
      byName: new Map(models.map(function (model) { return [model.source.name, model]; })),
    };
  }

  function markKey(type, kinds) {
    if (type && type !== 'activation') {
      return 'type ' + type;
    }
    return 'kind ' + (kinds.length === 1 ? kinds[0] : 'several kinds');
  }

  /* The mark of every kind of activation and every other type of site, the most frequent first. */
  function marksOf(data) {
    const counts = new Map();
    const count = function (key) { counts.set(key, (counts.get(key) || 0) + 1); };
    data.models.forEach(function (model) {
      model.layers.forEach(function (layer) { count(markKey(layer.type, [layer.activation])); });
      model.modules.forEach(function (site) { count(markKey(site.type, site.kinds)); });
    });
    const keys = Array.from(counts.keys()).sort(function (a, b) { return counts.get(b) - counts.get(a); });
    const marks = new Map();
    const used = { kind: 0, type: 0 };
    keys.forEach(function (key) {
      const group = key.slice(0, 4);
      const shapes = group === 'kind' ? Affinis.themes.filled : Affinis.themes.hollow;
      marks.set(key, { title: text.shorten(key.slice(5), 24), shape: shapes[used[group] % shapes.length] });
      used[group]++;
    });
    return marks;
  }

  /* Every site of a model in a view, whether or not it has a score; depth is where it first runs, relative from 0 to 1. */
  function sites(report, model, view) {
    const source = model.source;
    const last = source.layers.length - 1;
    return (view === 'modules' ? source.modules : source.layers).map(function (site) {
      const layers = view === 'modules' ? site.layers.map(function (i) { return source.layers[i]; }) : [site];
      const first = layers[0];
      const kinds = view === 'modules' ? site.kinds : [site.activation];
      return {
        model: model, layers: layers, label: site.label, kinds: kinds, type: first.type || 'activation',
        depth: first.index, relative: last > 0 ? first.index / last : 0.5, scores: site.scores,
        mark: report.marks.get(markKey(first.type, kinds)), wide: first.dimension > source.data.samples,
      };
    });
  }

  function value(site, score) {
    const found = site.scores[score];
    return found === undefined ? null : found;
  }

  /* Why a site has no such score. */
  function reason(site, score) {
    const notes = site.layers
      .map(function (layer) { return (layer.notes || {})[score]; })
      .filter(function (note) { return note; });
    return notes.length > 0 ? notes[0] : 'not asked for';
  }

  /* Whether a state shows a model in full colour: the isolated one, or all. */
  function isShown(state, model) {
    return state.isolated === null || state.isolated === model.index;
  }

  function statistics(model, score, view) {
    const found = model.source.statistics[score];
    return found ? found[view] : undefined;
  }

  /* Names of the numbers that any model has, such as accuracy. */
  function numbers(report) {
    const names = new Set();
    report.models.forEach(function (model) {
      Object.keys(model.source.numbers || {}).forEach(function (name) { names.add(name); });
    });
    return Array.from(names);
  }

  /* What is shown at first. */
  function initialState(report) {
    const scores = report.data.scores;
    const asked = report.data.options.score;
    const score = scores.indexOf(asked) >= 0 ? asked : scores[0] || 'affinity';
    const others = scores.filter(function (name) { return name !== score; });
    const telling = ['linear_cka', 'r2'].filter(function (name) { return others.indexOf(name) >= 0; });
    const known = numbers(report);
    return {
      score: score, view: report.data.options.view || 'calls', depth: 'relative', isolated: null, published: 'none',
      x: score, y: telling[0] || others[0] || score, statistic: 'mean', page: 0,
      number: known.indexOf('accuracy') >= 0 ? 'accuracy' : known[0] || null,
    };
  }

  return {
    create: create, sites: sites, value: value, reason: reason, isShown: isShown, statistics: statistics,
    numbers: numbers, initialState: initialState, STATISTICS: STATISTICS,
  };
})();
