/* What stands beside the pointer: for a site its path, kind, shape and all of its scores. */
Affinis.tooltip = (function () {
  'use strict';

  const { element } = Affinis.dom;
  const text = Affinis.text;
  const FEW = 8; // lines that need one column only

  function rows(site) {
    const scores = site.scores;
    const done = new Set();
    const list = [];
    Object.keys(scores).forEach((key) => {
      if (done.has(key)) {
        return;
      }
      const stem = key.replace(/_pre$/, '');
      const after = stem + '_post';
      if (stem !== key && after in scores) {
        done.add(after);
        list.push([stem, [key, after], text.number(scores[key]) + ' \u2192 ' + text.number(scores[after])]);
      } else {
        list.push([key, [key], text.number(scores[key])]);
      }
    });
    return list;
  }

  function facts(site) {
    const first = site.layers[0];
    const type = site.type === 'activation' ? '' : site.type + ' ';
    const calls = site.layers.length > 1 ? ', mean of ' + site.layers.length + ' calls' : '';
    return type + site.kinds.join(', ') + ', shape ' + first.shape.join(' \u00d7 ') + ', ' + first.dimension + ' channels, site ' +
      (site.depth + 1) + ' of ' + site.model.source.layers.length + calls;
  }

  function aboutSite(site, state) {
    const list = rows(site);
    const box = element('div', { className: 'tip' },
      element('strong', {}, text.shorten(site.model.name, 60)),
      element('div', {}, text.shorten(site.label, 120)),
      element('div', { className: 'facts' }, text.printable(facts(site))));
    if (Affinis.report.value(site, state.score) === null) {
      box.append(element('div', { className: 'warn' },
        'no ' + text.score(state.score) + ': ' + text.shorten(Affinis.report.reason(site, state.score), 200)));
    }
    if (site.wide) {
      box.append(element('div', { className: 'warn' }, 'more channels than the ' + site.model.source.data.samples + ' samples: affinity is too high'));
    }
    box.append(element('ul', { className: list.length > FEW ? '' : 'few' }, ...list.map(([title, keys, value]) =>
      element('li', { className: keys.includes(state.score) ? 'chosen' : '' }, element('span', {}, text.score(title)), element('b', {}, value)))));
    const errors = site.layers.length === 1 ? site.layers[0].errors : undefined;
    if (errors && typeof errors[state.score] === 'number') {
      box.append(element('div', { className: 'facts' }, 'standard error of ' + text.score(state.score) + ': ' + text.number(errors[state.score])));
    }
    return box;
  }

  function lines(title, ...more) {
    return element('div', { className: 'tip' }, element('strong', {}, text.shorten(title, 60)), ...more.map((line) => element('div', {}, line)));
  }

  function range(of) {
    return 'minimum ' + text.number(of.min) + ', median ' + text.number(of.median) + ', maximum ' + text.number(of.max);
  }

  /* Content for whatever a chart's point is about. */
  function about(found, state) {
    if (found.layers) {
      return aboutSite(found, state);
    }
    if (found.point) {
      const { model, x, y } = found.point;
      return lines(model.name, state.statistic.replace(/_/g, ' ') + ' of ' + text.score(state.score) + ' ' + text.number(x),
        text.printable(state.number) + ' ' + text.number(y));
    }
    if (found.row) {
      return lines(found.row.name, found.row.published ? 'published, ' + found.row.published.family : 'measured', range(found.row));
    }
    if (found.published) {
      return lines(found.published.name, 'published, ' + found.published.family, 'affinity ' + text.number(found.value));
    }
    return lines('distance ' + text.number(found.distance), text.shorten(found.one, 60), text.shorten(found.other, 60));
  }

  return { about: about };
})();
