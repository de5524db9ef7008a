/* Elements, made of text that is never read as HTML. */
Affinis.dom = (function () {
  'use strict';

  const SVG = 'http://www.w3.org/2000/svg';

  /* An element with properties (className, title, ...) or attributes (data-x, aria-x, role, scope), and what it holds. */
  function element(tag, properties, ...children) {
    const made = document.createElement(tag);
    Object.entries(properties || {}).forEach(([name, value]) => {
      if (value === undefined || value === null) {
        return;
      }
      if (name.includes('-') || name === 'role' || name === 'scope') {
        made.setAttribute(name, value);
      } else if (name.startsWith('on')) {
        made.addEventListener(name.slice(2), value);
      } else {
        made[name] = value;
      }
    });
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  }

  /* A name from a file: its own direction of writing, cut at the end if there is no room, whole when pointed at. */
  function name(value) {
    const shown = Affinis.text.printable(value);
    return element('bdi', { title: shown, dir: 'auto' }, shown);
  }

  function svg(width, height, ...shapes) {
    const made = document.createElementNS(SVG, 'svg');
    made.setAttribute('width', width);
    made.setAttribute('height', height);
    made.setAttribute('aria-hidden', 'true');
    shapes.forEach(([tag, attributes]) => {
      const shape = document.createElementNS(SVG, tag);
      Object.entries(attributes).forEach(([key, value]) => shape.setAttribute(key, value));
      made.append(shape);
    });
    return made;
  }

  /* The line of a model, as the charts draw it. */
  function swatch(theme, model) {
    const dashes = { solid: 'none', dashed: '7 4', dotted: '2 3' };
    return svg(24, 10, ['line', {
      x1: 1, y1: 5, x2: 23, y2: 5, 'stroke-width': 3, stroke: Affinis.themes.colour(theme, model.index),
      'stroke-dasharray': dashes[Affinis.themes.dash(theme, model.index)],
    }]);
  }

  /* The mark of a kind of sites. */
  function mark(shape) {
    return svg(14, 14, ['path', {
      d: shape.path, transform: 'translate(7 7) scale(' + 4.5 * Math.min(shape.size, 1.35) + ')',
      fill: shape.hollow ? 'none' : 'currentColor', stroke: shape.hollow ? 'currentColor' : 'none', 'stroke-width': 0.4,
    }]);
  }

  function options(select, entries, chosen) {
    select.replaceChildren(...entries.map(([value, title]) => element('option', { value: value, selected: value === chosen }, title)));
  }

  return { element: element, name: name, swatch: swatch, mark: mark, options: options };
})();
