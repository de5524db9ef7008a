/* The page: what it shows is one state; controls, charts and tables follow it. */
Affinis.page = (function () {
  'use strict';

  const { element, name, swatch, mark, options } = Affinis.dom;
  const text = Affinis.text;
  const byId = (id) => document.getElementById(id);

  const report = Affinis.report.create(JSON.parse(byId('comparison').textContent));
  const state = Affinis.report.initialState(report);
  const system = window.matchMedia('(prefers-color-scheme: dark)');
  const figures = new Map();
  let chosenTheme = null; // null: as the system says
  let summaryOrder = null;
  let siteOrder = null;
  let siteModel = 0;

  const page = { report: report, state: () => state, theme: theme, choose: isolate, turn: (to) => set({ page: to }) };

  function theme() {
    return Affinis.themes[chosenTheme || (system.matches ? 'dark' : 'light')];
  }

  function set(change) {
    Object.assign(state, change);
    show();
  }

  /* One model alone; the same again: all. */
  function isolate(index) {
    set({ isolated: state.isolated === index ? null : index });
  }

  function show() {
    document.documentElement.dataset.theme = theme().dark ? 'dark' : 'light';
    byId('theme').textContent = theme().dark ? 'Light colours' : 'Dark colours';
    showControls();
    showLegend();
    showTables();
    figures.forEach((figure) => Affinis.figures.invalidate(figure, page));
  }

  function showControls() {
    ['score', 'x', 'y', 'number', 'statistic'].forEach((key) => { byId(key).value = state[key]; });
    byId('published-choice').value = state.published;
    byId('isolated').value = state.isolated === null ? '' : String(state.isolated);
    document.querySelectorAll('input[name=view], input[name=depth]').forEach((input) => { input.checked = state[input.name] === input.value; });
    byId('published-control').hidden = !report.data.published || state.score !== 'affinity';
  }

  function showLegend() {
    const legend = byId('legend');
    const focused = [...legend.children].indexOf(document.activeElement);
    legend.classList.toggle('faded', state.isolated !== null);
    legend.replaceChildren(...report.models.map((model) => element('button', {
      type: 'button', 'aria-pressed': String(state.isolated === model.index), onclick: () => isolate(model.index),
    }, swatch(theme(), model), name(model.name))));
    if (focused >= 0) {
      legend.children[focused].focus();
    }
    const marks = [...report.marks.values()].map((one) => element('span', { role: 'listitem' }, mark(one.shape), one.title));
    if (report.models.some((model) => model.source.layers.some((layer) => layer.dimension > model.source.data.samples))) {
      marks.push(element('span', { role: 'listitem', className: 'flag' }, 'ringed: more channels than samples'));
    }
    if (report.models.some((model) => model.source.layers.some((layer) => !(typeof layer.scores[state.score] === 'number')))) {
      marks.push(element('span', { role: 'listitem' }, '\u2715 at the bottom: no score, the reason when pointed at'));
    }
    byId('marks').replaceChildren(...marks);
  }

  function turned(order, column) {
    return { column: column, falling: Boolean(order) && order.column === column && !order.falling };
  }

  function refocus(table, draw) {
    const heads = [...table.querySelectorAll('button')];
    const focused = heads.indexOf(document.activeElement);
    draw();
    if (focused >= 0) {
      [...table.querySelectorAll('button')][focused].focus();
    }
  }

  function showTables() {
    const summary = byId('summary-table');
    refocus(summary, () => Affinis.tables.summary(summary, report, state, theme(), summaryOrder, (column) => {
      summaryOrder = turned(summaryOrder, column);
      showTables();
    }, isolate));
    byId('summary-hint').textContent = 'Of ' + text.score(state.score) + ', ' +
      (state.view === 'calls' ? 'each call of an activation by itself' : 'calls of a module as their mean') + '. A click on a heading sorts.';
    byId('distances-hint').textContent = distanceHint();
    if (byId('correlations').closest('details').open) {
      Affinis.tables.correlations(byId('correlations'), report, state);
    }
    showSites();
    if (state.number !== null) {
      const [pearson, spearman] = Affinis.charts.numberCorrelations(report, state);
      byId('number-correlations').textContent = 'Pearson ' + text.coefficient(pearson) + ', Spearman ' + text.coefficient(spearman) + ', over ' + pearson.pairs + ' models.';
    }
  }

  function showSites() {
    if (report.models.length === 0) {
      return;
    }
    const table = byId('site-table');
    const model = report.models[state.isolated === null ? siteModel : state.isolated];
    byId('site-model').value = String(model.index);
    refocus(table, () => Affinis.tables.sites(table, report, state, model, siteOrder, (column) => {
      siteOrder = turned(siteOrder, column);
      showSites();
    }));
  }

  function distanceHint() {
    const asked = report.data.options;
    const names = { dtw: 'dynamic time warping', resampled_euclidean: 'Euclidean distance over relative depth', wasserstein: 'Wasserstein distance of the values', summary: 'difference of summary statistics' };
    const band = asked.band === null || asked.band === undefined ? '' : ' within a band of ' + asked.band;
    const groups = asked.groups === null || asked.groups === undefined ? '' : ' Frames and coloured branches are the ' + asked.groups + ' groups.';
    return 'By ' + text.printable(names[asked.distance] || asked.distance) + band + '; clustered with ' + text.printable(asked.linkage) +
      ' linkage, models in the order of the leaves.' + groups;
  }

  function fillControls() {
    const scores = report.data.scores.map((score) => [score, text.score(score)]);
    ['score', 'x', 'y'].forEach((id) => options(byId(id), scores, state[id]));
    const models = report.models.map((model) => [String(model.index), text.shorten(model.name, 40)]);
    options(byId('isolated'), [['', 'all'], ...models], '');
    options(byId('site-model'), models, '0');
    options(byId('number'), Affinis.report.numbers(report).map((number) => [number, text.shorten(number, 40)]), state.number);
    options(byId('statistic'), Affinis.report.STATISTICS, state.statistic);
  }

  function listen() {
    ['score', 'x', 'y', 'number', 'statistic'].forEach((id) => byId(id).addEventListener('change', (event) => set({ [id]: event.target.value })));
    byId('published-choice').addEventListener('change', (event) => set({ published: event.target.value }));
    byId('isolated').addEventListener('change', (event) => set({ isolated: event.target.value === '' ? null : Number(event.target.value) }));
    byId('site-model').addEventListener('change', (event) => {
      siteModel = Number(event.target.value);
      if (state.isolated !== null) {
        set({ isolated: siteModel });
      }
      showSites();
    });
    document.querySelectorAll('input[name=view], input[name=depth]').forEach((input) =>
      input.addEventListener('change', () => set({ [input.name]: input.value })));
    byId('theme').addEventListener('click', () => {
      chosenTheme = theme().dark ? 'light' : 'dark';
      show();
    });
    system.addEventListener('change', show);
    byId('correlations').closest('details').addEventListener('toggle', showTables);
    let width = window.innerWidth;
    window.addEventListener('resize', () => {
      if (window.innerWidth !== width) {
        width = window.innerWidth;
        figures.forEach((figure) => Affinis.figures.invalidate(figure, page));
      }
    });
    window.addEventListener('beforeprint', () => {
      figures.forEach((figure) => Affinis.figures.print(figure, page));
      document.querySelectorAll('main details').forEach((box) => { box.dataset.shut = box.open ? '' : 'yes'; box.open = true; });
      Affinis.details.fill(document.querySelector('main'));
      showTables();
    });
    window.addEventListener('afterprint', () => {
      figures.forEach(Affinis.figures.printed);
      document.querySelectorAll('main details').forEach((box) => { box.open = box.dataset.shut !== 'yes'; });
    });
  }

  function start() {
    byId('lead').textContent = Affinis.details.lead(report);
    byId('made').textContent = 'Made by Affinis' + (report.data.version ? ' ' + text.printable(report.data.version) : '') + '. Charts: Apache ECharts ' + echarts.version + '.';
    if (report.data.published) {
      byId('published-hint').textContent = text.printable(report.data.published.source) + ' (to \u00b1' + text.number(report.data.published.precision) + '). ' + text.printable(report.data.published.setting) + '.';
    }
    fillControls();
    Affinis.details.warnings(byId('warnings'), report);
    Affinis.details.missing(byId('missing-content'), report);
    Affinis.details.measured(byId('measured-content'), report);
    document.documentElement.dataset.theme = theme().dark ? 'dark' : 'light';
    document.querySelectorAll('figure[data-chart]').forEach((holder) => {
      const chart = Affinis.charts.all.find((one) => one.id === holder.dataset.chart);
      const there = chart.available(report);
      const section = holder.closest('[data-needs]');
      (section || holder).hidden = !there;
      if (there) {
        figures.set(chart.id, Affinis.figures.create(holder, chart, page));
      }
    });
    byId('sites').hidden = report.models.length === 0;
    listen();
    show();
  }

  start();
  return { report: report, state: state, figures: figures };
})();
