/* What surrounds the charts: warnings, what is missing and why, what was measured and how. */
Affinis.details = (function () {
  'use strict';

  const { element, name } = Affinis.dom;
  const text = Affinis.text;

  const MANY = 6; // warnings beyond which their list scrolls

  function plural(count, one) {
    return count.toLocaleString('en') + ' ' + one + (count === 1 ? '' : 's');
  }

  function lead(report) {
    const layers = report.models.reduce((sum, model) => sum + model.source.layers.length, 0);
    const samples = [...new Set(report.models.map((model) => model.source.data.samples))].sort((a, b) => a - b);
    const range = samples.length === 0 ? '' : samples.length === 1 ? plural(samples[0], 'sample') : samples[0] + ' to ' + plural(samples[samples.length - 1], 'sample');
    return [plural(report.models.length, 'model'), plural(layers, 'site'), plural(report.data.scores.length, 'score'), range].join(', ');
  }

  function warnings(section, report) {
    const list = report.data.warnings;
    section.hidden = list.length === 0;
    section.classList.toggle('many', list.length > MANY);
    const lines = section.querySelector('ul');
    if (list.length > MANY) {
      lines.tabIndex = 0; // it scrolls
    }
    lines.replaceChildren(...list.map((warning) => element('li', {}, text.printable(warning.text))));
  }

  /* Missing scores by score and reason, each with the models and sites that lack it. */
  function missingScores(report) {
    const groups = new Map();
    report.models.forEach((model) => model.source.layers.forEach((layer) => Object.keys(layer.scores).forEach((score) => {
      if (layer.scores[score] === null) {
        const reason = (layer.notes || {})[score] || 'no reason given';
        const key = JSON.stringify([score, reason]);
        if (!groups.has(key)) {
          groups.set(key, { score: score, reason: reason, count: 0, models: new Map() });
        }
        const group = groups.get(key);
        group.count++;
        if (!group.models.has(model)) {
          group.models.set(model, []);
        }
        group.models.get(model).push(layer.label);
      }
    })));
    return [...groups.values()];
  }

  function modelLists(models) {
    return element('ul', {}, ...[...models].map(([model, labels]) =>
      element('li', {}, element('b', {}, name(model.name)), ' (' + labels.length + '): ' + labels.map(text.printable).join(', '))));
  }

  /* Lists are made when they are opened: there can be thousands of lines. */
  function lazily(title, count, make) {
    const box = element('details', {}, element('summary', {}, title, ' ', element('span', { className: 'count' }, count)));
    box.addEventListener('toggle', () => {
      if (box.open && box.children.length === 1) {
        box.append(make());
      }
    });
    box.fill = () => { if (box.children.length === 1) { box.append(make()); } };
    return box;
  }

  function missing(content, report) {
    const boxes = missingScores(report).map((group) => lazily(
      text.score(group.score) + ': ' + text.printable(group.reason),
      plural(group.count, 'site') + ' of ' + plural(group.models.size, 'model'), () => modelLists(group.models)));
    const unasked = report.models
      .map((model) => [model, report.data.scores.filter((score) => !model.source.layers.some((layer) => score in layer.scores))])
      .filter(([, scores]) => scores.length > 0);
    if (unasked.length > 0) {
      boxes.push(lazily('Scores that some signatures do not have: they were not asked for', plural(unasked.length, 'model'), () => modelLists(unasked)));
    }
    const skipped = report.models.filter((model) => model.source.skipped.length > 0);
    if (skipped.length > 0) {
      const count = skipped.reduce((sum, model) => sum + model.source.skipped.length, 0);
      boxes.push(lazily('Sites that were found but cannot be scored', plural(count, 'site'), () =>
        element('ul', {}, ...skipped.flatMap((model) => model.source.skipped.map((site) =>
          element('li', {}, element('b', {}, name(model.name)), ' ' + text.printable(site.path + ', ' + site.activation + ': ' + site.reason)))))));
    }
    content.replaceChildren(...(boxes.length > 0 ? boxes : [element('p', {}, 'Nothing: every site of every model has every score.')]));
  }

  function words(value) {
    if (value === null || value === undefined) {
      return '\u2013';
    }
    if (Array.isArray(value)) {
      return value.map(words).join(' \u00d7 ');
    }
    if (typeof value === 'object') {
      return Object.entries(value).map(([key, inner]) => key.replace(/_/g, ' ') + ' ' + words(inner)).join('; ');
    }
    return text.printable(value);
  }

  /* What is known of how a model was measured, as words by name. */
  function facts(model) {
    const source = model.source;
    const data = source.data;
    const found = new Map([['data', words(data.source)], ['samples', words(data.samples)], ['seed', words(data.seed)]]);
    if (data.classes !== undefined) {
      found.set('classes', data.classes + ', the smallest with ' + plural(data.smallest_class || 0, 'sample'));
    }
    Object.entries(data.preprocess || {}).forEach(([key, value]) =>
      found.set('preprocess: ' + key, Array.isArray(value) && key !== 'shape' ? value.map(words).join(', ') : words(value)));
    Object.entries(source.settings || {}).forEach(([key, value]) => found.set(key, words(value)));
    if (source.measured) {
      found.set('measured', words(source.measured).replace('T', ' ').replace('Z', ' UTC'));
    }
    found.set('runtime', words(source.runtime));
    found.set('parameters', source.parameters.toLocaleString('en'));
    found.set('SHA-256', words(source.sha256));
    found.set('file', words(source.file));
    return found;
  }

  function title(key) {
    return text.printable(key).replace(/_/g, ' ');
  }

  /* What all models share is said once; what differs, in a table. */
  function measured(content, report) {
    const all = report.models.map(facts);
    const keys = [...new Set(all.flatMap((found) => [...found.keys()]))];
    const shared = keys.filter((key) => all.every((found) => found.get(key) === all[0].get(key)));
    const differing = keys.filter((key) => !shared.includes(key));
    content.replaceChildren(element('dl', {}, ...shared.flatMap((key) => [element('dt', {}, title(key)), element('dd', {}, all[0].get(key))])));
    if (differing.length > 0) {
      const row = (model, i) => element('tr', {}, element('th', { scope: 'row' }, name(model.name)),
        ...differing.map((key) => element('td', { className: 'text', title: all[i].get(key) }, all[i].get(key) || '\u2013')));
      content.append(element('div', { className: 'scroll', tabIndex: 0, role: 'region', 'aria-label': 'What differs between models' },
        element('table', {}, element('thead', {}, element('tr', {}, element('th', { scope: 'col' }, 'model'),
          ...differing.map((key) => element('th', { scope: 'col', className: 'text' }, title(key))))), element('tbody', {}, ...report.models.map(row)))));
    }
  }

  /* Before printing: what could be opened is written out. */
  function fill(content) {
    content.querySelectorAll('details').forEach((box) => {
      if (box.fill) {
        box.fill();
      }
    });
  }

  return { lead: lead, warnings: warnings, missing: missing, measured: measured, fill: fill };
})();
