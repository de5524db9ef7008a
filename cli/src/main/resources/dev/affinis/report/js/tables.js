/* Tables that sort: the summary of models, the sites of one model, correlations. */
Affinis.tables = (function () {
  'use strict';

  const { element, name, swatch } = Affinis.dom;
  const text = Affinis.text;
  const reports = Affinis.report;

  /* Fills a table. Columns are {title, hint, value: of a row, cell: its content, text: whether it is words}; the first names the row. */
  function fill(table, columns, rows, order, onSort) {
    const sorted = order ? sort(rows, columns[order.column], order.falling) : rows;
    const head = element('tr', {}, ...columns.map((column, i) => {
      const chosen = order && order.column === i;
      const title = onSort
        ? element('button', { type: 'button', title: column.hint, onclick: () => onSort(i) }, column.title)
        : column.title;
      return element('th', {
        scope: 'col', className: column.text ? 'text' : '', 'aria-sort': chosen ? (order.falling ? 'descending' : 'ascending') : onSort ? 'none' : null,
      }, title);
    }));
    const body = sorted.map((row) => element('tr', { className: row.className || '' }, ...columns.map((column, i) => {
      const content = column.cell ? column.cell(row) : text.number(column.value(row));
      return i === 0 ? element('th', { scope: 'row' }, content)
        : element('td', { className: column.text ? 'text' : column.value(row) === null ? 'missing' : '', title: column.why ? column.why(row) : undefined }, content);
    })));
    table.replaceChildren(element('thead', {}, head), element('tbody', {}, ...body));
  }

  /* Rows in the order of a column; those without a value are last in either direction. */
  function sort(rows, column, falling) {
    const sign = falling ? -1 : 1;
    return rows.slice().sort((a, b) => {
      const x = column.value(a);
      const y = column.value(b);
      if (x === null || y === null) {
        return (x === null) - (y === null);
      }
      return sign * (typeof x === 'string' ? x.localeCompare(y) : x - y);
    });
  }

  function summaryColumns(report, state, theme, onModel) {
    const statistic = ([key, long, title]) => ({ title: title, hint: long, value: (row) => (row.of && row.of[key] !== undefined ? row.of[key] : null) });
    const columns = [
      {
        title: 'model', text: true, value: (row) => row.model.name,
        cell: (row) => element('button', {
          type: 'button', 'aria-pressed': String(state.isolated === row.model.index), onclick: () => onModel(row.model.index),
        }, swatch(theme, row.model), name(row.model.name), row.warnings.length > 0
          ? element('span', { className: 'flag', title: row.warnings.join('\n'), role: 'img', 'aria-label': 'warnings: ' + row.warnings.join('; ') }, '\u26a0') : null),
      },
      { title: 'sites', hint: 'sites that have the score', value: (row) => (row.of ? row.of.sites : null) },
      ...reports.STATISTICS.map(statistic),
      ...reports.numbers(report).map((number) => ({
        title: text.shorten(number, 30), value: (row) => { const found = (row.model.source.numbers || {})[number]; return found === undefined ? null : found; },
      })),
    ];
    if (report.models.some((model) => (model.source.nearest || []).length > 0)) {
      columns.push({
        title: 'nearest published', hint: 'by affinity, with the distance', text: true,
        value: (row) => (row.nearest ? row.nearest.distance : null),
        cell: (row) => (row.nearest ? text.shorten(row.nearest.name, 24) + ' (' + text.number(row.nearest.distance) + ')' : '\u2013'),
      });
    }
    columns.push(
      { title: 'parameters', value: (row) => row.model.source.parameters, cell: (row) => row.model.source.parameters.toLocaleString('en') },
      { title: 'samples', value: (row) => row.model.source.data.samples });
    return columns;
  }

  function summary(table, report, state, theme, order, onSort, onModel) {
    const rows = report.models.map((model) => ({
      model: model, of: reports.statistics(model, state.score, state.view), nearest: (model.source.nearest || [])[0],
      warnings: report.data.warnings.filter((warning) => warning.models.includes(model.source.name)).map((warning) => text.printable(warning.text)),
      className: reports.isShown(state, model) ? '' : 'faded',
    }));
    fill(table, summaryColumns(report, state, theme, onModel), rows, order, onSort);
  }

  /* The sites of a model with all of their scores, the chosen one first. */
  function sites(table, report, state, model, order, onSort) {
    const rows = reports.sites(report, model, state.view);
    const names = [state.score, ...report.data.scores.filter((score) => score !== state.score)];
    const columns = [
      { title: 'site', text: true, value: (site) => site.label, cell: (site) => name(site.label) },
      { title: 'depth', value: (site) => site.depth },
      { title: 'kind', text: true, value: (site) => site.kinds.join(', '), cell: (site) => text.shorten(site.kinds.join(', '), 30) },
      { title: 'type', text: true, value: (site) => site.type, cell: (site) => text.shorten(site.type, 20) },
      { title: 'shape', value: (site) => site.layers[0].shape.reduce((a, b) => a * b, 1), cell: (site) => site.layers[0].shape.join(' \u00d7 ') },
      {
        title: 'channels', value: (site) => site.layers[0].dimension,
        cell: (site) => (site.wide ? element('span', { className: 'flag', title: 'more than samples' }, site.layers[0].dimension + ' \u26a0') : String(site.layers[0].dimension)),
      },
      ...names.map((score) => ({
        title: text.score(score), value: (site) => reports.value(site, score),
        why: (site) => (reports.value(site, score) === null ? text.printable(reports.reason(site, score)) : undefined),
      })),
    ];
    fill(table, columns, rows, order, onSort);
  }

  function correlations(table, report, state) {
    const found = Affinis.charts.scoreCorrelations(report, state);
    const rows = [{ title: 'all shown together', found: found.all }, ...found.models.map((row) => ({ title: row.model.name, found: row.found }))];
    fill(table, [
      { title: 'model', text: true, value: (row) => row.title, cell: (row) => name(row.title) },
      { title: 'sites', value: (row) => row.found[0].pairs },
      { title: 'Pearson', text: true, value: () => '', cell: (row) => text.coefficient(row.found[0]) },
      { title: 'Spearman', text: true, value: () => '', cell: (row) => text.coefficient(row.found[1]) },
    ], rows);
  }

  return { summary: summary, sites: sites, correlations: correlations };
})();
